"""Daily bars of coins from CoinGecko, as a `BarSource`, and their market caps."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.sources.adapters.coingecko.coin_ids import coin_ids
from ats_assets.sources.adapters.coingecko.coingecko_settings import CoinGeckoSettings
from ats_assets.sources.adapters.coingecko.day_bars import DAY_MS, HOUR_MS, at_the_end, day_rows, of_candles, of_prices
from ats_assets.sources.adapters.coingecko.gecko_client import CANDLE_DAYS, Gecko, require_symbols
from ats_assets.sources.missing_days import missing_days
from ats_assets.sources.remarks import Remarks
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.source import Capabilities

SETTLED: Final = timedelta(minutes=35)
"""After midnight UTC the day before is complete (docs.coingecko.com: available at 00:35)."""
MARKET_CAPS_SCHEMA: Final = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "market_cap": pl.Float64, "price": pl.Float64, "volume_24h": pl.Float64}
)
_YEAR: Final = 364
_CANDLES: Final = CANDLE_DAYS - 1


class CoinGeckoSource:
    """Daily bars of coins, averaged by CoinGecko over the exchanges that it follows: a price to compare with, not one that was traded at.

    Parameters
    ----------
    now
        This machine's clock; another one in tests.

    Raises
    ------
    SourceError
        If the calendar is not that of every day in UTC, or no coin is named.
    """

    name = "coingecko"

    def __init__(
        self, own: CoinGeckoSettings, calendar: SessionCalendar, gecko: Gecko, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        if calendar.exchange != "24/7":
            raise SourceError(
                f"source.kind is coingecko, but calendar.exchange is {calendar.exchange}: set it to 24/7, crypto has no closing hours"
            )
        require_symbols(own)
        self._own = own
        self._calendar = calendar
        self._gecko = gecko
        self._now = now
        self._names = sorted(set(own.symbols))
        self._remarks = Remarks()

    @property
    def capabilities(self) -> Capabilities:
        """Prices as they were, volumes in fractions of a coin."""
        return Capabilities(has_vwap=False, adjustment="raw", fractional_volume=True, remote=True)

    def symbols(self) -> list[str]:
        """Those of the settings."""
        return list(self._names)

    def first_session(self) -> date:
        """The first session from `source.coingecko.first_session` on that the plan gives in candles, or prices, that are fine enough."""
        first = max(self._own.first_session, self._calendar.first)
        if self._own.plan != "pro":
            days = _CANDLES if self._own.bars_from == "ohlc" else _YEAR
            first = max(first, self.latest_session() - timedelta(days=days - 1))
        return self._calendar.on_or_after(first)

    def latest_session(self) -> date:
        """The latest day that CoinGecko has completed, 35 minutes after its end."""
        return self._calendar.last_closed(self._now() - SETTLED)

    def known_at(self, session: date) -> datetime:
        """35 minutes after the end of the day, in UTC."""
        return self._calendar.closes_at(session) + SETTLED

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of those sessions that are complete; see `BarSource.bars`.

        Raises
        ------
        SourceError
            If CoinGecko can't be asked, a ticker is not that of one coin, or the plan does not give a session finely enough.
        """
        asked = self._complete(sessions)
        names = [name for name in self._names if symbols is None or name in symbols]
        if not asked or not names:
            return RAW_BARS_SCHEMA.to_frame()
        frames = [self._bars_of(name, asked) for name in names]
        there = {name: frame["session"].to_list() for name, frame in zip(names, frames, strict=True)}
        absent = [name for name, days in there.items() if not days]
        holes = missing_days(there) if (asked[-1] - asked[0]).days + 1 == len(asked) else []
        self._remarks.say("absent", f"nothing from {asked[0]} to {asked[-1]}: {', '.join(absent)}" if absent else None)
        self._remarks.say("holes", f"days without anything, for which nothing is put in: {'; '.join(holes)}" if holes else None)
        return pl.concat(frames).sort("session", "symbol", maintain_order=True)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:  # noqa: ARG002
        """None: crypto has no corporate actions."""
        return RAW_ACTIONS_SCHEMA.to_frame()

    def market_caps(self, sessions: Sequence[date]) -> pl.DataFrame:
        """The newest market cap of each day up to its end, with price and the money of 24 hours: columns of `MARKET_CAPS_SCHEMA`, by session and symbol.

        Raises
        ------
        SourceError
            As `bars`.
        """
        asked = self._complete(sessions, days=_YEAR)
        cells = []
        for name in self._names if asked else ():
            found = self._gecko.hourly(self._ids[name], _currency(name), asked)
            for day in asked:
                cap = at_the_end(found["market_caps"], day)
                if cap:  # 0 is what CoinGecko says where it does not know how many coins there are
                    cells.append((name, day, cap, at_the_end(found["prices"], day), at_the_end(found["total_volumes"], day)))
        return pl.DataFrame(cells, schema=MARKET_CAPS_SCHEMA, orient="row").sort("session", "symbol")

    def describe(self) -> str:
        """What is asked for, what a bar is made of, and what there was to say about the answers."""
        paid = self._own.plan == "pro"
        candles = "candles of a day" if paid else f"six candles of 4 hours, of the last {_CANDLES} days"
        made = (
            candles
            if self._own.bars_from == "ohlc"
            else "24 hourly prices: highs and lows are of these alone, the close is up to an hour old"
        )
        coins = ", ".join(f"{name} = {coin}" for name, coin in self._ids.items()) if "_ids" in self.__dict__ else ", ".join(self._names)
        lines = [
            f"coingecko, plan {self._own.plan}: {coins}; averages over exchanges, days in UTC",
            f"a bar is made of {made}; its volume is the money of 24 hours by the close",
            f"known: 35 minutes after the end of the day; {self._gecko.key_said}",
        ]
        return "\n".join([*lines, *self._remarks.values()])

    def _bars_of(self, name: str, asked: Sequence[date]) -> pl.DataFrame:
        coin, currency = self._ids[name], _currency(name)
        hourly = self._gecko.hourly(coin, currency, asked)
        if self._own.bars_from == "prices":
            return day_rows(name, of_prices(hourly["prices"], asked), hourly["total_volumes"])
        if self._own.plan == "pro":
            bars = of_candles(self._gecko.daily_candles(coin, currency, asked), asked, DAY_MS, coin)
        else:
            bars = of_candles(self._gecko.recent_candles(coin, currency), asked, 4 * HOUR_MS, coin)
        return day_rows(name, bars, hourly["total_volumes"])

    def _complete(self, sessions: Sequence[date], *, days: int | None = None) -> list[date]:
        """Those that are complete, ascending.

        Raises
        ------
        SourceError
            If the plan does not give one of them finely enough.
        """
        latest = self.latest_session()
        asked = sorted({day for day in sessions if day <= latest})
        own = _CANDLES if self._own.bars_from == "ohlc" else _YEAR
        first = latest - timedelta(days=(own if days is None else days) - 1)
        if asked and asked[0] < first and self._own.plan != "pro":
            said = f"CoinGecko's plan {self._own.plan} gives nothing before {first} that a bar of a day can be made of, and {asked[0]} was asked for: "
            if days is None and self._own.bars_from == "ohlc":
                raise SourceError(
                    f'{said}candles are longer than a day there. Set bars_from = "prices" for a year of hourly prices, or plan = "pro" with the key of a paid plan'
                )
            raise SourceError(f'{said}history is a year without a paid plan. Set plan = "pro" with its key')
        return asked

    @cached_property
    def _ids(self) -> dict[str, str]:
        """Symbol -> CoinGecko's id."""
        tickers = sorted({name.split("/")[0] for name in self._names})
        found = coin_ids(tickers, self._own.ids, self._gecko.coins())
        return {name: found[name.split("/")[0]] for name in self._names}


def _currency(name: str) -> str:
    return name.split("/")[1].lower()
