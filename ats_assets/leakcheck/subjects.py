"""The subjects of a deployment: every feature family, the labels, the universe, the model, the signals, the targets and the backtest, by the assets' own functions."""

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from ats_assets.backtests import backtest_engine, run_backtest
from ats_assets.bars import BARS_SCHEMA
from ats_assets.bars.universe import universe
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, MissingPartitionError, SettingsError
from ats_assets.features import FeatureFamily, features_of, joined
from ats_assets.features.choosing import families, model_families
from ats_assets.impact.schema import MARKET
from ats_assets.labels import SAMPLE_WEIGHTS, Label, label_weights, labels, labels_known_at, learnt_label
from ats_assets.labels.sample_weights import sample_weights
from ats_assets.leakcheck.impact_subjects import impact_of, impact_subjects
from ats_assets.leakcheck.interval_subject import interval_subjects
from ats_assets.leakcheck.option_subjects import option_subjects
from ats_assets.leakcheck.regime_subjects import regime_subjects
from ats_assets.leakcheck.selection_subjects import held_for, selection_subjects
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.models import Model, fit, models, training_set, training_window
from ats_assets.portfolio.choosing import sessions_kept
from ats_assets.portfolio.schema import WANTED_SCHEMA
from ats_assets.portfolio.targets import targets_of
from ats_assets.portfolio.working_rules import working_rules
from ats_assets.risk import NamedRule, risk_rules
from ats_assets.settings import Adjust, Settings, TrainingSettings
from ats_assets.storage.artefacts import Unavailable
from ats_assets.strategies.choosing import called_signals, strategies, weighting
from ats_assets.strategies.strategy import Strategy
from ats_assets.strategies.weighting import Weighting

Frames = Mapping[str, pl.DataFrame]
KEYS = ("symbol", "session")


def stored_bars(deployment: Deployment, sessions: int, symbols: int) -> tuple[pl.DataFrame, list[date]]:
    """The newest sessions of bars, of the symbols that come first in the alphabet, and these sessions.

    Raises
    ------
    MissingPartitionError
        If there are no bars.
    """
    stored = deployment.valid_sessions("bars")
    if not stored:
        raise MissingPartitionError("there are no bars to look for leaks in; make them: ats run --select +bars")
    days = deployment.calendar.window(stored[-1], sessions)
    days = [day for day in days if day >= stored[0]]
    bars = deployment.warehouse.read("bars", days)
    chosen = bars["symbol"].unique().sort().head(symbols)
    return bars.filter(pl.col("symbol").is_in(chosen.implode())), days


def of_function(name: str, bars: pl.DataFrame) -> Subject:
    """A function of the user's own, as `module:function`: bars in, a frame with symbol, session and its columns out.

    Raises
    ------
    SettingsError
        If there is no such function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"there is no function {name} ({error}); write it as module:function, and start where the module lies"
        ) from error

    def make(rows: Frames) -> pl.DataFrame:
        made = found(rows["bars"])
        if not isinstance(made, pl.DataFrame):
            raise ContractError(f"{name} returned a {type(made).__name__}, not a polars.DataFrame")
        return made

    return Subject(name=name, kind="feature", inputs={"bars": Input(rows=bars)}, make=make)


def of_deployment(deployment: Deployment, bars: pl.DataFrame, sessions: Sequence[date]) -> list[Subject]:
    """The subjects that the stored bars suffice for, and those made of stored features and signals where these are there."""
    days = list(sessions)
    settings = deployment.settings
    stored = [day for day in days if deployment.warehouse.exists("corporate_actions", day)]
    actions = deployment.warehouse.read("corporate_actions", stored) if stored else CORPORATE_ACTIONS_SCHEMA.to_frame()
    actions = actions.filter(pl.col("symbol").is_in(bars["symbol"].unique().implode()))
    given = {"bars": Input(rows=bars), "corporate_actions": Input(rows=actions)}
    subjects = [
        Subject(name=family.name, kind="feature", inputs=given, make=partial(_features, family, days, settings))
        for family in deployment.of(families).values()
    ]
    subjects += regime_subjects(deployment, days, given)
    subjects += option_subjects(deployment, days, given)
    subjects += impact_subjects(deployment, days, given)
    subjects += _labelled(deployment, bars, days, given)

    def members(rows: Frames) -> pl.DataFrame:
        followed = identities_of(rows["corporate_actions"]).named(rows["bars"])
        return universe(followed, days, settings.universe, calendar=deployment.calendar)

    subjects.append(Subject(name="universe", kind="feature", inputs=given, make=members))
    judged = {name: _stored(deployment, name, days, bars) for name in ("predictions", "forward_returns")}
    past = {name: _input(frame) for name, frame in judged.items() if frame is not None}
    subjects += interval_subjects(deployment, days, past)
    stored_members = _stored(deployment, "universe", days, bars)
    members_too = {"universe": _input(stored_members)} if stored_members is not None else {}
    scored = {asset: _stored(deployment, asset, days, bars) for asset in deployment.signals.values()}
    signals = {asset: _input(rows) for asset, rows in scored.items() if rows is not None}
    market = _stored(deployment, MARKET, days, bars) if deployment.settings.impact.is_on else None
    market_too = {} if market is None else {MARKET: _input(market)}
    subjects += selection_subjects(deployment, days, given | past | members_too | signals | market_too)
    return [*subjects, *_learned(deployment, bars, days), *_traded(deployment, bars, days, given)]


def _labelled(deployment: Deployment, bars: pl.DataFrame, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The labels, where what they read is there."""
    adjust, subjects = deployment.settings.actions.adjust, []
    for name, label in deployment.of(labels).items():
        read = [window.asset for window in label.needs()]
        called = deployment.of(called_signals)
        frames = {asset: _stored(deployment, called.get(asset, asset), days, bars) for asset in read if asset not in given}
        inputs = dict(given) | {asset: _input(frame) for asset, frame in frames.items() if frame is not None}
        if set(read) <= inputs.keys():
            make = partial(_known_labels, label, days, adjust)
            subjects.append(Subject(name=name, kind="label", inputs=inputs, make=make, keys=label.keys))
    return [*subjects, *_weighed(deployment, bars, days, given)]


