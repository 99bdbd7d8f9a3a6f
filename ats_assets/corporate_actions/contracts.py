"""The contracts of validated and of quarantined corporate actions. They state the rules a second time, independently of `screening`."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.sources.contracts import satisfied
from ats_assets.sources.schema import ACTION_KINDS


class CorporateActions(pa.DataFrameModel):
    """Corporate actions that satisfy the contract, under their ex-session. All numbers are for one share as it was at the close before it."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="symbol as in the bars before the ex-session")
    session: pl.Date = pa.Field(description="ex-session, at whose open the action takes effect: its partition")
    kind: str = pa.Field(isin=list(ACTION_KINDS), description="what it is (`ACTION_KINDS`)")
    ratio: float = pa.Field(gt=0, nullable=True, description="new shares for one old share; null where their number does not change")
    cash: float = pa.Field(ge=0, nullable=True, description="paid for one old share, in the currency of the quotes; null where nothing is")
    new_symbol: str = pa.Field(nullable=True, description="the other instrument of a spin-off, merger or name change")
    new_ratio: float = pa.Field(gt=0, nullable=True, description="shares of new_symbol for one old share")
    announced: pl.Date = pa.Field(nullable=True, description="day on which the company announced it; null where the source does not say")
    payable: pl.Date = pa.Field(
        nullable=True, description="day on which shares or cash reach the holders; null where the source does not say"
    )
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(
        nullable=True, description="when the source itself knew of it; null where it does not say: then from the time of the vintage"
    )
    description: str = pa.Field(nullable=True, description="the source's own words")

    class Config(BaseConfig):
        """Exactly these columns in this order."""

        name = "corporate_actions"
        strict = True
        ordered = True

    @pa.check("ratio", "cash", "new_ratio")
    def is_finite(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())

    @pa.dataframe_check
    def says_how_much(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A split or stock dividend has a ratio, a cash dividend has cash."""
        kind = pl.col("kind")
        with_ratio = ~kind.is_in(["split", "stock_dividend"]) | pl.col("ratio").is_not_null()
        return satisfied(data, with_ratio & ((kind != "cash_dividend") | pl.col("cash").is_not_null()))

    @pa.dataframe_check
    def says_the_new_name(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A change of name says to which, and to another one."""
        return satisfied(data, (pl.col("kind") != "name_change") | (pl.col("new_symbol") != pl.col("symbol")).fill_null(value=False))

    @pa.dataframe_check
    def one_ratio(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """At most one action of a symbol and session changes the number of shares."""
        return satisfied(data, pl.col("ratio").is_not_null().sum().over("session", "symbol") <= 1)


class RejectedActions(pa.DataFrameModel):
    """Delivered actions that break the contract of `CorporateActions`, as they came, each with every reason that applies."""

    symbol: str = pa.Field(nullable=True, description="symbol as delivered")
    date: pl.Date = pa.Field(nullable=True, description="ex-date as delivered; null where there is none that can be read")
    session: pl.Date = pa.Field(description="session for which the action was delivered: its partition")
    kind: str = pa.Field(nullable=True, description="as delivered")
    ratio: float = pa.Field(nullable=True, description="as delivered")
    cash: float = pa.Field(nullable=True, description="as delivered")
    new_symbol: str = pa.Field(nullable=True, description="as delivered")
    new_ratio: float = pa.Field(nullable=True, description="as delivered")
    announced: pl.Date = pa.Field(nullable=True, description="as delivered")
    payable: pl.Date = pa.Field(nullable=True, description="as delivered")
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description="as delivered")
    description: str = pa.Field(nullable=True, description="the source's own words")
    defects: str = pa.Field(nullable=True, description="what the reader of the source could not convert")
    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`ACTION_REASONS`), sorted")

    class Config(BaseConfig):
        """Exactly these columns in this order."""

        name = "rejected_corporate_actions"
        strict = True
        ordered = True

    @pa.check("reasons")
    def has_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A row without a reason was rejected wrongly."""
        return satisfied(data, pl.col(data.key).list.len() > 0)
