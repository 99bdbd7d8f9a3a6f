"""What a session is decided by, beside what happens in it: settings, and what the sessions before have shown. It is the same however often the session is gone through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from ats_assets.algorithms.algorithm import Algorithm
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.algorithms.stored_days import EarlierSessions
from ats_assets.live.at_events.session_lane import SessionLane
from ats_assets.risk.rule import Rule
from ats_assets.settings import BrakeSettings, LiveSettings, OrderLimitSettings


@dataclass(frozen=True, kw_only=True)
class LiveRules:
    """What decides.

    Attributes
    ----------
    work
        How an order is worked, by what is recorded of that: its algorithm, and the rules of the day's end.
    risk_rules
        Of `[live.rules]`, in the order of the settings.
    fractional
        Whether parts of a share are traded.
    lane
        What is traded at events; None: nothing is.
    """

    session: date
    opens_at: datetime
    closes_at: datetime
    work: Callable[[str], tuple[Algorithm, DayEnd]]
    settings: LiveSettings = field(default_factory=LiveSettings)
    limits: OrderLimitSettings = field(default_factory=OrderLimitSettings)
    brake: BrakeSettings = field(default_factory=BrakeSettings)
    risk_rules: Mapping[str, Rule] = field(default_factory=dict)
    histories: Mapping[str, EarlierSessions] = field(default_factory=dict)
    fractional: bool = False
    lane: SessionLane | None = None
