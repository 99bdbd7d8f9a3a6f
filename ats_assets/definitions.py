"""The map: the stages in the order in which data flows, and what drives them."""

import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Final

import dagster as dg
from dagster._core.definitions.utils import is_valid_name

from ats_assets.active_returns import assets as active_returns
from ats_assets.automation.alerts import alert_sensor
from ats_assets.automation.collection import collection_schedule
from ats_assets.automation.exports import export_sensor
from ats_assets.automation.following import live_sensor
from ats_assets.automation.jobs import ASKED_FOR, BACKTESTS, COLLECTED, JOB, LATE, collection_job, trading_job
from ats_assets.automation.jobs import jobs as jobs_of
from ats_assets.automation.new_session import new_session_sensor
from ats_assets.automation.retraining import retraining_schedule
from ats_assets.automation.stale import stale_sensor
from ats_assets.automation.trading import trading_sensor
from ats_assets.backtests import assets as backtests
from ats_assets.bars import assets as bars
from ats_assets.bars import checks as bars_checks
from ats_assets.books import assets as books
from ats_assets.corporate_actions import assets as corporate_actions
from ats_assets.corporate_actions import checks as corporate_actions_checks
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, FeatureError, SettingsError
from ats_assets.evaluation.skill_figures import skill_figures
from ats_assets.events import assets as events
from ats_assets.exports import assets as exports
from ats_assets.exports import checks as exports_checks
from ats_assets.exports.schema import EXPORTS, export_asset
from ats_assets.features import assets as features
from ats_assets.features import checks as features_checks
from ats_assets.features.choosing import bar_families, families
from ats_assets.holding import assets as holding
from ats_assets.holding.schema import HOLDING
from ats_assets.impact import assets as impact
from ats_assets.impact.schema import COST_ESTIMATE, FIT, MARKET, TRADED_COSTS
from ats_assets.intervals import assets as intervals
from ats_assets.intervals import checks as intervals_checks
from ats_assets.intraday import assets as intraday
from ats_assets.intraday import checks as intraday_checks
from ats_assets.intraday.schema import SCHEMAS as TICK_ASSETS
from ats_assets.labels import assets as labels
from ats_assets.learning import assets as learning
from ats_assets.learning import checks as learning_checks
from ats_assets.live import assets as live
from ats_assets.live import checks as live_checks
from ats_assets.models import assets as models
from ats_assets.monitoring.structured_logs import configure_logs
from ats_assets.option_backtests import assets as option_backtests
from ats_assets.option_orders import assets as option_orders
from ats_assets.options import assets as options
from ats_assets.options import checks as options_checks
from ats_assets.options.flow import assets as flow
from ats_assets.options.flow import checks as flow_checks
from ats_assets.options.surface import assets as surface
from ats_assets.options.surface import checks as surface_checks
from ats_assets.orchestration import collecting
from ats_assets.orchestration.graph import asset_key, asset_name
from ats_assets.orchestration.instance import guard_documents
from ats_assets.orchestration.io_manager import WarehouseIOManager
from ats_assets.orchestration.known_warnings import silence_known
from ats_assets.orchestration.partition_figures import Figures
from ats_assets.orchestration.partitions import partitions_of
from ats_assets.orders import assets as orders
from ats_assets.orders import checks as orders_checks
from ats_assets.orders.trading_costs import assets as trading_costs
from ats_assets.portfolio import assets as portfolio
from ats_assets.portfolio import checks as portfolio_checks
from ats_assets.portfolio.weight_figures import target_figures, weight_figures
from ats_assets.predictions import assets as predictions
from ats_assets.predictions import checks as predictions_checks
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.champions import assets as champions
from ats_assets.predictions.prediction_figures import prediction_figures
from ats_assets.promotions import assets as promotions
from ats_assets.regimes import assets as regimes
from ats_assets.regimes import checks as regimes_checks
from ats_assets.reports import assets as reports
from ats_assets.risk_analysis import assets as risk_analysis
from ats_assets.scheduled_events import assets as scheduled_events
from ats_assets.scheduled_events import checks as scheduled_events_checks
from ats_assets.secrecy import guard_secrets
from ats_assets.selection import assets as selection
from ats_assets.selection.schema import TICKERS, TIMEFRAMES
from ats_assets.settings import Settings, load_settings, settings_file
from ats_assets.sources import assets as sources
from ats_assets.sources import checks as sources_checks
from ats_assets.sources.profiling import prepare_for
from ats_assets.storage.quick_end import end_quickly
from ats_assets.storage.vintages import RESTATEMENTS
from ats_assets.strategies import assets as strategies
from ats_assets.tuning import assets as tuning
from ats_assets.validation import assets as validation
from ats_assets.validation import checks as validation_checks

