"""Which algorithm works an order, and of which kind it is where it is sent as one: by spread, urgency and size.

The first of `[[orders.selection]]` that an order meets chooses; where it meets none, `orders.algorithm` and `orders.kind`. Backtest and plan ask the same function, with what is
known at the close at which the order is decided.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ats_assets.algorithms.choosing import AT_OPEN
from ats_assets.algorithms.order_words import Leg
from ats_assets.algorithms.price_grid import is_pair, plain
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.settings import OrdersSettings, SelectionRule


@dataclass(frozen=True, kw_only=True)
class KnownLiquidity:
    """What is known of a symbol's market at a close; None where it is not known.

    Attributes
    ----------
    day_volume
        Shares of the session.
    spread_bps
        Mean quoted spread of the session, of the price.
    """

    day_volume: float | None = None
    spread_bps: float | None = None


@dataclass(frozen=True, kw_only=True)
class ChosenWork:
    """What was chosen for an order, and why. With `at_open` it is sent as one, of the kind."""

    algorithm: str
    kind: str
    urgency: float
    why: str

    @property
    def is_worked(self) -> bool:
        """Whether it is worked in parts."""
        return self.algorithm != AT_OPEN


def selected(orders: OrdersSettings, symbol: str, leg: Leg, parts: Sequence[Decimal], liquidity: KnownLiquidity) -> ChosenWork:
    """What works the order for a symbol.

    Parameters
    ----------
    leg
        What it does first: a change of side closes a position, and then opens one.
    parts
        What each leg is for, in shares; both are worked alike.

    Examples
    --------
    >>> rules = [{"algorithm": "vwap", "min_size": 0.01}, {"algorithm": "adaptive_limit", "min_spread_bps": 20}]
    >>> orders = OrdersSettings(selection=rules)
    >>> selected(orders, "AAPL", Leg.OPEN, [Decimal(500)], KnownLiquidity(day_volume=20_000.0)).algorithm
    'vwap'
    >>> selected(orders, "AAPL", Leg.OPEN, [Decimal(5)], KnownLiquidity(day_volume=20_000.0, spread_bps=35.0)).algorithm
    'adaptive_limit'
    >>> selected(orders, "AAPL", Leg.OPEN, [Decimal(5)], KnownLiquidity()).why
    'orders.algorithm: no rule of orders.selection is met'
    """
    urgency = orders.closing_urgency if leg is Leg.CLOSE else orders.urgency
    size = float(sum(parts, Decimal(0))) / liquidity.day_volume if liquidity.day_volume else None
    known = {"spread_bps": liquidity.spread_bps, "size": size, "urgency": urgency}
    for number, rule in enumerate(orders.selection, start=1):
        if _meets(rule, known):
            return _whole(
                symbol,
                parts,
                ChosenWork(algorithm=rule.algorithm, kind=rule.kind or orders.kind, urgency=urgency, why=f"rule {number}: {_told(known)}"),
            )
    why = "orders.algorithm: no rule of orders.selection is met" if orders.selection else "orders.algorithm"
    return _whole(symbol, parts, ChosenWork(algorithm=orders.algorithm, kind=orders.kind, urgency=urgency, why=why))


def work_window(
    opens_at: datetime, closes_at: datetime, day_end: DayEnd, start_minutes: int, minutes: int | None
) -> tuple[datetime, datetime]:
    """From when until when an order is worked."""
    starts, ends = opens_at + timedelta(minutes=start_minutes), day_end.begins(closes_at)
    return starts, ends if minutes is None else min(ends, starts + timedelta(minutes=minutes))


def day_end_of(orders: OrdersSettings, symbol: str) -> DayEnd:
    """The rules of the day's end; a pair of currencies has no closing auction, so what would go there crosses."""
    crosses = is_pair(symbol) and orders.unfilled == "close"
    return DayEnd(unfilled="cross" if crosses else orders.unfilled, last_minutes=orders.last_minutes)


def _whole(symbol: str, parts: Sequence[Decimal], chosen: ChosenWork) -> ChosenWork:
    """Parts of a share are traded at the open alone: no auction but that takes them everywhere, and they are too little to be worked."""
    broken = [part for part in parts if part != part.to_integral_value()]
    if not chosen.is_worked or is_pair(symbol) or not broken:
        return chosen
    why = f"{chosen.algorithm} works whole shares, and it is for {plain(broken[0])}"
    return ChosenWork(algorithm=AT_OPEN, kind=chosen.kind, urgency=chosen.urgency, why=why)


def _meets(rule: SelectionRule, known: Mapping[str, float | None]) -> bool:
    for what, value in known.items():
        least, most = getattr(rule, f"min_{what}"), getattr(rule, f"max_{what}")
        if least is None and most is None:
            continue
        if value is None or not math.isfinite(value):
            return False
        if (least is not None and value < least) or (most is not None and value > most):
            return False
    return True


def _told(known: Mapping[str, float | None]) -> str:
    units = {"spread_bps": "a spread of {:.3g} bps", "size": "{:.3g} of the day's volume", "urgency": "urgency {:.3g}"}
    return ", ".join(units[what].format(value) for what, value in known.items() if value is not None)
