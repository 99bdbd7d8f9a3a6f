"""What the backtest report reads of the warehouse and the models, and the versions of all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

import polars as pl
from pydantic import BaseModel

from ats_assets.backtests import BacktestResult, backtest_metrics
from ats_assets.backtests.metrics import risk_free_of_session, session_returns
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.trial_selection import Selection, selection
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.models.choosing import models
from ats_assets.reports.comparison import SESSIONS, comparison_note, comparison_rows, restatements_version, stored_comparison
from ats_assets.reports.report_section import ReportInputs, sections
from ats_assets.risk import risk_rules
from ats_assets.settings import BacktestSettings, Settings
from ats_assets.storage.footer import Upstream
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.vintages import RESTATEMENTS
from ats_assets.strategies.choosing import strategies
from ats_assets.trials import ledger_of

STUDIES = ("cost_sensitivity", "wanted")
"""The backtest's tables beside those of its result."""
Columns = tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """What a report is made from, and the versions of it: upstream asset -> session or table -> data version."""

    inputs: ReportInputs
    upstream: Upstream


def report_reads(deployment: Deployment) -> dict[str, Columns]:
    """The assets that the sections read beside the backtest, by name, with the columns that they take together; None for all."""
    found: dict[str, Columns] = {}
    for section in sections().values():
        for asset in section.reads(deployment):
            columns = section.columns.get(asset)
            before = found.get(asset, ())
            found[asset] = None if columns is None or before is None else tuple(dict.fromkeys([*before, *columns]))
    return found


def newest_read(deployment: Deployment) -> dict[str, int]:
    """By the name of an asset, how many of the newest sessions are enough for all sections that read it; one that is not named is read as a whole."""
    found: dict[str, list[int | None]] = {}
    for section in sections().values():
        enough = section.newest(deployment)
        for asset in section.reads(deployment):
            found.setdefault(asset, []).append(enough.get(asset))
    return {asset: max(known) for asset, numbers in found.items() if len(known := [n for n in numbers if n is not None]) == len(numbers)}


