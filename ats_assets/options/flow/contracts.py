"""The contracts of option flow. They state the rules a second time, independently of the code that makes the frames (`flow_screening.py`)."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from ats_assets.options.contract import Right
from ats_assets.options.contracts import ExactlyThese
from ats_assets.options.flow.schema import EXPOSURES, FLOW_KINDS, OF_TRADES
from ats_assets.sources.contracts import satisfied

_DOLLARS = "US dollars"
_ASSUMED = "of all open contracts, as market makers are assumed to hold them: long calls, short puts"
_GREEK = f"{_ASSUMED}, in the vendor's units; null of other kinds"


class RawOptionFlow(pa.DataFrameModel):
    """Flow of a session as the source delivered it, sorted by session, symbol, kind, time, event, contract, expiry and strike, then in the order of delivery."""

    kind: str = pa.Field(nullable=True, description="; ".join(f"{name}: {text}" for name, text in FLOW_KINDS.items()))
    symbol: str = pa.Field(nullable=True, description="the underlying, spelled as delivered")
    session: pl.Date = pa.Field(description="the first session whose close is not before the row was known")
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(
        nullable=True,
        description="from when the row was known, UTC: when an alert was made; when a trade was executed or reported, whichever is later; of exposure the session's close",
    )
    event: str = pa.Field(nullable=True, description="the vendor's name for the alert or trade; null where there is none")
    contract: str = pa.Field(nullable=True, description="symbol of the contract (OCC) of an alert, without padding")
    expiry: pl.Date = pa.Field(nullable=True, description="day of expiry: of the contract, or of all contracts that an exposure is of")
    strike: float = pa.Field(nullable=True, description=f"in {_DOLLARS}: of the contract, or of all contracts that an exposure is of")
    right: str = pa.Field(nullable=True, description="C for a call, P for a put")
    rule: str = pa.Field(nullable=True, description="the vendor's rule that made the alert")
    price: float = pa.Field(nullable=True, description=f"{_DOLLARS} for one unit: of the option, or of the share traded")
    underlying_price: float = pa.Field(nullable=True, description=f"{_DOLLARS} for a share, at the alert")
    bid: float = pa.Field(nullable=True, description=f"national best bid for a share at the trade, {_DOLLARS}")
    ask: float = pa.Field(nullable=True, description=f"national best offer for a share at the trade, {_DOLLARS}")
    size: float = pa.Field(nullable=True, description="contracts of an alert; shares of a trade in a dark pool")
    trades: float = pa.Field(nullable=True, description="how many trades an alert is of")
    premium: float = pa.Field(
        nullable=True, description=f"what was paid altogether, {_DOLLARS}: of a trade in a dark pool price times size"
    )
    ask_premium: float = pa.Field(nullable=True, description=f"of this, what was paid at the ask, {_DOLLARS}")
    bid_premium: float = pa.Field(nullable=True, description=f"of this, what was paid at the bid, {_DOLLARS}")
    volume: float = pa.Field(nullable=True, description="of the day so far: contracts of the alert's contract, shares of the underlying")
    open_interest: float = pa.Field(nullable=True, description="contracts open, as told in the morning")
    sweep: bool = pa.Field(nullable=True, description="whether a sweep over several exchanges is among the trades of an alert")
    floor: bool = pa.Field(nullable=True, description="whether a trade on the floor is among them")
    multileg: bool = pa.Field(nullable=True, description="whether a trade of several legs is among them")
    opening: bool = pa.Field(nullable=True, description="whether all of them must have opened positions: more than were open before")
    exchange: str = pa.Field(nullable=True, description="where a trade was reported, as the vendor calls it")
    conditions: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, nullable=True, description="codes of a trade, as delivered")
    cancelled: bool = pa.Field(nullable=True, description="whether the trade was cancelled; null where it is not told")
    call_delta: float = pa.Field(nullable=True, description=f"delta of calls {_GREEK}")
    put_delta: float = pa.Field(nullable=True, description=f"delta of puts {_GREEK}")
    call_gamma: float = pa.Field(nullable=True, description=f"gamma of calls {_GREEK}")
    put_gamma: float = pa.Field(nullable=True, description=f"gamma of puts {_GREEK}")
    call_vanna: float = pa.Field(nullable=True, description=f"vanna of calls {_GREEK}")
    put_vanna: float = pa.Field(nullable=True, description=f"vanna of puts {_GREEK}")
    call_charm: float = pa.Field(nullable=True, description=f"charm of calls {_GREEK}")
    put_charm: float = pa.Field(nullable=True, description=f"charm of puts {_GREEK}")
    date: pl.Date = pa.Field(nullable=True, description="day of an exposure as delivered; null where it was not told")
    defects: str = pa.Field(nullable=True, description="what the reader could not convert, joined by '; '; null where nothing")

    class Config(ExactlyThese):
        """As every contract of the stage."""

        name = "raw_option_flow"


class RejectedOptionFlow(RawOptionFlow):
    """Delivered rows that break the contract of `OptionFlow`, as they came, each with every reason that applies."""

    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`FLOW_REASONS`), sorted")

    class Config(RawOptionFlow.Config):
        """As every contract of the stage."""

        name = "rejected_option_flow"

    @pa.check("reasons")
    def names_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A row without a reason was rejected wrongly."""
        return satisfied(data, pl.col(data.key).list.len() > 0)


