"""The surface: a planted one is found, an arbitrage is flagged, a row depends on its own slice and the one before, and real chains give smiles."""

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from ats_assets.options.surface.smile import Smile
from ats_assets.options.surface.svi import RawSvi
from ats_assets.options.surface.volatility_surface import SURFACE_REASONS, VOLATILITY_SURFACE_SCHEMA, volatility_surface
from ats_assets.options.valuation import option_values
from ats_assets_tests.market_data import MARKET_DATA, needs_market_data
from ats_assets_tests.options.planted_chains import Planted, chains_of, greeks_of, of_svi

STRIKES = [float(strike) for strike in range(60, 151, 3)]
EXPIRIES = (date(2024, 3, 15), date(2024, 6, 21), date(2025, 1, 17))
SLICES = (
    RawSvi(0.0004, 0.012, -0.5, 0.01, 0.06),
    RawSvi(0.004, 0.05, -0.6, 0.02, 0.12),
    RawSvi(0.02, 0.09, -0.5, 0.04, 0.25),
)
FORWARDS = (100.4, 101.0, 99.5)


def planted(slices: Sequence[RawSvi] = SLICES, underlying: str = "ABC") -> list[Planted]:
    """Slices at the expiries."""
    found = []
    for expiry, forward, svi in zip(EXPIRIES, FORWARDS, slices, strict=False):
        one = Planted(expiry=expiry, forward=forward, volatility=lambda k: k, strikes=STRIKES, underlying=underlying)
        found.append(Planted(expiry=expiry, forward=forward, volatility=of_svi(svi, one.years), strikes=STRIKES, underlying=underlying))
    return found


def surface_of(chains: pl.DataFrame, **how: Any) -> pl.DataFrame:
    """With greeks at the forward of carry."""
    return volatility_surface(chains, greeks_of(chains, **how))


def test_a_planted_surface_is_found_although_carry_tells_other_forwards() -> None:
    """Forwards to 1e-9 of them, total variances to 1e-8, the five numbers to 1e-4; no arbitrage."""
    chains = chains_of(planted())
    chains = chains.filter(pl.col("mark") > 1e-4)
    found = surface_of(chains, gain=0.02)
    assert found.schema == VOLATILITY_SURFACE_SCHEMA
    np.testing.assert_allclose(found["forward"], FORWARDS, rtol=1e-9)
    assert found["method"].to_list() == ["svi"] * 3
    assert found["parity_pairs"].to_list() == [5] * 3
    assert found["butterfly_free"].all()
    assert found["calendar_free"].all()
    assert (found["rmse"] < 1e-7).all()
    for row, svi in zip(found.iter_rows(named=True), SLICES, strict=True):
        np.testing.assert_allclose([row[name] for name in ("a", "b", "rho", "m", "sigma")], svi, rtol=1e-4, atol=1e-6)
        k = np.linspace(row["lowest_moneyness"], row["highest_moneyness"], 31)
        np.testing.assert_allclose(Smile.of_row(row).total_variance(k)[0], svi.total_variance(k)[0], rtol=1e-8)
        atm, h = np.sqrt(svi.total_variance(np.zeros(1))[0][0] / row["years"]), 1e-4
        at = np.sqrt(svi.total_variance(np.array([-h, 0.0, h]))[0] / row["years"])
        assert row["atm_volatility"] == pytest.approx(atm, rel=1e-7)
        assert row["skew"] == pytest.approx((at[2] - at[0]) / (2 * h), rel=1e-4)
        assert row["curvature"] == pytest.approx((at[2] - 2 * at[1] + at[0]) / h**2, rel=1e-3)


def test_american_prices_tell_the_forward_and_the_volatility() -> None:
    """Of a flat volatility with a rate of 5 %: the European prices behind the American ones keep parity, these do not."""
    chains = chains_of(
        [Planted(expiry=EXPIRIES[2], forward=100 * np.exp(0.05 * 322 / 365), volatility=lambda k: 0 * k + 0.3, strikes=STRIKES)], rate=0.05
    )
    call = (chains["right"] == "C").to_numpy()
    made = option_values(100.0, chains["strike"].to_numpy(), 322 / 365, 0.05, 0.0, 0.3, call=call, american=True)["price"]
    row = surface_of(chains.with_columns(mark=pl.Series(made)), rate=0.05, american=True).row(0, named=True)
    assert row["forward"] == pytest.approx(100 * np.exp(0.05 * 322 / 365), rel=1e-6)
    assert row["atm_volatility"] == pytest.approx(0.3, abs=1e-6)
    assert row["rmse"] < 1e-6


