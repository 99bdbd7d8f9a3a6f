"""The volatility surface as an asset, of a deployment with option chains."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.options.schema import GREEKS_SCHEMA, OPTION_CHAINS_SCHEMA
from ats_assets.options.surface.contracts import VolatilitySurface
from ats_assets.options.surface.smile_picture import most_quoted, smile_svg
from ats_assets.options.surface.volatility_surface import volatility_surface
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.pictures import svg_markdown
from ats_assets.orchestration.reading import as_known

GROUP, NAME = "options", "volatility_surface"
_SCHEMAS = {"option_chains": OPTION_CHAINS_SCHEMA, "greeks": GREEKS_SCHEMA}


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The surface; nothing without `[options.chains]`."""
    return [_surface(deployment)] if deployment.settings.options.has_chains else []


def _surface(deployment: Deployment) -> dg.AssetsDefinition:
    node = Node(
        name=NAME,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset="option_chains"), Reads(asset="greeks")),
        contract=VolatilitySurface,
        code=(_surface,),
        settings=(deployment.settings.knowledge,),
    )

    def make(_sessions: Sequence[date], option_chains: pl.DataFrame, greeks: pl.DataFrame) -> pl.DataFrame:
        return volatility_surface(option_chains, greeks)

    @node.asset(deployment, deps=node.deps())
    def surface(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """A smile for each underlying and expiry: forward by put-call parity, SVI or where contracts are few a parabola, and whether it allows arbitrage."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), _SCHEMAS, make)
        shown = most_quoted(made)
        if shown:
            picture = svg_markdown(smile_svg(made, *shown), f"Smiles of {shown[1]} at {shown[0]}")
            context.add_output_metadata({"smiles": dg.MetadataValue.md(picture)})
        return made

    return surface
