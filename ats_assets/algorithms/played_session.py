"""What a played session is made of, and what came of it."""

from dataclasses import dataclass, field
from datetime import date, datetime

from ats_assets.algorithms.algorithm import Algorithm, Answer, ChildRecord, Parent
from ats_assets.algorithms.matching import ChildFill
from ats_assets.algorithms.order_words import OrderStatus
from ats_assets.algorithms.stepping import DayEnd


@dataclass(frozen=True, kw_only=True)
class WorkedOrder:
    """An order, what works it, and what becomes of its rest before the close."""

    parent: Parent
    algorithm: Algorithm
    day_end: DayEnd = field(default_factory=DayEnd)


@dataclass(frozen=True, kw_only=True)
class SessionStep:
    """An answer of an algorithm that did something."""

    at: datetime
    parent_id: str
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class PlayedOrder:
    """What became of an order: how it ended, why, and the orders for parts of it."""

    parent: Parent
    children: tuple[ChildRecord, ...]
    status: OrderStatus
    reason: str


@dataclass(frozen=True, kw_only=True)
class PlayedSession:
    """What became of all orders, in the order given; fills and steps in the order in which they came."""

    orders: tuple[PlayedOrder, ...]
    fills: tuple[ChildFill, ...]
    steps: tuple[SessionStep, ...]


@dataclass(frozen=True, kw_only=True)
class SessionTimes:
    """When it is."""

    session: date
    opens_at: datetime
    closes_at: datetime
