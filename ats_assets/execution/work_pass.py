"""One pass over the orders that are worked in parts: what it needs, and what it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from ats_assets.algorithms.algorithm import Algorithm, SessionMarket
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.execution.worked_intents import WorkPlan

MarketView = Callable[[str, SessionMarket], SessionMarket | None]
"""A symbol, and the session with its hours and the time -> the same with what it has shown of the symbol; None: that is not known."""


def no_market(_symbol: str, _hours: SessionMarket) -> SessionMarket | None:
    """Where nobody looks at the market within the session: algorithms that need to see it wait."""
    return None


@dataclass(frozen=True, kw_only=True)
class WorkStep:
    """What was done about an order: sent, cancelled, waits or done; of a part where there is one."""

    client_order_id: str
    what: str
    reason: str
    part: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WorkPass:
    """One pass over the worked orders of a plan.

    Attributes
    ----------
    next_at
        When the next pass has something to do for certain; earlier where an order changes or a bar is known. None: nothing is known.
    stopped
        Why nothing more was sent.
    """

    session: date
    steps: tuple[WorkStep, ...]
    next_at: datetime | None
    stopped: str | None = None


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What a pass needs beside the context: the hours, the market, and how an algorithm is made of what is recorded."""

    hours: SessionTimes
    market: MarketView
    make: Callable[[WorkPlan], Algorithm]
