"""Chains and greeks whose prices are those of a known surface: what `option_chains` and `greeks` hold of them, as far as the surface and the features read it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.options.contract import symbols_of
from ats_assets.options.implied_volatility import REASONS, implied_volatilities
from ats_assets.options.schema import OPTION_CHAINS_SCHEMA
from ats_assets.options.surface.svi import RawSvi
from ats_assets.options.valuation import option_values

Floats = NDArray[np.float64]
DAY = date(2024, 3, 1)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One expiry: volatilities by log-moneyness on a forward that carry need not tell."""

    expiry: date
    forward: float
    volatility: Callable[[Floats], Floats]
    strikes: Sequence[float] | Floats
    session: date = DAY
    underlying: str = "ABC"

    @property
    def years(self) -> float:
        """Calendar days over 365."""
        return (self.expiry - self.session).days / 365.0


def of_svi(svi: RawSvi, years: float) -> Callable[[Floats], Floats]:
    """Volatilities of a slice."""
    return lambda k: np.sqrt(svi.total_variance(k)[0] / years)


def chains_of(slices: Sequence[Planted], *, spot: float = 100.0, rate: float = 0.03, half_spread: float | None = 0.02) -> pl.DataFrame:
    """The chains: a call and a put at each strike, priced on the forward of its slice as Europeans."""
    parts = []
    for one in slices:
        strikes = np.repeat(np.array(one.strikes), 2)
        call = np.tile([True, False], len(one.strikes))
        volatility = one.volatility(np.log(strikes / one.forward))
        made = option_values(one.forward * np.exp(-rate * one.years), strikes, one.years, rate, 0.0, volatility, call=call)
        rows = pl.DataFrame({"strike": strikes, "right": np.where(call, "C", "P"), "mark": made["price"]})
        days = (one.expiry - one.session).days
        parts.append(
            rows.with_columns(
                underlying=pl.lit(one.underlying),
                session=pl.lit(one.session),
                expiry=pl.lit(one.expiry),
                last_session=pl.lit(one.expiry),
                days_left=pl.lit(days, pl.Int32),
                sessions_left=pl.lit(days * 5 // 7, pl.Int32),
                spot=pl.lit(spot),
                multiplier=pl.lit(100.0),
                style=pl.lit("european"),
                half_spread=pl.lit(half_spread, pl.Float64),
                bid=pl.col("mark") - half_spread if half_spread else pl.lit(None, pl.Float64),
                ask=pl.col("mark") + half_spread if half_spread else pl.lit(None, pl.Float64),
                volume=pl.lit(10.0),
                open_interest=pl.lit(100.0),
            )
        )
    rows = pl.concat(parts)
    rows = rows.with_columns(contract=symbols_of(*(pl.col(name) for name in ("underlying", "expiry", "strike", "right"))))
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in OPTION_CHAINS_SCHEMA.items() if name not in rows.columns]
    return rows.with_columns(absent).select(*OPTION_CHAINS_SCHEMA).sort("session", "underlying", "expiry", "strike", "right")


def greeks_of(
    chains: pl.DataFrame, *, rate: float = 0.03, gain: float = 0.0, dividends: float = 0.0, american: bool = False
) -> pl.DataFrame:
    """What `greeks` says of chains, at the forward of carry; gamma is that of a European."""
    years = chains["days_left"].to_numpy() / 365.0
    spot, strike, call = chains["spot"].to_numpy() - dividends, chains["strike"].to_numpy(), (chains["right"] == "C").to_numpy()
    mark = chains["mark"].fill_null(float("nan")).to_numpy()
    volatility, why = implied_volatilities(mark, spot, strike, years, rate, gain, call=call, american=american)
    gamma = option_values(spot, strike, years, rate, gain, volatility, call=call)["gamma"]
    intrinsic = np.maximum(np.where(call, 1.0, -1.0) * (chains["spot"].to_numpy() - strike), 0.0)
    return chains.select("underlying", "session", "contract").with_columns(
        implied_volatility=pl.Series(volatility),
        why=pl.Series([REASONS[code] for code in why], dtype=pl.String),
        gamma=pl.Series(gamma),
        years=pl.Series(years),
        rate=pl.lit(rate),
        dividend_yield=pl.lit(gain),
        dividends=pl.lit(dividends),
        time_value=pl.Series(mark - intrinsic),
    )
