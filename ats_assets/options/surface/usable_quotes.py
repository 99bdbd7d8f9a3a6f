"""The points of a slice that a smile is fitted to: options out of the money whose price is quoted and has time value, as volatilities on the forward that parity tells.

Volatilities of `greeks` are those at the forward of carry. Where parity tells another one, the European price at such a volatility is kept and its volatility on the other forward is taken, so that the call and
the put of a strike tell one and the same.
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.implied_volatility import implied_volatilities
from ats_assets.options.surface.parity_forward import ParityForward, parity_forward
from ats_assets.options.surface.svi import Floats
from ats_assets.options.valuation import option_values

SMALLEST_HALF_SPREAD: Final = 0.005
"""Half of the smallest step of prices: a narrower spread says no more of the price."""
OF_CHAINS: Final = ("strike", "right", "bid", "mark", "half_spread", "spot")
OF_GREEKS: Final = ("implied_volatility", "years", "rate", "dividend_yield", "dividends", "time_value")


def with_european_prices(rows: pl.DataFrame) -> pl.DataFrame:
    """Chains beside greeks with `carried`, the forward of carry, and `european`, the European price at the implied volatility; both NaN where they are not known.

    Parameters
    ----------
    rows
        With the columns `OF_CHAINS` and `OF_GREEKS`.
    """
    spot, years, rate, gain, dividends = (_numbers(rows[name]) for name in ("spot", "years", "rate", "dividend_yield", "dividends"))
    with np.errstate(over="ignore"):
        carried = (spot - dividends) * np.exp((rate - gain) * years)
    volatility, strike = _numbers(rows["implied_volatility"]), _numbers(rows["strike"])
    made = option_values(spot - dividends, strike, years, rate, gain, volatility, call=(rows["right"] == "C").to_numpy())
    return rows.with_columns(carried=pl.Series(carried), european=pl.Series(made["price"]))


def _numbers(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def forward_of(rows: pl.DataFrame) -> ParityForward:
    """The forward of a slice: rows of one expiry as `with_european_prices` leaves them, sorted by strike and right."""
    carried, years, rate = rows["carried"][0], rows["years"][0], rows["rate"][0]
    priced = rows.filter(pl.col("mark") > 0.0)
    calls, puts = (priced.filter(right=side).select("strike", "european") for side in ("C", "P"))
    both = calls.join(puts, on="strike", suffix="_put").sort("strike")
    return parity_forward(
        carried, float(np.exp(-rate * years)), *(both[name].to_numpy() for name in ("strike", "european", "european_put"))
    )


def points_of(rows: pl.DataFrame, forward: float) -> tuple[Floats, Floats, Floats]:
    """Log-moneynesses ascending, volatilities and weights of a slice, each of shape (n_points,).

    A weight is that of an error of the volatility: vega over half the spread, squared. An option without a spread is taken to have the widest of the slice.
    A bid of zero says that nobody buys: the middle of it and the ask is no price.
    """
    out = ((pl.col("right") == "C") & (pl.col("strike") >= forward)) | ((pl.col("right") == "P") & (pl.col("strike") < forward))
    priced = (pl.col("mark") > 0.0) & (pl.col("time_value") > 0.0) & pl.col("european").is_not_nan() & (pl.col("bid").fill_null(1.0) > 0.0)
    rows = _of_one_market(rows.filter(out & priced))
    years, rate = (rows[name].to_numpy() for name in ("years", "rate"))
    strike, call = rows["strike"].to_numpy(), (rows["right"] == "C").to_numpy()
    spot = forward * np.exp(-rate * years)
    volatility, _ = implied_volatilities(rows["european"].to_numpy(), spot, strike, years, rate, 0.0, call=call)
    told = np.isfinite(volatility)
    vega = option_values(spot, strike, years, rate, 0.0, volatility, call=call)["vega"]
    half = _numbers(rows["half_spread"])
    known = half[np.isfinite(half)]
    widest = float(known.max()) if len(known) else SMALLEST_HALF_SPREAD
    weight = (vega / np.maximum(np.where(np.isfinite(half), half, widest), SMALLEST_HALF_SPREAD)) ** 2
    told &= weight > 0.0
    return np.log(strike[told] / forward), volatility[told], weight[told]


def _of_one_market(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the options that cost more than most of those of their side that are nearer to the money, by more than both half spreads: such a price is of another time, or of a contract before a split."""
    price, half = rows["european"].to_numpy(), np.nan_to_num(_numbers(rows["half_spread"])) + 0.5 * SMALLEST_HALF_SPREAD
    call, keep = (rows["right"] == "C").to_numpy(), np.empty(len(price), np.bool_)
    for side in (np.flatnonzero(call), np.flatnonzero(~call)[::-1]):
        kept = np.empty(len(side), np.bool_)
        not_dearer_than_most.compiled(price[side], half[side], kept)
        keep[side] = kept
    return rows.filter(pl.Series(keep))


@kernel
def not_dearer_than_most(price: Floats, half: Floats, kept: NDArray[np.bool_]) -> None:
    """Of options from the money outwards, which cost no more than at least half of those that were kept before them."""
    for i in range(len(price)):
        before = cheaper = 0
        for j in range(i):
            if kept[j]:
                before += 1
                cheaper += 1 if price[i] - price[j] > half[i] + half[j] else 0
        kept[i] = 2 * cheaper <= before
