"""The session that is followed: what is held, risk and performance while it goes on."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.problems import Problem
from ats_assets.serving.queries.live_session import JournalRead, Rows
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, AskedOf, Routes

ROUTES = Routes("live session")

Session = Annotated[date | None, Query(description="that was followed; default: the newest one")]


class LivePosition(BaseModel):
    """What is held of a symbol at its newest price."""

    symbol: str
    at: datetime | None = Field(description="of the price on the market; null: it is the last close, or there is none")
    shares: float = Field(description="signed")
    price: float | None
    value: float | None
    weight: float | None = Field(description="share of equity")
    profit: float | None = Field(description="of these shares since the last close")


class LiveRiskRow(BaseModel):
    """The risk of the book at an instant; shares are of equity."""

    at: datetime = Field(description="when it was judged")
    equity: float = Field(description="cash and positions at the newest prices")
    gross_share: float
    net_share: float
    largest_share: float
    largest_symbol: str | None
    positions: int
    exposure: float = Field(description="that the brake would leave of the targets")
    breach: str | None = Field(description="the limit that was broken")
    unpriced: list[str] = Field(description="held, without a price: in no figure")


class LivePerformanceRow(BaseModel):
    """What the session has made by an instant."""

    at: datetime
    equity: float
    profit: float = Field(description="since the last close")
    session_return: float = Field(description="profit over the equity of the last close")
    drawdown: float = Field(description="from the highest equity of the session, as a share of it")


class _OfSession(BaseModel):
    next: None = None
    session: date | None = Field(description="that is told of; null: none was followed yet")
    at: datetime | None = Field(description="when the loop has last heard anything")


class LivePositionsNow(_OfSession):
    """What is held in the session."""

    data: list[LivePosition]


class LiveRiskNow(_OfSession):
    """The risk minute by minute, the newest last."""

    data: list[LiveRiskRow]


class LivePerformanceNow(_OfSession):
    """The performance minute by minute, the newest last."""

    data: list[LivePerformanceRow]


_AT = "2024-03-04T15:01:00Z"
_TIMES = {"next": None, "session": "2024-03-04", "at": "2024-03-04T15:01:02Z"}
_POSITION = {"symbol": "AAPL", "at": _AT, "shares": 120.0, "price": 175.1, "value": 21012.0, "weight": 0.2, "profit": -84.0}
_RISK: dict[str, Any] = {
    "at": _AT,
    "equity": 105060.0,
    "gross_share": 0.2,
    "net_share": 0.2,
    "largest_share": 0.2,
    "largest_symbol": "AAPL",
    "positions": 1,
    "exposure": 1.0,
    "breach": None,
    "unpriced": [],
}
_PERFORMANCE = {"at": _AT, "equity": 105060.0, "profit": -84.0, "session_return": -0.0008, "drawdown": 0.0011}


def _told(ask: AskedOf, session: date | None, read: Callable[[JournalRead], Rows]) -> Response:
    with ask.service.trading.begin() as connection:
        journal = JournalRead(connection, ask.deployment.settings.orders.strategy, session)
        if session is not None and journal.heard_at is None:
            raise Problem(404, "no-session", f"no session loop followed {session}: ats trade live follows sessions")
        rows = read(journal)
    return ask.answer(lambda: {"data": rows, "next": None, "session": journal.session, "at": journal.heard_at})


@ROUTES.get(
    "/live/positions",
    role=Role.READ,
    model=LivePositionsNow,
    example={"data": [_POSITION], **_TIMES},
    statuses=(404, 503),
    summary="What is held while a session goes on",
)
def get_live_positions(ask: Ask, session: Session = None) -> Response:
    """As the broker has last told of it, at the newest prices that the session loop has heard; after the close as it was then."""
    ahead = ask.deployment.settings.live.max_ahead_seconds
    return _told(ask, session, lambda journal: journal.held(ahead))


@ROUTES.get(
    "/live/risk",
    role=Role.READ,
    model=LiveRiskNow,
    example={"data": [_RISK], **_TIMES},
    statuses=(404, 503),
    summary="The risk of the book while a session goes on",
)
def get_live_risk(ask: Ask, session: Session = None) -> Response:
    """Judged by the session loop at the first bar of each minute, and at a breach of a limit."""
    return _told(ask, session, JournalRead.risk)


@ROUTES.get(
    "/live/performance",
    role=Role.READ,
    model=LivePerformanceNow,
    example={"data": [_PERFORMANCE], **_TIMES},
    statuses=(404, 503),
    summary="What a session has made so far",
)
def get_live_performance(ask: Ask, session: Session = None) -> Response:
    """Equity, profit since the last close and drawdown, at the same times as the risk."""
    return _told(ask, session, JournalRead.performance)
