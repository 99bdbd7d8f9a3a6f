"""What the report of events reads of the warehouse and the store of models, and the data versions of it all."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.evaluation.trial_selection import Selection, selection
from ats_assets.events.bar_regimes import BAR_REGIMES
from ats_assets.events.choosing import EVENTS, LABELS, EventModel, EventRules, event_families, event_models, event_rules
from ats_assets.events.event_backtest import backtests_of_events
from ats_assets.intraday import tick_assets
from ats_assets.reports.event_report import EventReportInputs
from ats_assets.storage.model_record import ModelRecord
from ats_assets.trials import ledger_of


@dataclass(frozen=True, kw_only=True)
class EventReportData:
    """The report's inputs, and asset -> session -> data version of what they were read from."""

    inputs: EventReportInputs
    upstream: Mapping[str, Mapping[str, str]]


def event_report_reads(deployment: Deployment) -> dict[str, str]:
    """The assets with partitions that the report is made of, and what each is, in the order of the data; models apart."""
    rules = deployment.of(event_rules)
    assert rules is not None, "there is no report without events"
    found: dict[str, str] = dict.fromkeys(tick_assets(deployment), "ticks that satisfy the contract")
    found[rules.frame] = "bars at whose close decisions are made"
    if deployment.settings.bar_regimes.frame:
        found[BAR_REGIMES] = f"regimes of the bars of {deployment.settings.bar_regimes.frame}"
    for name, family in deployment.of(event_families).items():
        found[name] = f"{len(family.factors)} features of the bars of {family.frame or 'the day'}"
    found[EVENTS] = "decisions inside a session"
    found[LABELS] = "what became of them, under the session in which that was known"
    for model in deployment.of(event_models).values():
        if model.labels not in found:
            found[model.labels] = f"the same of the sides that {model.judges} gives"
        found[model.predictions] = judged_in_words(model)
    return found


def judged_in_words(model: EventModel) -> str:
    """What the predictions of a model are of."""
    if model.judges is None:
        return "whether the price rises"
    return f"whether the side of {model.judges} gains" if model.primary else "whether the side of the rule gains"


def event_report_data(deployment: Deployment, rules: EventRules, traded: EventModel) -> EventReportData:
    """Read what the report shows.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    found = backtests_of_events(deployment, rules, traded)
    upstream: dict[str, Mapping[str, str]] = {}
    counts: list[tuple[str, int, str]] = []
    for name, note in event_report_reads(deployment).items():
        stored = deployment.valid_sessions(name)
        upstream[name] = deployment.data_versions(name, stored)
        counts.append((name, sum(deployment.warehouse.read(name, [day], ["session"]).height for day in stored), note))
    fits: dict[str, list[ModelRecord]] = {}
    for name, model in deployment.of(event_models).items():
        store = deployment.model_store(model.model.asset)
        stored = [day for day in store.stored_sessions() if deployment.calendar.is_session(day)]
        fits[name] = [record for record in map(store.record, stored) if record.status != "carried"]
        upstream[model.model.asset] = deployment.data_versions(model.model.asset, stored)
    inputs = EventReportInputs(
        backtests=found,
        settings=deployment.settings.event_backtest,
        regimes=_regimes(deployment, upstream),
        judged={name: judged_in_words(model) for name, model in deployment.of(event_models).items()},
        fits=fits,
        selection=_selection(deployment, found.own.equity),
        ledger_fault=deployment.of(ledger_of).fault(),
        counts=counts,
        provenance={"Data versions of the newest session": _newest(upstream)},
        shown_settings={
            name: section.model_dump(mode="json", exclude={"threads", "cusum", "barriers"})
            for name, section in event_settings(deployment).items()
        },
    )
    return EventReportData(inputs=inputs, upstream=upstream)


def _selection(deployment: Deployment, equity: pl.DataFrame) -> Selection | None:
    """What is left of the ratio of the sessions' returns, of so many trials as the ledger has; None where nothing was traded."""
    if equity.height < 2:
        return None
    returns, year = equity["return_net"].to_numpy(), deployment.settings.backtest.sessions_per_year
    return selection(deployment.of(ledger_of).trials(), equity["session"].to_list(), returns, sessions_per_year=year)


def event_settings(deployment: Deployment) -> dict[str, BaseModel]:
    """The settings that the report shows, by section."""
    rules, settings = deployment.of(event_rules), deployment.settings
    assert rules is not None, "there is no report without events"
    shown: dict[str, BaseModel] = {"events": settings.events, "events.cusum": rules.cusum, "events.barriers": rules.barriers}
    shown["event_training"] = settings.event_training.of_results()
    shown |= {f"event_models.{name}": model.model.learner.settings for name, model in deployment.of(event_models).items()}
    return shown | {"event_backtest": settings.event_backtest}


def _regimes(deployment: Deployment, upstream: dict[str, Mapping[str, str]]) -> pl.DataFrame | None:
    """The regimes of bars, where there are any."""
    stored = deployment.valid_sessions(BAR_REGIMES) if deployment.settings.bar_regimes.frame else []
    if not stored:
        return None
    upstream[BAR_REGIMES] = deployment.data_versions(BAR_REGIMES, stored)
    return deployment.warehouse.read(BAR_REGIMES, stored, ["symbol", "known_at", "bar_regime_state"])


def _newest(upstream: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    newest = {name: max(versions.items(), default=("", "none")) for name, versions in upstream.items()}
    return {f"{name} {session}": version for name, (session, version) in newest.items()}
