"""The registry of features, and their values."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from ats_assets.features.wanted_features import stored_families
from ats_assets.serving.pages import Cursor, Limit
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.feature_registry import family_records, registered_features
from ats_assets.serving.queries.session_rows import newest_stored
from ats_assets.serving.queries.versions_read import joint_version
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes
from ats_assets.serving.row_models import page_example, page_model

ROUTES = Routes("features")


class FeatureTold(BaseModel):
    """A feature as the registry has it."""

    name: str
    family: str
    expression: str
    lookback_sessions: int = Field(description="sessions before the current one that it needs")
    description: str


class FamilyTold(BaseModel):
    """A family of features."""

    name: str
    owner: str
    newest: date | None = Field(description="stored session")
    state: str = Field(description="current, due, late by so many sessions, not stored, or not an asset")
    used_by: list[str]
    drift: list[str]
    features: list[FeatureTold]


class FeatureRegistry(BaseModel):
    """Every family of features."""

    data: list[FamilyTold]
    next: None = None


class FeatureValues(BaseModel):
    """The features of a symbol."""

    symbol: str
    values: dict[str, float | None]


_FEATURE = {
    "name": "KMID",
    "family": "alpha158",
    "expression": "($close-$open)/$open",
    "lookback_sessions": 0,
    "description": "body of the candle",
}
_FAMILY: dict[str, Any] = {
    "name": "alpha158",
    "owner": "team:research",
    "newest": "2023-12-29",
    "state": "current",
    "used_by": ["lightgbm_model"],
    "drift": [],
    "features": [_FEATURE],
}


@ROUTES.get(
    "/features",
    role=Role.READ,
    model=FeatureRegistry,
    example={"data": [_FAMILY], "next": None},
    statuses=(503,),
    summary="The registry of features",
)
def get_features(ask: Ask) -> Response:
    """Every family with its features: owner, freshness, who uses it, and what drifts."""
    deployment = ask.deployment
    records = family_records(deployment)
    features = deployment.of(registered_features)

    def told(name: str) -> dict[str, Any]:
        none = {"owner": "", "newest": None, "state": "not an asset", "used_by": [], "drift": []}
        record = asdict(records[name]) if name in records else {"name": name, **none}
        return record | {"features": features.get(name, [])}

    return ask.answer(lambda: {"data": [told(name) for name in dict.fromkeys([*features, *records])], "next": None})


@ROUTES.get(
    "/features/{family}",
    role=Role.READ,
    model=page_model("FeaturePage", FeatureValues),
    example=page_example([{"symbol": "SYN0007", "values": {"KMID": 0.0031, "KLEN": 0.0176}}]),
    statuses=(404, 409, 503),
    summary="The values of features",
)
def get_feature_values(
    ask: Ask,
    *,
    family: Annotated[str, Path(min_length=1, max_length=64)],
    session: Annotated[date | None, Query(description="default: the newest that is stored")] = None,
    symbol: Annotated[str | None, Query(max_length=64, description="of one symbol alone")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """What a family says of each symbol at a session, as stored."""
    deployment = ask.deployment
    if family not in deployment.of(stored_families):
        raise not_found(f"{family!r} is no family that is stored: choose one of {', '.join(deployment.of(stored_families))}")
    day = newest_stored(deployment, family, session)

    def rows() -> list[dict[str, Any]]:
        frame = deployment.warehouse.read(family, [day]).sort("symbol")
        found = (frame if symbol is None else frame.filter(symbol=symbol)).drop("session").to_dicts()
        return [{"symbol": row.pop("symbol"), "values": row} for row in found]

    return ask.listing(rows, ask.page(limit, cursor), version=joint_version(deployment, [(family, day)]), session=day)
