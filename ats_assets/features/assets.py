"""Assets of the stage features: one table for each family."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.features.bar_expressions import bar_values, known_bars
from ats_assets.features.choosing import bar_families, families
from ats_assets.features.family import FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.features.schema import bar_frame_contract, contract
from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known

GROUP = "features"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [
        *(_family(deployment, family) for family in deployment.of(families).values()),
        *(_bar_family(deployment, family) for family in deployment.of(bar_families).values()),
    ]


def _family(deployment: Deployment, family: FeatureFamily) -> dg.AssetsDefinition:
    back = family.lookback
    repeats = REPEAT_DAYS if deployment.tells_name_changes else 0
    node = Node(
        name=family.name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=back), Reads(asset="corporate_actions", back=max(0, back - 1) + repeats)),
        contract=contract(family),
        code=(_family,),
        formulas=family.expressions,
        settings=(deployment.settings.actions, deployment.settings.expressions, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], bars: pl.DataFrame, corporate_actions: pl.DataFrame) -> pl.DataFrame:
        calendar = deployment.known(window_sessions(deployment.calendar, sessions, back))
        adjust, flat = deployment.settings.actions.adjust, deployment.settings.expressions.flat_windows
        return features_of(family, bars, corporate_actions, calendar=calendar, sessions=sessions, adjust=adjust, flat=flat)

    @node.asset(deployment, deps=node.deps(), description=_description(family))
    def features(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)

    return features


def _bar_family(deployment: Deployment, family: FeatureFamily) -> dg.AssetsDefinition:
    back, frame = deployment.settings.intraday.lookback_sessions, family.frame or ""
    node = Node(
        name=family.name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset=frame, back=back),),
        contract=bar_frame_contract(family),
        code=(_bar_family,),
        formulas=family.expressions,
        settings=(deployment.settings.expressions, deployment.settings.intraday.lookback, deployment.settings.calendar.without_closings()),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back), frame)
        bars = known_bars(frames[frame], {day: deployment.calendar.closes_at(day) for day in days})
        how = {"lookback_sessions": back, "flat": deployment.settings.expressions.flat_windows}
        return bar_values(bars, family.expressions, days=days, sessions=sessions, **how)

    said = f"{_said(family)}{len(family.expressions)} factors, one row for each bar of {frame}, from the {family.lookback + 1} bars that end with it."

    @node.asset(deployment, deps=node.deps(), description=said)
    def features_of_bars(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), {frame: INFORMATION_BARS_SCHEMA}, make)

    return features_of_bars


def _said(family: FeatureFamily) -> str:
    return f"{family.description.rstrip('.')}. " if family.description else ""


def _description(family: FeatureFamily) -> str:
    return f"{_said(family)}{len(family.expressions)} factors, one row a symbol, from the {family.lookback + 1} sessions that end at the partition, adjusted as of it."