STAGES = (
    sources,
    bars,
    corporate_actions,
    scheduled_events,
    intraday,
    options,
    flow,
    surface,
    regimes,
    features,
    labels,
    tuning,
    models,
    promotions,
    predictions,
    champions,
    intervals,
    learning,
    validation,
    events,
    selection,
    strategies,
    holding,
    portfolio,
    impact,
    backtests,
    option_backtests,
    risk_analysis,
    active_returns,
    books,
    option_orders,
    orders,
    trading_costs,
    live,
    reports,
    collecting,
    exports,
)
CHECKS = (
    sources_checks,
    bars_checks,
    corporate_actions_checks,
    scheduled_events_checks,
    intraday_checks,
    options_checks,
    flow_checks,
    surface_checks,
    regimes_checks,
    features_checks,
    predictions_checks,
    validation_checks,
    intervals_checks,
    learning_checks,
    portfolio_checks,
    orders_checks,
    exports_checks,
    live_checks,
)
LEARNING = ("drift", "skill_estimate", TICKERS, TIMEFRAMES, HOLDING)
"""The assets of continuous learning, and of selection, that settings ask for."""
OF_IMPACT = (MARKET, FIT, TRADED_COSTS, COST_ESTIMATE)
"""The assets of a model of market impact."""


def figures(deployment: Deployment) -> dict[str, Figures]:
    """What is shown of the partitions of each asset that has figures, by its name."""
    counted = {"bars": "symbols", "rejected_bars": "rows_rejected", "rejected_corporate_actions": "rows_rejected", "universe": "members"}
    predicted = ["predictions", *deployment.of(candidates).values()]
    return {
        **{name: Figures(rows=rows) for name, rows in counted.items()},
        **dict.fromkeys(predicted, Figures(make=prediction_figures)),
        "skill": Figures(make=skill_figures),
        **dict.fromkeys(deployment.signals.values(), Figures(of_changes=weight_figures)),
        "targets": Figures(of_changes=target_figures),
    }


_BUILT: Final[list[tuple[Settings, list[tuple[Path, int, int]], dg.Definitions]]] = []
"""What was built last, and of what; see `built_once`."""


def build(deployment: Deployment) -> dg.Definitions:
    """The definitions of one deployment.

    Raises
    ------
    FeatureError, SettingsError
        If a feature family, or a label, has the name of something else.
    """
    jobs = jobs_of(deployment) | {JOB: trading_job(deployment)}
    jobs |= {COLLECTED: collection_job(deployment)} if deployment.collected else {}
    reserved = {RESTATEMENTS, *TICK_ASSETS, *LEARNING, *OF_IMPACT, *BACKTESTS, *ASKED_FOR, *jobs}
    assets = _of_stages(deployment, reserved)
    checks = [check for stage in CHECKS for check in stage.checks(deployment)]
    if deployment.settings.graph.prefix:
        keys = {key: asset_key(deployment, asset_name(key)) for asset in assets for key in asset.keys}
        assets = [asset.with_attributes(asset_key_replacements=keys) for asset in assets]
        checks = [check.with_attributes(asset_key_replacements=keys) for check in checks]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=list(jobs.values()),
        schedules=[
            retraining_schedule(deployment, jobs["nightly_retraining"]),
            *([collection_schedule(deployment, jobs[COLLECTED])] if deployment.collected else []),
        ],
        sensors=[
            new_session_sensor(deployment, jobs["daily_signals"], jobs["nightly_retraining"], jobs[LATE]),
            stale_sensor(deployment, jobs["history"], jobs["backtest_reports"]),
            trading_sensor(deployment, jobs[JOB]),
            alert_sensor(deployment),
            *([live_sensor(deployment)] if deployment.settings.live.enabled else []),
            *([export_sensor(deployment, jobs[EXPORTS])] if EXPORTS in jobs else []),
        ],
        resources={"io_manager": WarehouseIOManager(deployment, figures(deployment))},
        executor=dg.in_process_executor,
        loggers={"console": dg.json_console_logger} if deployment.settings.logging.form == "json" else None,
    )


