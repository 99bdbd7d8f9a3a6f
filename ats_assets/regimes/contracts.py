"""The contracts of what regimes are told by, of their estimations, and of the regimes themselves."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.settings import RegimeSettings, regime_columns


class RegimeObservations(pa.DataFrameModel):
    """What is observed of the universe in a session (one row without a symbol), or of each symbol; sorted by symbol. Null: not known."""

    symbol: str = pa.Field(nullable=True, description="ticker, as in the bars; null for the market")
    session: date = pa.Field(description="at whose close it was known")
    return_: float = pa.Field(
        alias="return",
        nullable=True,
        description="per cent, from close to close: the mean of the universe's symbols; or a symbol's own over its deviation before",
    )
    volatility: float = pa.Field(
        nullable=True, description="log of high over low: of their mean over the universe; or a symbol's own less its mean before"
    )
    breadth: float = pa.Field(nullable=True, ge=-1, le=1, description="share of the universe that rose less the share that fell")
    symbols: pl.UInt32 = pa.Field(description="with a return, of the universe; 1 or 0 for a symbol")
    member: bool = pa.Field(description="whether the row counts in an estimation: the market, or a symbol of the universe")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


class RegimeFits(pa.DataFrameModel):
    """The estimations of a refit session, one row a number of states; between refit sessions, and where none could be made, no rows."""

    session: date = pa.Field(description="refit session, whose observations are the last that were looked at")
    states: pl.Int32 = pa.Field(ge=1, description="number of states")
    log_likelihood: float = pa.Field(description="of the rows")
    bic: float = pa.Field(description="-2 log-likelihood + parameters * ln(rows); less is better")
    icl: float = pa.Field(description="the same plus twice the entropy of the smoothed probabilities")
    rows: pl.UInt32 = pa.Field(description="observations, those that were not complete left out")
    first_session: date = pa.Field(description="of the observations")
    iterations: pl.UInt32 = pa.Field(description="of the best starting point")
    converged: bool = pa.Field(description="whether its log-likelihood had stopped gaining, by its history")
    start: pl.UInt32 = pa.Field(description="which starting point was best")
    parameters: str = pa.Field(
        description="as JSON: start, transition, coefficients (of a mean: constant, lags), covariances, states as they came"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "states"]  # noqa: RUF012


def regimes_contract(asset: str, name: str, settings: RegimeSettings) -> pa.DataFrameSchema:
    """The contract of an entry's regimes; its column descriptions are what the registry says of the features."""
    columns = regime_columns(name, settings)
    probabilities = [column for column in columns if column.startswith(f"{name}_p")]

    def add_up(data: PolarsData) -> pl.LazyFrame:
        total = pl.sum_horizontal(pl.col(probabilities).cast(pl.Float64))
        return data.lazyframe.select(((total - 1.0).abs() < 1e-5) | total.is_nan())

    def has_no_null(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.all_horizontal(pl.col(*columns).is_not_null()))

    return pa.DataFrameSchema(
        {
            "symbol": pa.Column(pl.String, pa.Check.str_length(min_value=1), description="symbol as the source names it"),
            "session": pa.Column(pl.Date, description="exchange session at whose close the regime was known: its partition"),
            **{column: pa.Column(pl.Float32, nullable=True, description=f"{said}; NaN = not known") for column, said in columns.items()},
        },
        checks=[
            pa.Check(has_no_null, name="missing values are NaN, not null"),
            pa.Check(add_up, name="the probabilities add up to 1"),
        ],
        name=asset,
        description=f"filtered regimes of {name}, one row a symbol",
        strict=True,
        ordered=True,
        unique=["session", "symbol"],
    )