def _weighed(deployment: Deployment, bars: pl.DataFrame, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The weights of the label that models learn, where settings give it some and its partitions are there."""
    learnt, subjects = deployment.of(learnt_label), []
    for name in deployment.of(label_weights):
        rows = _stored(deployment, learnt.asset, days, bars)
        if rows is not None:
            inputs = dict(given) | {learnt.asset: _input(rows)}
            subjects.append(Subject(name=name, kind="label", inputs=inputs, make=partial(_weights, deployment, days), keys=("symbol",)))
    return subjects


def _weights(deployment: Deployment, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    """Of the labels that were decided in these days."""
    learnt, settings = deployment.of(learnt_label), deployment.settings
    outcomes = learnt.outcomes(rows[learnt.asset]).filter(pl.col("decision_session") >= days[0])
    by, adjust, actions = settings.training.sample_weights, settings.actions.adjust, rows["corporate_actions"]
    return sample_weights(outcomes, rows["bars"], actions, days, days, learnt.known_after, by=by, adjust=adjust)


def _known_labels(label: Label, days: Sequence[date], adjust: Adjust, rows: Frames) -> pl.DataFrame:
    return labels_known_at(label, rows, days, days, adjust=adjust)


def _features(family: FeatureFamily, days: Sequence[date], settings: Settings, rows: Frames) -> pl.DataFrame:
    bars = rows["bars"].select(*KEYS, pl.exclude(*KEYS))
    adjust, flat = settings.actions.adjust, settings.expressions.flat_windows
    return features_of(family, bars, rows["corporate_actions"], calendar=days, sessions=days, adjust=adjust, flat=flat)


def _stored(deployment: Deployment, asset: str, days: Sequence[date], bars: pl.DataFrame) -> pl.DataFrame | None:
    """An asset's rows of the days and symbols; None where a partition is missing."""
    if not all(deployment.warehouse.exists(asset, day) for day in days):
        return None
    return deployment.warehouse.read(asset, days).filter(pl.col("symbol").is_in(bars["symbol"].unique().implode()))


def _input(rows: pl.DataFrame) -> Input:
    return Input(rows=rows, keys=tuple({"horizon_sessions"} & set(rows.columns)))


def _learned(deployment: Deployment, bars: pl.DataFrame, days: Sequence[date]) -> list[Subject]:
    """The model: what it was fitted on must be known at its session."""
    learnt = deployment.of(learnt_label)
    read = (*deployment.of(model_families), learnt.asset, "universe", *deployment.of(label_weights))
    frames = {name: _stored(deployment, name, days, bars) for name in read}
    inputs = {name: _input(frame) for name, frame in frames.items() if frame is not None}
    if len(inputs) < len(frames):
        return []
    own = deployment.settings.training
    span = max(6, len(days) // 2)
    settings = own.model_copy(
        update={"train_sessions": span, "validation_sessions": max(1, span // 5), "min_train_sessions": 1, "threads": 1}
    )
    return [
        Subject(name=name, kind="model", inputs=inputs, make=partial(_models, deployment, model, settings, days), keys=())
        for name, model in deployment.of(models).items()
    ]


def _models(deployment: Deployment, model: Model, settings: TrainingSettings, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    """The models of three sessions, each of the partitions up to its own, as the asset reads them."""
    made: list[tuple[date, str]] = []
    learnt = deployment.of(learnt_label)
    for session in (days[len(days) // 2], days[-len(days) // 4], days[-2]):
        known = {name: frame.filter(pl.col("session") <= session) for name, frame in rows.items()}
        quick = replace(model, learner=model.quick)
        window = training_window(deployment.calendar, session, settings, learnt.known_after, quick.sequence_sessions)
        features = joined({name: known[name] for name in deployment.of(model_families)})
        data = training_set(features, learnt.outcomes(known[learnt.asset]), known["universe"], window, settings, known.get(SAMPLE_WEIGHTS))
        fitted = fit(quick, data, settings)
        text = fitted.reason if isinstance(fitted, Unavailable) else hashlib.sha256(fitted.content).hexdigest()
        made.append((session, text))
    return pl.DataFrame(made, schema={"session": pl.Date, "model": pl.String}, orient="row").unique("session").sort("session")


def _traded(deployment: Deployment, bars: pl.DataFrame, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The signals of each strategy, made of what it reads, the targets, made of signals and what risk rules read, and the backtest, made of targets and bars."""
    settings = deployment.settings
    subjects: list[Subject] = []
    for name, named in deployment.of(strategies).items():
        weigh = deployment.of(weighting)
        windows = (*named.strategy.needs(settings.training), *weigh.needs())
        read = list(dict.fromkeys(window.asset for window in windows))
        called = deployment.of(called_signals)
        frames = {asset: _stored(deployment, called.get(asset, asset), days, bars) for asset in read if asset not in given}
        inputs = {asset: given[asset] for asset in read if asset in given}
        inputs |= {asset: _input(frame) for asset, frame in frames.items() if frame is not None}
        if len(inputs) == len(read):
            make = partial(_scored, named.strategy, weigh, settings, list(days))
            subjects.append(Subject(name=name, kind="signal", inputs=inputs, make=make))
    subjects += _wanted(deployment, bars, days, given)
    targets = _stored(deployment, "targets", days, bars)
    if targets is not None and targets.height:
        inputs = {"targets": Input(rows=targets.select(WANTED_SCHEMA.names()), lag=1), "bars": Input(rows=bars.select(BARS_SCHEMA.names()))}
        known = _stored(deployment, MARKET, days, bars) if deployment.settings.impact.is_on else None
        inputs |= {} if known is None else {MARKET: _input(known)}
        make_equity = partial(_equity, deployment, list(days))
        subjects.append(Subject(name="backtest", kind="backtest", inputs=inputs, make=make_equity, keys=()))
    return subjects


def _wanted(deployment: Deployment, bars: pl.DataFrame, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The targets, where the signals of all strategies that have capital, and what risk rules read, are there."""
    applied = deployment.of(risk_rules)
    of_strategies = {name: deployment.signals[name] for name, share in deployment.settings.capital.items() if share}
    read = {*of_strategies.values(), *(window.asset for one in applied for window in one.rule.needs())}
    if deployment.settings.holding_sessions > 1 and deployment.tells_name_changes:
        read.add("corporate_actions")
    if deployment.of(sessions_kept):
        read |= {"bars", "corporate_actions"}
    frames = {asset: _stored(deployment, asset, days, bars) for asset in read - given.keys()}
    inputs = {asset: _input(frame) for asset, frame in frames.items() if frame is not None}
    if len(inputs) < len(frames):
        return []
    inputs |= {asset: given[asset] for asset in read & given.keys()}
    make = partial(_targets, deployment, of_strategies, applied, list(days))
    return [Subject(name="targets", kind="signal", inputs=inputs, make=make)]


def _targets(
    deployment: Deployment, of_strategies: Mapping[str, str], applied: Sequence[NamedRule], days: Sequence[date], rows: Frames
) -> pl.DataFrame:
    signals = {name: rows[asset] for name, asset in of_strategies.items()}
    identities = identities_of(rows["corporate_actions"]) if "corporate_actions" in rows else None
    settings = deployment.settings
    holding = held_for(deployment, [*signals], days)
    made = targets_of(
        signals,
        settings.capital,
        applied,
        holding_sessions=holding,
        identities=identities,
        kept=deployment.of(sessions_kept),
        longest=settings.holding_sessions,
        frames=rows,
        days=days,
        sessions=days,
    )
    return made.drop("strategies", "reasons")


def _scored(strategy: Strategy, weigh: Weighting, settings: Settings, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    return weigh.signals(strategy.scores(rows, days, days, settings.training), rows, days, days)[0]


def _equity(deployment: Deployment, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    settings = deployment.settings
    how: dict[str, Any] = {"limits": settings.orders.limits, "brake": settings.orders.brake, "engine": deployment.of(backtest_engine)}
    how["impact"] = impact_of(deployment, rows)
    if not settings.orders.works_in_parts:  # parts need bars inside the session, which are no input here
        how["working"] = working_rules(deployment)
    return run_backtest(rows["targets"], rows["bars"], days, portfolio=settings.portfolio, settings=settings.backtest, **how).equity
