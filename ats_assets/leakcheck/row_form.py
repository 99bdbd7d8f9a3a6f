"""The subjects inside a session, by the assets' own functions: their rows are known at instants, after any of which the future is changed.

Samplers, features of bars, events, their labels and the features beside them are judged at instants; the models of events, which learn after the close, at sessions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.events.bar_regimes import BAR_REGIMES, bar_regimes
from ats_assets.events.choosing import EVENTS, LABELS, EventRules, event_models, event_rules
from ats_assets.events.decisions import events_of
from ats_assets.events.event_lane import EventLane, event_lane
from ats_assets.events.event_sets import event_training_set, event_window
from ats_assets.events.known_labels import known_labels
from ats_assets.features.bar_expressions import bar_values, known_bars
from ats_assets.features.choosing import bar_families
from ats_assets.features.family import FeatureFamily
from ats_assets.leakcheck.detection import Time
from ats_assets.leakcheck.sampled_bars import of_samplers
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.models import fit
from ats_assets.settings import BarRegimeSettings
from ats_assets.storage.artefacts import Unavailable

Frames = Mapping[str, pl.DataFrame]
AT = "known_at"
NAMES = ("bar", "side", "direction")
"""Numeric columns that name a row, or choose."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A subject, and the times after which its inputs are changed."""

    subject: Subject
    times: Sequence[Time]


def of_row_form(deployment: Deployment, sessions: int) -> list[Timed]:
    """The subjects inside the newest stored sessions: samplers and measures beside their bars, then what is made of bars; none where nothing is stored."""
    sampled = [Timed(subject=subject, times=times) for subject, times in of_samplers(deployment)]
    return [*sampled, *_of_bars(deployment, sessions)]


def _of_bars(deployment: Deployment, sessions: int) -> list[Timed]:
    frames = {family.frame: None for family in deployment.of(bar_families).values() if family.frame}
    rules = deployment.of(event_rules)
    frames |= {rules.frame: None} if rules else {}
    regimes = deployment.settings.bar_regimes
    frames |= {regimes.frame: None} if regimes.frame else {}
    stored = [deployment.valid_sessions(frame) for frame in frames]
    days = sorted(set.intersection(*map(set, stored)))[-sessions:] if stored else []
    if len(days) < 3:
        return []
    closes = {day: deployment.calendar.closes_at(day) for day in days}
    bars = {frame: known_bars(deployment.warehouse.read(frame, days), closes) for frame in frames}
    found = [
        _at_instants(family.name, {"bars": _input(bars[family.frame])}, partial(_features, deployment, family, days), ("symbol",))
        for family in deployment.of(bar_families).values()
        if family.frame
    ]
    if regimes.frame:
        make = partial(_regimes, regimes, days)
        found.append(_at_instants(BAR_REGIMES, {"bars": _input(bars[regimes.frame])}, make, ("symbol",)))
    return found + (_of_events(deployment, rules, bars[rules.frame], days) if rules else [])


def _of_events(deployment: Deployment, rules: EventRules, bars: pl.DataFrame, days: Sequence[date]) -> list[Timed]:
    """Events, labels, and of each model the features beside them and its fits, where what they are made of is stored."""
    keys = ("symbol", "bar")
    found = [_at_instants(EVENTS, {"bars": _input(bars)}, partial(_events, deployment, rules, days), keys)]
    events = _stored(deployment, EVENTS, days)
    if events is not None:
        inputs = {"bars": _input(bars), EVENTS: _input(events)}
        found.append(
            _at_instants(LABELS, inputs, partial(_labels, deployment, rules, days), ("symbol", "decision_session", "bar"), kind="label")
        )
    for model in deployment.of(event_models).values():
        lane = event_lane(deployment, model)
        read = {name: _stored(deployment, name, days) for name in (*lane.features_of, *lane.decided_by, model.labels)}
        rows = {name: frame for name, frame in read.items() if frame is not None and frame.height}
        if len(rows) < len(read):
            continue
        beside = {name: _of_any(rows[name]) for name in (*lane.features_of, *lane.decided_by)}
        found.append(_at_instants(f"{model.name}_features", beside, partial(_beside, lane, days), ("symbol", "session", "bar")))
        learnt = {name: Input(rows=frame, keys=_named(frame)) for name, frame in rows.items()}
        subject = Subject(name=model.model.asset, kind="model", inputs=learnt, make=partial(_models, lane, days), keys=())
        found.append(Timed(subject=subject, times=list(days)))
    return found


