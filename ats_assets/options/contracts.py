"""The contracts of option chains. They state the rules a second time, independently of the code that makes the frames (`chain_screening.py`)."""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.options.chain_greeks import WHY
from ats_assets.options.contract import Right, symbols_of
from ats_assets.options.schema import GREEKS
from ats_assets.sources.contracts import satisfied

STYLES = ["american", "european"]
_VENDOR = "as the vendor computed it, in the vendor's units; null where not delivered"
_FINITE = (
    *("strike", "multiplier", "bid", "ask", "bid_size", "ask_size", "last", "open", "high", "low", "close", "volume"),
    *("open_interest", "underlying_price", "mark", "half_spread", "spot"),
)


class ExactlyThese(BaseConfig):
    """Exactly these columns, in this order."""

    strict = True
    ordered = True


class RawOptionChains(pa.DataFrameModel):
    """Option chains of a session as the source delivered them, one row a contract, sorted by session, underlying, expiry, strike and right, then in the order of delivery."""

    underlying: str = pa.Field(nullable=True, description="the root of the contract's symbol, as delivered: SPXW of weekly options on SPX")
    session: pl.Date = pa.Field(description="the session whose close the row tells of: its date; the next session where that is none")
    contract: str = pa.Field(nullable=True, description="symbol of the contract (OCC), without padding; null where none can be written")
    expiry: pl.Date = pa.Field(nullable=True, description="day of expiry as delivered")
    strike: float = pa.Field(nullable=True, description="in the quote currency")
    right: str = pa.Field(nullable=True, description="C for a call, P for a put; null where it could not be read")
    style: str = pa.Field(nullable=True, description="american or european; null where the delivery does not say")
    multiplier: float = pa.Field(nullable=True, description="units of the underlying for a contract; null where the delivery does not say")
    deliverable: str = pa.Field(
        nullable=True, description="what is delivered, where the delivery says that it is not the standard; else null"
    )
    bid: float = pa.Field(nullable=True, description="best bid at the close, for one unit, in the quote currency; null where not delivered")
    ask: float = pa.Field(nullable=True, description="best ask at the close, for one unit; null where not delivered")
    bid_size: float = pa.Field(nullable=True, description="contracts bid for; null where not delivered")
    ask_size: float = pa.Field(nullable=True, description="contracts on offer; null where not delivered")
    last: float = pa.Field(nullable=True, description="price of the last trade, which may be days old; null where not delivered")
    open: float = pa.Field(nullable=True, description="of the session's bar, as the vendor makes it; null where not delivered")
    high: float = pa.Field(nullable=True, description="of the session's bar")
    low: float = pa.Field(nullable=True, description="of the session's bar")
    close: float = pa.Field(nullable=True, description="of the session's bar: of trades or of quotes, as the vendor makes it")
    volume: float = pa.Field(nullable=True, description="contracts traded in the session; null where not delivered")
    open_interest: float = pa.Field(nullable=True, description="contracts open, as told for the session; null where not delivered")
    quoted_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description="time of the quote, UTC; null where not delivered")
    underlying_price: float = pa.Field(
        nullable=True, description="of the underlying with the chain, in the quote currency; null where not delivered"
    )
    vendor_volatility: float = pa.Field(nullable=True, description=f"implied volatility {_VENDOR}")
    vendor_delta: float = pa.Field(nullable=True, description=f"delta {_VENDOR}")
    vendor_gamma: float = pa.Field(nullable=True, description=f"gamma {_VENDOR}")
    vendor_theta: float = pa.Field(nullable=True, description=f"theta {_VENDOR}")
    vendor_vega: float = pa.Field(nullable=True, description=f"vega {_VENDOR}")
    vendor_rho: float = pa.Field(nullable=True, description=f"rho {_VENDOR}")
    date: pl.Date = pa.Field(nullable=True, description="day of the row as delivered; null where it could not be read")
    defects: str = pa.Field(nullable=True, description="what the reader could not convert or place, joined by '; '; null where nothing")

    class Config(ExactlyThese):
        """As every contract of the stage."""

        name = "raw_option_chains"


