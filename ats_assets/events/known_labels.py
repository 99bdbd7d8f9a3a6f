"""Labels of events as they are stored: under the session, and with the instant, at which they were known."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from ats_assets.labels.event_barriers import EventBarrierSettings, triple_barrier_events


def known_labels(
    bars: pl.DataFrame,
    events: pl.DataFrame,
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    closes: Mapping[date, datetime],
    barriers: EventBarrierSettings,
) -> pl.DataFrame:
    """The labels that became known in some sessions: the contract `EventLabels`.

    A position that is left at the last close that it may be held to is known when that session has ended, not at its last tick: until then a further bar could have followed.

    Parameters
    ----------
    bars
        The contract `InformationBars`, from the look-back of the barriers before the first event on.
    events
        symbol, session, bar and side, of the sessions in which positions of these may have begun.
    days
        Every session of the calendar that the bars span, ascending.
    closes
        Session -> its end.
    """
    found = triple_barrier_events(bars, events, days, barriers).filter(pl.col("session").is_in(list(sessions)))
    end = pl.col("session").replace_strict(list(closes), list(closes.values()), return_dtype=pl.Datetime("us", "UTC"), default=None)
    at_the_end = pl.max_horizontal("known_at", end.cast(found.schema["known_at"]))
    return found.with_columns(known_at=pl.when(pl.col("exit") == "last_close").then(at_the_end).otherwise("known_at"))
