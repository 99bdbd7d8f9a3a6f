"""Charts as pictures, for chats and mails."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Response

from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.session_rows import rows_of_symbol
from ats_assets.serving.queries.symbol_chart import symbol_chart
from ats_assets.serving.queries.symbol_market import traded_of_symbol
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("market")
_COLUMNS = ("session", "open", "high", "low", "close", "volume")


@ROUTES.get(
    "/charts/{symbol:path}.png",
    role=Role.READ,
    media_type="image/png",
    statuses=(404, 503),
    summary="Candles of a symbol with entries and exits",
)
def get_chart(
    ask: Ask,
    symbol: Annotated[str, Path(min_length=1, max_length=64, description="as in the bars")],
    sessions: Annotated[int, Query(ge=1, le=500, description="the newest ones")] = 120,
    to: Annotated[date | None, Query(description="last session; default: the newest")] = None,
) -> Response:
    """A PNG of 900 by 560 pixels: daily bars as stored; filled marks are trades of the account, hollow ones those of the backtest."""
    found = rows_of_symbol(
        ask.deployment, "bars", symbol, first=None, last=to, before=None, sessions=sessions, columns=("symbol", *_COLUMNS)
    )
    if not found.rows:
        raise not_found(f"there are no bars of {symbol!r} in these sessions: /api/v1/symbols lists the symbols that there are")
    bars = found.rows[::-1]
    with ask.service.trading.begin() as connection:
        trades = traded_of_symbol(connection, ask.deployment, symbol, bars[0]["session"], bars[-1]["session"])
    return ask.document(lambda: symbol_chart(symbol, bars, trades), version=f"{found.version} {trades}", media_type="image/png")
