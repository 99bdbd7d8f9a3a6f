"""Trades of an exchange's spot pairs, a session at a time: `[intraday.trades] kind = "ccxt"`.

An exchange gives a thousand trades at once; a session of a busy pair has a million. They are asked for page by page, by number where the exchange numbers them, and each page is
made small before the next one. Days of years are faster from dumps (docs/crypto.md). Minute bars are those of `[samplers.<name>] kind = "time"`.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSourcePlugin, What
from ats_assets.vendors.ccxt import Exchange, ExchangeSettings, TradeHoles, open_exchange, paged_trades

SETTLED: Final = timedelta(minutes=1)
"""After the end of a session its trades are all there."""
_COLUMNS: Final = {"at": pl.Int64, "price": pl.Float64, "size": pl.Float64, "trade_id": pl.String}


class ExchangeTicks:
    """Trades as a `TickSource`.

    Parameters
    ----------
    now
        This machine's clock; another one in tests.

    Raises
    ------
    SourceError
        If quotes are asked for, or no pair is named.
    """

    def __init__(
        self,
        own: ExchangeSettings,
        what: What,
        hours: SessionHours,
        exchange: Exchange,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if what != "trades":
            raise SourceError(
                "intraday.quotes.kind is ccxt, but exchanges keep no quotes of the past: leave intraday.quotes out, or take them from files"
            )
        if not own.symbols:
            raise SourceError('intraday.trades.symbols is empty: name pairs, such as ["BTC/USDT"]')
        self._own = own
        self._hours = hours
        self._now = now
        self._exchange = exchange
        self._required = False
        self._skipped: dict[tuple[str, date], str] = {}

    def sessions(self) -> list[date]:
        """Those from the first one on whose hours are over."""
        calendar, now = self._hours.calendar, self._now() - SETTLED
        offered = calendar.sessions(max(self._own.first_session, calendar.first), now.date())
        return [day for day in offered if self._hours.known_at(day) <= now]

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`.

        Raises
        ------
        SourceError
            If the exchange can't be asked, contradicts itself, or can't be paged through.
        """
        if not self._required:
            self._exchange.require(list(self._own.symbols))
            self._required = True
        frames = [self._of_pair(symbol, session) for symbol in sorted(set(self._own.symbols))]
        return pl.concat(frames)

    def known_at(self, session: date) -> datetime:
        """The end of the session's hours, in UTC."""
        return self._hours.known_at(session)

    def describe(self) -> str:
        """What is asked for, and which numbers of trades the exchange skipped."""
        days = self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none that has ended"
        lines = [f"trades of {self._own.exchange} by ccxt: {', '.join(sorted(set(self._own.symbols)))}", f"sessions: {span}"]
        lines += [
            f"warning: trades that {self._own.exchange} does not have: {symbol}, {day}, number {said}"
            for (symbol, day), said in self._skipped.items()
        ]
        return "\n".join(lines)

    def _of_pair(self, symbol: str, session: date) -> pl.DataFrame:
        first, last = self._hours.span(session)
        start, end = self._hours.of(symbol, session)
        begin = max(
            first, int(start.timestamp()) * 10**9
        )  # before the calendar's first session there is no end of hours that trades could come after
        stop = min(last, int(end.timestamp()) * 10**9)
        holes = TradeHoles()
        pages = [_rows(page) for page in paged_trades(self._exchange, symbol, begin // 10**6, stop // 10**6, holes)]
        if holes.skipped:
            self._skipped[symbol, session] = str(holes)
        else:
            self._skipped.pop((symbol, session), None)
        rows = pl.concat(pages) if pages else pl.DataFrame(schema=_COLUMNS)
        made = rows.with_columns(
            symbol=pl.lit(symbol),
            session=pl.lit(session, pl.Date),
            at=(pl.col("at") * 1_000_000).cast(NANOSECONDS),
            exchange=pl.lit(self._own.exchange),
            sequence=pl.int_range(pl.len(), dtype=pl.Int64),
            part=pl.lit(0, pl.Int32),
        )
        absent = {name: pl.lit(None, dtype) for name, dtype in RAW_TRADES_SCHEMA.items() if name not in made.columns}
        return made.with_columns(**absent).match_to_schema(RAW_TRADES_SCHEMA)


def _rows(page: list[dict[str, Any]]) -> pl.DataFrame:
    cells = [(trade["timestamp"], trade["price"], trade["amount"], str(trade["id"])) for trade in page]
    return pl.DataFrame(cells, schema=_COLUMNS, orient="row")


def open_exchange_ticks(own: ExchangeSettings, what: What, hours: SessionHours, deployment: Deployment) -> ExchangeTicks:
    """The exchange that the settings name."""
    return ExchangeTicks(own, what, hours, open_exchange(own, deployment.settings))


def _what_ticks_depend_on(own: ExchangeSettings) -> ExchangeSettings:
    return ExchangeSettings(exchange=own.exchange, symbols=own.symbols)


PLUGIN = TickSourcePlugin(settings=ExchangeSettings, make=open_exchange_ticks, needs=("ccxt", "ccxt"), ticks_follow=_what_ticks_depend_on)
