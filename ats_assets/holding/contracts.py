"""The contract of `holding_period`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class HoldingPeriod(pa.DataFrameModel):
    """What each holding period of a strategy would bring a session, as far as it was known: the curve, and which is recommended. Sorted by session, strategy as in the settings, holding_sessions."""

    session: date = pa.Field(description="at whose close it was known")
    strategy_: str = pa.Field(alias="strategy", description="of the settings")
    holding_sessions: pl.Int32 = pa.Field(ge=1, description="the holding period; of rank_ic, sessions after the decision")
    judged_sessions: pl.UInt32 = pa.Field(description="returns of sessions that were known")
    rank_ic: float = pa.Field(nullable=True, description="of the scores and the return of the one session that lies so many after")
    standard_error: float = pa.Field(nullable=True, ge=0, description="of rank_ic")
    shrunk_ic: float = pa.Field(nullable=True, description="rank_ic, shrunk towards zero with all others (James and Stein)")
    gross_bps: float = pa.Field(
        nullable=True, description="what the holding period brings a session before costs, in basis points of the capital"
    )
    turnover: float = pa.Field(nullable=True, ge=0, description="sum of |change of weight| a session")
    cost_bps: float = pa.Field(nullable=True, ge=0, description="of the turnover")
    net_bps: float = pa.Field(nullable=True, description="gross_bps - cost_bps")
    lower_bps: float = pa.Field(nullable=True, description="lower bound of net_bps")
    recommended: bool = pa.Field(description="whether it is the recommended holding period")
    recommendation: pl.Int32 = pa.Field(
        nullable=True, description="the holding period with the highest net_bps; null (none) where its lower bound is not above zero"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "strategy", "holding_sessions"]  # noqa: RUF012
