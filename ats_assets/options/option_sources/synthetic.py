r"""Synthetic chains on the bars of the warehouse, priced from a known surface, quotes and planted defects included: for tests, examples, and strategies where no chains can be had.

A contract on a close S with strike K and T years to expiry has the volatility

    v = level (1 + skew x + curvature x^2)        x = ln(K / S) / sqrt(T), within [-1, 1]

with `level` that of the underlying at its session: `volatility`, times a slow wave of its own (`wave`), so that the volatility's own rank and term move. Its price is that of the
project's kernels at `rate`, with no dividends before expiry. Bid and ask lie `half_spread_share` of the price, and at least half of `tick`, around it, on the tick. So the true
volatility and greeks are known; they are delivered as the vendor's.

Strikes are those of a ladder that does not depend on the close, from `lowest_strike` to `highest_strike` of it, and expiries the Fridays of `weeks` and the third Fridays of `months`, or the session before where the exchange
is closed: a contract that is listed stays until it expires, unless the close runs away from it or there is a split. A share of the rows (`defective_share`) is broken in one of the ways that
screening must find (`DEFECTS`).
"""

import hashlib
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.options.contract import Right, symbols_of
from ats_assets.options.option_source import OptionSourcePlugin, chain_order
from ats_assets.options.schema import KEY
from ats_assets.options.valuation import option_values
from ats_assets.settings import NonNegative, Positive, Section, Share, Style

LADDER: Final = ((0.0, 0.5), (25.0, 1.0), (100.0, 2.5), (250.0, 5.0), (1000.0, 25.0), (5000.0, 100.0))
"""From which strike on they are how far apart."""
DEFECTS: Final = (
    "adjusted_deliverable",
    "below_intrinsic",
    "crossed",
    "expiry_missing",
    "expiry_no_session",
    "negative",
    "stale",
    "strike_twice",
)
"""How rows are broken, by the reason for which they must be rejected."""
_FRIDAY: Final = 4
_YEAR: Final = 365.0


class SyntheticChainsSettings(Section):
    """The surface, what is listed, and what is broken."""

    seed: int = 7
    underlyings: Positive = Field(default=2, description="symbols of the bars, by name, where options.underlyings names none")
    style: Style = "american"
    rate: float = Field(default=0.03, ge=-0.2, le=1.0, description="riskless, a year, continuously compounded: what prices are made with")
    volatility: float = Field(default=0.3, gt=0.0, le=3.0, description="a year, at the money")
    wave: Share = Field(default=0.15, description="share by which the volatility of an underlying rises and falls, over months and weeks")
    skew: float = Field(
        default=-0.15, ge=-0.5, le=0.5, description="share of the volatility, for each unit of ln(strike / spot) / sqrt(years)"
    )
    curvature: float = Field(default=0.1, ge=0.0, le=0.5, description="the same for its square")
    weeks: NonNegative = Field(default=4, description="Fridays to come whose contracts are listed")
    months: NonNegative = Field(default=3, description="third Fridays to come whose contracts are listed")
    lowest_strike: float = Field(default=0.7, gt=0.0, lt=1.0, description="share of the close")
    highest_strike: float = Field(default=1.4, gt=1.0, le=3.0, description="share of the close")
    half_spread_share: Share = Field(default=0.02, description="of the price")
    tick: float = Field(default=0.01, gt=0.0, le=1.0, description="in the quote currency; bid and ask are multiples of it")
    defective_share: Share = Field(default=0.001, description="of the rows, that screening must reject")


