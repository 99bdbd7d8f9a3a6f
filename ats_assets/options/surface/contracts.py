"""The contract of the volatility surface."""

from typing import Final

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig
from pandera.api.polars.types import PolarsData

from ats_assets.options.surface.volatility_surface import SURFACE_REASONS
from ats_assets.sources.contracts import satisfied

METHODS: Final = ["svi", "smoothed"]
_OF_SVI: Final = ("a", "b", "rho", "m", "sigma")
_OF_ALL: Final = (
    *("atm_volatility", "skew", "curvature", "rmse", "lowest_moneyness", "highest_moneyness"),
    *("butterfly_free", "calendar_free"),
)


class VolatilitySurface(pa.DataFrameModel):
    """A smile for each underlying, session and expiry of `option_chains`, sorted by session, underlying and expiry. Log-moneyness is ln(strike / forward), total variance volatility squared times years."""

    underlying: str = pa.Field(str_length={"min_value": 1}, description="as in option_chains")
    session: pl.Date = pa.Field(description="the session at whose close the surface is known")
    expiry: pl.Date = pa.Field(description="day of expiry")
    years: float = pa.Field(nullable=True, description="time to expiry, as greeks has it")
    forward: float = pa.Field(
        gt=0, nullable=True, description="price for delivery at expiry: by put-call parity around the money, else spot, dividends and rate"
    )
    parity_pairs: pl.Int32 = pa.Field(ge=0, description="strikes that the forward was told by; 0: by carry alone")
    contracts: pl.Int32 = pa.Field(ge=0, description="options out of the money, with a price and time value, that the smile was fitted to")
    method: str = pa.Field(isin=METHODS, nullable=True, description="svi, or smoothed: a parabola where contracts are few; null: no smile")
    atm_volatility: float = pa.Field(gt=0, nullable=True, description="implied volatility a year at the forward")
    skew: float = pa.Field(nullable=True, description="slope of the volatility by log-moneyness at the forward")
    curvature: float = pa.Field(nullable=True, description="second derivative of the volatility by log-moneyness at the forward")
    a: float = pa.Field(nullable=True, description="level of SVI, in total variance; null of a smoothed smile, as the next four")
    b: float = pa.Field(ge=0, nullable=True, description="slope of its wings, in total variance by log-moneyness")
    rho: float = pa.Field(ge=-1, le=1, nullable=True, description="tilt of its wings")
    m: float = pa.Field(nullable=True, description="shift, in log-moneyness")
    sigma: float = pa.Field(gt=0, nullable=True, description="width of its bend, in log-moneyness")
    rmse: float = pa.Field(
        ge=0, nullable=True, description="root of the weighted mean square of fitted less implied volatility, a year: 0.01 is one point"
    )
    lowest_moneyness: float = pa.Field(nullable=True, description="log-moneyness of the lowest strike that was used")
    highest_moneyness: float = pa.Field(nullable=True, description="log-moneyness of the highest strike that was used")
    butterfly_free: bool = pa.Field(
        nullable=True, description="whether Durrleman's condition holds within the strikes and three deviations"
    )
    calendar_free: bool = pa.Field(
        nullable=True, description="whether total variance is nowhere lower than at the expiry before, likewise; true of the first"
    )
    why: str = pa.Field(isin=["", *SURFACE_REASONS], description="why there is no smile; empty where there is one")

    class Config(BaseConfig):
        """Exactly these columns, in this order, one row a slice."""

        name = "volatility_surface"
        strict = True
        ordered = True
        unique = ["session", "underlying", "expiry"]  # noqa: RUF012

    @pa.dataframe_check
    def has_a_smile_or_a_reason(cls, data: PolarsData) -> pl.LazyFrame:  # noqa: N805
        """All of a smile, or nothing of it and a reason; the five numbers of SVI where that is the method."""
        smile, svi = pl.col("why") == "", pl.col("method").eq_missing("svi")
        whole = [pl.col(name).is_not_null() == smile for name in ("method", *_OF_ALL)]
        return satisfied(data, pl.all_horizontal(*whole, *(pl.col(name).is_not_null() == svi for name in _OF_SVI)))
