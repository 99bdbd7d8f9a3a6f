"""Checking a frame against its data contract; the contracts of `raw_bars` and `raw_corporate_actions`: bars and corporate actions as delivered.

These two promise types and order only; what a good row is, the contracts of `bars` and `corporate_actions` say. pandera takes half a second to import, so what only
needs the columns imports `schema`.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaError, SchemaErrors

from ats_assets.errors import ContractError


def satisfied(data: PolarsData, rule: pl.Expr) -> pl.LazyFrame:
    """Evaluate a rule over whole rows, as pandera wants it: one boolean column; a row without a value cannot break the rule."""
    return data.lazyframe.select(rule.fill_null(value=True))


def schema_violations(model: type[pa.DataFrameModel], frame: pl.DataFrame, *, limit: int = 20) -> list[str]:
    """Hold a frame against a contract: "column: rule: example" for each violation, empty where it holds."""
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.head(limit).select("column", "check", "failure_case").iter_rows()
        return [f"{column or model.__name__}: {check}: {str(case)[:200]}" for column, check, case in cases]
    except SchemaError as error:
        return [str(error)]
    return []


def require(violations: Sequence[str]) -> None:
    """Refuse to store what screening let through although the contract forbids it.

    Raises
    ------
    ContractError
        If there is a violation.
    """
    if violations:
        raise ContractError(f"screening let through what the contract forbids; report this as a bug: {'; '.join(violations)}")


class RawBars(pa.DataFrameModel):
    """Bars of a session as the source delivered them, one row a symbol, sorted by session and symbol, then in the order of delivery."""

    symbol: str = pa.Field(nullable=True, description="the instrument, spelled as delivered; null where the row names none")
    date: dt.date = pa.Field(nullable=True, description="the day of the bar as delivered; null where it could not be read")
    session: dt.date = pa.Field(
        description="the exchange session the row belongs to: its date; the next session where that is none; the source's latest without a date"
    )
    open: float = pa.Field(nullable=True, description="first price, in the quote currency")
    high: float = pa.Field(nullable=True, description="highest price, in the quote currency")
    low: float = pa.Field(nullable=True, description="lowest price, in the quote currency")
    close: float = pa.Field(nullable=True, description="last price, in the quote currency")
    volume: float = pa.Field(nullable=True, description="traded units")
    vwap: float = pa.Field(
        nullable=True, description="volume-weighted average price, in the quote currency; null where the source has none"
    )
    defects: str = pa.Field(nullable=True, description="what the reader could not convert or place, joined by '; '; null where nothing")

    class Config(BaseConfig):
        """Exactly these columns, in this order."""

        name = "raw_bars"
        strict = True
        ordered = True


RAW_BARS: DataFrameSchema = RawBars.to_schema()


class RawActions(pa.DataFrameModel):
    """Corporate actions with their ex-session, as the source delivered them, sorted by session and symbol, then in the order of delivery.

    A record has two times. When it takes effect: at the open of its ex-session (`session`). When it was known: at `known_at` where the source says so; in any
    case from the time of the vintage that it came with, since a delivery that differs from the one before is kept beside it.

    All numbers are for one old share: a share as it was at the close before the ex-session, before any other action of the same session.
    """

    symbol: str = pa.Field(
        nullable=True, description="the instrument, spelled as in the bars before the ex-session; null where the row names none"
    )
    date: dt.date = pa.Field(nullable=True, description="the ex-date as delivered; null where it could not be read")
    session: dt.date = pa.Field(
        description="the ex-session, at whose open the action takes effect: the ex-date; the next session where that is none"
    )
    kind: str = pa.Field(nullable=True, description="one of `ACTION_KINDS`; null where it is not known")
    ratio: float = pa.Field(
        nullable=True, description="new shares of the same symbol for one old share; null where their number does not change"
    )
    cash: float = pa.Field(nullable=True, description="paid for one old share, in the quote currency; null where nothing is")
    new_symbol: str = pa.Field(nullable=True, description="the other instrument of a spin-off, merger or name change")
    new_ratio: float = pa.Field(nullable=True, description="shares of `new_symbol` for one old share")
    announced: dt.date = pa.Field(
        nullable=True, description="the day on which the company announced it; null where the source does not say"
    )
    payable: dt.date = pa.Field(
        nullable=True,
        description="the day on which shares or cash reach the holders, often weeks after the ex-date; null where the source does not say",
    )
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(
        nullable=True, description="when the source itself knew of it; null where it does not say: then from the time of the vintage"
    )
    description: str = pa.Field(nullable=True, description="how the source describes the action, in its own words")
    defects: str = pa.Field(nullable=True, description="what the reader could not convert or place, joined by '; '; null where nothing")

    class Config(BaseConfig):
        """Exactly these columns, in this order."""

        name = "raw_corporate_actions"
        strict = True
        ordered = True


RAW_ACTIONS: DataFrameSchema = RawActions.to_schema()


def of_vendors(contract: DataFrameSchema) -> DataFrameSchema:
    """The contract of what several vendors deliver: each row says whose it is."""
    said = {
        "vendor": pa.Column(str, description="whose row it is, by its name in the settings"),
        "vendor_reason": pa.Column(str, nullable=True, description="why it is not that of the first in the order; null where it is"),
    }
    return contract.add_columns(said)
