"""Assets of the stage impact, where settings ask for them: what is known of each symbol before a trade, and what one's own fills say of the model."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.impact.contracts import ImpactMarketRows
from ats_assets.impact.market_rows import impact_lookback, market_rows
from ats_assets.impact.schema import MARKET
from ats_assets.intraday.microstructure_rows import MICROSTRUCTURE
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.selection.traded_panel import TradedRows
from ats_assets.settings import ImpactSettings, Section

GROUP = "portfolio"
QUOTED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "quoted_spread": pl.Float64})


class KnownWindows(Section):
    """What of the settings the rows depend on: not which model reads them."""

    sessions: tuple[int, int, int, int]
    spread: str


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none while costs are fixed rates."""
    settings = deployment.settings.impact
    return [_impact_inputs(deployment, settings)] if settings.is_on else []


def _impact_inputs(deployment: Deployment, settings: ImpactSettings) -> dg.AssetsDefinition:
    adjust, back = deployment.settings.actions.adjust, impact_lookback(settings)
    quoted = deployment.settings.microstructure.frame is not None
    sessions = (settings.volume_sessions, settings.volatility_sessions, settings.spread_sessions, settings.min_sessions)
    node = Node(
        name=MARKET,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(
            Reads(asset="bars", back=back),
            Reads(asset="corporate_actions", back=back + REPEAT_DAYS),
            *((Reads(asset=MICROSTRUCTURE, back=back),) if quoted else ()),
        ),
        contract=ImpactMarketRows,
        code=(_impact_inputs,),
        settings=(KnownWindows(sessions=sessions, spread=settings.spread), deployment.settings.actions, deployment.settings.knowledge),
    )
    schemas = KNOWN_SCHEMAS | {MICROSTRUCTURE: QUOTED_SCHEMA}

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        seen = frames.get(MICROSTRUCTURE)
        spreads = None if seen is None else seen.group_by("symbol", "session", maintain_order=True).agg(pl.col("quoted_spread").mean())
        actions = frames["corporate_actions"]
        given = TradedRows(bars=frames["bars"], actions=actions, known=identities_of(actions), adjust=adjust, quoted=spreads)
        return market_rows(given, days, sessions, settings)

    @node.asset(deployment, deps=node.deps())
    def impact_inputs(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Usual dollar volume, volatility and spread of each symbol: what the model of impact knows before the next session's trades."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        newest = made.filter(pl.col("session") == pl.col("session").max())
        context.add_output_metadata({"symbols": newest.height, "without volume": newest["dollar_volume"].null_count()})
        return made

    return impact_inputs
