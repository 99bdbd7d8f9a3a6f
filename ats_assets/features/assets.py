"""Assets of the stage features: one table for each family."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.expressions import compile_expressions
from ats_assets.features.bar_expressions import bar_values, known_bars
from ats_assets.features.choosing import bar_families, families, option_families
from ats_assets.features.contracts import bar_frame_contract, contract
from ats_assets.features.family import ColumnFamily, FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.features.option_rows import OF_CHAINS, option_features
from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.options.schema import GREEKS_SCHEMA, OPTION_CHAINS_SCHEMA
from ats_assets.options.surface.volatility_surface import VOLATILITY_SURFACE_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import Known, as_known
from ats_assets.orchestration.spreading import spreading
from ats_assets.settings.trading_year import sessions_per_year

GROUP = "features"
_OF_OPTIONS = KNOWN_SCHEMAS | {
    "option_chains": OPTION_CHAINS_SCHEMA,
    "greeks": GREEKS_SCHEMA,
    "volatility_surface": VOLATILITY_SURFACE_SCHEMA,
}


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [
        *(_family(deployment, family) for family in deployment.of(families).values()),
        *(_of_options(deployment, family) for family in deployment.of(option_families).values()),
        *(_bar_family(deployment, family) for family in deployment.of(bar_families).values()),
    ]


def _family(deployment: Deployment, family: FeatureFamily) -> dg.AssetsDefinition:
    back = family.lookback
    repeats = REPEAT_DAYS if deployment.tells_name_changes else 0
    node = Node(
        name=family.name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
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

    plan = compile_expressions(family.expressions)
    if not plan.stages:
        deployment.of(spreading).by_symbol.add(family.name)

    @node.asset(deployment, deps=node.deps(), description=_description(family))
    def features(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)

    return features


def _of_options(deployment: Deployment, family: ColumnFamily) -> dg.AssetsDefinition:
    """The features of option chains: of the chains of past sessions only some columns are read, since contracts are many."""
    settings = deployment.settings
    own = settings.option_features
    repeats = REPEAT_DAYS if deployment.tells_name_changes else 0
    longest = max(own.rank_sessions - 1, own.flow_sessions, own.realised_sessions)
    reads = {
        "bars": Reads(asset="bars", back=own.realised_sessions),
        "corporate_actions": Reads(asset="corporate_actions", back=longest - 1 + repeats),
        "volatility_surface": Reads(asset="volatility_surface", back=own.rank_sessions - 1),
        "option_chains": Reads(asset="option_chains", back=own.flow_sessions, columns=tuple(OF_CHAINS)),
        "greeks": Reads(asset="greeks"),
    }
    node = Node(
        name=family.name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
        reads=tuple(reads.values()),
        contract=contract(family),
        code=(_of_options,),
        settings=(own, settings.options.paying, settings.actions, settings.knowledge, settings.calendar.without_closings()),
    )
    a_year = sessions_per_year(settings.calendar.exchange) or 252

    def made(known: Known, sessions: Sequence[date]) -> pl.DataFrame:
        columns = {"option_chains": OF_CHAINS}
        frames = {name: known.frame(one, sessions, _OF_OPTIONS[name], columns=columns.get(name)) for name, one in reads.items()}
        how = {"settings": own, "symbols": settings.options.symbol_by_underlying, "adjust": settings.actions.adjust}
        days = deployment.known(window_sessions(deployment.calendar, sessions, longest))
        return option_features(frames, days=days, sessions=sessions, sessions_per_year=a_year, **how)

    @node.asset(
        deployment,
        deps=node.deps(),
        description=f"{len(family.factors)} features of option chains and their volatility surface, one row a bar; NaN where nothing is known.",
    )
    def features_of_options(context: dg.AssetExecutionContext) -> pl.DataFrame:
        known = Known(deployment, node.name, node.reads)
        return pl.concat([made(known, run) for run in known.runs(sessions_of(context.partition_keys))])

    return features_of_options


def _bar_family(deployment: Deployment, family: FeatureFamily) -> dg.AssetsDefinition:
    back, frame = deployment.settings.intraday.lookback_sessions, family.frame or ""
    node = Node(
        name=family.name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        wide=True,
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
