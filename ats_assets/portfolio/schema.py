"""The contract of `targets`, which everything that trades reads."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.portfolio.allowed_changes import COLUMN, NAMES


class Targets(pa.DataFrameModel):
    """What is wanted of each instrument after the session's close, sorted by (session, symbol). No strategy has an opinion, nor a book that is known: no rows, and nothing is traded."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="session at whose close this was decided; it is traded at the next open")
    target_weight: float = pa.Field(
        description="share of equity to hold, after the risk rules; turnover limit and no-trade band come in trading"
    )
    proposed_weight: float = pa.Field(description="the strategies' weights times their capital, added up, before the risk rules")
    strategies: pl.List = pa.Field(
        dtype_kwargs={"inner": pl.String}, description="names of those that have a signal for the symbol, or hold it without signals"
    )
    reasons: pl.List = pa.Field(
        dtype_kwargs={"inner": pl.String},
        description="of each strategy that has one for its weight, then of each risk rule that changed the weight, in their order: its name, and why",
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _finite(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(pl.col("target_weight").is_finite() & pl.col("proposed_weight").is_finite())


class HeldTargets(Targets):
    """Targets where what a strategy without signals holds is looked at: by other strategies beside it, by risk rules or by the brake."""

    allowed_change: str = pa.Field(
        isin=sorted(NAMES),
        description="of the position that is held: any; none, it stays in shares, for strategies without signals; smaller, as none, where a risk rule has cut it",
    )


TARGETS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "target_weight": pl.Float64,
        "proposed_weight": pl.Float64,
        "strategies": pl.List(pl.String),
        "reasons": pl.List(pl.String),
    }
)
HELD_TARGETS_SCHEMA = pl.Schema({**TARGETS_SCHEMA, COLUMN: pl.String})
WANTED_SCHEMA = pl.Schema({name: TARGETS_SCHEMA[name] for name in ("symbol", "session", "target_weight")})
"""What is read of each strategy's signals."""
