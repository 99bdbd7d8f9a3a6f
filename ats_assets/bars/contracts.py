"""The contracts of bars, rejected bars and the universe.

They state the rules a second time, independently of the code that makes the frames (`screening.py`, `universe.py`), and every frame is held
against them before it is stored. What a contract by columns cannot know, the exchange's sessions, `bars_violations` adds.
"""

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.contracts import satisfied, schema_violations


class Bars(pa.DataFrameModel):
    """Daily bars that satisfy the contract, one row for each symbol and session."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="symbol as the source names it, without spaces around it")
    session: pl.Date = pa.Field(description="exchange session of the bar: its partition")
    open: float = pa.Field(gt=0, description="first price, in the currency of the quotes")
    high: float = pa.Field(gt=0, description="highest price, in the currency of the quotes")
    low: float = pa.Field(gt=0, description="lowest price, in the currency of the quotes")
    close: float = pa.Field(gt=0, description="last price, in the currency of the quotes")
    volume: float = pa.Field(ge=0, description="units traded (shares, coins)")
    vwap: float = pa.Field(gt=0, nullable=True, description="volume-weighted average price; null where the source has none")

    class Config(BaseConfig):
        """Exactly these columns in this order, one row a key."""

        strict = True
        ordered = True
        unique: str | list[str] | None = ["session", "symbol"]  # noqa: RUF012 - pandera reads it as it is

    @pa.check("open", "high", "low", "close", "volume", "vwap")
    def is_finite(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())

    @pa.check("symbol")
    def is_trimmed(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No white space around the symbol."""
        return satisfied(data, pl.col(data.key) == pl.col(data.key).str.strip_chars())

    @pa.dataframe_check
    def high_is_the_highest(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """max(open, close) <= high."""
        return satisfied(data, pl.max_horizontal("open", "close", "low") <= pl.col("high"))

    @pa.dataframe_check
    def low_is_the_lowest(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Low <= min(open, close)."""
        return satisfied(data, pl.col("low") <= pl.min_horizontal("open", "close", "high"))


class RejectedBars(pa.DataFrameModel):
    """Delivered rows that break the contract of `Bars`, as they came, each with every reason that applies."""

    symbol: str = pa.Field(nullable=True, description="symbol as delivered")
    date: pl.Date = pa.Field(nullable=True, description="day as delivered; null where there is none that can be read")
    session: pl.Date = pa.Field(description="session at which the row was delivered: its partition")
    open: float = pa.Field(nullable=True, description="as delivered")
    high: float = pa.Field(nullable=True, description="as delivered")
    low: float = pa.Field(nullable=True, description="as delivered")
    close: float = pa.Field(nullable=True, description="as delivered")
    volume: float = pa.Field(nullable=True, description="as delivered")
    vwap: float = pa.Field(nullable=True, description="as delivered")
    defects: str = pa.Field(nullable=True, description="what the reader of the source could not convert")
    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`REASONS`), sorted")

    class Config(BaseConfig):
        """Exactly these columns in this order."""

        strict = True
        ordered = True

    @pa.check("reasons")
    def has_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A row without a reason was rejected wrongly."""
        return satisfied(data, pl.col(data.key).list.len() > 0)


class Universe(pa.DataFrameModel):
    """The symbols tradable at a session, chosen with that session's knowledge only."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="symbol as in bars")
    session: pl.Date = pa.Field(description="session at whose close the choice was made")
    rank: pl.UInt32 = pa.Field(ge=1, description="1 = the largest median dollar volume of the members")
    median_dollar_volume: float = pa.Field(ge=0, description="median of close * volume over the bars of the lookback window, in currency")
    close: float = pa.Field(gt=0, description="close at the session, in the currency of the quotes")
    history_sessions: pl.UInt32 = pa.Field(ge=1, description="bars within the lookback window")
    focus: bool = pa.Field(description="on the focus list: a member whenever it has a bar")

    class Config(BaseConfig):
        """Exactly these columns in this order, one row a key."""

        strict = True
        ordered = True
        unique: str | list[str] | None = ["session", "symbol"]  # noqa: RUF012 - pandera reads it as it is

    @pa.dataframe_check
    def ranks_are_unique(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """One symbol a rank."""
        return satisfied(data, ~pl.struct("session", "rank").is_duplicated())


def bars_violations(bars: pl.DataFrame, calendar: SessionCalendar, *, limit: int = 20) -> list[str]:
    """Hold accepted bars against their contract.

    Parameters
    ----------
    bars
        Bars of any number of sessions (collected: pandera checks no data of a lazy frame).
    calendar
        The exchange's sessions.
    limit
        At most so many violations are spelt out.

    Returns
    -------
    list of str
        What is broken and where, empty where the contract holds.
    """
    found = schema_violations(Bars, bars, limit=limit)
    if bars.schema.get("session") == pl.Date:
        days = bars["session"].drop_nulls().unique().sort().to_list()
        found += [f"session: {day} is not a session of {calendar.exchange}" for day in days if not calendar.is_session(day)]
    return found[:limit]
