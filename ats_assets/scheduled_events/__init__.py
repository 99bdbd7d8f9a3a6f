"""Events whose day is known beforehand, such as earnings: the schedule as it stood at each close, with vintages."""

from ats_assets.scheduled_events.schema import (
    ALL,
    EARNINGS,
    REJECTED_SCHEDULED_EVENTS_SCHEMA,
    SCHEDULED,
    SCHEDULED_EVENTS_SCHEMA,
    TIMINGS,
)

__all__ = ["ALL", "EARNINGS", "REJECTED_SCHEDULED_EVENTS_SCHEMA", "SCHEDULED", "SCHEDULED_EVENTS_SCHEMA", "TIMINGS"]
