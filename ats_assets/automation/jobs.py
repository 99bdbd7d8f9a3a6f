"""The jobs of a graph, and which runs are of them."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from ats_assets.deployment import Deployment
from ats_assets.events.choosing import event_models
from ats_assets.exports.schema import EXPORTS
from ats_assets.holding.schema import HOLDING
from ats_assets.impact.schema import MARKET
from ats_assets.intervals.schema import INTERVALS
from ats_assets.labels import label_weights, labels
from ats_assets.orchestration.graph import asset_key, asset_name, prefixed
from ats_assets.selection.schema import TICKERS, TIMEFRAMES
from ats_assets.storage.vintages import MADE_TOGETHER

LATE = "late_actions"
"""The job that makes the corporate actions of an earlier session again."""
COLLECTED = "market_data"
"""The group, the job and (with _schedule) the schedule of what is collected beside daily bars."""
JOB = "trading"
GRAPH, MAIN = "ats/graph", "main"
"""Tag of the runs of this graph's jobs: its prefix, or `main` without one."""
DAILY_OF_OPTIONS = ("option_chains", "greeks", "volatility_surface")
"""What is made of options at each close, where there are chains."""
DAILY_OF_FLOW = ("option_flow",)
"""What is made of flow at each close, where there is some."""
DAILY_OF_EVENTS = ("scheduled_events",)
"""What is made of scheduled events likewise: a day that moves is known from the delivery on that tells of it."""
BACKTESTS = ("backtest", "backtest_report")
OF_EVENTS = ("event_backtest", "event_report")
ASKED_FOR = (
    "feature_report",
    "option_backtest",
    "cross_validation",
    "importance",
    "timeframe_validation",
    "tuning_worth",
    "monte_carlo",
    "strategy_books",
    "active_return",
    *OF_EVENTS,
)
"""The assets without partitions: those that are always there, and those that settings ask for."""
AT_WORK = [dg.DagsterRunStatus[name] for name in ("QUEUED", "STARTING", "STARTED", "CANCELING")]


def whole_assets(deployment: Deployment) -> tuple[str, ...]:
    """The assets without partitions."""
    settings = deployment.settings
    wanted = {"feature_report": settings.features.report, "monte_carlo": settings.monte_carlo is not None}
    wanted |= {
        "active_return": settings.active_return is not None,
        "strategy_books": settings.has_books,
        "option_backtest": bool(settings.option_strategies),
    }
    wanted |= {"timeframe_validation": settings.timeframe_validation is not None}
    wanted |= {"cross_validation": settings.cross_validation.kind != "none", "importance": bool(settings.importance.ways)}
    wanted |= {"tuning_worth": bool(settings.tuning.models) and settings.tuning.worth}
    of_events = ("event_backtest", "event_report") if settings.event_models else ()
    return ("backtest", "backtest_report", *(name for name, is_wanted in wanted.items() if is_wanted), *of_events)


def _beside_signals(deployment: Deployment) -> list[str]:
    """What settings ask for beside the signals, every day."""
    settings = deployment.settings
    tables = {INTERVALS: settings.confidence, TICKERS: settings.ticker_selection, TIMEFRAMES: settings.timeframe_selection}
    tables[HOLDING] = settings.holding_period
    options = (*(DAILY_OF_OPTIONS if settings.options.has_chains else ()), *(DAILY_OF_FLOW if settings.option_flow.has_flow else ()))
    impact = [MARKET] if settings.impact.is_on else []
    scheduled = DAILY_OF_EVENTS if settings.scheduled_events.has_events else ()
    return [*(name for name, table in tables.items() if table is not None), *impact, *options, *scheduled]


def jobs(deployment: Deployment) -> dict[str, AssetJob]:
    """The jobs by name, without the graph's prefix; all run in one process, since a step's own process costs more than most steps."""

    def assets(*names: str) -> dg.AssetSelection:
        return dg.AssetSelection.assets(*(asset_key(deployment, name) for name in names))

    # The features that no model uses belong to the daily job, and the labels, on which probabilities are calibrated. No model does: a signal never
    # waits for tonight's fit.
    events = deployment.of(event_models).values()
    watched = ["drift", "skill_estimate"] if deployment.settings.drift else []
    trained = [*deployment.models, *watched]
    signals = assets("targets", *deployment.signals.values(), *_beside_signals(deployment), *(model.predictions for model in events))
    tunings = (*deployment.tunings.values(), *deployment.retunings.values())
    daily = (signals | dg.AssetSelection.groups(prefixed(deployment, "features"))).upstream() - assets(*trained, *tunings)
    reports = assets(*whole_assets(deployment))
    made = {
        "history": (
            dg.AssetSelection.all()
            - reports
            - dg.AssetSelection.groups(*(prefixed(deployment, name) for name in ("orders", COLLECTED, EXPORTS))),
            "Everything but orders and collected market data with partitions, over a range of sessions.",
        ),
        "daily_signals": (
            daily.required_multi_asset_neighbors(),
            "A new session: raw bars to targets, with the model of the session before.",
        ),
        "nightly_retraining": (
            assets(
                *deployment.of(labels),
                *deployment.of(label_weights),
                *dict.fromkeys(model.labels for model in events),
                *tunings,
                *trained,
                "skill",
            ),
            "New labels, the active model, and skill; where settings say so, drift, and the models that it asks for.",
        ),
        LATE: (
            assets("raw_corporate_actions", *MADE_TOGETHER[1].split(",")),
            "The corporate actions of an earlier session, which were announced late or corrected.",
        ),
        "backtest_reports": (reports, "The backtest over all sessions so far, and the reports."),
    }
    if deployment.settings.exports:
        copied = dg.AssetSelection.groups(prefixed(deployment, EXPORTS))
        made[EXPORTS] = (copied, "Copies in stores of their own. Nothing waits for them, and no other job fails with them.")
    tags = {GRAPH: deployment.settings.graph.prefix or MAIN}
    how = {"executor_def": dg.in_process_executor, "tags": tags}
    return {
        name: dg.define_asset_job(prefixed(deployment, name), selection=selection, description=text, **how)
        for name, (selection, text) in made.items()
    }


def collection_job(deployment: Deployment) -> AssetJob:
    """What is collected beside daily bars, session by session."""
    return dg.define_asset_job(
        prefixed(deployment, COLLECTED),
        tags={GRAPH: deployment.settings.graph.prefix or MAIN},
        selection=dg.AssetSelection.groups(prefixed(deployment, COLLECTED)),
        description="What the source delivers beside bars and corporate actions, of a session.",
        executor_def=dg.in_process_executor,
    )


def trading_job(deployment: Deployment) -> AssetJob:
    """Settle a session, plan the orders for the next open, send them."""
    return dg.define_asset_job(
        prefixed(deployment, JOB),
        tags={GRAPH: deployment.settings.graph.prefix or MAIN},
        selection=dg.AssetSelection.groups(prefixed(deployment, "orders")),
        description="A session's orders: what came of the last ones, the plan for the next open, sent to the broker exactly once.",
        executor_def=dg.in_process_executor,
    )


def concerns(deployment: Deployment, run: dg.DagsterRun) -> bool:
    """Whether a run is one of this graph's, where an instance has several: by its job's tag, or by its assets where a person chose them."""
    if GRAPH in run.tags or not run.asset_selection:
        return run.tags.get(GRAPH, MAIN) == (deployment.settings.graph.prefix or MAIN)
    return any(key == asset_key(deployment, asset_name(key)) for key in run.asset_selection)
