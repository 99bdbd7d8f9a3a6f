"""The contract of `raw_bars`: bars as delivered. It promises types and order only; what a good bar is, the contract of `bars` says."""

import datetime as dt

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema
from pandera.api.polars.model_config import BaseConfig

PRICES: tuple[str, ...] = ("open", "high", "low", "close")
MEASURES: tuple[str, ...] = (*PRICES, "volume", "vwap")


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
RAW_BARS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "date": pl.Date, "session": pl.Date, **dict.fromkeys(MEASURES, pl.Float64), "defects": pl.String}
)
