"""Orders that are worked in parts, as intents: how the whole is worked, and which part of it another one is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from ats_assets.algorithms.algorithm import Increments
from ats_assets.algorithms.order_selection import work_window
from ats_assets.algorithms.stepping import DayEnd

AT_EVENTS = "live.events"
"""`WorkPlan.why` of an order that was decided inside the session: it is of no plan."""


@dataclass(frozen=True, kw_only=True)
class WorkPlan:
    """How an order is worked: written down with it, so that other settings change nothing of an order under way.

    Attributes
    ----------
    algorithm
        What settings call it.
    kind, settings
        The addition, and its own settings.
    urgency
        From 0 to 1.
    start_minutes, minutes
        From the open on; None: until the day's end.
    why
        Which rule has chosen it.
    """

    algorithm: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    urgency: float = 0.5
    start_minutes: int = 0
    minutes: int | None = None
    day_end: DayEnd = field(default_factory=DayEnd)
    increments: Increments = field(default_factory=Increments)
    why: str = ""

    def text(self) -> str:
        """As it is stored."""
        steps = self.increments
        values = {
            "algorithm": self.algorithm,
            "kind": self.kind,
            "settings": dict(self.settings),
            "urgency": self.urgency,
            "start_minutes": self.start_minutes,
            "minutes": self.minutes,
            "unfilled": self.day_end.unfilled,
            "last_minutes": self.day_end.last_minutes,
            "price": None if steps.price is None else str(steps.price),
            "quantity": str(steps.quantity),
            "least_quantity": str(steps.least_quantity),
            "why": self.why,
        }
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> Self:
        """Of what is stored.

        Examples
        --------
        >>> plan = WorkPlan(algorithm="vwap", kind="vwap", settings={"slice_minutes": 10}, urgency=0.7)
        >>> WorkPlan.of(plan.text()) == plan
        True
        """
        values = json.loads(text)
        price = values.pop("price")
        return cls(
            day_end=DayEnd(unfilled=values.pop("unfilled"), last_minutes=values.pop("last_minutes")),
            increments=Increments(
                price=None if price is None else Decimal(price),
                quantity=Decimal(values.pop("quantity")),
                least_quantity=Decimal(values.pop("least_quantity")),
            ),
            **values,
        )

    def window(self, opens_at: datetime, closes_at: datetime) -> tuple[datetime, datetime]:
        """From when until when it is worked."""
        return work_window(opens_at, closes_at, self.day_end, self.start_minutes, self.minutes)


@dataclass(frozen=True, kw_only=True)
class OrderPart:
    """Which part of an order another one is: the number-th; it is cancelled at `expires_at`."""

    parent: str
    number: int
    expires_at: datetime | None = None
