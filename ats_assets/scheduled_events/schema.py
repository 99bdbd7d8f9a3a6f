"""The columns of scheduled events. The contracts, which need pandera, are in `contracts`."""

from typing import Final

import polars as pl

RAW_SCHEDULED, SCHEDULED, REJECTED_SCHEDULED = "raw_scheduled_events", "scheduled_events", "rejected_scheduled_events"
"""The assets."""
ALL: Final = "*"
"""The symbol of an event that concerns every one, such as a meeting of a central bank."""
EARNINGS: Final = "earnings"
"""The kind of event at which a company tells its figures."""
CANCELLED: Final = "cancelled"
"""The status of an event that will not take place."""
TIMINGS: Final = {
    "bmo": "before the market opens",
    "during": "while it is open",
    "amc": "after it has closed",
}
"""When in its day an event takes place."""

TOLD_EVENTS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "kind": pl.String,
        "date": pl.Date,
        "timing": pl.String,
        "event": pl.String,
        "status": pl.String,
        "known_at": pl.Datetime("us", "UTC"),
        "defects": pl.String,
    }
)
"""What a source tells."""
RAW_SCHEDULED_EVENTS_SCHEMA = pl.Schema({"session": pl.Date, **TOLD_EVENTS_SCHEMA})
"""The schedule as it stood at the close of a session."""
SCHEDULED_EVENTS_SCHEMA = pl.Schema({name: dtype for name, dtype in RAW_SCHEDULED_EVENTS_SCHEMA.items() if name != "defects"})
"""Its events that satisfy the contract."""
REJECTED_SCHEDULED_EVENTS_SCHEMA = pl.Schema({**RAW_SCHEDULED_EVENTS_SCHEMA, "reasons": pl.List(pl.String)})
"""Its rows that do not, as they came."""
