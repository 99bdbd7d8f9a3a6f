"""The 59,373 rows of a vendor's chains with its volatilities and greeks, against ours: which rate, yield, spot and day the vendor took, and a class for every difference; docs/options.md has the table."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from ats_assets.options.chain_greeks import chain_greeks
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA
from ats_assets.options.valuation import option_values

FILE = Path("../shared/data/us_options/chains_with_greeks.parquet")
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no vendor's chains at {FILE}")
CONTRACT = ["underlying", "date", "expiry", "strike"]
EUROPEAN = ["SPX", "SPXW", "NQX"]
COUNTS = {
    "no_price": 9520,
    "old_strike": 12678,
    "expires_today": 194,
    "below_intrinsic": 5491,
    "above_bound": 49,
    "no_time_value": 9,
    "vendor_zero": 13728,
    "near": 1996,
    "apart": 15148,
}
"""Class -> contracts."""


@pytest.fixture(scope="module")
def contracts() -> pl.DataFrame:
    """Its contracts with the close of the underlying beside them; NaN is none."""
    rows = pl.read_parquet(FILE)
    spots = rows.filter(pl.col("expiry").is_null()).select("underlying", "date", spot=pl.col("close").fill_nan(None))
    return rows.filter(pl.col("expiry").is_not_null()).join(spots, on=["underlying", "date"], how="left")


@pytest.fixture(scope="module")
def pairs(contracts: pl.DataFrame) -> pl.DataFrame:
    """Call and put of a strike, with the days and the yield that the vendor took: by Black, Scholes and Merton their rhos differ by K t exp(-rt), their deltas by exp(-qt)."""
    calls, puts = (contracts.filter(pl.col("right") == right, pl.col("close") > 0) for right in "CP")
    both = calls.join(puts, on=CONTRACT, suffix="_put")
    found = both.with_columns(
        time=100 * (pl.col("rho") - pl.col("rho_put")) / pl.col("strike"), kept=pl.col("delta") - pl.col("delta_put")
    ).filter(pl.col("kept") > 0.01, pl.col("time") > 1e-4)
    days = (pl.col("expiry") - pl.col("date")).dt.total_days()
    return found.with_columns(days=days, lag=pl.col("time") * 365 - days, gain=-pl.col("kept").log() / pl.col("time"))


def test_the_vendor_has_one_volatility_a_strike(pairs: pl.DataFrame) -> None:
    both = pairs.filter(pl.col("implied_volatility") > 0)
    assert both.height > 10_000
    assert both.select(((pl.col("implied_volatility") - pl.col("implied_volatility_put")).abs() < 1e-6).all()).item()
    assert both.select(((pl.col("gamma") - pl.col("gamma_put")).abs() < 1e-6).all()).item()


def test_the_vendor_took_the_day_after_and_yields_of_up_to_31_percent(pairs: pl.DataFrame) -> None:
    """So its American calls are European ones on a share that pays far more than any of these did: 0.47 a quarter on 92 is 2 %."""
    taken = {
        (name, day): (lag, gain)
        for name, day, lag, gain in pairs.filter(pl.col("days") < 60)
        .group_by("underlying", "date")
        .agg(pl.col("lag").median(), pl.col("gain").median())
        .iter_rows()
    }
    lags = [lag for (name, day), (lag, _) in taken.items() if name in {"AAPL", "GOOG", "NWSA", "TWX"} and day != date(2015, 12, 31)]
    assert len(lags) > 25
    assert all(-1.02 < lag < -1.0 for lag in lags)
    expected = {
        ("AAPL", date(2014, 6, 2)): 0.2659,
        ("AAPL", date(2014, 6, 9)): 0.3133,
        ("GOOG", date(2015, 12, 24)): 0.0011,
        ("NWSA", date(2013, 6, 25)): 0.1867,
        ("NWSA", date(2013, 6, 28)): 0.3152,
        ("TWX", date(2014, 6, 4)): 0.2416,
        ("TWX", date(2014, 6, 9)): 0.3045,
        ("SPX", date(2021, 1, 4)): 0.1244,
        ("SPXW", date(2023, 6, 23)): 0.0,
    }
    for key, gain in expected.items():
        assert taken[key][1] == pytest.approx(gain, abs=3e-4), key


def test_the_vendors_greeks_are_black_scholes_and_mertons_of_its_own_numbers_in_our_units(pairs: pl.DataFrame) -> None:
    """Vega and rho a point, theta a calendar day. The spot that its deltas tell is not that of the row: up to 2 % beside it, of another moment."""
    by_expiry = pairs.group_by("underlying", "date", "expiry").agg(pl.col("time").median(), pl.col("kept").median())
    rows = pairs.drop("time", "kept").join(by_expiry, on=["underlying", "date", "expiry"])
    rows = rows.filter(pl.col("implied_volatility") > 1e-3, (pl.col("delta") / pl.col("kept")).is_between(0.02, 0.98))
    rate = 0.0027
    years = (rows["time"] * (1 + rate * rows["time"])).to_numpy()
    strike, volatility, kept = (rows[name].to_numpy() for name in ("strike", "implied_volatility", "kept"))
    gain = -np.log(kept) / years
    d1 = ndtri(rows["delta"].to_numpy() / kept)
    spot = strike * np.exp(d1 * volatility * np.sqrt(years) - (rate - gain + volatility**2 / 2) * years)
    found = option_values(spot, strike, years, rate, gain, volatility, call=True)
    share = {
        name: (np.abs(found[name] / by / rows[name].to_numpy() - 1) < 0.02).mean()
        for name, by in (("vega", 100), ("rho", 100), ("theta", 365))
    }
    assert share["vega"] > 0.98
    assert share["rho"] > 0.98
    assert share["theta"] > 0.6  # which is the difference of two terms with such a yield
    told = rows.with_columns(told=pl.Series(spot)).filter(pl.col("date") == date(2014, 6, 3))
    assert told["told"].median() == pytest.approx(638.3, abs=0.5)
    assert told["spot"].median() == pytest.approx(628.39)


def test_a_volatility_of_zero_is_a_share_that_does_not_move(contracts: pl.DataFrame) -> None:
    """Of 27,476 contracts with a price the vendor found none: a call has the delta exp(-qt), a put none, whatever the strike; in truth 17,000 of these prices tell a volatility."""
    none = contracts.filter(pl.col("implied_volatility") == 0, pl.col("close") > 0)
    assert none.height == 27_476
    assert none.select((pl.col("gamma") == 0).all() & (pl.col("vega") == 0).all()).item()
    assert none.filter(pl.col("right") == "P").select((pl.col("delta") == 0).mean()).item() > 0.94
    assert none.filter(pl.col("right") == "C", pl.col("delta") != 0)["delta"].is_between(0.3, 1.0).all()


@pytest.fixture(scope="module")
def classes(contracts: pl.DataFrame) -> pl.DataFrame:
    """Each contract with our volatility of its close, at the close of the row's underlying, without a yield; every row in one class."""
    saturday = pl.col("expiry").dt.weekday() == 6
    chains = contracts.filter(pl.col("spot").is_not_null()).with_columns(
        session="date",
        contract=pl.int_range(pl.len()).cast(pl.String),
        last_session=pl.when(saturday).then(pl.col("expiry") - pl.duration(days=1)).otherwise("expiry"),
        style=pl.when(pl.col("underlying").is_in(EUROPEAN)).then(pl.lit("european")).otherwise(pl.lit("american")),
        mark=pl.when(pl.col("close") > 0).then("close"),
        bid=pl.lit(None, pl.Float64),
        ask=pl.lit(None, pl.Float64),
    )
    low, then = pl.col("session") < date(2017, 1, 1), pl.col("session") < date(2022, 1, 1)
    rates = chains.select("session").unique().with_columns(rate=pl.when(low).then(0.002).when(then).then(0.001).otherwise(0.053))
    found = chain_greeks(chains, ANNOUNCED_DIVIDENDS_SCHEMA.to_frame(), rates, dividend_yields={}, symbol_by_underlying={})
    ours = pl.concat([chains.rename({"implied_volatility": "vendor"}), found.select("implied_volatility", "why")], how="horizontal")
    difference = (pl.col("implied_volatility") - pl.col("vendor")).abs()
    split = (pl.col("underlying") == "AAPL") & (pl.col("date").dt.year() == 2014) & (pl.col("date") >= date(2014, 6, 9))
    return ours.with_columns(
        of=pl.when(pl.col("mark").is_null())
        .then(pl.lit("no_price"))
        .when(split & (pl.col("strike") > 2.5 * pl.col("spot")))
        .then(pl.lit("old_strike"))
        .when(pl.col("why") != "")
        .then("why")
        .when(pl.col("vendor") < 1e-6)
        .then(pl.lit("vendor_zero"))
        .when(difference <= 0.02)
        .then(pl.lit("near"))
        .otherwise(pl.lit("apart"))
    )


def test_every_row_has_a_class(contracts: pl.DataFrame, classes: pl.DataFrame) -> None:
    """The shares that docs/options.md explains."""
    assert contracts.height == 59_373 - 55
    assert contracts.height - classes.height == 505  # SPX of 2015, whose underlying has no close
    counts = dict(classes["of"].value_counts().iter_rows())
    assert sum(counts.values()) == 58_813
    assert counts.keys() == COUNTS.keys()
    for name, count in COUNTS.items():  # a few lie so near a bound that a machine's logarithm decides
        assert counts[name] == pytest.approx(count, abs=30), name


def test_where_the_vendor_took_what_was_there_volatilities_agree(classes: pl.DataFrame) -> None:
    """Weekly options on the S&P 500 of 2023, without a yield and with the row's day: within a point or two of all, at nearly the same spot."""
    weekly = classes.filter(pl.col("underlying") == "SPXW", pl.col("date") == date(2023, 6, 23))
    difference = (weekly["implied_volatility"] - weekly["vendor"]).abs()
    assert weekly.height == 12
    assert difference.median() < 0.01  # pyright: ignore[reportOperatorIssue]
    assert difference.max() < 0.05  # pyright: ignore[reportOperatorIssue]