class OptionFlow(pa.DataFrameModel):
    """Flow that satisfies the contract, sorted by session, symbol, kind, time, event, contract, expiry and strike. What a kind does not have is null."""

    kind: str = pa.Field(isin=[*FLOW_KINDS], description="; ".join(f"{name}: {text}" for name, text in FLOW_KINDS.items()))
    symbol: str = pa.Field(str_length={"min_value": 1}, description="the underlying, as in the delivery")
    session: pl.Date = pa.Field(description="the first session whose close is not before the row was known")
    known_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="from when the row was known, UTC; not after the session's close")
    event: str = pa.Field(nullable=True, description="the vendor's name for the alert or trade; null where there is none")
    contract: str = pa.Field(nullable=True, description="symbol of the contract (OCC) of an alert, without padding")
    expiry: pl.Date = pa.Field(nullable=True, description="day of expiry: of the contract, or of all contracts that an exposure is of")
    strike: float = pa.Field(gt=0, nullable=True, description=f"in {_DOLLARS}: of the contract, or of all contracts that an exposure is of")
    right: str = pa.Field(isin=[*Right], nullable=True, description="C for a call, P for a put")
    rule: str = pa.Field(nullable=True, description="the vendor's rule that made the alert")
    price: float = pa.Field(gt=0, nullable=True, description=f"{_DOLLARS} for one unit: of the option, or of the share traded")
    underlying_price: float = pa.Field(ge=0, nullable=True, description=f"{_DOLLARS} for a share, at the alert")
    bid: float = pa.Field(ge=0, nullable=True, description=f"national best bid for a share at the trade, {_DOLLARS}")
    ask: float = pa.Field(ge=0, nullable=True, description=f"national best offer for a share at the trade, {_DOLLARS}")
    size: float = pa.Field(ge=0, nullable=True, description="contracts of an alert; shares of a trade in a dark pool")
    trades: float = pa.Field(ge=0, nullable=True, description="how many trades an alert is of")
    premium: float = pa.Field(ge=0, nullable=True, description=f"what was paid altogether, {_DOLLARS}")
    ask_premium: float = pa.Field(ge=0, nullable=True, description=f"of this, what was paid at the ask, {_DOLLARS}")
    bid_premium: float = pa.Field(ge=0, nullable=True, description=f"of this, what was paid at the bid, {_DOLLARS}")
    volume: float = pa.Field(ge=0, nullable=True, description="of the day so far: contracts, or shares of the underlying")
    open_interest: float = pa.Field(ge=0, nullable=True, description="contracts open, as told in the morning")
    sweep: bool = pa.Field(nullable=True, description="whether a sweep over several exchanges is among the trades of an alert")
    floor: bool = pa.Field(nullable=True, description="whether a trade on the floor is among them")
    multileg: bool = pa.Field(nullable=True, description="whether a trade of several legs is among them")
    opening: bool = pa.Field(nullable=True, description="whether all of them must have opened positions")
    exchange: str = pa.Field(nullable=True, description="where a trade was reported, as the vendor calls it")
    conditions: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="codes of a trade; empty where there are none")
    call_delta: float = pa.Field(nullable=True, description=f"delta of calls {_GREEK}")
    put_delta: float = pa.Field(nullable=True, description=f"delta of puts {_GREEK}")
    call_gamma: float = pa.Field(nullable=True, description=f"gamma of calls {_GREEK}")
    put_gamma: float = pa.Field(nullable=True, description=f"gamma of puts {_GREEK}")
    call_vanna: float = pa.Field(nullable=True, description=f"vanna of calls {_GREEK}")
    put_vanna: float = pa.Field(nullable=True, description=f"vanna of puts {_GREEK}")
    call_charm: float = pa.Field(nullable=True, description=f"charm of calls {_GREEK}")
    put_charm: float = pa.Field(nullable=True, description=f"charm of puts {_GREEK}")

    class Config(ExactlyThese):
        """As every contract of the stage."""

        name = "option_flow"

    @pa.check(*OF_TRADES, *EXPOSURES, "strike")
    def has_finite_numbers(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())

    @pa.dataframe_check
    def alerts_name_a_contract(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Contract, expiry, strike and right, of a contract that has not expired; no other kind has a contract."""
        told = pl.all_horizontal(pl.col(name).is_not_null() for name in ("contract", "expiry", "strike", "right"))
        alive = pl.col("expiry") >= pl.col("session")
        return satisfied(data, pl.when(pl.col("kind") == "flow_alert").then(told & alive).otherwise(pl.col("contract").is_null()))

    @pa.dataframe_check
    def events_are_told_once(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A session, kind, symbol and event once."""
        keys = ("session", "kind", "symbol", "event")
        return satisfied(data, pl.col("event").is_null() | (pl.len().over(keys) == 1))
