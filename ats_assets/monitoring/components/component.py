"""The state of one part of a deployment, in words that a person can act upon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["ok", "off", "warning", "late", "failed"]
STATES: tuple[State, ...] = ("failed", "late", "warning", "ok", "off")
"""The worst first."""
NEEDS_A_PERSON: frozenset[State] = frozenset({"failed", "late"})


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part.

    Attributes
    ----------
    name
        Of the part, such as `signals`, `sensor trading_sensor` or `disk warehouse`.
    group
        What it belongs to: data, models, dagster, trading, system.
    state
        ok; off: settings or a person do not want it; warning: it works, and something is to be looked at; late: what should be there is not;
        failed: it does not work.
    text
        What there is to say.
    since
        When it became so, or did what it does for the last time.
    late_by
        For how long what is due has been missing.
    what_to_do
        A command, or where to look; empty where there is nothing to do.
    """

    name: str
    group: str
    state: State
    text: str
    since: datetime | None = None
    late_by: timedelta | None = None
    what_to_do: str = ""

    @property
    def needs_person(self) -> bool:
        """Whether it goes on being so until somebody does something."""
        return self.state in NEEDS_A_PERSON