def test_a_butterfly_and_a_calendar_that_cost_less_than_nothing_are_flagged_where_they_are() -> None:
    steep = RawSvi(0.01, 0.5, 0.0, 0.0, 0.02)
    found = surface_of(chains_of(planted((SLICES[0], SLICES[1], steep))).filter(pl.col("mark") > 1e-4))
    assert found["butterfly_free"].to_list() == [True, True, False]
    lower = RawSvi(0.001, 0.02, -0.5, 0.02, 0.1)
    found = surface_of(chains_of(planted((SLICES[0], SLICES[1], lower))).filter(pl.col("mark") > 1e-4))
    assert found["calendar_free"].to_list() == [True, True, False]
    assert found["butterfly_free"].all()


def test_the_same_bytes_whatever_the_order_of_rows_and_whoever_else_is_there() -> None:
    chains = pl.concat([chains_of(planted()), chains_of(planted(SLICES[::-1], "XYZ"), half_spread=None)])
    greeks = greeks_of(chains)
    whole = _bytes(volatility_surface(chains, greeks))
    for seed in range(3):
        shuffled = volatility_surface(
            chains.sample(fraction=1.0, shuffle=True, seed=seed), greeks.sample(fraction=1.0, shuffle=True, seed=seed + 9)
        )
        assert _bytes(shuffled) == whole
    own = chains.filter(underlying="XYZ")
    assert _bytes(volatility_surface(own, greeks)) == _bytes(volatility_surface(chains, greeks).filter(underlying="XYZ"))
    assert volatility_surface(chains.clear(), greeks.clear()).schema == VOLATILITY_SURFACE_SCHEMA


