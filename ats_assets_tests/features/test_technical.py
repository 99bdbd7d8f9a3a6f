"""The technical family against TA-Lib, after a warm-up, and what holds of it on any bars."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.features import compute, lookback
from ats_assets.features.built_in import ALPHA158, ALPHA360, FAMILIES, TECHNICAL
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits
from ats_assets_tests.features.talib_reference import INDICATORS, PATTERNS, Array, Bars, pattern, rolling
from ats_assets_tests.market_data import SP500_2018, needs_market_data
from ats_assets_tests.rounds import rounds

FIELDS = ("open", "high", "low", "close", "volume")
LOOKBACK = {feature.name: feature.lookback_sessions for feature in FAMILIES["technical"].features}
WARM_UP = 30
"""Sessions after a factor's look-back from which it is compared: TA-Lib's recursions have forgotten where they began by then."""

ABSOLUTE, RELATIVE = 1e-5, 1e-4
COARSE = {"CCI20": 5e-3}
"""Absolute tolerance where the rounding of prices to float32 is divided by a small distance; the index runs to several hundreds."""


def bars_of(panel: pl.DataFrame, symbol: str) -> Bars:
    """A symbol's bars as our machine sees them, rounded to float32."""
    rows = panel.filter(symbol=symbol).sort("session")
    return Bars(**{field: rows[field].cast(pl.Float32).cast(pl.Float64).to_numpy() for field in FIELDS})


def decided(name: str, bars: Bars) -> Array:
    """Where the definition is decided by more than rounding, or a rule about ties.

    The flows of MFI turn on whether the typical price rose: where it hardly moved, on its last bit. Where a window has its extreme twice, Aroon
    takes the older one here, the newer one in TA-Lib. Where the close stands still, RSI's own range is rounding.
    """
    if name.startswith("MFI"):
        moves = np.abs(np.diff(bars.typical, prepend=np.nan)) > 1e-6 * bars.typical
        return rolling(moves.astype(float), 14, np.min) == 1
    if name.startswith("AROON"):
        high = rolling(bars.high, 26, lambda x, axis: (x == x.max(axis, keepdims=True)).sum(axis))
        low = rolling(bars.low, 26, lambda x, axis: (x == x.min(axis, keepdims=True)).sum(axis))
        return (high == 1) & (low == 1)
    if name == "STOCHRSI14":
        return rolling(INDICATORS["RSI14"](bars), 14, np.ptp) > 1e-3
    return np.ones(len(bars.close), bool)


def differing(ours: pl.DataFrame, panel: pl.DataFrame, symbols: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Values that differ from the reference, and values that were compared, by factor."""
    off, compared = dict.fromkeys(TECHNICAL, 0), dict.fromkeys(TECHNICAL, 0)
    for symbol in symbols:
        bars, rows = bars_of(panel, symbol), ours.filter(symbol=symbol)
        for name in TECHNICAL:
            begin = LOOKBACK[name] + WARM_UP
            with np.errstate(invalid="ignore"):  # 0 / 0
                expected = INDICATORS[name](bars) if name in INDICATORS else pattern(name, bars)
            at = np.flatnonzero(decided(name, bars))
            at = at[at >= begin]
            found, wanted = rows[name].to_numpy().astype(np.float64)[at], expected[at]
            near = np.abs(found - wanted) <= COARSE.get(name, ABSOLUTE) + RELATIVE * np.abs(wanted)
            undefined = np.isnan(found) & (np.isnan(wanted) | (wanted == 0))  # TA-Lib gives 0 for 0 / 0
            off[name] += int((~(near | undefined)).sum())
            compared[name] += len(at)
    return {name: count for name, count in off.items() if count}, compared


def test_every_factor_has_a_reference() -> None:
    assert set(TECHNICAL) == {*INDICATORS, *PATTERNS}


def test_no_name_is_that_of_another_built_in_factor() -> None:
    assert not set(TECHNICAL) & {*ALPHA158, *ALPHA360}


def test_random_walks_equal_ta_lib() -> None:
    days = calendar(900)
    panel = random_walks(6, 900, seed=11, gaps=False, missing=False).filter(pl.len().over("symbol") == 900)
    symbols = panel["symbol"].unique().sort().to_list()
    assert len(symbols) == 3
    off, compared = differing(compute(panel, TECHNICAL, sessions=days), panel, symbols)
    assert off == {}
    assert min(compared.values()) > 500


@needs_market_data
@pytest.mark.slow
def test_real_symbols_equal_ta_lib() -> None:
    """Five years of every tenth symbol that traded in each session; each pattern occurs."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    days = panel["session"].unique().sort().to_list()
    symbols = panel.drop_nulls().group_by("symbol").len().filter(pl.col("len") == len(days)).sort("symbol")["symbol"].to_list()[::10]
    panel = panel.filter(pl.col("symbol").is_in(symbols))
    ours = compute(panel, TECHNICAL, sessions=days)
    off, compared = differing(ours, panel, symbols)
    assert off == {}
    assert min(compared.values()) > 25_000
    assert not [name for name in PATTERNS if not (ours[name] != 0).any()]


def test_the_newest_row_needs_its_look_back_alone() -> None:
    days = calendar(700)
    bars = random_walks(5, 700, seed=6)
    whole = compute(bars, TECHNICAL, sessions=days)
    back = lookback(TECHNICAL)
    for at in (back, 611, 699):
        window = days[at - back : at + 1]
        alone = compute(bars.filter(pl.col("session").is_in(window)), TECHNICAL, sessions=window, threads=1)
        assert same_bits(alone.filter(pl.col("session") == days[at]), whole.filter(pl.col("session") == days[at]))


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(-10, 10), st.integers(-10, 10))
def test_the_level_of_prices_and_volumes_does_not_count(seed: int, price: int, volume: int) -> None:
    """Other units change no bit (powers of two, so that the inputs are exact)."""
    bars = random_walks(3, 150, seed=seed)
    scaled = bars.with_columns(pl.col("open", "high", "low", "close", "vwap") * 2.0**price, volume=pl.col("volume") * 2.0**volume)
    assert same_bits(compute(scaled, TECHNICAL), compute(bars, TECHNICAL))


