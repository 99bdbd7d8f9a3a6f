"""Assets of the stage intraday: only what the settings name."""

import inspect
from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.intraday.choosing import samplers, tick_assets
from ats_assets.intraday.contracts import InformationBars
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.schema import SCHEMAS
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known

GROUP = "intraday"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[intraday.trades]`, `[intraday.quotes]` and `[samplers.<name>]`."""
    return [_sampled(deployment, name, sampler) for name, sampler in deployment.of(samplers).items()]


def _sampled(deployment: Deployment, name: str, sampler: Sampler) -> dg.AssetsDefinition:
    """The bars of one sampler.

    Raises
    ------
    SettingsError
        If it samples ticks that no settings say where they come from.
    """
    if sampler.source not in (there := tick_assets(deployment)):
        raise SettingsError(
            f"[samplers.{name}] samples {sampler.source}, but there are {' and '.join(there) or 'no ticks'}: set [intraday.{sampler.source}]"
            + (f', or source = "{there[0]}"' if there else "")
        )
    needs = sampler.needs()
    back = max(window.back for window in needs)
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=tuple(Reads(asset=window.asset, back=window.back, lag=window.lag) for window in needs),
        contract=InformationBars,
        code=(_sampled, type(sampler)),
        settings=(sampler.settings, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        return sampler.bars(frames, deployment.known(window_sessions(deployment.calendar, sessions, back)), sessions)

    @node.asset(deployment, deps=node.deps(), description=inspect.getdoc(type(sampler)))
    def sampled(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), SCHEMAS, make)

    return sampled
