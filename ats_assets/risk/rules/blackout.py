"""Blackout: around events that are known beforehand, such as earnings, a position is cut or left.

With `delivered` the events are those of the asset `scheduled_events`, as the schedule stood at the close: a day that moves changes no session before it was known.

Else they are rows of a CSV file: symbol (or `*` for all), date, kind, and known_from, the day from which on the date was known (default: always). The file's content is part of the settings: a change
of it makes targets stale, and a date that moved keeps its old rows beside the new ones. The days before and after are calendar days, since an event ahead is not yet among the sessions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from ats_assets.errors import SettingsError
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import all_allowed, session_by_session, weighed_anew
from ats_assets.scheduled_events import ALL, SCHEDULED, SCHEDULED_EVENTS_SCHEMA
from ats_assets.scheduled_events.event_schedule import AHEAD_DAYS, BEHIND_DAYS
from ats_assets.settings import NonNegative, Section, Share

COLUMNS = ("symbol", "date", "kind")
_EVENTS = pl.Schema({"symbol": pl.String, "date": pl.Date, "kind": pl.String, "timing": pl.String, "known_from": pl.Date})


class BlackoutSettings(Section):
    """Which events, and how far from them."""

    delivered: bool = Field(
        default=False, description="whether events are those of `scheduled_events`, which [scheduled_events.source] makes an asset"
    )
    events_file: Path | None = Field(default=None, description="CSV with symbol, date, kind and perhaps known_from; none: no events")
    kinds: tuple[str, ...] = Field(default=(), description="of events that count; default: all")
    before_days: NonNegative = Field(default=2, description="calendar days before the event")
    after_days: NonNegative = Field(default=1, description="calendar days after it")
    factor: Share = Field(default=0.0, description="of the weight")
    content: str = Field(default="", description="digest of the file; it is found, not given")

    @model_validator(mode="before")
    @classmethod
    def _what_the_file_says(cls, values: Any) -> Any:
        """The digest of the file is part of the settings, so that a change of it is a change of what is made."""
        if not isinstance(values, dict) or values.get("events_file") is None:
            return values
        file = Path(str(values["events_file"]))
        if not file.is_file():
            raise ValueError(f"events_file names {file}, which is not a file")
        scheduled_events(file)
        return {**values, "content": hashlib.sha256(file.read_bytes()).hexdigest()}

    @model_validator(mode="after")
    def _events_come_from_one_place(self) -> "BlackoutSettings":
        if self.delivered and self.events_file is not None:
            raise ValueError(
                "events are delivered, and events_file names a file too: leave one out (scheduled_events.source.path takes the same file)"
            )
        if self.delivered and (self.before_days > AHEAD_DAYS or self.after_days > BEHIND_DAYS):
            raise ValueError(
                f"a schedule has events up to {AHEAD_DAYS} days ahead and {BEHIND_DAYS} behind: before_days or after_days is more"
            )
        return self


class Blackout:
    """Stay out of events."""

    def __init__(self, settings: BlackoutSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The schedule of the session, where it is delivered."""
        return (Needs(asset=SCHEDULED),) if self.settings.delivered else ()

    @cached_property
    def events(self) -> pl.DataFrame:
        """The rows of the file that count.

        Raises
        ------
        SettingsError
            If the file has changed since the settings were read.
        """
        own = self.settings
        if own.events_file is None:
            return _EVENTS.to_frame()
        if hashlib.sha256(own.events_file.read_bytes()).hexdigest() != own.content:
            raise SettingsError(
                f"{own.events_file} has changed since the settings were read: start again, so that it is known what targets were made of"
            )
        return self._counted(scheduled_events(own.events_file).with_columns(timing=pl.lit(None, pl.String)))

    def _counted(self, found: pl.DataFrame) -> pl.DataFrame:
        kinds = list(self.settings.kinds)
        return (found.filter(pl.col("kind").is_in(kinds)) if kinds else found).select(_EVENTS.names())

    def _known_at(self, session: date) -> pl.DataFrame:
        """The rows of the file that were known at a session."""
        return self.events.filter(pl.col("known_from").is_null() | (pl.col("known_from") <= session))

    def _delivered(self, frames: Mapping[str, pl.DataFrame]) -> dict[date, pl.DataFrame]:
        """The events that count, by the session at whose close the schedule stood so."""
        rows = frames[SCHEDULED].select(SCHEDULED_EVENTS_SCHEMA.names()) if self.settings.delivered else SCHEDULED_EVENTS_SCHEMA.to_frame()
        since = rows.with_columns(known_from=pl.col("known_at").dt.date())
        return {key[0]: self._counted(of) for key, of in since.partition_by("session", as_dict=True).items()}

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, each near an event times the factor."""
        own, delivered = self.settings, self._delivered(frames)

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            known = delivered.get(session, _EVENTS.to_frame()) if own.delivered else self._known_at(session)
            near = known.filter(
                pl.col("date").is_between(session - timedelta(days=own.after_days), session + timedelta(days=own.before_days))
            ).sort("date", "kind", "symbol", "known_from", "timing")
            if near.is_empty() or not (rows["weight"] != 0.0).any():
                return all_allowed(rows)
            of_all = near.filter(pl.col("symbol") == ALL)
            told = {row["symbol"]: _in_words(row) for row in near.reverse().iter_rows(named=True)}
            common = told.get(ALL) if of_all.height else None
            found = [told.get(symbol, common) for symbol in rows["symbol"]]
            weights = rows["weight"].to_numpy()
            reasons = [f"{event}: times {own.factor:g}" if event else None for event in found]
            cut = [weight * own.factor if event else weight for weight, event in zip(weights, found, strict=True)]
            return weighed_anew(rows, pl.Series(cut, dtype=pl.Float64).to_numpy(), reasons)

        return session_by_session(proposed, judge)


def _in_words(event: Mapping[str, Any]) -> str:
    """An event, when it is, and since when that is known."""
    whose = "" if event["symbol"] == ALL else f" of {event['symbol']}"
    timing = f" ({event['timing']})" if event["timing"] else ""
    since = f", known since {event['known_from']}" if event["known_from"] else ""
    return f"{event['kind']}{whose} on {event['date']}{timing}{since}"


def scheduled_events(file: Path) -> pl.DataFrame:
    """The events of a file.

    Returns
    -------
    polars.DataFrame
        symbol, date, kind, known_from (null: always), sorted.

    Raises
    ------
    ValueError
        If a column is missing, or a date is none; the message names the line.
    """
    table = pl.read_csv(file, infer_schema=False)
    if missing := [name for name in COLUMNS if name not in table.columns]:
        raise ValueError(f"{file} has no column {missing[0]}: it needs {', '.join(COLUMNS)}, and may have known_from")
    table = table.with_columns(known_from=pl.col("known_from") if "known_from" in table.columns else pl.lit(None, pl.String))
    for name in ("date", "known_from"):
        parsed = table[name].str.to_date("%Y-%m-%d", strict=False)
        wrong = parsed.is_null() & table[name].is_not_null() if name == "known_from" else parsed.is_null()
        if wrong.any():
            line = int(wrong.arg_true()[0]) + 2
            raise ValueError(f"{file}, line {line}: {name} is {table[name][line - 2]!r}; give it as 2024-03-01")
        table = table.with_columns(parsed.alias(name))
    return table.select(*COLUMNS, "known_from").drop_nulls("symbol").unique().sort("date", "symbol", "kind", "known_from")


PLUGIN = Plugin(settings=BlackoutSettings, make=Blackout)
