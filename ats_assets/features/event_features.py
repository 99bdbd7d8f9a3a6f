"""Features beside events of one's own, as they were known when each event happened: joins in point in time.

1. Each event knows a newest session: the last one whose partition was known at its time (`event_times`). Inside a session that is the session before.
2. Of the sessions up to that one, and no more than a maximum age back, its symbol's newest row is taken. That partition was made of what was known by then
   (`storage.knowledge`), so neither later sessions nor later restatements are in it.
3. Where a ticker has changed within that age, the rows of its instrument count, by the changes of name that were known then.

Sessions are read in blocks, so memory is bounded by a block and the result. What an event gets depends on it alone, not on the events beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, NAME_CHANGE, REPEAT_DAYS, Identities, identities_of
from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features.event_times import NEVER, SYMBOL, TIME, EventSessions, event_sessions
from ats_assets.features.family import KEYS
from ats_assets.features.joining import joined
from ats_assets.features.wanted_features import wanted_features
from ats_assets.settings import load_settings

FEATURE_SESSION, FEATURE_KNOWN_AT, FEATURE_AGE, FEATURE_REASON = (
    "feature_session",
    "feature_known_at",
    "feature_age_sessions",
    "feature_reason",
)
ADDED: Final = (FEATURE_SESSION, FEATURE_KNOWN_AT, FEATURE_AGE, FEATURE_REASON)
"""The columns beside the features."""
NO_TIME, NO_SYMBOL, BEFORE_HISTORY, TOO_OLD, NO_ROW = "no_time", "no_symbol", "before_history", "too_old", "no_row"
FEATURE_REASONS: Final[dict[str, str]] = {
    NO_TIME: "the event has no time",
    NO_SYMBOL: "the event has no symbol",
    BEFORE_HISTORY: "no stored session was known yet",
    TOO_OLD: "all that was known of the symbol is older than the maximum age",
    NO_ROW: "nothing was known of the symbol: it has no row up to then",
}
"""Why an event has no features: a stable name, and what it says."""
MAX_AGE_SESSIONS: Final = 5
BLOCK_SESSIONS = 64
"""Sessions whose events are looked up together."""
_ROW, _AT, _OF = "_row", "_at", "_of"


def as_of(
    events: pl.DataFrame,
    features: Sequence[str] | None = None,
    *,
    deployment: Deployment | None = None,
    max_age_sessions: int = MAX_AGE_SESSIONS,
    delay: timedelta = timedelta(0),
    restated: bool = False,
) -> pl.DataFrame:
    """Put beside each event the features of its symbol that were known when it happened, and nothing that was known later.

    Parameters
    ----------
    events
        `symbol` (the ticker at the time of the event), and `time` (times with a time zone) or `session` (dates: what is known after that session's close); any other columns.
        Where both are there, `time` counts.
    features
        Each a feature, `family.feature`, or a family. Default: those that models learn from (`training.families`).
    deployment
        Default: that of the settings.
    max_age_sessions
        How many sessions older than the newest known one a row may be: 0 takes that one alone.
    delay
        How long after a session is known (its close and `knowledge.grace_hours`) its features are used, where it takes time to make them.
    restated
        Allow `knowledge.mode = "restated"`, whose partitions hold what became known later.

    Returns
    -------
    DataFrame
        The events in their order with a float32 column a feature (null where there is no row, NaN where the row has no value), `feature_session` (of the row that was taken),
        `feature_known_at`, `feature_age_sessions` (sessions from that row to the newest that was known), and `feature_reason`: null, or one of `FEATURE_REASONS`.

    Raises
    ------
    FeatureError
        If the events lack a column, times have no time zone, there is no such feature, a column would be there twice, nothing is stored, or the warehouse is one of
        restated history.
    MissingPartitionError, CorruptPartitionError
        If a partition can't be read.

    Examples
    --------
        events = pl.DataFrame({"symbol": ["AAPL"], "time": [datetime(2024, 3, 1, 15, tzinfo=UTC)]})
        as_of(events, ["KMID", "technical"])                # of 2024-02-29
        as_of(events, max_age_sessions=0)                   # all that models learn from, of that session or none
    """
    deployment = deployment or Deployment(load_settings())
    wanted = wanted_features(deployment, features)
    _require_sound(deployment, events, wanted, max_age_sessions, restated=restated)
    history = _History(deployment=deployment, wanted=wanted, max_age=max_age_sessions)
    found = event_sessions(deployment, events, history.stored[0], delay)
    asked = pl.DataFrame({_ROW: np.arange(events.height), SYMBOL: events[SYMBOL].cast(pl.String), _AT: found.positions}).cast(
        {_AT: pl.Int32}
    )
    known = asked.filter((pl.col(_AT) != NEVER) & pl.col(SYMBOL).is_not_null())
    empty = history.empty()
    parts = pl.concat([empty, *(_of_block(history, found, block) for block in _blocks(known))])
    rows = asked.join(parts, on=_ROW, how="left", maintain_order="left")
    return events.hstack(_told(history, found, events, rows).get_columns())


@dataclass(frozen=True, kw_only=True)
class _History:
    """What is stored of the wanted features."""

    deployment: Deployment
    wanted: Mapping[str, Sequence[str]]
    max_age: int

    @cached_property
    def stored(self) -> list[Any]:
        """The sessions of which every family has a partition."""
        families = list(self.wanted)
        days = set(self.deployment.valid_sessions(families[0])).intersection(*(self.deployment.valid_sessions(one) for one in families[1:]))
        if not days:
            raise FeatureError(f"nothing is stored of {' and '.join(families)} yet: make it with ats run --select '+{families[0]}'")
        return sorted(days)

    @property
    def factors(self) -> list[str]:
        """The columns of features, in order."""
        return [factor for factors in self.wanted.values() for factor in factors]

    def empty(self) -> pl.DataFrame:
        """The rows that blocks give: none of them."""
        return pl.DataFrame(schema={_ROW: pl.Int64, _OF: pl.Int32, **dict.fromkeys(self.factors, pl.Float32)})

    def rows(self, sessions: Sequence[Any]) -> pl.DataFrame:
        """The features of stored sessions."""
        read = self.deployment.warehouse.read
        return joined({family: read(family, sessions, [*KEYS, *factors]) for family, factors in self.wanted.items()})

    def first_seen(self, until: Any) -> pl.DataFrame:
        """Of each symbol the first stored session with a row; read where an event has found none within its age."""
        family = next(iter(self.wanted))
        sessions = [day for day in self.stored if day <= until]
        return self.deployment.warehouse.read(family, sessions, list(KEYS)).group_by(SYMBOL).agg(pl.col("session").min().alias("_first"))


def _require_sound(deployment: Deployment, events: Any, wanted: Mapping[str, Sequence[str]], max_age: int, *, restated: bool) -> None:
    if not isinstance(events, pl.DataFrame):
        raise FeatureError(
            f"events are a {type(events).__name__}: give a Polars DataFrame, such as pl.from_pandas(events) or events.collect()"
        )
    if SYMBOL not in events.columns:
        raise FeatureError(
            f"events have no column symbol, but {', '.join(events.columns) or 'none at all'}: rename the one with the tickers"
        )
    if events.schema[SYMBOL] not in {pl.String, pl.Categorical, pl.Null} and not isinstance(events.schema[SYMBOL], pl.Enum):
        raise FeatureError(f"the column symbol is of type {events.schema[SYMBOL]}: give texts")
    twice = [name for name in (*ADDED, *(factor for factors in wanted.values() for factor in factors)) if name in events.columns]
    if twice:
        raise FeatureError(f"events have a column {twice[0]} already, which is added here: rename it, or leave it out")
    if max_age < 0:
        raise FeatureError(f"max_age_sessions is {max_age}: give 0, for the newest known session alone, or more")
    if deployment.knowledge.is_restated and not restated:
        raise FeatureError(
            'knowledge.mode is "restated": what is stored of a session holds what became known later. Use a warehouse of '
            'knowledge.mode = "point_in_time", or say restated=True (--restated) where that is meant'
        )


def _blocks(known: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The events of so many sessions at a time."""
    for _, block in known.sort(_AT, _ROW).group_by(pl.col(_AT) // BLOCK_SESSIONS, maintain_order=True):
        yield block


def _of_block(history: _History, found: EventSessions, block: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each event's symbol, for the events that have one."""
    oldest, newest = max(0, block[_AT][0] - history.max_age), block[_AT][-1]
    position = {day: i for i, day in enumerate(found.days[oldest : newest + 1], start=oldest)}
    sessions = [day for day in history.stored if day in position]
    if not sessions:
        return history.empty()
    rows = history.rows(sessions).with_columns(pl.col("session").replace_strict(position, return_dtype=pl.Int32).alias(_AT))
    renamed = _sessions_of_changes(history, found, oldest, newest)
    is_plain = ~pl.col(_AT).is_in([at for at in range(block[_AT][0], newest + 1) if any(at - history.max_age < i <= at for i in renamed)])
    parts = [_newest(block.filter(is_plain), rows, SYMBOL, history)]
    for (at,), some in block.filter(~is_plain).group_by(_AT, maintain_order=True):
        known = _identities(history, found, int(at))
        day = pl.lit(found.days[int(at)], dtype=pl.Date).alias("session")
        parts.append(_newest(known.named(some.with_columns(day)), known.named(rows.filter(pl.col(_AT) <= at)), INSTRUMENT, history))
    return pl.concat(parts)


def _newest(events: pl.DataFrame, rows: pl.DataFrame, by: str, history: _History) -> pl.DataFrame:
    """Of each event the newest row up to its session that is not too old."""
    taken = rows.select(by, _AT, pl.col(_AT).alias(_OF), *history.factors).sort(_AT)
    matched = events.select(_ROW, by, _AT).sort(_AT).join_asof(taken, on=_AT, by=by, tolerance=history.max_age, check_sortedness=False)
    return matched.filter(pl.col(_OF).is_not_null()).select(_ROW, _OF, *history.factors)


def _sessions_of_changes(history: _History, found: EventSessions, oldest: int, newest: int) -> list[int]:
    """The positions of sessions that may have a change of name, whichever vintage tells of it."""
    deployment, warehouse = history.deployment, history.deployment.warehouse
    if not deployment.tells_name_changes or history.max_age == 0:
        return []
    asset = "corporate_actions"
    stored = set(warehouse.stored_sessions(asset))
    positions = {found.days[i]: i for i in range(oldest, newest + 1) if found.days[i] in stored}
    several = {day for day in positions if len(warehouse.stamps(asset, day)) > 1}
    single = [day for day in positions if day not in several]
    if single:
        rows = warehouse.read(asset, single, ["session", "kind"]).filter(pl.col("kind") == NAME_CHANGE)
        several |= set(rows["session"])
    return sorted(positions[day] for day in several)


def _identities(history: _History, found: EventSessions, at: int) -> Identities:
    """Who bears which ticker in the sessions up to one, as it was known at its close."""
    deployment, warehouse, asset = history.deployment, history.deployment.warehouse, "corporate_actions"
    since = found.days[max(0, at - history.max_age)] - timedelta(days=REPEAT_DAYS)
    until = deployment.knowledge.until(found.days[at])
    stored = [day for day in warehouse.stored_sessions(asset) if since <= day <= found.days[at]]
    return identities_of(warehouse.read_files(asset, {day: warehouse.path(asset, day, until=until) for day in stored}))


def _told(history: _History, found: EventSessions, events: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The features, which session they are of, and why there are none."""
    taken = rows[_OF]
    days, none = pl.Series(found.days, dtype=pl.Date), pl.lit(None, dtype=pl.String)
    lost = rows.filter(pl.col(_OF).is_null() & (pl.col(_AT) != NEVER) & pl.col(SYMBOL).is_not_null())
    seen = pl.DataFrame(schema={SYMBOL: pl.String, "_first": pl.Date})
    if lost.height:
        seen = history.first_seen(found.days[int(lost[_AT].max())])  # pyright: ignore[reportArgumentType]
    with_first = rows.with_columns(_day=days.gather(rows[_AT].replace(NEVER, None))).join(
        seen, on=SYMBOL, how="left", maintain_order="left"
    )
    time = events[TIME if TIME in events.columns else "session"]
    reason = (
        pl.when(pl.col(_OF).is_not_null())
        .then(none)
        .when(pl.Series(time.is_null()))
        .then(pl.lit(NO_TIME))
        .when(pl.col(SYMBOL).is_null())
        .then(pl.lit(NO_SYMBOL))
        .when(pl.col(_AT) == NEVER)
        .then(pl.lit(BEFORE_HISTORY))
        .when(pl.col("_first") <= pl.col("_day"))
        .then(pl.lit(TOO_OLD))
        .otherwise(pl.lit(NO_ROW))
    )
    return with_first.select(
        *history.factors,
        days.gather(taken).alias(FEATURE_SESSION),
        found.known_at.gather(taken).alias(FEATURE_KNOWN_AT),
        (pl.col(_AT) - pl.col(_OF)).alias(FEATURE_AGE),
        reason.alias(FEATURE_REASON),
    )