class RejectedOptionChains(RawOptionChains):
    """Delivered rows that break the contract of `OptionChains`, as they came, each with every reason that applies."""

    reasons: pl.List = pa.Field(dtype_kwargs={"inner": pl.String}, description="names of the broken rules (`CHAIN_REASONS`), sorted")

    class Config(RawOptionChains.Config):
        """As every contract of the stage."""

        name = "rejected_option_chains"

    @pa.check("reasons")
    def has_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A row without a reason was rejected wrongly."""
        return satisfied(data, pl.col(data.key).list.len() > 0)


class OptionChains(pa.DataFrameModel):
    """Option chains that satisfy the contract, one row a contract and session, sorted by session, underlying, expiry, strike and right. All prices are for one unit."""

    underlying: str = pa.Field(str_length={"min_value": 1}, description="the root of the contract's symbol: SPXW of weekly options on SPX")
    session: pl.Date = pa.Field(description="the session whose close the row tells of")
    contract: str = pa.Field(str_length={"min_value": 16}, description="symbol of the contract (OCC), without padding")
    expiry: pl.Date = pa.Field(description="day of expiry")
    strike: float = pa.Field(gt=0, description="in the quote currency")
    right: str = pa.Field(isin=[*Right], description="C for a call, P for a put")
    style: str = pa.Field(isin=STYLES, description="american or european: as delivered, else as options.style_by_underlying says")
    multiplier: float = pa.Field(gt=0, description="units of the underlying for a contract: 100 where the delivery does not say")
    deliverable: str = pa.Field(nullable=True, description="null: what is delivered is the standard")
    bid: float = pa.Field(ge=0, nullable=True, description="best bid at the close; 0: nobody buys; null where not delivered")
    ask: float = pa.Field(gt=0, nullable=True, description="best ask at the close; null where nobody sells, or where not delivered")
    bid_size: float = pa.Field(ge=0, nullable=True, description="contracts bid for; null where not delivered")
    ask_size: float = pa.Field(ge=0, nullable=True, description="contracts on offer; null where not delivered")
    last: float = pa.Field(ge=0, nullable=True, description="price of the last trade, which may be days old; null where not delivered")
    open: float = pa.Field(ge=0, nullable=True, description="of the session's bar, as the vendor makes it; null where not delivered")
    high: float = pa.Field(ge=0, nullable=True, description="of the session's bar")
    low: float = pa.Field(ge=0, nullable=True, description="of the session's bar")
    close: float = pa.Field(ge=0, nullable=True, description="of the session's bar: of trades or of quotes, as the vendor makes it")
    volume: float = pa.Field(ge=0, nullable=True, description="contracts traded in the session; null where not delivered")
    open_interest: float = pa.Field(ge=0, nullable=True, description="contracts open, as told for the session; null where not delivered")
    quoted_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description="time of the quote, UTC; null where not delivered")
    underlying_price: float = pa.Field(gt=0, nullable=True, description="of the underlying with the chain; null where not delivered")
    vendor_volatility: float = pa.Field(nullable=True, description=f"implied volatility {_VENDOR}")
    vendor_delta: float = pa.Field(nullable=True, description=f"delta {_VENDOR}")
    vendor_gamma: float = pa.Field(nullable=True, description=f"gamma {_VENDOR}")
    vendor_theta: float = pa.Field(nullable=True, description=f"theta {_VENDOR}")
    vendor_vega: float = pa.Field(nullable=True, description=f"vega {_VENDOR}")
    vendor_rho: float = pa.Field(nullable=True, description=f"rho {_VENDOR}")
    mark: float = pa.Field(
        ge=0,
        nullable=True,
        description="middle of bid and ask; without quotes the delivered close, where it is above zero; null: there is no price",
    )
    half_spread: float = pa.Field(
        ge=0,
        nullable=True,
        description="half of ask less bid; without quotes options.unquoted_half_spread_share of the mark, where any were traded; null: it can't be traded",
    )
    last_session: pl.Date = pa.Field(
        description="last session at which it can be traded: on or before the expiry; of a Saturday the Friday before"
    )
    sessions_left: pl.Int32 = pa.Field(ge=0, description="sessions after this one up to the last; 0: the last session")
    days_left: pl.Int32 = pa.Field(ge=0, description="calendar days from the session to the expiry")
    spot: float = pa.Field(
        gt=0, description="the underlying's close: as delivered with the chain, else that of bars; as traded, not adjusted"
    )

    class Config(ExactlyThese):
        """As every contract of the stage, one row a contract and session."""

        name = "option_chains"
        unique = ["session", "contract"]  # noqa: RUF012

    @pa.check(*_FINITE)
    def is_finite(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Neither NaN nor infinite."""
        return satisfied(data, pl.col(data.key).is_finite())

    @pa.dataframe_check
    def ask_is_not_below_bid(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Bid <= ask."""
        return satisfied(data, pl.col("bid") <= pl.col("ask"))

    @pa.dataframe_check
    def symbol_says_the_same(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """The contract is that of expiry, strike and right."""
        written = symbols_of(*(pl.col(name) for name in ("underlying", "expiry", "strike", "right")))
        return satisfied(data, written.eq_missing(pl.col("contract")))

    @pa.dataframe_check
    def has_not_expired(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Session <= last session <= expiry."""
        return satisfied(data, (pl.col("session") <= pl.col("last_session")) & (pl.col("last_session") <= pl.col("expiry")))

    @pa.dataframe_check
    def deliverable_is_the_standard(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """No adjusted contract."""
        return satisfied(data, pl.col("deliverable").is_null())


class AnnouncedDividends(pa.DataFrameModel):
    """Cash dividends that were announced by the close of a session, of later ex-sessions, sorted by session, symbol, ex-session and amount."""

    symbol: str = pa.Field(str_length={"min_value": 1}, description="of the shares that pay")
    session: pl.Date = pa.Field(description="the session at whose close it was known")
    ex_session: pl.Date = pa.Field(description="at whose open the share is worth less by it")
    held_session: pl.Date = pa.Field(
        description="the session before it: who holds the share at its close is paid, and a call is exercised for it at the latest"
    )
    cash: float = pa.Field(
        gt=0,
        description="for one share as it is at the close of `session`, in the quote currency: splits announced as well and earlier are counted",
    )
    announced: pl.Date = pa.Field(nullable=True, description="day on which the company announced it; null where the source does not say")
    payable: pl.Date = pa.Field(nullable=True, description="day on which it is paid; null where the source does not say")

    class Config(ExactlyThese):
        """As every contract of the stage."""

        name = "raw_announced_dividends"

    @pa.dataframe_check
    def is_of_a_later_session(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """Session <= the session before the ex-session < ex-session."""
        return satisfied(data, (pl.col("session") <= pl.col("held_session")) & (pl.col("held_session") < pl.col("ex_session")))


class Greeks(pa.DataFrameModel):
    """Implied volatility and greeks at the mark, one row for each of `option_chains`, in its order. Where there is no volatility there are no greeks, and `why` says why."""

    underlying: str = pa.Field(description="as in option_chains")
    session: pl.Date = pa.Field(description="as in option_chains")
    contract: str = pa.Field(description="as in option_chains")
    style: str = pa.Field(isin=STYLES, description="how it was valued: european by Black-Scholes-Merton, american with early exercise")
    years: float = pa.Field(ge=0, description="from the session's close to that of the last session: calendar days of a year of 365")
    rate: float = pa.Field(description="riskless, a year, continuously compounded")
    dividend_yield: float = pa.Field(description="assumed, a year, continuously compounded, over all of the time")
    dividends: float = pa.Field(
        ge=0, description="present value for one unit of those that were announced and are paid until the last session"
    )
    implied_volatility: float = pa.Field(gt=0, nullable=True, description="a year, at the mark: 0.3 is 30 %")
    why: str = pa.Field(isin=[*WHY], description="why there is no volatility; empty where there is one")
    price_of: str = pa.Field(isin=["quotes", "close"], nullable=True, description="what the mark is of; null where there is none")
    time_value: float = pa.Field(
        nullable=True, description="mark less what exercise at the spot brings, for one unit; below zero where the mark is"
    )
    delta: float = pa.Field(ge=-1.0 - 1e-9, le=1.0 + 1e-9, nullable=True, description="change of the price for 1 of the spot")
    gamma: float = pa.Field(ge=0, nullable=True, description="change of delta for 1 of the spot")
    theta: float = pa.Field(nullable=True, description="change of the price for a calendar day that passes, the spot unchanged")
    vega: float = pa.Field(ge=0, nullable=True, description="change of the price for 0.01 of the volatility")
    rho: float = pa.Field(nullable=True, description="change of the price for 0.01 of the rate")

    class Config(ExactlyThese):
        """As every contract of the stage, one row a contract and session."""

        name = "greeks"
        unique = ["session", "contract"]  # noqa: RUF012

    @pa.dataframe_check
    def has_all_or_none(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """A volatility and all greeks, or a reason."""
        has = [pl.col(name).is_not_null() for name in ("implied_volatility", *GREEKS)]
        return satisfied(data, pl.when(pl.col("why") == "").then(pl.all_horizontal(has)).otherwise(~pl.any_horizontal(has)))
