"""The asset of the stage intervals: how far each predicted return may lie from what is expected."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.intervals.contracts import PredictionIntervals
from ats_assets.intervals.return_intervals import interval_windows, return_intervals
from ats_assets.intervals.schema import INTERVALS
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.settings import ConfidenceSettings

GROUP = "predictions"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's asset, where the settings have a table `[confidence]`."""
    settings = deployment.settings.confidence
    return [] if settings is None else [_intervals(deployment, settings)]


def _intervals(deployment: Deployment, settings: ConfidenceSettings) -> dg.AssetsDefinition:
    horizon = deployment.settings.training.horizon_sessions
    windows = interval_windows(settings, horizon, deployment.calendar.exchange)
    names = (Reads(asset="corporate_actions", back=windows.predictions - 1 + REPEAT_DAYS),) if deployment.tells_name_changes else ()
    node = Node(
        name=INTERVALS,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset="predictions", back=windows.predictions), Reads(asset="forward_returns", back=windows.outcomes), *names),
        contract=PredictionIntervals,
        code=(_intervals,),
        settings=(
            settings.of_results(),
            deployment.settings.training.of_results(),
            deployment.settings.knowledge,
            deployment.settings.calendar.without_closings(),
        ),
    )
    schemas = KNOWN_SCHEMAS | {"predictions": PREDICTIONS_SCHEMA, "forward_returns": FORWARD_RETURNS_SCHEMA}

    def make(sessions: Sequence[date], predictions: pl.DataFrame, forward_returns: pl.DataFrame, **actions: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, windows.predictions))
        identities = identities_of(actions["corporate_actions"]) if actions else None
        how = {"calendar": deployment.calendar, "horizon_sessions": horizon, "identities": identities}
        return return_intervals(predictions, forward_returns, days, sessions, settings, **how)

    @node.asset(deployment, deps=node.deps())
    def prediction_intervals(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The interval that holds the return after each prediction with the set probability, at a level that adapts, and how sure its sign is."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        newest = made.filter(pl.col("session") == pl.col("session").max())
        shown = {"median_width": newest["width"].median(), "adapted_level": newest["adapted_level"].max()}
        context.add_output_metadata(
            {name: dg.MetadataValue.float(float(value)) for name, value in shown.items() if isinstance(value, float)}
        )
        return made

    return prediction_intervals
