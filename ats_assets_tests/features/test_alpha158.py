"""Alpha158 against qlib itself, run on the same data, and the one rule by which the two differ."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ats_assets.features import compute, lookback
from ats_assets.features.built_in import ALPHA158, FAMILIES
from ats_assets_tests.expressions.differences import aligned, differing
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits
from ats_assets_tests.expressions.qlib_features import family_of_qlib, qlib_features
from ats_assets_tests.market_data import SP500_2018, needs_market_data

COUNTING = ("IMAX", "IMIN", "IMXD", "CNTP", "CNTN", "CNTD")
"""Factors that count rows: where a window begins with sessions without a row, qlib counts these and ours does not."""

AFFECTED = 0.001
"""The share of a factor's values that this concerns in real data is less than this."""


def _explicit(bars: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """A row, with missing values where there was none, for each session between the first and the last row of a symbol."""
    return reference.select("symbol", "session").join(bars, on=["symbol", "session"], how="left")


def test_names_order_and_expressions_are_those_of_qlib(tmp_path: Path) -> None:
    assert list(ALPHA158.items()) == family_of_qlib("alpha158", tmp_path)


def test_it_looks_back_sixty_sessions() -> None:
    assert lookback(ALPHA158) == 60
    assert len(ALPHA158) == 158


def test_random_walks_equal_those_of_qlib(tmp_path: Path) -> None:
    """Late listings, suspended days, fields missing on their own, days without volume, ties, stretches of one price or volume; none is exempt."""
    days = calendar(260)
    bars = random_walks(12, 260, seed=1)
    reference = qlib_features(bars, days, ALPHA158, tmp_path)
    whole = _explicit(bars, reference)
    ours = compute(whole, ALPHA158, sessions=days, flat="qlib")
    assert not {name: rows.size for name, rows in differing(ours, aligned(ours, reference), list(ALPHA158)).items() if rows.size}
    assert same_bits(compute(whole, ALPHA158, sessions=days), ours)  # at ordinary prices our rule of flat windows comes to the same


@pytest.mark.parametrize("family", ["alpha158", "technical"])
@pytest.mark.parametrize("power", [-30, -20, 15])
def test_prices_in_another_unit_have_the_same_factors(family: str, power: int) -> None:
    """To the bit, where the expression has no number that is added to a price. R² and correlation were missing at 0.00002 until then."""
    days = calendar(130)
    bars = random_walks(4, 130, seed=6)
    fields = ("open", "high", "low", "close", "vwap")
    scaled = bars.with_columns(pl.col(name) * 2.0**power for name in fields)
    factors = FAMILIES[family].expressions
    usual, other = (compute(panel, factors, sessions=days) for panel in (bars, scaled))
    guarded = [name for name, text in factors.items() if re.search(r"\$(close|high|low)[^/]*\+ ?1e-12\)$", text)]
    assert len(guarded) < len(factors) / 5
    off = [
        name
        for name in factors
        if name not in guarded and not same_bits(usual.select("symbol", "session", name), other.select("symbol", "session", name))
    ]
    assert not off


@needs_market_data
@pytest.mark.slow
def test_five_years_of_sixty_symbols_equal_those_of_qlib(tmp_path: Path) -> None:
    """All symbols with gaps or a short history, and as many others as make sixty: no value is exempt."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    days = panel["session"].unique().sort().to_list()
    lengths = panel.group_by("symbol").len().sort("len", "symbol")["symbol"]
    bars = panel.filter(pl.col("symbol").is_in(pl.concat([lengths.head(35), lengths.tail(25)]).implode()))
    reference = qlib_features(bars, days, ALPHA158, tmp_path)

    # with a row of missing values for each missing session, every value equals qlib's
    explicit = compute(_explicit(bars, reference), ALPHA158, sessions=days, flat="qlib")
    assert explicit.height == reference.height
    off = {name: rows.size for name, rows in differing(explicit, aligned(explicit, reference), list(ALPHA158)).items() if rows.size}
    assert not off

    # with our own rule of flat windows there are more values, and none is missing or another one
    mine = compute(_explicit(bars, reference), ALPHA158, sessions=days)
    more = {name: rows for name, rows in differing(mine, explicit, list(ALPHA158)).items() if rows.size}
    assert {name.rstrip("0123456789") for name in more} <= {"CORR", "CORD", "RSQR"}
    for name, rows in more.items():
        assert explicit[name].to_numpy()[rows].size == np.isnan(explicit[name].to_numpy()[rows]).sum() < 1e-4 * mine.height

    # without them, only the factors that count rows may differ, where a window begins within a gap
    ours = compute(bars, ALPHA158, sessions=days, flat="qlib")
    off = {name: rows for name, rows in differing(ours, aligned(ours, reference), list(ALPHA158)).items() if rows.size}
    assert {name.rstrip("0123456789") for name in off} <= set(COUNTING)
    gapped = bars.group_by("symbol").agg(n=pl.len(), first=pl.col("session").min(), last=pl.col("session").max())
    gapped = gapped.filter(
        pl.struct("n", "first", "last").map_elements(lambda x: days.index(x["last"]) - days.index(x["first"]) >= x["n"], pl.Boolean)
    )
    for rows in off.values():
        assert set(ours["symbol"].to_numpy()[rows]) <= set(gapped["symbol"])
        assert rows.size <= AFFECTED * ours.height


@needs_market_data
@pytest.mark.slow
def test_the_newest_row_of_real_symbols_needs_61_sessions_alone() -> None:
    """Batch equals live: 250 sessions, all symbols, gaps and late listings among them; no bit differs."""
    bars = pl.read_parquet(SP500_2018).rename({"date": "session"}).sort("session", "symbol")
    days = bars["session"].unique().sort().to_list()
    whole = compute(bars, ALPHA158, sessions=days)
    gap_ends = bars.sort("symbol", "session").filter(pl.col("session").rank("dense").diff().over("symbol") > 1)["session"].unique()
    chosen = {min(days.index(day) + later, len(days) - 1) for day in gap_ends for later in (0, 5, 40)} | {0, 59, 60, 61, len(days) - 1}
    others = np.random.default_rng(5).permutation(sorted(set(range(len(days))) - chosen))
    chosen |= set(others[: 250 - len(chosen)].tolist())
    assert len(chosen) == 250
    for at in sorted(chosen):
        window = days[max(0, at - 60) : at + 1]
        last = bars.filter(pl.col("session").is_between(window[0], window[-1]))
        assert same_bits(compute(last, ALPHA158, sessions=window, since=days[at]), whole.filter(pl.col("session") == days[at])), days[at]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_cuts_and_order_make_no_difference(threads: int) -> None:
    days = calendar(200)
    bars = random_walks(8, 200, seed=3)
    whole = compute(bars, ALPHA158, sessions=days, threads=1)
    assert same_bits(compute(bars.sample(fraction=1, shuffle=True, seed=threads), ALPHA158, sessions=days, threads=threads), whole)
    early = bars.filter(pl.col("session") <= days[150])
    assert same_bits(compute(early, ALPHA158, sessions=days[:151], threads=threads), whole.filter(pl.col("session") <= days[150]))
    late = compute(bars.filter(pl.col("session") >= days[60]), ALPHA158, sessions=days[60:], threads=threads)
    assert same_bits(late.filter(pl.col("session") >= days[120]), whole.filter(pl.col("session") >= days[120]))


def test_sessions_before_the_lookback_can_be_anything() -> None:
    """Huge, tiny, missing or wild prices 61 sessions ago leave no trace."""
    days = calendar(100)
    bars = random_walks(3, 100, seed=4)
    before = pl.col("session") < days[30]
    wild = bars.with_columns(
        pl.when(before).then(pl.col(field) * factor).otherwise(pl.col(field)) for field, factor in (("close", 1e9), ("volume", 0))
    )
    wanted = pl.col("session") == days[90]
    assert same_bits(compute(wild, ALPHA158, sessions=days).filter(wanted), compute(bars, ALPHA158, sessions=days).filter(wanted))
