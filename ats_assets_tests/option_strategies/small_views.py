"""Views with a chain of a few rows, written down by hand."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ats_assets.option_strategies import Decision, HeldOption, KnownDividend, OptionView
from ats_assets.options.contract import OptionContract, Right
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets_tests.kits.option_market import VIEW_SCHEMA

DAY = date(2024, 3, 4)
SESSIONS = tuple(day for day in (DAY + timedelta(days=i) for i in range(1, 120)) if day.weekday() < 5)


def contract(right: str, strike: float, days: int = 32, underlying: str = "XYZ") -> OptionContract:
    """Of the hand-made chain: it expires so many days after its session."""
    return OptionContract(underlying, DAY + timedelta(days=days), Decimal(str(strike)), Right(right))


def row(right: str, strike: float, bid: float | None, ask: float | None, delta: float | None, **changes: Any) -> dict[str, Any]:
    """A row of a chain; further columns by name."""
    days, underlying = changes.pop("days", 32), changes.pop("underlying", "XYZ")
    one = contract(right, strike, days, underlying)
    sides = [side for side in (bid, ask) if side is not None]
    return {
        "underlying": underlying,
        "session": DAY,
        "contract": one.symbol,
        "expiry": one.expiry,
        "strike": strike,
        "right": right,
        "style": "american",
        "multiplier": 100.0,
        "bid": bid,
        "ask": ask,
        "volume": 100.0,
        "open_interest": 1000.0,
        "mark": sum(sides) / len(sides) if sides else None,
        "half_spread": None if bid is None or ask is None else (ask - bid) / 2,
        "last_session": one.expiry,
        "sessions_left": len([day for day in SESSIONS if day <= one.expiry]),
        "days_left": days,
        "spot": 100.0,
        "delta": delta,
        "why": "",
    } | changes


CHAIN = (
    row("P", 80, 0.30, 0.34, -0.06),
    row("P", 90, 1.20, 1.30, -0.20),
    row("P", 95, 2.40, 2.50, -0.34),
    row("P", 100, 4.40, 4.60, -0.50),
    row("C", 100, 4.50, 4.70, 0.52),
    row("C", 105, 2.50, 2.60, 0.35),
    row("C", 110, 1.25, 1.35, 0.21),
    row("C", 120, 0.25, 0.30, 0.05),
    row("P", 95, 3.40, 3.60, -0.37, days=60),
    row("P", 90, 2.10, 2.20, -0.26, days=60),
    row("C", 105, 3.60, 3.80, 0.39, days=60),
    row("C", 110, 2.20, 2.30, 0.28, days=60),
)
"""A spot of 100, two expiries."""


def frame(rows: Iterable[Mapping[str, Any]] = CHAIN) -> pl.DataFrame:
    """A chain."""
    return pl.DataFrame([dict(one) for one in rows], schema_overrides=dict(VIEW_SCHEMA)).pipe(_whole)


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in VIEW_SCHEMA.items() if name not in rows.columns]
    return rows.with_columns(missing).select(VIEW_SCHEMA.names())


def view(rows: Iterable[Mapping[str, Any]] = CHAIN, **changes: Any) -> OptionView:
    """What a strategy is told; anything by name."""
    rows = [*rows]
    spots = {one["underlying"]: one["spot"] for one in rows} or {"XYZ": 100.0}
    given = {
        "strategy": "mine",
        "session": DAY,
        "underlyings": tuple(sorted(spots)),
        "sessions": SESSIONS,
        "chain": frame(rows) if rows else frame().clear(),
        "spots": spots,
        "cash": Decimal(30_000),
        "equity": Decimal(30_000),
    }
    return OptionView(**{**given, **changes})


def held(right: str, strike: float, quantity: int, price: float, days: int = 32, underlying: str = "XYZ") -> HeldOption:
    """A position."""
    return HeldOption(
        contract=contract(right, strike, days, underlying),
        quantity=quantity,
        multiplier=100,
        opened_session=DAY - timedelta(days=7),
        average_price=Decimal(str(price)),
        tag="sell_put",
    )


def owned(shares: int, cost: float = 100.0, underlying: str = "XYZ") -> dict[str, Any]:
    """Shares, as changes of a view."""
    return {"shares": {underlying: Decimal(shares)}, "share_prices": {underlying: Decimal(str(cost))}}


def dividend(ex_session: date, amount: float) -> KnownDividend:
    """A dividend that is announced."""
    return KnownDividend(underlying="XYZ", ex_session=ex_session, amount=Decimal(str(amount)))


def decided(kind: str, given: OptionView, **settings: Any) -> list[Decision]:
    """By a strategy of the package."""
    plugin = OPTION_STRATEGIES.find(kind)
    return plugin.make(plugin.settings.model_validate(settings)).decide(given)


def about(decisions: list[Decision], one: OptionContract) -> Decision:
    """The decision about a position."""
    (found,) = [each for each in decisions if any(leg.contract == one and leg.open_or_close == "close" for leg in each.legs)]
    return found


def opening(decisions: list[Decision], underlying: str = "XYZ") -> Decision:
    """The last decision about an underlying: whether something is opened."""
    return [one for one in decisions if one.underlying == underlying and one.action in {"open", "skip"}][-1]
