"""Implied volatility and greeks of each contract of a chain: what the assets, a live plan and a notebook call.

1. Time runs from the session's close to that of the last session, in calendar days of a year of 365.
2. The underlying pays the dividends that were announced by the session's close, until the option's last session. Where `options.dividend_yields` names it, it pays that yield from the last of them on.
3. The price is the chain's mark. European options have Black and Scholes' formula, American ones the boundary of early exercise, with cash dividends the lattice.
4. Where a price tells no volatility, `why` says so, and there are no greeks.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.options.cash_dividends import CashDividends, values_with_dividends, volatilities_with_dividends
from ats_assets.options.implied_volatility import implied_volatilities
from ats_assets.options.price_bounds import BAD_NUMBER, REASONS
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA, GREEKS, GREEKS_SCHEMA
from ats_assets.options.valuation import VALUES, option_values

DAYS_A_YEAR: Final = 365.0
UNITS: Final = {"theta": DAYS_A_YEAR, "vega": 100.0, "rho": 100.0}
"""By what a greek per year, or per 1, is divided: a day, a point of volatility, a point of the rate."""
NO_PRICE, EXPIRES = "no_price", "expires_today"
WHY: Final = ("", *REASONS[1:], NO_PRICE, EXPIRES)
"""Why there is no volatility: of `REASONS`; no mark; or the session is the last one."""
Floats = NDArray[np.float64]


def chain_greeks(
    chains: pl.DataFrame,
    dividends: pl.DataFrame,
    rates: pl.DataFrame,
    *,
    dividend_yields: Mapping[str, float],
    symbol_by_underlying: Mapping[str, str],
) -> pl.DataFrame:
    """Implied volatilities and greeks.

    Parameters
    ----------
    chains
        Contracts of any number of sessions, with the columns of `OPTION_CHAINS_SCHEMA` that are read: session, underlying, contract, style, strike, right, bid, ask, mark, spot, last_session.
    dividends
        What was announced by each of these sessions, with the columns of `ANNOUNCED_DIVIDENDS_SCHEMA`.
    rates
        session, rate: of each of these sessions, a year and continuously compounded.
    dividend_yields
        Underlying -> the yield that is assumed.
    symbol_by_underlying
        Underlying -> the symbol of its shares, where they differ.

    Returns
    -------
    DataFrame with the columns of `GREEKS_SCHEMA`, one row for each of `chains`, in its order.
    """
    rows = _with_market(chains, rates, dividend_yields, symbol_by_underlying)
    schedule = _schedule(rows, dividends)
    rows = rows.with_columns(dividend_yield=pl.Series(_yields_until_expiry(rows, schedule)))
    asked = (rows["mark"].is_not_null() & (rows["years"] > 0)).to_numpy()
    volatility, why = np.full(rows.height, np.nan), np.full(rows.height, BAD_NUMBER, np.int8)
    values = np.full((len(VALUES), rows.height), np.nan)
    for american in (False, True):
        paying = (schedule.end > schedule.begin) | (not american)
        for cash in (False, True):
            which = asked & ((rows["style"] == "american").to_numpy() == american) & (paying == cash)
            if which.any():
                volatility[which], why[which], values[:, which] = _of_some(rows.filter(which), _part(schedule, which), american, cash)
    return _told(rows, schedule, volatility, why, values)


def _with_market(
    chains: pl.DataFrame, rates: pl.DataFrame, dividend_yields: Mapping[str, float], symbols: Mapping[str, str]
) -> pl.DataFrame:
    """The chain with time, rate, assumed yield, and the symbol of the shares."""
    underlying = pl.col("underlying")
    rows = chains.join(rates.select("session", "rate").unique(), on="session", how="left", maintain_order="left")
    return rows.with_columns(
        years=(pl.col("last_session") - pl.col("session")).dt.total_days() / DAYS_A_YEAR,
        dividend_yield=underlying.replace_strict(dict(dividend_yields), default=0.0, return_dtype=pl.Float64) if dividend_yields else 0.0,
        symbol=underlying.replace(dict(symbols)),
    )


def _schedule(rows: pl.DataFrame, dividends: pl.DataFrame) -> CashDividends:
    """The dividends of all underlyings and sessions in a row, and of each contract where its own are: those of its session up to its last one."""
    paid = (
        pl.concat([ANNOUNCED_DIVIDENDS_SCHEMA.to_frame(), dividends]).sort("session", "symbol", "ex_session", "cash").with_row_index("at")
    )
    days = (pl.col("held_session") - pl.col("session")).dt.total_days()
    begins = paid.group_by("session", "symbol").agg(first=pl.col("at").min(), ex_sessions=pl.col("ex_session"))
    contracts = rows.select("session", "symbol", "last_session").with_row_index("row")
    kinds = contracts.select("session", "symbol", "last_session").unique().join(begins, on=["session", "symbol"])
    counted = (
        kinds.explode("ex_sessions")
        .group_by("session", "symbol", "last_session", "first")
        .agg(n=(pl.col("ex_sessions") <= pl.col("last_session")).sum())
    )
    found = contracts.join(counted, on=["session", "symbol", "last_session"], how="left").sort("row")
    begin = found["first"].fill_null(0).cast(pl.Int64).to_numpy()
    return CashDividends(
        years=paid.select(days / DAYS_A_YEAR).to_series().to_numpy().astype(np.float64),
        amounts=paid["cash"].to_numpy().astype(np.float64),
        begin=begin,
        end=begin + found["n"].fill_null(0).cast(pl.Int64).to_numpy(),
    )


def _part(schedule: CashDividends, which: NDArray[np.bool_]) -> CashDividends:
    return CashDividends(years=schedule.years, amounts=schedule.amounts, begin=schedule.begin[which], end=schedule.end[which])


def _yields_until_expiry(rows: pl.DataFrame, schedule: CashDividends) -> Floats:
    """The yield that takes as much over the whole time as the assumed one does from the last announced dividend on."""
    years, assumed = rows["years"].to_numpy(), rows["dividend_yield"].to_numpy()
    last = np.zeros(rows.height)
    pays = schedule.end > schedule.begin
    last[pays] = schedule.years[schedule.end[pays] - 1]
    return np.where(years > 0, assumed * np.maximum(years - last, 0.0) / np.where(years > 0, years, 1.0), assumed)


def _of_some(rows: pl.DataFrame, schedule: CashDividends, american: bool, cash: bool) -> tuple[Floats, NDArray[np.int8], Floats]:
    """Volatility, reason and values of contracts of one style."""
    price, call = rows["mark"].to_numpy(), (rows["right"] == "C").to_numpy()
    spot, strike, years, rate, gain = (rows[name].to_numpy() for name in ("spot", "strike", "years", "rate", "dividend_yield"))
    if cash:
        volatility, why = volatilities_with_dividends(price, spot, strike, years, rate, gain, call, schedule, american=american)
        values = values_with_dividends(spot, strike, years, rate, gain, volatility, call, schedule, american=american)
    else:
        volatility, why = implied_volatilities(price, spot, strike, years, rate, gain, call, american=american)
        values = option_values(spot, strike, years, rate, gain, volatility, call, american=american)
    return volatility, why, np.array([values[name] for name in VALUES])


def _told(rows: pl.DataFrame, schedule: CashDividends, volatility: Floats, why: NDArray[np.int8], values: Floats) -> pl.DataFrame:
    """The frame: missing numbers are null, in the units of the contract."""
    greeks = {name: values[VALUES.index(name)] / UNITS.get(name, 1.0) for name in GREEKS}
    reasons = pl.Series([REASONS[code] for code in why], dtype=pl.String)
    intrinsic = pl.when(pl.col("right") == "C").then(pl.col("spot") - pl.col("strike")).otherwise(pl.col("strike") - pl.col("spot"))
    found = rows.with_columns(
        dividends=pl.Series(schedule.present_values(rows["rate"].to_numpy())),
        implied_volatility=pl.Series(volatility),
        told=reasons,
        price_of=pl.when(pl.col("mark").is_null())
        .then(None)
        .when(pl.col("bid").is_null() | pl.col("ask").is_null())
        .then(pl.lit("close"))
        .otherwise(pl.lit("quotes")),
        time_value=pl.col("mark") - intrinsic.clip(0.0),
        **{name: pl.Series(of_each) for name, of_each in greeks.items()},
    ).with_columns(
        why=pl.when(pl.col("mark").is_null()).then(pl.lit(NO_PRICE)).when(pl.col("years") <= 0).then(pl.lit(EXPIRES)).otherwise("told"),
        **{name: pl.col(name).fill_nan(None) for name in ("implied_volatility", *GREEKS)},
    )
    return found.select(GREEKS_SCHEMA.names()).cast(GREEKS_SCHEMA)