class SyntheticChains:
    """Synthetic chains as an `OptionSource`."""

    def __init__(self, settings: SyntheticChainsSettings, deployment: Deployment) -> None:
        self._settings = settings
        self._deployment = deployment

    def sessions(self) -> list[date]:
        """Those that have bars."""
        return self._deployment.valid_sessions("bars")

    def chains(self, session: date) -> pl.DataFrame:
        """As `OptionSource.chains`: of the underlyings that have a bar."""
        bars = self._deployment.warehouse.read("bars", [session], ["symbol", "close"]).sort("symbol")
        named = self._deployment.settings.options.underlyings
        chosen = bars.filter(pl.col("symbol").is_in(list(named))) if named else bars.head(self._settings.underlyings)
        made = [self._of_underlying(symbol, close, session) for symbol, close in chosen.iter_rows()]
        return chain_order(pl.concat(made)) if made else chain_order(pl.DataFrame())

    def known_at(self, session: date) -> datetime:
        """Its close."""
        return self._deployment.calendar.closes_at(session)

    def describe(self) -> str:
        """What is made, as two lines."""
        own, days = self._settings, self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none: there are no bars yet"
        return (
            f"synthetic chains, seed {own.seed}, volatility {own.volatility:g}, skew {own.skew:g}, on the closes of bars\nsessions: {span}"
        )

    def expiries(self, session: date) -> list[date]:
        """What is listed at a session, ascending; the session's own expiry included."""
        own, calendar = self._settings, self._deployment.calendar
        weekly = [_friday(session) + timedelta(weeks=i) for i in range(own.weeks)]
        firsts = [_month_after(session, i) for i in range(own.months + 1)]
        monthly = [third for first in firsts if (third := _friday(first) + timedelta(weeks=2)) >= session][: own.months]
        listed = {calendar.on_or_before(day) for day in (*weekly, *monthly)}
        return sorted(day for day in listed if day >= session)

    def _of_underlying(self, symbol: str, close: float, session: date) -> pl.DataFrame:
        own = self._settings
        strikes = [strike for strike in _ladder(own.highest_strike * close) if strike >= own.lowest_strike * close]
        contracts = pl.DataFrame({"expiry": self.expiries(session)}).join(pl.DataFrame({"strike": strikes}), how="cross")
        contracts = contracts.join(pl.DataFrame({"right": [*Right]}, schema={"right": pl.String}), how="cross")
        if contracts.is_empty():
            return chain_order(pl.DataFrame())
        draw = np.random.default_rng([own.seed, session.toordinal(), _number(symbol)])
        days = (contracts["expiry"] - session).dt.total_days().to_numpy()
        years = np.maximum(days, 0.5) / _YEAR
        volatility = self._volatility(symbol, session, np.log(contracts["strike"].to_numpy() / close) / np.sqrt(years))
        is_call = (contracts["right"] == Right.CALL).to_numpy()
        worth = option_values(
            close, contracts["strike"].to_numpy(), years, own.rate, 0.0, volatility, call=is_call, american=own.style == "american"
        )
        half = np.maximum(own.half_spread_share * worth["price"], own.tick / 2)
        ask = np.ceil((worth["price"] + half) / own.tick - 1e-9) * own.tick
        bid = np.maximum(np.floor((worth["price"] - half) / own.tick + 1e-9), 0.0) * own.tick
        interest = np.floor(draw.exponential(500.0, len(days)) * np.exp(-4.0 * np.abs(np.log(contracts["strike"].to_numpy() / close))))
        rows = contracts.with_columns(
            underlying=pl.lit(symbol),
            session=pl.lit(session),
            date=pl.lit(session),
            style=pl.lit(own.style),
            multiplier=pl.lit(100.0),
            bid=pl.Series(bid).round(6),
            ask=pl.Series(ask).round(6),
            bid_size=pl.Series(draw.integers(1, 200, len(days)), dtype=pl.Float64),
            ask_size=pl.Series(draw.integers(1, 200, len(days)), dtype=pl.Float64),
            volume=pl.Series(np.floor(interest * draw.uniform(0.0, 0.5, len(days)))),
            open_interest=pl.Series(interest),
            quoted_at=pl.lit(self._deployment.calendar.closes_at(session)),
            underlying_price=pl.lit(close),
            vendor_volatility=pl.Series(volatility),
            vendor_delta=pl.Series(worth["delta"]),
            vendor_gamma=pl.Series(worth["gamma"]),
            vendor_theta=pl.Series(worth["theta"]) / _YEAR,
            vendor_vega=pl.Series(worth["vega"]) / 100,
            vendor_rho=pl.Series(worth["rho"]) / 100,
        )
        rows = rows.with_columns(contract=symbols_of(*(pl.col(name) for name in KEY)))
        return _broken(chain_order(rows), draw, own.defective_share)

    def _volatility(self, symbol: str, session: date, x: np.ndarray) -> np.ndarray:
        own, day = self._settings, session.toordinal()
        phases = np.random.default_rng([own.seed, _number(symbol)]).uniform(0.0, 2 * np.pi, 2)
        level = own.volatility * (
            1 + own.wave * (np.sin(2 * np.pi * day / 180 + phases[0]) + 0.5 * np.sin(2 * np.pi * day / 37 + phases[1]))
        )
        x = np.clip(x, -1.0, 1.0)
        return level * (1 + own.skew * x + own.curvature * x * x)