def report_tables_read(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """The assets without partitions that the sections read beside the backtest, by name, with the tables that they take together."""
    found: dict[str, tuple[str, ...]] = {}
    for section in sections().values():
        for asset, tables in section.tables(deployment).items():
            found[asset] = tuple(dict.fromkeys([*found.get(asset, ()), *tables]))
    return found


def report_data(deployment: Deployment) -> ReportData:
    """Read the newest backtest and what the sections ask for at its sessions.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    settings, warehouse = deployment.settings, deployment.warehouse
    result = BacktestResult(**{field.name: warehouse.read_part("backtest", field.name) for field in fields(BacktestResult)})
    costs, wanted = (warehouse.read_part("backtest", name) for name in STUDIES)
    days = result.equity["session"].to_list()
    first, last = (days[0], days[-1]) if days else (date.min, date.max)
    rows: dict[str, pl.DataFrame] = {"skill": SKILL_SCHEMA.to_frame()}
    fits: dict[str, Sequence[ModelRecord]] = {}
    upstream: dict[str, Mapping[str, str]] = {}
    enough = newest_read(deployment)
    for asset, columns in report_reads(deployment).items():
        stored = _read_sessions(deployment, asset, first, last)
        stored = stored[-enough[asset] :] if asset in enough else stored
        upstream[asset] = deployment.data_versions(asset, stored)
        if asset in deployment.models:
            fits[asset] = active_fits(deployment, asset, stored)
        elif stored:
            rows[asset] = warehouse.read(asset, stored, columns)
    tables: dict[str, Mapping[str, pl.DataFrame]] = {}
    for asset, names in report_tables_read(deployment).items():
        there = [name for name in names if warehouse.part(asset, name).is_file()]
        tables[asset] = {name: warehouse.read_part(asset, name) for name in there}
        upstream[asset] = {name: warehouse.footer_of(warehouse.part(asset, name)).data_version for name in there}
    newest = deployment.valid_sessions("targets")[-1]
    inputs = ReportInputs(
        result=result,
        metrics=backtest_metrics(result, settings.backtest, costs=costs, wanted=wanted),
        settings=settings.backtest,
        portfolio=settings.portfolio,
        costs=costs,
        wanted=wanted,
        title=_title(settings),
        benchmark=settings.backtest.benchmark,
        horizon_sessions=settings.training.horizon_sessions,
        next_session=deployment.calendar.after(newest) if newest < deployment.calendar.last else None,
        sessions=deployment.calendar.sessions(first, last) if days else (),
        rows=rows,
        tables=tables,
        fits=fits,
        provenance=_provenance(deployment, newest),
        shown_settings=_written_settings(deployment),
        selection=_selection(deployment, result.equity),
        ledger_fault=deployment.of(ledger_of).fault(),
        knowledge=_knowledge(deployment),
        impact=stored_impact(deployment, days[:-1]) if days else None,
    )
    return ReportData(inputs=inputs, upstream=_of_restatements(deployment) | {"backtest": _tables(deployment)} | upstream)


def _selection(deployment: Deployment, equity: pl.DataFrame) -> Selection | None:
    """What is left of the backtest's ratio of so many trials as the ledger has; None where nothing was traded."""
    if equity.height < 2:
        return None
    settings = deployment.settings
    how = {"sessions_per_year": settings.backtest.sessions_per_year, "risk_free": risk_free_of_session(settings.backtest)}
    trials, returns = deployment.of(ledger_of).trials(), session_returns(equity["equity"].to_numpy())
    return selection(trials, equity["session"].to_list()[1:], returns, lags=settings.holding_sessions - 1, **how)


def _title(settings: Settings) -> str:
    """What the page is of; an engine that does not trade as orders do is named."""
    by = "" if settings.backtest.engine == BacktestSettings().engine else f" by the engine {settings.backtest.engine}"
    return f"Backtest of {settings.source.kind} data{by}"


def active_fits(deployment: Deployment, asset: str, days: Sequence[date]) -> list[ModelRecord]:
    """The records of the fits that are active at some sessions, ascending, each once; carried ones are followed to where they were fitted.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    store = deployment.model_store(asset)
    origins = {record.carried_from or record.session for record in map(store.record, days)}
    return [store.record(day) for day in sorted(origins)]


def shown_settings(deployment: Deployment) -> dict[str, BaseModel]:
    """The settings that the report shows, by section; not where files lie, nor how many threads there are."""
    settings = deployment.settings
    source = deployment.source_plugin.bars_follow(deployment.source_settings)
    shown: dict[str, BaseModel] = {"source": source, "training": settings.training.of_results()}
    shown |= {f"models.{model.name}": model.learner.settings for model in deployment.of(models).values()}
    shown |= {f"strategies.{one.name}": one.strategy.settings for one in deployment.of(strategies).values()}
    shown |= {f"risk.{one.name}": one.rule.settings for one in deployment.of(risk_rules)}
    shown |= {} if settings.monte_carlo is None else {"monte_carlo": settings.monte_carlo.of_results()}
    return shown | {name: getattr(settings, name) for name in ("calendar", "knowledge", "universe", "labels", "portfolio", "backtest")}


def _read_sessions(deployment: Deployment, asset: str, first: date, last: date) -> list[date]:
    """The stored sessions of an asset that the report reads: those of the backtest, or of `targets` the newest, whose opens are still to come."""
    if asset == "targets":
        return deployment.valid_sessions(asset)[-1:]
    stored = deployment.model_store(asset).stored_sessions() if asset in deployment.models else deployment.valid_sessions(asset)
    return [day for day in stored if first <= day <= last and deployment.calendar.is_session(day)]


def _tables(deployment: Deployment) -> dict[str, str]:
    """The data versions of the backtest's tables, by their names."""
    warehouse = deployment.warehouse
    names = [*(field.name for field in fields(BacktestResult)), *STUDIES]
    return {name: warehouse.footer_of(warehouse.part("backtest", name)).data_version for name in names}


def _of_restatements(deployment: Deployment) -> dict[str, Mapping[str, str]]:
    return {RESTATEMENTS: found} if (found := restatements_version(deployment)) else {}


def _knowledge(deployment: Deployment) -> tuple[str, list[tuple[str, str, str]]] | None:
    """What there is to say of restatements, and the figures under both kinds of knowledge; None where every session was delivered once."""
    several = restatements_version(deployment).get(SESSIONS)
    if several is None:
        return None
    found = stored_comparison(deployment)
    return comparison_note(found, int(several)), comparison_rows(found) if found else []


def _provenance(deployment: Deployment, newest: date) -> dict[str, dict[str, object]]:
    """What is behind the report: nothing that its own footer does not name, so that the report is stale when any of it has changed."""
    warehouse = deployment.warehouse
    return {
        "Data versions": {
            "equity of the backtest": warehouse.footer_of(warehouse.part("backtest", "equity")).data_version,
            f"targets of {newest}": warehouse.footer("targets", newest).data_version,
        }
    }


def _written_settings(deployment: Deployment) -> dict[str, dict[str, object]]:
    """The shown settings as JSON has them; of the source only what its bars follow from."""
    written = {name: section.model_dump(mode="json", exclude={"threads"}) for name, section in shown_settings(deployment).items()}
    own = deployment.source_settings.model_dump(mode="json")
    written["source"] = {name: value for name, value in written["source"].items() if own[name] == value}
    return {name: values for name, values in written.items() if values}
