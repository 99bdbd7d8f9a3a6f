"""The contracts of ticks and of the bars that are sampled of them."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.intraday.microstructure_rows import MEASURES
from ats_assets.sources.contracts import satisfied

CLOSED_BY = ["threshold", "session_end"]
"""What ended a bar."""
_ORDER = "order of delivery within symbol and session, from 0"
_AT = "time of the tick, UTC"
_PART = "which of the files of a session the row came with, from 0"
_DEFECTS = "what the reader could not convert, joined by '; '; null where nothing"
_SUSPICIOUS = "whether the vendor marks it as suspicious; null where it does not say"


class Exactly(BaseConfig):
    """Exactly these columns, in this order."""

    strict = True
    ordered = True


class RawTrades(pa.DataFrameModel):
    """Trades of a session as the source delivered them, sorted by session, symbol and sequence."""

    symbol: str = pa.Field(nullable=True, description="the instrument, spelled as delivered")
    session: pl.Date = pa.Field(description="the session that the row belongs to, or, where it lies between two, the next one")
    at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(nullable=True, description=_AT)
    price: float = pa.Field(nullable=True, description="for each unit, in the quote currency")
    size: float = pa.Field(nullable=True, description="traded units")
    exchange: str = pa.Field(nullable=True, description="where it was traded, as the vendor calls it; null where it does not say")
    conditions: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, nullable=True, description="condition codes as delivered")
    trade_id: str = pa.Field(
        nullable=True, description="the vendor's name for the trade, unique for symbol and exchange; null where there is none"
    )
    tape: str = pa.Field(nullable=True, description="of US stocks: A, B or C; null where it is not told")
    cancelled: bool = pa.Field(
        nullable=True, description="whether it was cancelled, or is the record of a correction; null where it is not told"
    )
    sequence: int = pa.Field(description=_ORDER)
    suspicious: bool = pa.Field(nullable=True, description=_SUSPICIOUS)
    part: pl.Int32 = pa.Field(description=_PART)
    defects: str = pa.Field(nullable=True, description=_DEFECTS)

    class Config(Exactly):
        """As every contract of the stage."""

        name = "raw_trades"


class RawQuotes(pa.DataFrameModel):
    """Quotes of a session as the source delivered them, sorted by session, symbol and sequence."""

    symbol: str = pa.Field(nullable=True, description="the instrument, spelled as delivered")
    session: pl.Date = pa.Field(description="the session that the row belongs to, or, where it lies between two, the next one")
    at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(nullable=True, description=_AT)
    bid: float = pa.Field(nullable=True, description="in the quote currency; zero or null where only the other side changes")
    ask: float = pa.Field(nullable=True, description="as bid")
    bid_size: float = pa.Field(nullable=True, description="units; null where the vendor has none")
    ask_size: float = pa.Field(nullable=True, description="units; null where the vendor has none")
    exchange: str = pa.Field(nullable=True, description="whose quote it is; null where the vendor does not say")
    conditions: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, nullable=True, description="condition codes as delivered")
    sequence: int = pa.Field(description=_ORDER)
    suspicious: bool = pa.Field(nullable=True, description=_SUSPICIOUS)
    part: pl.Int32 = pa.Field(description=_PART)
    defects: str = pa.Field(nullable=True, description=_DEFECTS)

    class Config(Exactly):
        """As every contract of the stage."""

        name = "raw_quotes"


class MarketTrades(pa.DataFrameModel):
    """Trades that satisfy the contract, sorted by symbol, at, sequence."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="as in the delivery")
    session: pl.Date = pa.Field(description="the session in whose hours it lies")
    at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_AT)
    sequence: int = pa.Field(ge=0, description=_ORDER)
    price: float = pa.Field(gt=0, description="for each unit, in the quote currency")
    size: float = pa.Field(gt=0, description="traded units")
    exchange: str = pa.Field(nullable=True, description="where it was traded, as the vendor calls it")
    conditions: pl.List = pa.Field(
        dtype_kwargs={"inner": pl.String}, description="condition codes as delivered; empty where there are none"
    )
    for_price: bool = pa.Field(description="whether its conditions let it be a first and last price")
    for_high_low: bool = pa.Field(description="whether its conditions let it be a high or a low")
    for_volume: bool = pa.Field(description="whether its conditions let its size count")

    class Config(Exactly):
        """As every contract of the stage."""

        unique = ["session", "symbol", "sequence"]  # noqa: RUF012

    @pa.check("price", "size")
    def is_finite(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())