def _broken(rows: pl.DataFrame, draw: np.random.Generator, share: float) -> pl.DataFrame:
    """The rows, some of them broken in a way that is drawn for each; what can't be broken that way is crossed."""
    hit = np.flatnonzero(draw.random(rows.height) < share)
    ways = pl.Series([""], dtype=pl.String).new_from_index(0, rows.height)
    if len(hit):
        ways = ways.scatter(hit, pl.Series(draw.choice(DEFECTS, len(hit))))
    beyond = (pl.col("underlying_price") - pl.col("strike")) * pl.when(pl.col("right") == Right.CALL).then(1).otherwise(-1)
    is_deep = beyond > 0.1 * pl.col("underlying_price")
    told = pl.when((pl.col("way") == "below_intrinsic") & ~is_deep).then(pl.lit("crossed")).otherwise("way")
    marked = rows.with_columns(way=ways).with_columns(way=told)
    unlisted = pl.col("way").is_in(["expiry_missing", "expiry_no_session"])
    sunday = pl.col("expiry") + pl.duration(days=7 - pl.col("expiry").dt.weekday())

    def where(way: str, value: pl.Expr, column: str) -> pl.Expr:
        return pl.when(pl.col("way") == way).then(value).otherwise(column).alias(column)

    changed = marked.with_columns(
        where("adjusted_deliverable", pl.lit("100 shares and 25.00 in cash"), "deliverable"),
        where("stale", pl.col("quoted_at") - pl.duration(days=1), "quoted_at"),
        pl.when(pl.col("way") == "expiry_no_session").then(sunday).when(pl.col("way") != "expiry_missing").then("expiry").alias("expiry"),
        pl.when(~unlisted).then("contract").alias("contract"),
        pl.when(pl.col("way") == "below_intrinsic").then(0.01).otherwise("ask").alias("ask"),
        pl.when(pl.col("way") == "below_intrinsic")
        .then(0.0)
        .when(pl.col("way") == "crossed")
        .then(pl.col("ask") + 0.05)
        .when(pl.col("way") == "negative")
        .then(-pl.col("bid") - 0.01)
        .otherwise("bid")
        .alias("bid"),
    )
    again = changed.filter(way="strike_twice").with_columns(ask=pl.col("ask") + 0.05)
    return chain_order(pl.concat([changed, again]).drop("way"))


def _friday(day: date) -> date:
    """The first Friday that is not before a day."""
    return day + timedelta(days=(_FRIDAY - day.weekday()) % 7)


def _month_after(day: date, months: int) -> date:
    """The first day of the month so many months later."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _ladder(highest: float) -> list[float]:
    """The strikes up to a price."""
    strikes: list[float] = []
    for i, (start, step) in enumerate(LADDER):
        end = LADDER[i + 1][0] if i + 1 < len(LADDER) else float("inf")
        strikes += [start + step * n for n in range(1 if i == 0 else 0, int(max(min(highest, end - step) - start, -step) / step) + 1)]
    return strikes


def _number(symbol: str) -> int:
    return int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:4])


PLUGIN = OptionSourcePlugin(settings=SyntheticChainsSettings, make=SyntheticChains, reads=lambda _own: ("bars",))
