"""Assets of the stage selection, where settings ask for them: which tickers are worth trading, and over which horizon each."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.intraday.microstructure_rows import MICROSTRUCTURE
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.selection.contracts import TickerSelection, TimeframeSelection
from ats_assets.selection.schema import TICKERS, TIMEFRAMES
from ats_assets.selection.ticker_rows import TickerFrames, ticker_rows, ticker_windows
from ats_assets.selection.timeframe_rows import TimeframeFrames, timeframe_lookback, timeframe_rows
from ats_assets.settings import TickerSelectionSettings, TimeframeSelectionSettings

GROUP = "signals"
QUOTED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "quoted_spread": pl.Float64})
SCHEMAS = KNOWN_SCHEMAS | {
    "universe": UNIVERSE_SCHEMA,
    "predictions": PREDICTIONS_SCHEMA,
    "forward_returns": FORWARD_RETURNS_SCHEMA,
    MICROSTRUCTURE: QUOTED_SCHEMA,
}


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none unless the settings have their tables."""
    tickers, timeframes = deployment.settings.ticker_selection, deployment.settings.timeframe_selection
    return [
        *([_tickers(deployment, tickers)] if tickers else []),
        *([_timeframes(deployment, timeframes)] if timeframes else []),
    ]


def _tickers(deployment: Deployment, settings: TickerSelectionSettings) -> dg.AssetsDefinition:
    horizon, adjust = deployment.settings.training.horizon_sessions, deployment.settings.actions.adjust
    windows = ticker_windows(settings, horizon)
    judged = settings.skill_sessions > 0 and settings.skill_weight > 0
    quoted = deployment.settings.microstructure.frame is not None
    of_skill = (Reads(asset="predictions", back=windows.predictions), Reads(asset="forward_returns", back=windows.forward_returns))
    back = max(windows.bars, windows.predictions if judged else 0)
    node = Node(
        name=TICKERS,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(
            Reads(asset="bars", back=windows.bars),
            Reads(asset="corporate_actions", back=back + REPEAT_DAYS),
            Reads(asset="universe", back=windows.universe),
            *(of_skill if judged else ()),
            *((Reads(asset=MICROSTRUCTURE, back=windows.bars),) if quoted else ()),
        ),
        contract=TickerSelection,
        code=(_tickers,),
        settings=(
            settings.of_results(),
            deployment.settings.actions,
            deployment.settings.training.of_results(),
            deployment.settings.knowledge,
        ),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        given = {name: frames[name] for name in ("bars", "corporate_actions", "universe")}
        given |= {name: frames[name] for name in ("predictions", "forward_returns") if judged}
        if quoted:
            given["quoted"] = frames[MICROSTRUCTURE].group_by("symbol", "session", maintain_order=True).agg(pl.col("quoted_spread").mean())
        known = identities_of(frames["corporate_actions"])
        return ticker_rows(TickerFrames(known=known, adjust=adjust, horizon_sessions=horizon, **given), days, sessions, settings)

    @node.asset(deployment, deps=node.deps())
    def ticker_selection(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Which members of the universe are in focus, active or out: ranked by liquidity, spread and opportunity, with hysteresis and the reason."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), SCHEMAS, make)
        newest = made.filter(pl.col("session") == pl.col("session").max())
        context.add_output_metadata({state: newest.filter(state=state).height for state in ("focus", "active", "out")})
        return made

    return ticker_selection


def _timeframes(deployment: Deployment, settings: TimeframeSelectionSettings) -> dg.AssetsDefinition:
    longest = max(deployment.settings.labels.horizons_sessions)
    back = timeframe_lookback(settings, longest)
    names = (Reads(asset="corporate_actions", back=back + REPEAT_DAYS),) if deployment.tells_name_changes else ()
    node = Node(
        name=TIMEFRAMES,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(
            Reads(asset="predictions", back=back),
            Reads(asset="forward_returns", back=settings.sessions - 1),
            Reads(asset="universe"),
            *names,
        ),
        contract=TimeframeSelection,
        code=(_timeframes,),
        settings=(settings, deployment.settings.labels.forward_returns, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        known = identities_of(frames.get("corporate_actions", KNOWN_SCHEMAS["corporate_actions"].to_frame()))
        given = {name: frames[name] for name in ("predictions", "forward_returns", "universe")}
        return timeframe_rows(TimeframeFrames(known=known, **given), days, sessions, settings)

    @node.asset(deployment, deps=node.deps())
    def timeframe_selection(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Over which horizon the scores are worth something in each symbol, shrunk towards what they are worth in all; none where the lower bound is below zero."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), SCHEMAS, make)
        newest = made.filter((pl.col("session") == pl.col("session").max()) & pl.col("chosen"))
        context.add_output_metadata({"symbols with a timeframe": newest.height})
        return made

    return timeframe_selection
