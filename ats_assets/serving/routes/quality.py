"""Data quality: quarantine, freshness, restatements, checks; and the vendors."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.queries.quality_of_data import asset_freshness, newest_checks, quarantined, restated
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_facts import vendor_facts

ROUTES = Routes("data quality")


class Quarantined(BaseModel):
    """Rows that broke a rule, by the reason."""

    asset: str
    session: date
    reason: str
    rows: int
    symbols: list[str] = Field(description="five of them")


class FreshnessTold(BaseModel):
    """How fresh an asset is."""

    asset: str
    first: date
    newest: date
    sessions: int
    sessions_behind: int | None = Field(
        description="behind the last close, or the source's last session; null: its newest is no session any more"
    )
    due: date


class RestatedSymbol(BaseModel):
    """What a vendor changed of a symbol after it had delivered it."""

    symbol: str
    kind: str = Field(description="appeared, vanished, split, prices, volume, or prices and volume")
    sessions: int
    first: date
    last: date
    fields: dict[str, float | None] = Field(description="median relative change")
    split: str | None


class CheckTold(BaseModel):
    """What a check said."""

    asset: str
    check: str
    session: date | None
    passed: bool
    severity: str
    text: str
    at: datetime | None


class DataQuality(BaseModel):
    """Of the newest sessions."""

    quarantine: list[Quarantined]
    freshness: list[FreshnessTold]
    restatements: list[RestatedSymbol]
    checks: list[CheckTold] = Field(description="what each said last, failed ones first")


class Budget(BaseModel):
    """What of a vendor's limit is used."""

    vendor: str
    host: str
    key: str
    units: int
    most: int
    seconds: float


class VendorTold(BaseModel):
    """How a vendor is doing, at one of its servers."""

    vendor: str
    host: str
    succeeded: int
    failed: int
    failures_in_a_row: int
    succeeded_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    breaker: str = Field(description="closed: it is asked; open: it is left alone; trying")
    recent_requests: int
    recent_seconds: float | None
    budgets: list[Budget]
    cache_hit_rate: float | None


class VendorList(BaseModel):
    """Every vendor that was asked."""

    data: list[VendorTold]
    next: None = None


_QUALITY: dict[str, Any] = {
    "quarantine": [{"asset": "rejected_bars", "session": "2023-12-29", "reason": "volume_negative", "rows": 1, "symbols": ["SYN0007"]}],
    "freshness": [
        {"asset": "bars", "first": "2021-01-04", "newest": "2023-12-29", "sessions": 753, "sessions_behind": 0, "due": "2023-12-29"}
    ],
    "restatements": [],
    "checks": [
        {
            "asset": "bars",
            "check": "completeness",
            "session": "2023-12-29",
            "passed": True,
            "severity": "warn",
            "text": "",
            "at": "2023-12-29T21:05:00Z",
        }
    ],
}
_VENDOR: dict[str, Any] = {
    "vendor": "alpaca",
    "host": "data.alpaca.markets",
    "succeeded": 1840,
    "failed": 2,
    "failures_in_a_row": 0,
    "succeeded_at": "2023-12-29T21:04:11Z",
    "failed_at": None,
    "failure": None,
    "breaker": "closed",
    "recent_requests": 61,
    "recent_seconds": 0.21,
    "budgets": [],
    "cache_hit_rate": 0.4,
}


@ROUTES.get(
    "/quality",
    role=Role.READ,
    model=DataQuality,
    example=_QUALITY,
    statuses=(503,),
    summary="Quarantine, freshness, restatements and checks",
)
def get_quality(ask: Ask, sessions: Annotated[int, Query(ge=1, le=260, description="so many of the newest")] = 20) -> Response:
    """How good the data of the newest sessions are."""
    deployment = ask.deployment
    return ask.answer(
        lambda: {
            "quarantine": quarantined(deployment, sessions),
            "freshness": asset_freshness(deployment),
            "restatements": restated(deployment, sessions),
            "checks": newest_checks(),
        }
    )


@ROUTES.get("/vendors", role=Role.READ, model=VendorList, example={"data": [_VENDOR], "next": None}, statuses=(503,), summary="Vendors")
def get_vendors(ask: Ask) -> Response:
    """Of every vendor that was asked: answers, failures, circuit breaker, budgets and cache; empty where none was."""
    settings = ask.deployment.settings
    facts = vendor_facts(open_state(settings), datetime.now(UTC)) if settings.vendors.state.is_file() else []
    rows = [{**asdict(one.health), **{name: value for name, value in asdict(one).items() if name != "health"}} for one in facts]
    return ask.answer(lambda: {"data": rows, "next": None})
