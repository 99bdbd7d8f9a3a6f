"""The contracts of `ticker_selection` and `timeframe_selection`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.selection.schema import STATES

SCORE = "percentile among the members that have a rank"


class _Strict(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class TickerSelection(pa.DataFrameModel):
    """Each member of the universe: its rank by liquidity, spread and opportunity, and whether it is in focus, active or out. Sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="at whose close it was known")
    rank: pl.UInt32 = pa.Field(nullable=True, ge=1, description="1 is the best; null where too few sessions can be judged")
    score: float = pa.Field(nullable=True, ge=0, le=1, description="weighted mean of the percentiles")
    state: str = pa.Field(isin=list(STATES), description="focus (which is active, too), active, or out")
    dollar_volume: float = pa.Field(nullable=True, ge=0, description="median of a session")
    spread_bps: float = pa.Field(
        nullable=True, ge=0, description="in basis points of the price: quoted where there are quotes, else estimated"
    )
    volatility: float = pa.Field(nullable=True, ge=0, description="standard deviation of a session's return")
    skill: float = pa.Field(nullable=True, description="rank IC of the scores in the symbol, shrunk towards that of all")
    liquidity_score: float = pa.Field(nullable=True, ge=0, le=1, description=f"of the dollar volume: {SCORE}")
    spread_score: float = pa.Field(nullable=True, ge=0, le=1, description="of the spread, the narrowest the highest")
    volatility_score: float = pa.Field(nullable=True, ge=0, le=1, description="of the volatility")
    skill_score: float = pa.Field(nullable=True, ge=0, le=1, description="of the skill; 0.5 where it is not known")
    since_sessions: pl.UInt32 = pa.Field(
        nullable=True, description="since it entered its state, as far as is remembered; null where it is out"
    )
    reason: str = pa.Field(description="why it is in its state")

    class Config(_Strict):
        """One row for each member and session."""

        unique = ["session", "symbol"]  # noqa: RUF012


class TimeframeSelection(pa.DataFrameModel):
    """Over which horizon the scores are worth something in each member of the universe: one row a horizon. Sorted by (session, symbol, horizon_sessions)."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="at whose close it was known")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="of the outcomes")
    judged_sessions: pl.UInt32 = pa.Field(description="outcomes of the symbol that were known")
    rank_ic: float = pa.Field(nullable=True, description="its own part of the rank IC; null with too few outcomes")
    standard_error: float = pa.Field(nullable=True, ge=0, description="of it, for the overlap of outcomes")
    pooled: float = pa.Field(nullable=True, description="rank IC over all symbols")
    kept: float = pa.Field(nullable=True, ge=0, le=1, description="share of its distance from that of all that is thought real")
    skill: float = pa.Field(nullable=True, description="shrunk: pooled + kept * (rank_ic - pooled)")
    error: float = pa.Field(nullable=True, ge=0, description="of the shrunk skill")
    lower: float = pa.Field(nullable=True, description="lower bound of the shrunk skill")
    chosen: bool = pa.Field(description="whether it is the symbol's timeframe")
    timeframe: pl.Int32 = pa.Field(
        nullable=True, description="the horizon with the highest lower bound over its root; null (none) where all are below zero"
    )

    class Config(_Strict):
        """One row for each member, session and horizon."""

        unique = ["session", "symbol", "horizon_sessions"]  # noqa: RUF012
