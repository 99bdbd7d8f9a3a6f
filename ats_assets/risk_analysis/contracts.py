"""The contracts of the tables of `monte_carlo`. Returns, drawdowns and rates are fractions; values of paths are multiples of their first one."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.polars import DataFrameModel

WAYS = "how it was drawn: stationary, blocks, independent, by_state, trades_shuffled, trades_drawn"


class _Strict(BaseConfig):
    """Columns are exactly these."""

    strict = True
    ordered = True


class Fan(pa.DataFrameModel):
    """Quantiles of the values of all paths after so many steps, sorted by way in the order of the settings, quantile, step."""

    way: str = pa.Field(description=WAYS)
    quantile: float = pa.Field(ge=0, le=1)
    step: pl.Int64 = pa.Field(ge=0, description="sessions, or closing trades")
    value: float = pa.Field(ge=0)

    Config = _Strict


class PathQuantiles(pa.DataFrameModel):
    """Quantiles over the paths of their figures, sorted as `Fan`."""

    way: str = pa.Field(description=WAYS)
    figure: str = pa.Field(isin=["final", "drawdown", "longest_under_water", "share_under_water"])
    quantile: float = pa.Field(ge=0, le=1)
    value: float

    Config = _Strict


class PathSummary(pa.DataFrameModel):
    """What the paths of each way come to, beside what happened."""

    way: str = pa.Field(description=WAYS)
    paths: pl.Int64 = pa.Field(ge=1)
    horizon: pl.Int64 = pa.Field(ge=1, description="steps of each")
    drawn_from: pl.Int64 = pa.Field(ge=1, description="returns of sessions, or of closing trades over the equity of the close before")
    block_length: float = pa.Field(ge=1, description="mean length of blocks; 1: each return by itself")
    ruin_share: float = pa.Field(description="of the first value, at which a path is ruined")
    ruin_probability: float = pa.Field(ge=0, le=1)
    loss_probability: float = pa.Field(ge=0, le=1, description="of a final value below the first")
    mean_final: float
    happened_final: float = pa.Field(description="the account over all of the returns that are drawn from")
    happened_drawdown: float = pa.Field(le=0)
    deeper_share: float = pa.Field(ge=0, le=1, description="of the paths whose drawdown is deeper than the one that happened")

    Config = _Strict


class TailEstimates(pa.DataFrameModel):
    """Value at risk and expected shortfall of a session, by estimate."""

    estimate: str
    tail: float = pa.Field(gt=0, lt=0.5, description="0.05 is a level of 95 %")
    value_at_risk: float = pa.Field(nullable=True, description="a return; null where it is not defined")
    expected_shortfall: float = pa.Field(nullable=True)

    Config = _Strict


class RollingTail(pa.DataFrameModel):
    """Forecasts of each session's return from those before it, at the first of the tails, sorted by session."""

    session: date = pa.Field(unique=True, description="of the return")
    account_return: float
    volatility: float = pa.Field(ge=0, description="forecast, of a session")
    value_at_risk: float = pa.Field(nullable=True, description="forecast; null until there are enough returns")
    exceeded: bool

    Config = _Strict


class StressTable(pa.DataFrameModel):
    """Crises that lie in the history, then shocks to what is held now."""

    kind: str = pa.Field(isin=["history", "shock"])
    name: str
    first: date = pa.Field(nullable=True, description="of a crisis: from its close")
    last: date = pa.Field(nullable=True, description="to its close")
    account: float = pa.Field(nullable=True)
    benchmark: float = pa.Field(nullable=True)
    drawdown: float = pa.Field(nullable=True, description="the account's, within the crisis")

    Config = _Strict


class FactorExposures(pa.DataFrameModel):
    """The regression of the account's returns on the factors at once; no rows where it can't be made."""

    factor: str = pa.Field(description="alpha (a session), market, size, momentum")
    exposure: float
    standard_error: float = pa.Field(ge=0, description="of Newey and West")
    t_statistic: float
    r_squared: float = pa.Field(le=1, description="of the whole")

    Config = _Strict


class HeldCorrelations(pa.DataFrameModel):
    """Correlations of daily returns of the largest positions held at the end."""

    symbol: str
    other: str
    correlation: float = pa.Field(ge=-1.000001, le=1.000001)

    Config = _Strict


class CapacityTable(pa.DataFrameModel):
    """The same targets traded by a larger account, whose trades move prices; sorted by multiple."""

    multiple: float = pa.Field(gt=0, description="of the backtest's capital")
    capital: float = pa.Field(gt=0, description="in currency")
    impact_a_year: float = pa.Field(ge=0, description="cost as a share of equity")
    annual_return: float = pa.Field(nullable=True, description="of the backtest, less the impact")
    large_share: float = pa.Field(ge=0, le=1, description="of the trades, by value, those above a tenth of the dollar volume")

    Config = _Strict


CONTRACTS: dict[str, type[DataFrameModel]] = {
    "fan": Fan,
    "path_quantiles": PathQuantiles,
    "path_summary": PathSummary,
    "tail_estimates": TailEstimates,
    "rolling_tail": RollingTail,
    "stress": StressTable,
    "factor_exposures": FactorExposures,
    "held_correlations": HeldCorrelations,
    "capacity": CapacityTable,
}
"""By the name of each table."""
