"""What the chain of one underlying at one session tells beside volatilities: where contracts are open and traded.

Chains of several roots on one symbol (SPX and SPXW) are one chain. A number that was not delivered is not zero: a measure of which nothing is known is NaN.
"""

from collections.abc import Iterator, Mapping
from math import fsum
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NONE: Final = float("nan")
MEASURES_OF_CHAINS: Final = ("put_call_volume", "put_call_open_interest", "max_pain", "max_pain_distance", "gamma_exposure", "unusual_flow")


def put_call_ratio(call: NDArray[np.bool_], counts: Floats) -> float:
    """Counts of puts over those of calls; NaN without calls.

    Cboe's put/call ratios of volume and of open interest; M. Pan and A. Poteshman, The information in option volume for future stock prices, Review of Financial Studies 19, 2006.

    Parameters
    ----------
    call
        Whether a contract is a call.
    counts
        Its volume, or its open interest; NaN where it is not known.

    Examples
    --------
    >>> put_call_ratio(np.array([True, False, False]), np.array([4.0, 1.0, 2.0]))
    0.75
    """
    calls, puts = (np.nansum(counts[side]) if np.isfinite(counts[side]).any() else NONE for side in (call, ~call))
    return float(puts / calls) if calls > 0.0 else NONE


def max_pain(strike: Floats, call: NDArray[np.bool_], open_interest: Floats, spot: float) -> float:
    """The strike at which all open contracts of one expiry together would pay least at expiry; of several the nearest to the spot, then the lowest. NaN without open interest.

    The strike that option writers would prefer: S. Ni, N. Pearson and A. Poteshman, Stock price clustering on option expiration dates, Journal of Financial Economics 78, 2005, on why prices go there.

    Examples
    --------
    >>> max_pain(np.array([90.0, 100.0, 100.0, 110.0]), np.array([True, True, False, False]), np.array([10.0, 5.0, 5.0, 20.0]), 104.0)
    110.0
    """
    known = np.nan_to_num(open_interest)
    if not known.any():
        return NONE
    places = np.unique(strike)
    paid = np.where(call, np.maximum(places[:, None] - strike, 0.0), np.maximum(strike - places[:, None], 0.0))
    total = [fsum(row) for row in (paid * known).tolist()]
    least = [float(place) for place, pain in zip(places, total, strict=True) if pain <= min(total)]
    return min(least, key=lambda place: (abs(place - spot), place))


def gamma_exposure(call: NDArray[np.bool_], gamma: Floats, open_interest: Floats, multiplier: Floats, spot: float) -> float:
    """By how much, in the quote currency, dealers' deltas change when the spot rises by 1 %: below zero they buy into a rise and sell into a fall.

    The convention: dealers hold all open calls and have written all open puts, so that gamma counts positive for calls and negative for puts (SqueezeMetrics, The implied order book, 2020, and Gamma
    exposure, 2017). Who holds what is not known; of single stocks, where customers write few puts, the sign is a guess.

        sum over contracts of (+1 call, -1 put) gamma open_interest multiplier spot (0.01 spot)

    NaN where no contract has both gamma and open interest.

    Examples
    --------
    >>> gamma_exposure(np.array([True, False]), np.array([0.05, 0.02]), np.array([10.0, 5.0]), np.array([100.0, 100.0]), 50.0)
    1000.0
    """
    each = np.where(call, 1.0, -1.0) * gamma * open_interest * multiplier * spot * (0.01 * spot)
    known = each[np.isfinite(each)]
    return fsum(known.tolist()) if len(known) else NONE


def unusual_flow(volume: Floats, open_interest: Floats) -> float:
    """The share of the session's volume in contracts that traded more than was open before: new positions, since nobody can close what was not open.

    NaN where nothing was traded. A contract whose open interest is not known is left out.

    Examples
    --------
    >>> unusual_flow(np.array([30.0, 10.0]), np.array([20.0, 500.0]))
    0.75
    """
    known = np.isfinite(volume) & np.isfinite(open_interest)
    total = volume[known].sum()
    return float(volume[known & (volume > open_interest)].sum() / total) if total > 0.0 else NONE


def chain_measures(chains: pl.DataFrame) -> pl.DataFrame:
    """The measures of each symbol and session: session, symbol and `MEASURES_OF_CHAINS`.

    Parameters
    ----------
    chains
        Columns of `option_chains`, `symbol`, that of the underlying, and `gamma` of `greeks`, null where there is none; rows in any order.
    """
    rows = chains.sort("session", "symbol", "contract")
    made = list(_of_each(rows))
    return pl.DataFrame(made, schema={"session": pl.Date, "symbol": pl.String} | dict.fromkeys(MEASURES_OF_CHAINS, pl.Float64))


def _of_each(rows: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    for (session, symbol), own in rows.group_by("session", "symbol", maintain_order=True):
        call, spot = (own["right"] == "C").to_numpy(), own["spot"][0]
        volume, opened, gamma, multiplier = (_numbers(own[name]) for name in ("volume", "open_interest", "gamma", "multiplier"))
        later = own.filter(pl.col("expiry") > session, pl.col("open_interest") > 0.0)
        first = own.filter(pl.col("expiry") == later["expiry"].min()) if later.height else own.clear()
        pain = max_pain(_numbers(first["strike"]), (first["right"] == "C").to_numpy(), _numbers(first["open_interest"]), spot)
        yield {
            "session": session,
            "symbol": symbol,
            "put_call_volume": put_call_ratio(call, volume),
            "put_call_open_interest": put_call_ratio(call, opened),
            "max_pain": pain,
            "max_pain_distance": pain / spot - 1.0,
            "gamma_exposure": gamma_exposure(call, gamma, opened, multiplier, spot),
            "unusual_flow": unusual_flow(volume, opened),
        }


def _numbers(values: pl.Series) -> Floats:
    return values.cast(pl.Float64).fill_null(NONE).to_numpy()