class MarketQuotes(pa.DataFrameModel):
    """Quotes that satisfy the contract, sorted by symbol, at, sequence: both sides, as they stand from `at` on."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="as in the delivery")
    session: pl.Date = pa.Field(description="the session in whose hours it lies")
    at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(description=_AT)
    sequence: int = pa.Field(ge=0, description=_ORDER)
    bid: float = pa.Field(gt=0, description="in the quote currency")
    ask: float = pa.Field(gt=0, description="in the quote currency; below bid only where intraday.screening.crossed keeps such quotes")
    bid_size: float = pa.Field(nullable=True, ge=0, description="units; null where the vendor has none")
    ask_size: float = pa.Field(nullable=True, ge=0, description="units; null where the vendor has none")
    exchange: str = pa.Field(nullable=True, description="whose quote it is; null where the vendor does not say")

    class Config(Exactly):
        """As every contract of the stage."""

        unique = ["session", "symbol", "sequence"]  # noqa: RUF012

    @pa.check("bid", "ask", "bid_size", "ask_size")
    def is_finite(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())


class RejectedTrades(RawTrades):
    """Delivered trades that break the contract, as they came, each with every reason that applies."""

    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`tick_rules.REASONS`), sorted")

    class Config(RawTrades.Config):
        """As every contract of the stage."""

        name = "rejected_trades"


class RejectedQuotes(RawQuotes):
    """Delivered quotes that break the contract, as they came, each with every reason that applies."""

    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`tick_rules.REASONS`), sorted")

    class Config(RawQuotes.Config):
        """As every contract of the stage."""

        name = "rejected_quotes"


class InformationBars(pa.DataFrameModel):
    """Bars that a sampler makes of ticks, sorted by symbol, session, bar."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="as in the ticks")
    session: pl.Date = pa.Field(description="the session of the bar's last tick")
    bar: pl.Int32 = pa.Field(ge=0, description="number within symbol and session, in the order in which they are known")
    opened_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(
        description="time of the first tick in it, UTC; of a bar of the clock, of its interval"
    )
    known_at: Annotated[pl.Datetime, "ns", "UTC"] = pa.Field(
        description="from when the bar is known, UTC: with its last tick, at the end of a clock's interval, or at the session's end"
    )
    open: float = pa.Field(gt=0, description="first price, in the quote currency")
    high: float = pa.Field(gt=0, description="highest price")
    low: float = pa.Field(gt=0, description="lowest price")
    close: float = pa.Field(gt=0, description="last price")
    vwap: float = pa.Field(gt=0, nullable=True, description="volume-weighted average price; null without volume")
    volume: float = pa.Field(ge=0, nullable=True, description="traded units; null of quotes without sizes")
    buy_volume: float = pa.Field(ge=0, nullable=True, description="of these, what buyers took")
    sell_volume: float = pa.Field(ge=0, nullable=True, description="of these, what sellers gave")
    ticks: int = pa.Field(ge=1, description="trades, or quotes, in it")
    dollar_volume: float = pa.Field(ge=0, nullable=True, description="sum of price times size, in the quote currency")
    spread: float = pa.Field(nullable=True, description="mean quoted spread, in the quote currency; null without quotes")
    effective_spread: float = pa.Field(
        nullable=True, description="mean of 2 side (price - midpoint before it) / midpoint; null without trades and quotes"
    )
    realised_spread: float = pa.Field(
        nullable=True, description="the same with the price less the midpoint at the bar's last trade: what of it was kept by then"
    )
    order_flow: float = pa.Field(
        nullable=True, description="what quotes added to the bid less to the ask since the bar before; null without quotes and their sizes"
    )
    duration_seconds: float = pa.Field(ge=0, description="from its first tick to its last")
    threshold: float = pa.Field(nullable=True, description="the sampler's when the bar was closed")
    closed_by: str = pa.Field(isin=CLOSED_BY, description="what ended it: its threshold, or the end of the session")

    class Config(Exactly):
        """As every contract of the stage."""

        unique = ["session", "symbol", "bar"]  # noqa: RUF012

    @pa.dataframe_check
    def prices_lie_between(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Low <= open, close <= high."""
        low, high = pl.min_horizontal("open", "close", "high"), pl.max_horizontal("open", "close", "low")
        return satisfied(data, (pl.col("low") <= low) & (pl.col("high") >= high))

    @pa.dataframe_check
    def opened_before_known(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No bar is known before its first tick."""
        return satisfied(data, pl.col("opened_at") <= pl.col("known_at"))


def microstructure_contract() -> pa.DataFrameSchema:
    """Measures of microstructure beside each bar."""
    keys = {
        "symbol": pa.Column(pl.String, pa.Check.str_length(min_value=1), description="as in the bars"),
        "session": pa.Column(pl.Date, description="exchange session of the bar"),
        "known_at": pa.Column(pl.Datetime("ns", "UTC"), description="from when the bar, and so the row, is known, UTC"),
    }
    measures = {
        name: pa.Column(pl.Float32, nullable=True, description=f"{text}; NaN where there is none") for name, text in MEASURES.items()
    }
    return pa.DataFrameSchema({**keys, **measures}, name="microstructure", strict=True, ordered=True)