def built_once(settings: Settings) -> dg.Definitions:
    """What was built last, if neither the settings nor the files of one's own additions have changed since: one command of Dagster's loads the graph five times.

    All that is loaded then shares one deployment, with what is read, or under way, in it.
    """
    end_quickly()
    folders = (settings.features.folder, settings.plugins.folder)
    files = sorted(
        (file, file.stat().st_mtime_ns, file.stat().st_size) for folder in folders for file in folder.rglob("*") if file.is_file()
    )
    if not _BUILT or _BUILT[0][:2] != (settings, files):
        prepare_for(sys.argv, settings.bars)
        _BUILT[:] = [(settings, files, build(Deployment(settings)))]
    return _BUILT[0][2]


def _of_offered(deployment: Deployment, asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The asset with the sessions that are offered, where its stage gave it all of the calendar's: what a stage writes of it is part of its code version."""
    partitions = partitions_of(deployment)
    if all(spec.partitions_def in (None, partitions) for spec in asset.specs):
        return asset
    return asset.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=partitions if spec.partitions_def else None))


def _of_stages(deployment: Deployment, reserved: set[str]) -> list[dg.AssetsDefinition]:
    """The assets of all stages; Dagster, where assets and jobs share one space of names, would not say whose file or settings gave a name twice."""
    own, found = _own_names(deployment), list[dg.AssetsDefinition]()
    for stage in STAGES:
        made = {asset_name(key) for asset in found for key in asset.keys}
        for name, (where, its_stage) in own.items():
            if its_stage is stage and (name in reserved | made or not is_valid_name(name)):
                raise _wrong_name(where, name)
        found += stage.assets(deployment)
    made_again = Counter(asset_name(key) for asset in found for key in asset.keys)
    for name, (where, _) in own.items():
        if made_again[name] > 1:
            raise _wrong_name(where, name)
    return [_of_offered(deployment, asset) for asset in found]


def _own_names(deployment: Deployment) -> dict[str, tuple[str, ModuleType]]:
    """The assets that a user names: where, and the stage that makes them."""
    own = deployment.settings
    named = {name: (f"[samplers.{name}]", intraday) for name in own.samplers} | {
        name: (f"[labels.{name}]", labels) for name in own.labels.own
    }
    named |= {export_asset(name): (f"[exports.{name}]", exports) for name in own.exports}
    return named | {name: (one.origin, features) for made in (families, bar_families) for name, one in deployment.of(made).items()}


def _wrong_name(where: str, name: str) -> AtsError:
    """What to raise."""
    what = "the name of an asset or a job already" if is_valid_name(name) else "a word that Dagster keeps for itself already"
    if where.startswith("["):
        return SettingsError(f"{where}: `{name}` is {what}; give it another name")
    return FeatureError(f"{where}: `{name}` is {what}; give the file another name")


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads: the graph with the current settings."""
    guard_secrets(settings_file().parent)
    guard_documents()
    silence_known()
    settings = load_settings()
    configure_logs(settings.logging)
    return built_once(settings)
