"""Sessions, symbols and bars."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.pages import Cursor, Limit, before_session, encoded_cursor
from ats_assets.serving.problems import Problem, not_found
from ats_assets.serving.queries.session_rows import rows_of_symbol
from ats_assets.serving.queries.symbol_market import is_known_symbol, known_symbols, traded_of_symbol
from ats_assets.serving.queries.versions_read import joint_version
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("market")
_BARS, _MOST_BARS = 260, 2_600
"""Sessions of a page by default, a year, and at most."""


class SessionTold(BaseModel):
    """A session of the exchange."""

    session: date
    opens_at: datetime
    closes_at: datetime


class SessionsStored(BaseModel):
    """Stored sessions, the newest first."""

    data: list[SessionTold]
    next: str | None
    newest: date | None = Field(description="with bars; null: nothing is stored")


class SymbolTold(BaseModel):
    """A symbol at the newest close."""

    symbol: str
    close: float | None
    volume: float | None
    universe_rank: int | None = Field(description="1 is traded most; null: not in the universe")
    focus: bool | None = Field(description="whether new positions may be opened in it (ticker selection); null: not in the universe")
    target_weight: float | None


class Symbols(BaseModel):
    """The symbols of the newest session."""

    data: list[SymbolTold]
    next: str | None
    session: date | None
    data_version: str


class Bar(BaseModel):
    """A bar of a day."""

    session: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    vwap: float | None


class TradeOfBar(BaseModel):
    """An execution, for a chart."""

    of: str = Field(description="traded: of the account; backtest")
    session: date
    at: datetime
    side: str
    quantity: float
    price: float
    effect: str | None = Field(description="open or close; null: not known")
    client_order_id: str | None


class BarsOfSymbol(BaseModel):
    """The bars of a symbol, ascending, and the trades in them."""

    data: list[Bar]
    trades: list[TradeOfBar]
    next: str | None = Field(description="cursor of the page before these in time")
    symbol: str
    data_version: str


_SESSION = {"session": "2023-12-29", "opens_at": "2023-12-29T14:30:00Z", "closes_at": "2023-12-29T21:00:00Z"}
_SYMBOL = {"symbol": "SYN0007", "close": 68.11, "volume": 125_000.0, "universe_rank": 7, "focus": True, "target_weight": 0.08}
_BAR = {"session": "2023-12-29", "open": 67.9, "high": 68.4, "low": 67.2, "close": 68.11, "volume": 125_000.0, "vwap": 67.95}
_TRADE: dict[str, Any] = {
    "of": "traded",
    "session": "2023-12-29",
    "at": "2023-12-29T14:30:00Z",
    "side": "buy",
    "quantity": 120.5,
    "price": 67.93,
    "effect": None,
    "client_order_id": "main-20231228-SYN0007-open",
}


@ROUTES.get(
    "/sessions",
    role=Role.READ,
    model=SessionsStored,
    example={"data": [_SESSION], "next": None, "newest": "2023-12-29"},
    summary="Stored sessions",
)
def get_sessions(ask: Ask, limit: Limit = None, cursor: Cursor = None) -> Response:
    """The sessions with bars, the newest first, with their hours."""
    page = ask.page(limit, cursor)
    before, calendar = before_session(page), ask.deployment.calendar
    stored = ask.deployment.valid_sessions("bars")
    days = [day for day in reversed(stored) if before is None or day < before]
    shown = days[: page.limit]
    following = encoded_cursor(before=shown[-1]) if len(days) > len(shown) else None
    data = [{"session": day, "opens_at": calendar.opens_at(day), "closes_at": calendar.closes_at(day)} for day in shown]
    return ask.answer(lambda: {"data": data, "next": following, "newest": stored[-1] if stored else None})


@ROUTES.get(
    "/symbols",
    role=Role.READ,
    model=Symbols,
    example={"data": [_SYMBOL], "next": None, "session": "2023-12-29", "data_version": "5f0c…"},
    statuses=(409, 503),
    summary="Symbols",
)
def get_symbols(ask: Ask, limit: Limit = None, cursor: Cursor = None) -> Response:
    """The symbols with a bar at the newest close, with their place in the universe and what is to be held of them."""
    stored = ask.deployment.valid_sessions("bars")[-1:]
    version = joint_version(ask.deployment, ((asset, day) for day in stored for asset in ("bars", "universe", "targets")))
    return ask.listing(
        lambda: known_symbols(ask.deployment)[1], ask.page(limit, cursor), version=version, session=stored[0] if stored else None
    )


@ROUTES.get(
    "/bars/{symbol:path}",
    role=Role.READ,
    model=BarsOfSymbol,
    example={"data": [_BAR], "trades": [_TRADE], "next": None, "symbol": "SYN0007", "data_version": "5f0c…"},
    statuses=(404, 503),
    summary="Bars of a symbol, with the trades in them",
)
def get_bars(
    ask: Ask,
    *,
    symbol: Annotated[str, Path(min_length=1, max_length=64)],
    first: Annotated[date | None, Query(alias="from", description="first session")] = None,
    to: Annotated[date | None, Query(description="last session; default: the newest")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """Daily bars as stored, not adjusted, ascending; a page has the newest, and its cursor leads back in time. `trades` are entries and exits of the account and of the backtest."""
    if first is not None and to is not None and first > to:
        raise Problem(422, "wrong-parameters", f"from ({first}) is after to ({to}): swap them")
    page = ask.page(min(limit or _BARS, _MOST_BARS), cursor)
    found = rows_of_symbol(
        ask.deployment,
        "bars",
        symbol,
        first=first,
        last=to,
        before=before_session(page),
        sessions=page.limit,
        columns=("symbol", *Bar.model_fields),
    )
    if not found.rows and not page.after and not is_known_symbol(ask.deployment, symbol):
        raise not_found(f"there are no bars of {symbol!r} in these sessions: /api/v1/symbols lists the symbols that there are")
    bars = [{name: row[name] for name in Bar.model_fields} for row in reversed(found.rows)]
    with ask.service.trading.begin() as connection:
        trades = traded_of_symbol(connection, ask.deployment, symbol, bars[0]["session"], bars[-1]["session"]) if bars else []
    following = encoded_cursor(before=found.before) if found.before else None
    told = {"data": bars, "trades": trades, "next": following, "symbol": symbol, "data_version": found.version}
    return ask.answer(lambda: told)
