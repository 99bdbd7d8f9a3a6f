"""The contracts of the tables of `active_return`. Returns and effects are fractions."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.polars import DataFrameModel

CLOSE = 1e-9
"""Effects add up to what they explain, but for the rounding of floats."""


class _Exactly(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class ActiveSessions(pa.DataFrameModel):
    """Each session's effects: those of all groups, and what the account as a whole traded and paid, sorted by session."""

    session: date = pa.Field(unique=True, description="at whose close they are earned")
    account: float = pa.Field(description="the account's return, after costs")
    benchmark: float = pa.Field(description="the universe's, with the weights that the settings say")
    allocation: float = pa.Field(description="of weights of groups that are not the benchmark's")
    selection: float = pa.Field(description="of symbols within groups")
    interaction: float = pa.Field(description="of both at once")
    trading: float = pa.Field(description="what trades within the session earned beside what was held at the close before")
    costs: float = pa.Field(le=CLOSE, description="commission, spread, slippage, and what borrowing costs")

    Config = _Exactly

    @pa.dataframe_check
    def adds_up(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera's form
        """Account less benchmark is the sum of the effects."""
        return data.lazyframe.select(_apart(pl.col("account") - pl.col("benchmark")))


class ActivePeriods(pa.DataFrameModel):
    """The same over periods of the calendar, linked, and over all, which is the last row."""

    period: str = pa.Field(unique=True, description="2024-03, 2024-Q1, 2024 or all")
    first: date
    last: date
    sessions: pl.Int64 = pa.Field(ge=1)
    account: float
    benchmark: float
    active: float = pa.Field(description="account less benchmark: the sum of the effects")
    allocation: float
    selection: float
    interaction: float
    trading: float
    costs: float

    Config = _Exactly

    @pa.dataframe_check
    def adds_up(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera's form
        """Account less benchmark is the sum of the effects."""
        return data.lazyframe.select(_apart(pl.col("account") - pl.col("benchmark")) & _apart(pl.col("active")))


class ActiveGroups(pa.DataFrameModel):
    """Each period's effects by group, in the order of the settings, then `other` and `cash`."""

    period: str
    group: str
    weight: float = pa.Field(description="mean of the closes before the period's sessions")
    benchmark_weight: float = pa.Field(ge=-CLOSE, le=1 + CLOSE)
    account: float = pa.Field(nullable=True, description="return of what was held of it; null where it was short, or nothing was held")
    benchmark: float = pa.Field(nullable=True)
    allocation: float
    selection: float
    interaction: float
    active: float = pa.Field(description="the three together")

    Config = _Exactly


def _apart(of: pl.Expr) -> pl.Expr:
    return (of - pl.sum_horizontal("allocation", "selection", "interaction", "trading", "costs")).abs() <= CLOSE


CONTRACTS: dict[str, type[DataFrameModel]] = {"sessions": ActiveSessions, "periods": ActivePeriods, "groups": ActiveGroups}