def _bytes(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.rechunk().write_ipc(written)
    return written.getvalue()


def test_few_contracts_give_a_parabola_which_is_flat_beyond_them() -> None:
    def volatility(k: np.ndarray) -> np.ndarray:
        return 0.3 - 0.2 * k + 0.5 * k * k

    chains = chains_of([Planted(expiry=EXPIRIES[1], forward=101.0, volatility=volatility, strikes=[81.0, 93.0, 105.0, 117.0])])
    row = surface_of(chains).row(0, named=True)
    assert (row["method"], row["why"], row["contracts"], row["a"]) == ("smoothed", "", 4, None)
    assert [row[name] for name in ("atm_volatility", "skew", "curvature")] == pytest.approx([0.3, -0.2, 1.0], rel=1e-7)
    smile = Smile.of_row(row)
    assert smile.volatility(np.log(93 / 101)) == pytest.approx(volatility(np.log(93 / 101)), rel=1e-8)
    assert smile.volatility(-2.0) == pytest.approx(volatility(np.log(81 / 101)), rel=1e-8)


@pytest.mark.parametrize(
    ("strikes", "change", "why"),
    [
        ([93.0, 105.0], {}, "few_contracts"),
        ([103.0, 105.0, 108.0, 112.0], {}, "one_sided"),
        ([93.0, 96.0, 105.0], {"mark": None}, "no_contracts"),
        ([93.0, 96.0, 105.0], {"bid": 0.0}, "no_contracts"),
        ([93.0, 96.0, 105.0], {"years": 0.0}, "expires"),
        ([93.0, 96.0, 105.0], {"dividends": 200.0}, "no_forward"),
        ([93.0, 96.0, 105.0], {"implied_volatility": None}, "no_contracts"),
    ],
)
def test_an_expiry_without_a_smile_says_why(strikes: list[float], change: dict[str, float | None], why: str) -> None:
    chains = chains_of([Planted(expiry=EXPIRIES[1], forward=101.0, volatility=lambda k: 0 * k + 0.3, strikes=strikes)])
    greeks = greeks_of(chains)
    changed = [pl.lit(value, pl.Float64).alias(name) for name, value in change.items()]
    frames = [frame.with_columns(each for each in changed if each.meta.output_name() in frame.columns) for frame in (chains, greeks)]
    row = volatility_surface(*frames).row(0, named=True)
    assert row["why"] == why
    assert why in SURFACE_REASONS
    assert all(row[name] is None for name in ("method", "atm_volatility", "a", "rmse", "butterfly_free", "calendar_free"))


def test_prices_of_another_time_are_left_out_which_a_fit_would_bend_to() -> None:
    """A stale call far out of the money, and all contracts of before a split, which nobody traded since."""
    one = planted()[1]
    after = chains_of([one], half_spread=None).filter(pl.col("mark") > 1e-4)
    old = Planted(expiry=one.expiry, forward=700.0, volatility=one.volatility, strikes=np.arange(500.0, 761.0, 20.0))
    stale = pl.col("mark") + pl.when((pl.col("strike") == 117.0) & (pl.col("right") == "C")).then(3.0).otherwise(0.0)
    clean = surface_of(after).row(0, named=True)
    row = surface_of(pl.concat([after.with_columns(mark=stale), chains_of([old], half_spread=None)])).row(0, named=True)
    assert row["contracts"] == clean["contracts"] - 1
    assert row["atm_volatility"] == pytest.approx(clean["atm_volatility"], abs=1e-6)


@pytest.mark.parametrize("delta", [0.1, 0.25, -0.25, -0.1])
def test_the_volatility_of_a_delta_is_that_of_scipys_root(delta: float) -> None:
    smile = Smile.of_row(surface_of(chains_of(planted())).row(1, named=True))

    def left(k: float) -> float:
        root = smile.volatility(k) * np.sqrt(smile.years)
        return float(norm.cdf(-k / root + root / 2)) - (delta if delta > 0 else 1 + delta)

    root = float(brentq(left, -1.0, 1.0, xtol=1e-14))  # pyright: ignore[reportArgumentType]
    assert smile.volatility_of_delta(delta) == pytest.approx(smile.volatility(root), rel=1e-9)


def test_a_delta_that_no_strike_has_has_no_volatility() -> None:
    assert np.isnan(Smile(100.0, 1.0, 2.0, 0.0, 0.0, -0.5, 0.5, None).volatility_of_delta(-0.25))


@needs_market_data
def test_the_stored_chains_of_aapl_and_spx_give_smiles() -> None:
    """Closes of 2014 and 2015 without quotes: AAPL the day before its split of 7 for 1 and on it, where half of the contracts are of before; SPX with holes. Errors in volatility a year."""
    stored = pl.read_parquet(MARKET_DATA / "us_options" / "chains_with_greeks.parquet")
    stored = stored.filter(
        pl.col("underlying").is_in(["AAPL", "SPX"]) & pl.col("date").is_in([date(2014, 6, 5), date(2014, 6, 9), date(2015, 12, 23)])
    )
    spots = stored.filter(pl.col("expiry").is_null()).select("underlying", "date", spot="close")
    rows = stored.filter(pl.col("expiry").is_not_null()).join(spots, on=["underlying", "date"], how="left")
    chains = rows.select(
        "underlying",
        "expiry",
        "strike",
        "right",
        contract=pl.format("{} {} {} {}", "underlying", "expiry", "strike", "right"),
        session="date",
        bid=pl.lit(None, pl.Float64),
        half_spread=pl.lit(None, pl.Float64),
        mark=pl.when(pl.col("close") > 0).then("close"),
        spot=pl.col("spot").fill_null(2064.29),  # the set has no row of the index itself
        days_left=(pl.col("expiry") - pl.col("date")).dt.total_days(),
    )
    european = pl.col("underlying") == "SPX"
    greeks = pl.concat([greeks_of(chains.filter(european), rate=0.003), greeks_of(chains.filter(~european), rate=0.003, american=True)])
    found = volatility_surface(chains, greeks)
    told = found.group_by("underlying", "session").agg(
        pl.len(), (pl.col("method") == "svi").sum().alias("svi"), (~pl.col("butterfly_free")).sum().alias("butterflies"),
        (~pl.col("calendar_free")).sum().alias("calendars"), pl.col("rmse").median().round(4),
    )  # fmt: skip
    assert told.sort("underlying", "session").drop("rmse").rows() == [
        ("AAPL", date(2014, 6, 5), 13, 13, 0, 2),
        ("AAPL", date(2014, 6, 9), 12, 12, 0, 1),
        ("SPX", date(2015, 12, 23), 11, 8, 0, 0),
    ]
    assert told.sort("underlying", "session")["rmse"].to_list() == pytest.approx([0.0038, 0.0038, 0.0019], abs=0.0002)
    of_apple = found.filter(underlying="AAPL")
    assert of_apple["atm_volatility"].is_between(0.18, 0.28).all()
    assert (of_apple["rmse"] < 0.017).all()
    of_index = found.filter(pl.col("underlying") == "SPX", pl.col("why") == "")
    assert of_index["atm_volatility"].is_between(0.11, 0.2).all()
    assert (of_index["skew"] < 0).sum() >= 9