@settings(max_examples=rounds(8, 20))
@given(st.integers(0, 10**6), st.integers(1, 80), st.booleans())
def test_no_value_is_infinite_on_bars_that_stand_still(seed: int, still: int, silent: bool) -> None:
    """One price all day for a while, and perhaps no volume: what is 0 / 0 is missing, nothing is divided by 0 otherwise."""
    bars = random_walks(2, 120, seed=seed, missing=False)
    days = bars["session"].unique().sort()
    flat = pl.col("session").is_between(days[20], days[min(20 + still, len(days) - 1)])
    price = pl.col("close").first().over("symbol")
    bars = bars.with_columns(pl.when(flat).then(price).otherwise(pl.col(field)).alias(field) for field in ("open", "high", "low", "close"))
    bars = bars.with_columns(volume=pl.when(flat & silent).then(0.0).otherwise("volume"))
    values = compute(bars, TECHNICAL)
    infinite = values.select(pl.col(*TECHNICAL).is_infinite().sum()).row(0, named=True)
    assert not {name: count for name, count in infinite.items() if count}


BOUNDS = {"RSI14": (0, 100), "STOCHK14": (0, 100), "STOCHD14": (0, 100), "WILLR14": (-100, 0), "MFI14": (0, 100), "ULTOSC": (0, 100), "AROONUP25": (0, 100), "AROONOSC25": (-100, 100), "ADX14": (0, 100), "PLUSDI14": (0, 100), "DONCHIANPOS20": (0, 1), "OBV20": (-1, 1), "CMF20": (-1, 1)} | dict.fromkeys(PATTERNS, (-1, 1))  # fmt: skip


def test_bounded_factors_keep_their_bounds() -> None:
    values = compute(random_walks(12, 600, seed=9), TECHNICAL)
    for name, (low, high) in BOUNDS.items():
        found = values[name].drop_nans()
        assert low - 1e-4 <= found.min() <= found.max() <= high + 1e-4, name  # pyright: ignore[reportOperatorIssue]


def test_what_needs_a_bar_that_is_absent_is_no_pattern_and_all_is_as_before_later() -> None:
    bars = random_walks(1, 120, seed=5, gaps=False, missing=False)
    days = bars["session"].to_list()
    patterns = {name: TECHNICAL[name] for name in PATTERNS}
    whole = compute(bars, patterns, sessions=days)
    found = compute(bars.filter(pl.col("session") != days[80]), patterns, sessions=days)
    need_the_bar_before = ("ENGULFING", "HARAMI", "HARAMICROSS", "DOJISTAR", "PIERCING", "DARKCLOUD", "HAMMER", "HANGINGMAN", "THREEINSIDE")
    assert found.filter(pl.col("session") == days[81]).select(need_the_bar_before).row(0) == (0,) * len(need_the_bar_before)
    later = pl.col("session") > days[80 + 14]
    assert same_bits(found.filter(later), whole.filter(later))
