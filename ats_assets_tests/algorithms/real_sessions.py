"""Real minute bars with their quotes, as stored sessions of algorithms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ats_assets.algorithms import MINUTE_SCHEMA, Leg, Parent, Side
from ats_assets.algorithms.matching import MatchingRules
from ats_assets.algorithms.played_session import PlayedOrder, SessionTimes, WorkedOrder
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.simulated_session import play_session
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.algorithms.symbol_day import SymbolDay
from ats_assets.algorithms.volume_profile import volume_profile
from ats_assets.plugins import ALGORITHMS
from ats_assets_tests.market_data import MARKET_DATA

NEW_YORK = ZoneInfo("America/New_York")


def hours_of(session: date) -> SessionTimes:
    opens, closes = (datetime(session.year, session.month, session.day, *at, tzinfo=NEW_YORK).astimezone(UTC) for at in ((9, 30), (16, 0)))
    return SessionTimes(session=session, opens_at=opens, closes_at=closes)


def real_minutes() -> dict[tuple[str, date], pl.DataFrame]:
    """By symbol and session: minutes within regular hours, with the quote at the end of each."""
    trades, quotes = (pl.read_parquet(MARKET_DATA / "us_minute" / f"{name}_bars.parquet") for name in ("trade", "quote"))
    at = pl.col("ts").dt.cast_time_unit("ns")
    kept = trades.with_columns(local=at).filter(pl.col("local").dt.time().is_between(pl.time(9, 30), pl.time(15, 59)))
    sides = quotes.select("symbol", "ts", bid=pl.col("bid_close"), ask=pl.col("ask_close"))
    joined = kept.join(sides, on=["symbol", "ts"], how="left").with_columns(
        starts_at=pl.col("local").dt.convert_time_zone("UTC"), day=pl.col("local").dt.date(), volume=pl.col("volume").cast(pl.Float64)
    )
    joined = joined.with_columns(known_at=pl.col("starts_at") + pl.duration(minutes=1)).sort("symbol", "starts_at")
    wanted = [*MINUTE_SCHEMA.names(), "bid", "ask"]
    found = joined.partition_by("symbol", "day", as_dict=True)
    return {(str(s), d): rows.select(wanted).cast(dict(MINUTE_SCHEMA)) for (s, d), rows in found.items() if rows.height > 350}


@dataclass(frozen=True, kw_only=True)
class Traded:
    """What an order came to, in basis points against a price, positive where it is worse; the VWAP is that of the time in which it was worked."""

    order: PlayedOrder
    filled_share: float
    arrival_bps: float
    vwap_bps: float
    close_bps: float


def traded(
    name: str,
    settings: Mapping[str, Any],
    days: Sequence[tuple[SessionTimes, pl.DataFrame]],
    i: int,
    side: Side,
    share: float,
    urgency: float = 0.5,
) -> Traded:
    """An order for a share of the mean day's volume, worked in the i-th session, with what the sessions before it tell."""
    times, bars = days[i]
    past = [(one.opens_at, one.closes_at, frame) for one, frame in days[:i]]
    volumes = [float(frame["volume"].sum()) for *_, frame in past]
    closes = [float(frame["close"][-1]) for *_, frame in past]
    day = SymbolDay(
        symbol="S",
        bars=bars,
        volume_profile=volume_profile(past, times.opens_at, times.closes_at),
        day_volume=float(np.mean(volumes)),
        volatility=float(np.sqrt(np.mean(np.diff(np.log(closes)) ** 2))) if len(closes) > 2 else 0.015,
    )
    end = DayEnd()
    parent = Parent(
        client_order_id="S",
        symbol="S",
        side=side,
        leg=Leg.OPEN,
        quantity=exact(float(round(share * float(np.mean(volumes))))),
        decision_price=exact(closes[-1]),
        starts_at=times.opens_at,
        ends_at=end.begins(times.closes_at),
        urgency=urgency,
    )
    algorithm = ALGORITHMS.made(name, settings)
    played = play_session([WorkedOrder(parent=parent, algorithm=algorithm, day_end=end)], {"S": day}, times, rules=MatchingRules())
    quantity = sum((fill.quantity for fill in played.fills), Decimal(0))
    price = float(sum((fill.quantity * fill.price for fill in played.fills), Decimal(0)) / quantity)
    # what takes pays half the spread that was quoted at the end of the minute before
    spread = float((bars["ask"] - bars["bid"]).drop_nulls().mean()) / 2 if bars["bid"].drop_nulls().len() else 0.0  # pyright: ignore[reportArgumentType]
    paid = price + side.sign * spread * float(sum((f.quantity for f in played.fills if f.takes), Decimal(0)) / quantity)
    within = bars.filter(pl.col("starts_at") < parent.ends_at.astimezone(UTC))
    mean = (within["open"] + within["high"] + within["low"] + within["close"]) / 4
    vwap = float((mean * within["volume"]).sum() / within["volume"].sum())

    def against(other: float) -> float:
        return side.sign * (paid / other - 1.0) * 1e4

    return Traded(
        order=played.orders[0],
        filled_share=float(quantity / parent.quantity),
        arrival_bps=against(float(bars["open"][0])),
        vwap_bps=against(vwap),
        close_bps=against(float(bars["close"][-1])),
    )
