"""How the account has done, and how much is at stake."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.problems import Problem, not_found
from ats_assets.serving.queries.portfolio_history import ProfitTold, equity_history, exposure, profit_between, profit_parts
from ats_assets.serving.queries.portfolio_now import account_now, newest_closes, positions_now
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, AskedOf, Routes

ROUTES = Routes("portfolio")
From = Annotated[date | None, Query(alias="from", description="first session")]
To = Annotated[date | None, Query(description="last session")]
_Exact = str


class EquityPoint(BaseModel):
    """The account at a close."""

    session: date | None = Field(description="null: a baseline, from which trading starts")
    kind: str = Field(description="session or baseline")
    at: datetime
    cash: _Exact
    equity: _Exact
    profit: _Exact | None = Field(description="since the point before, without what was paid in or out")
    return_: float | None = Field(alias="return", description="the same as a share of the equity before")


class EquityHistory(BaseModel):
    """The account at each close, ascending."""

    data: list[EquityPoint]
    next: None = None


class SymbolProfit(BaseModel):
    """What a symbol has brought."""

    symbol: str
    side: str = Field(description="long, short or closed, at the end")
    profit: _Exact | None = Field(description="null: a price is not known")
    unrealised: _Exact | None = Field(description="value less cost of what is held at the end")
    value: _Exact | None
    traded: _Exact
    fees: _Exact
    books: list[str] = Field(description="whose orders were filled")


class Profit(BaseModel):
    """What a time has brought."""

    data: list[SymbolProfit]
    next: None = None
    start: datetime
    end: datetime
    profit: _Exact = Field(description="of the account, without what was paid in or out")
    return_: float | None = Field(alias="return")
    other: _Exact | None = Field(description="of the profit what is no symbol's: dividends, interest, fees of the account")


class Weight(BaseModel):
    """A share of equity."""

    symbol: str
    weight: float


class ExposureNow(BaseModel):
    """How much is at stake, as shares of equity."""

    equity: _Exact
    cash: _Exact
    long: float | None
    short: float | None = Field(description="negative")
    gross: float | None
    net: float | None
    cash_share: float | None
    positions: int
    without_price: int = Field(description="positions that are in no share, since their price is not known")
    largest: list[Weight]
    effective_positions: float = Field(description="how many equal positions would be as concentrated")


class PartOfProfit(BaseModel):
    """A part of the profit."""

    part: str
    profit: _Exact | None
    return_: float | None = Field(alias="return")


class ProfitParts(BaseModel):
    """Where the profit came from."""

    data: list[PartOfProfit]
    next: None = None
    by: str
    start: datetime
    end: datetime
    profit: _Exact


_EQUITY: dict[str, Any] = {
    "session": "2023-12-29",
    "kind": "session",
    "at": "2023-12-29T21:00:00Z",
    "cash": "412.87",
    "equity": "104233.10",
    "profit": "310.22",
    "return": 0.003,
}
_SYMBOL = {
    "symbol": "SYN0007",
    "side": "long",
    "profit": "96.06",
    "unrealised": "196.06",
    "value": "8207.26",
    "traded": "0.00",
    "fees": "0",
    "books": [],
}
_TIMES = {"start": "2023-12-28T21:00:00Z", "end": "2023-12-29T21:00:00Z", "profit": "310.22"}
_EXPOSURE = {
    "equity": "104233.10",
    "cash": "412.87",
    "long": 0.996,
    "short": 0.0,
    "gross": 0.996,
    "net": 0.996,
    "cash_share": 0.004,
    "positions": 19,
    "without_price": 0,
    "largest": [{"symbol": "SYN0045", "weight": 0.1}],
    "effective_positions": 14.2,
}
_PART = {"part": "SYN0007", "profit": "96.06", "return": 0.0009}


@ROUTES.get(
    "/portfolio/equity",
    role=Role.READ,
    model=EquityHistory,
    example={"data": [_EQUITY], "next": None},
    statuses=(503,),
    summary="Equity, close by close",
)
def get_equity(ask: Ask, first: From = None, to: To = None) -> Response:
    """The account at each close that was settled, and the profit since the one before."""
    with ask.service.trading.begin() as connection:
        rows = equity_history(connection, first, to)
    return ask.answer(lambda: {"data": rows, "next": None})


@ROUTES.get(
    "/portfolio/profit",
    role=Role.READ,
    model=Profit,
    example={"data": [_SYMBOL], "next": None, "return": 0.003, "other": "0.00", **_TIMES},
    statuses=(404, 503),
    summary="What each symbol has brought",
)
def get_profit(ask: Ask, first: From = None, to: To = None) -> Response:
    """Of the sessions from the first to the last; of the newest settled one where none is named."""
    told = _told(ask, first, to)
    return ask.answer(
        lambda: {
            "data": told.symbols,
            "next": None,
            **_times(told),
            "return": float(told.profit / told.start.equity) if told.start.equity > 0 else None,
            "other": told.other,
        }
    )


@ROUTES.get(
    "/portfolio/exposure", role=Role.READ, model=ExposureNow, example=_EXPOSURE, statuses=(404, 503), summary="How much is at stake"
)
def get_exposure(ask: Ask) -> Response:
    """Long, short, gross, net and cash as shares of equity, and how concentrated it is."""
    session, closes = newest_closes(ask.deployment)
    with ask.service.trading.begin() as connection:
        account = account_now(connection, ask.deployment)
        _, held = positions_now(connection, closes, session)
    if account is None:
        raise not_found("nothing was traded yet: ats trade makes the first session's orders")
    return ask.answer(lambda: exposure(held, Decimal(account["equity"]), Decimal(account["cash"])))


@ROUTES.get(
    "/portfolio/attribution",
    role=Role.READ,
    model=ProfitParts,
    example={"data": [_PART], "next": None, "by": "symbol", **_TIMES},
    statuses=(404, 503),
    summary="Where the profit came from",
)
def get_attribution(ask: Ask, by: Literal["symbol", "side", "book"] = "symbol", first: From = None, to: To = None) -> Response:
    """The profit by symbol, by side, or by the book whose orders were filled, the largest first."""
    told = _told(ask, first, to)
    return ask.answer(lambda: {"data": profit_parts(told, by), "next": None, "by": by, **_times(told)})


def _told(ask: AskedOf, first: date | None, to: date | None) -> ProfitTold:
    if first is not None and to is not None and first > to:
        raise Problem(422, "wrong-parameters", f"from ({first}) is after to ({to}): swap them")
    with ask.service.trading.begin() as connection:
        told = profit_between(connection, first, to)
    if told is None:
        raise not_found("no session of these was traded and settled: /api/v1/portfolio/equity lists those that were")
    return told


def _times(told: ProfitTold) -> dict[str, Any]:
    return {"start": told.start.at, "end": told.end.at, "profit": told.profit}
