"""The schedule of events is split into the rows that satisfy the contract and those that do not. Accepted plus rejected is the input, always."""

from typing import Final

import polars as pl

from ats_assets.errors import ContractError
from ats_assets.scheduled_events.schema import (
    CANCELLED,
    RAW_SCHEDULED_EVENTS_SCHEMA,
    REJECTED_SCHEDULED_EVENTS_SCHEMA,
    SCHEDULED_EVENTS_SCHEMA,
    TIMINGS,
)
from ats_assets.sources.symbols import symbol_rules

EVENT_REASONS: Final[dict[str, str]] = {
    "cancelled": "it will not take place",
    "date_missing": "there is no day that can be read",
    "duplicate": "an identical row came before",
    "kind_missing": "it is not said what the event is",
    "symbol_malformed": "the symbol has white space around it, or characters that cannot be seen",
    "symbol_missing": "there is no symbol, or it is blank",
    "timing_unknown": f"the timing is none of {', '.join(TIMINGS)}",
    "unreadable": "the reader of the source could not convert a value; `defects` says which",
}
"""Every reason for which a row is rejected: its stable name, and what it says."""
EVENT_NO_FAULT: Final = frozenset({"cancelled", "duplicate"})
"""Those that say nothing against the delivery."""


def screen_events(raw: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split delivered schedules into accepted and rejected rows.

    Parameters
    ----------
    raw
        `RAW_SCHEDULED_EVENTS_SCHEMA`, of any number of sessions.

    Returns
    -------
    scheduled_events : DataFrame
        `SCHEDULED_EVENTS_SCHEMA`, in the order of `raw`.
    rejected_scheduled_events : DataFrame
        The others as they came, with their `reasons`.

    Raises
    ------
    ContractError
        If `raw` has other columns or types.
    """
    if raw.schema != RAW_SCHEDULED_EVENTS_SCHEMA:
        raise ContractError(
            f"these are no scheduled events ({dict(raw.schema)}): a source must deliver exactly {dict(RAW_SCHEDULED_EVENTS_SCHEMA)}"
        )
    rules = symbol_rules() | {
        "cancelled": pl.col("status") == CANCELLED,
        "date_missing": pl.col("date").is_null(),
        "duplicate": ~pl.struct(pl.all()).is_first_distinct(),
        "kind_missing": pl.col("kind").fill_null("").str.strip_chars() == "",
        "timing_unknown": ~pl.col("timing").is_in(list(TIMINGS)),
        "unreadable": pl.col("defects").str.strip_chars() != "",
    }
    faults = raw.select(**{reason: broken.fill_null(value=False) for reason, broken in rules.items()})
    reasons = sorted(faults.columns)
    sound = faults.select(~pl.any_horizontal(reasons)).to_series()
    named = pl.concat_list(pl.when(reason).then(pl.lit(reason)) for reason in reasons).list.drop_nulls()
    rejected = raw.filter(~sound).with_columns(faults.filter(~sound).select(reasons=named))
    return raw.filter(sound).select(SCHEDULED_EVENTS_SCHEMA.names()), rejected.cast(dict(REJECTED_SCHEDULED_EVENTS_SCHEMA))  # pyright: ignore[reportArgumentType]
