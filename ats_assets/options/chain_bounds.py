"""Prices that can't be: outside of what an option can be worth, or a call and a put of one strike that contradict each other.

A quoted contract is worth something between bid and ask, one without quotes about its close. With spot S, strike K, years T to expiry, rate r, and c the carry that dividends
and the true rate may add (`max_carry_per_year`):

- A call is worth at most S, a put at most K; an American one at least its intrinsic value, S - K or K - S. Of a European one S or K are those at expiry, discounted: S exp(-c T) less
  K exp(-(r - c) T), and K exp(-(r + c) T) less S.
- Call less put lies between S exp(-c T) - K, of European ones S exp(-c T) - K exp(-(r - c) T), and S - K exp(-(r + c) T) (parity; Hull, Options, Futures and Other Derivatives).

What lies outside by no more than the spreads and a tolerance, a share of the spot, is let through: spot and quotes are of different instants. A quoted price that can't be by itself says nothing of the one beside it; of two closes
without quotes either may be of long ago, and both are quarantined.
"""

import polars as pl

from ats_assets.settings import ChainScreeningSettings

_YEAR_DAYS = 365.0
_PAIR = ("session", "underlying", "expiry", "strike")


def price_faults(rows: pl.DataFrame, settings: ChainScreeningSettings) -> pl.DataFrame:
    """For each row whether it is below_intrinsic, above_bound, or contradicts the other right of its strike (parity); never null.

    Parameters
    ----------
    rows
        Sound otherwise, one a contract, sorted by session, underlying, expiry, strike and right: with bid, ask, mark, style, spot, rate and days_left.
    """
    spot, strike, carry = pl.col("spot"), pl.col("strike"), settings.max_carry_per_year
    years = pl.col("days_left") / _YEAR_DAYS
    european = pl.col("style") == "european"
    quoted = pl.col("bid").is_not_null() | pl.col("ask").is_not_null()
    tolerance = spot * pl.when(quoted).then(settings.quoted_tolerance_share).otherwise(settings.unquoted_tolerance_share)
    paid_least = (-(pl.col("rate") - carry).clip(lower_bound=0.0) * years).exp() * strike
    paid_most = (-(pl.col("rate") + carry) * years).exp() * strike
    held = (-carry * years).exp() * spot
    is_call = pl.col("right") == "C"
    least = (
        pl.when(is_call & european)
        .then(held - paid_least)
        .when(is_call)
        .then(spot - strike)
        .when(european)
        .then(paid_most - spot)
        .otherwise(strike - spot)
    )
    prepared = rows.select(
        *_PAIR,
        "right",
        quoted=quoted,
        low=pl.when(quoted).then("bid").otherwise("mark"),
        high=pl.when(quoted).then("ask").otherwise("mark"),
        spread=pl.when(quoted).then(pl.col("ask") - pl.col("bid")).fill_null(0.0),
        tolerance=tolerance,
        least=least,
        most=pl.when(is_call).then(spot).otherwise(strike),
        pair_least=held - pl.when(european).then(paid_least).otherwise(strike),
        pair_most=spot - paid_most,
    )
    allowed = pl.col("spread") + pl.col("tolerance")
    own = prepared.select(
        "quoted", below_intrinsic=pl.col("high") + allowed < pl.col("least"), above_bound=pl.col("low") - allowed > pl.col("most")
    ).with_columns(pl.col("below_intrinsic", "above_bound").fill_null(value=False))
    told = ~own["quoted"] | ~(own["below_intrinsic"] | own["above_bound"])
    return own.drop("quoted").with_columns(prepared.with_columns(tells=told).select(parity=_contradicts()))


def _contradicts() -> pl.Expr:
    """Whether a call and the put beside it, which follows it in the order of a chain, contradict each other; then both do."""
    is_pair = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in _PAIR) & (pl.col("right") == "C")
    slack = pl.max_horizontal(pl.col("tolerance"), pl.col("tolerance").shift(-1))
    dearest = pl.col("high") - pl.col("low").shift(-1)
    cheapest = pl.col("low") - pl.col("high").shift(-1)
    tells = pl.col("tells") & pl.col("tells").shift(-1)
    of_call = (is_pair & tells & ((dearest + slack < pl.col("pair_least")) | (cheapest - slack > pl.col("pair_most")))).fill_null(
        value=False
    )
    return of_call | of_call.shift(1, fill_value=False)