def _at_instants(
    name: str, inputs: Mapping[str, Input], make: partial[pl.DataFrame], keys: tuple[str, ...], kind: str = "feature"
) -> Timed:
    instants = pl.concat([given.rows[AT] for given in inputs.values() if given.known == AT]).unique().sort().to_list()
    subject = Subject(name=name, kind="label" if kind == "label" else "feature", inputs=inputs, make=make, keys=keys, known=AT)
    return Timed(subject=subject, times=instants)


def _input(rows: pl.DataFrame) -> Input:
    return Input(rows=rows, known=AT, keys=_named(rows))


def _of_any(rows: pl.DataFrame) -> Input:
    """Of a family over daily bars the sessions are known, and no instant lies between them."""
    return (
        _input(rows)
        if AT in rows.columns
        else _input(rows.with_columns(pl.col("session").cast(pl.Datetime("ns", "UTC")).dt.offset_by("1d").alias(AT)))
    )


def _named(rows: pl.DataFrame) -> tuple[str, ...]:
    return tuple(name for name in NAMES if name in rows.columns)


def _stored(deployment: Deployment, asset: str, days: Sequence[date]) -> pl.DataFrame | None:
    if not all(deployment.warehouse.exists(asset, day) for day in days):
        return None
    return deployment.warehouse.read(asset, days)


def _features(deployment: Deployment, family: FeatureFamily, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    how = {"lookback_sessions": deployment.settings.intraday.lookback_sessions, "flat": deployment.settings.expressions.flat_windows}
    return bar_values(rows["bars"], family.expressions, days=days, sessions=days, **how)


def _regimes(settings: BarRegimeSettings, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    """With one starting point and the session before: what it computes is then not worth much, but computed the same way."""
    quick = settings.model_copy(update={"starts": 1, "match_fits": 1, "train_sessions": 1, "min_bars": 20})
    return bar_regimes(rows["bars"], quick, days=days, sessions=days)


def _events(deployment: Deployment, rules: EventRules, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    how = {"lookback_sessions": deployment.settings.intraday.lookback_sessions, "flat": deployment.settings.expressions.flat_windows}
    return events_of(rows["bars"], deployment.settings.events, rules.cusum, days=days, sessions=days, **how)


def _labels(deployment: Deployment, rules: EventRules, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    there = rows[EVENTS].join(rows["bars"], on=["symbol", "session", "bar"], how="semi", maintain_order="left")
    closes = {day: deployment.calendar.closes_at(day) for day in days}
    return known_labels(rows["bars"], there, days=days, sessions=days, closes=closes, barriers=rules.barriers)


def _beside(lane: EventLane, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    return lane.features(rows, days)


def _models(lane: EventLane, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    """The models of three sessions, each of the partitions up to its own, with settings that make little work."""
    settings = lane.settings.model_copy(update={"min_train_events": 2, "train_sessions": len(days), "validation_sessions": 1, "threads": 1})
    made: list[tuple[date, str]] = []
    for session in dict.fromkeys((days[len(days) // 2], days[-len(days) // 4], days[-2])):
        known = {name: frame.filter(pl.col("session") <= session) for name, frame in rows.items()}
        window = event_window(session, [day for day in days if day <= session], settings, lane.rules.barriers.max_sessions)
        data = event_training_set(lane.model, lane.features(known, days), known[lane.model.labels], window, settings)
        quick = replace(lane.model.model, learner=lane.model.model.quick)
        fitted = fit(quick, data, settings.of_learners(lane.model.labels))
        made.append((session, fitted.reason if isinstance(fitted, Unavailable) else hashlib.sha256(fitted.content).hexdigest()))
    return pl.DataFrame(made, schema={"session": pl.Date, "model": pl.String}, orient="row").sort("session")
