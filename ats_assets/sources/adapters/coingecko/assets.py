"""The market caps of coins as an asset, where `source.coingecko.collect` names them, in the job of what is collected."""

import dagster as dg
import pandera.polars as pa
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.sources.adapters.coingecko import MARKET_CAPS, CoinGeckoSource

GROUP = "market_data"
CONTRACT = pa.DataFrameSchema(
    {
        "symbol": pa.Column(pl.String, description="coin and currency, as in the settings"),
        "session": pa.Column(pl.Date),
        "market_cap": pa.Column(pl.Float64, pa.Check.gt(0), description="in the currency of the symbol: price times coins in circulation"),
        "price": pa.Column(pl.Float64, nullable=True, description="that it was made of"),
        "volume_24h": pa.Column(pl.Float64, nullable=True, description="money traded in the 24 hours before, in the same currency"),
    },
    name=MARKET_CAPS,
    strict=True,
    ordered=True,
)


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The one asset."""
    node = Node(
        name=MARKET_CAPS,
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "pandera"}),
        contract=CONTRACT,
        vintages=True,
        record=True,
    )

    @node.asset(deployment, description="Market caps of coins at the end of a session, from CoinGecko; each delivery that differs is kept.")
    def coingecko_market_caps(context: dg.AssetExecutionContext) -> pl.DataFrame:
        source = deployment.source
        if not isinstance(source, CoinGeckoSource):
            raise TypeError("this asset is made of CoinGecko's source alone")
        frame = CONTRACT.validate(source.market_caps(sessions_of(context.partition_keys)))
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        return frame

    return [coingecko_market_caps]
