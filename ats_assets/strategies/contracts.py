"""The contract of `signals`, which every strategy keeps."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class Signals(pa.DataFrameModel):
    """What to hold after the session's close, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="session at whose close the signal was known; it is traded at the next open")
    rank: pl.UInt32 = pa.Field(ge=1, description="1 = the highest score; equal scores share a rank")
    score: float = pa.Field(description="of the strategy; a higher one is a better expected return")
    direction: str = pa.Field(isin=["long", "short", "flat"], description="sign of the target weight")
    probability: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="of beating the session's median over the model's horizon; calibrated on out-of-sample predictions only",
    )
    target_weight: float = pa.Field(
        description="ideal share of equity from the scores alone; turnover limit and no-trade band come in trading"
    )
    model_session: date = pa.Field(
        nullable=True, description="session at which the model was fitted; null where no model is behind the score"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


class ReasonedSignals(Signals):
    """Those of a strategy that has reasons for its weights, or of a portfolio method that may have to take its fallback."""

    reason: str = pa.Field(nullable=True, description="why the weight is what it is: an exit that was met, a fallback that was taken")
