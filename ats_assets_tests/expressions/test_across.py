"""Operators across symbols, of another symbol and of later sessions, against plain calculations by session and by symbol."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ExpressionError, LookAheadError
from ats_assets.expressions import compute, lookahead, lookback
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits, with_sectors
from ats_assets_tests.market_data import SP500_2018, needs_market_data
from ats_assets_tests.rounds import rounds

DAYS = calendar(60)
VALUES = st.sampled_from([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1.0, 1.0]) | st.floats(-100, 100, width=32)
SESSION = st.lists(st.tuples(VALUES, st.sampled_from([None, "a", "b", "c"])), min_size=1, max_size=12)
SHARED = [
    "Mean(CSRank(Delta($close, 5)), 10)",
    "CSZScore(Std($close, 5) / CSNeutralize($close, $sector))",
    "CSRank(CSRank($close) - CSRank($volume))",
    "Corr($close, Mask(EMA($close, 3), S00), 10)",
    "Rank(CSNeutralize(Mask($close, S03) / $close, $close > 20), 5)",
    "If(CSRank($close) > 0.5, Mask(CSZScore($close), S02), Ref(CSRank($low) >= 0.3, 2))",
    "Mean(Mask($close > $open, S03) & ($close > $open), 6)",
]


def _rank(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.array([((x < value).sum() + ((x == value).sum() + 1) / 2) / x.size for value in x])


def _zscore(x: np.ndarray, _: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.std(x, ddof=1) if x.size > 1 and np.ptp(x) > 0 else np.full(x.size, np.nan)


def _neutral(x: np.ndarray, groups: np.ndarray) -> np.ndarray:
    return np.array([value - x[groups == group].mean() if group is not None else np.nan for value, group in zip(x, groups, strict=True)])


@settings(max_examples=rounds(40, 200))
@given(st.lists(SESSION, min_size=1, max_size=5))
def test_statistics_of_a_session(sessions: list[list[tuple[float, str | None]]]) -> None:
    """Missing and infinite values stay missing and do not count, an unknown group gives a missing value."""
    rows = [(f"S{i:02d}", day, x, g) for day, cells in zip(DAYS, sessions, strict=False) for i, (x, g) in enumerate(cells)]
    panel = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "x": pl.Float64, "g": pl.String}, orient="row")
    calls: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "CSRank($x)": _rank,
        "CSZScore($x)": _zscore,
        "CSNeutralize($x, $g)": _neutral,
        "CSNeutralize($x, 1)": lambda x, groups: _neutral(x, np.zeros(x.size)),
    }
    result = compute(panel, {text: text for text in calls}, threads=2)
    for text, statistic in calls.items():
        for day, cells in zip(DAYS, sessions, strict=False):
            x = np.array([x for x, _ in cells], np.float32).astype(np.float64)
            groups = np.array([g for _, g in cells], object)
            known = np.isfinite(x)
            expected = np.full(x.size, np.nan)
            expected[known] = statistic(x[known], groups[known])
            ours = result.filter(pl.col("session") == day)[text].to_numpy()
            np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=2e-5, err_msg=text)


def test_equal_values_have_no_spread() -> None:
    """Nothing is left of 0.1 less the mean of 0.1s, in any number."""
    panel = pl.DataFrame({"symbol": [f"S{i:04d}" for i in range(999)], "session": DAYS[:1] * 999, "x": [0.1] * 999})
    result = compute(panel, {"z": "CSZScore($x)", "n": "CSNeutralize($x, 1)", "r": "CSRank($x)"})
    assert result["z"].is_nan().all()
    assert set(result["n"]) == {0.0}
    assert set(result["r"]) == {np.float32(500 / 999)}


@pytest.mark.parametrize("at", [0, 7, 30, 59])
def test_sessions_threads_and_order_make_no_difference(at: int) -> None:
    bars = with_sectors(random_walks(8, 60, seed=21))
    expressions = {text: text for text in SHARED}
    whole = compute(bars, expressions, sessions=DAYS, threads=1)
    shuffled = compute(bars.sample(fraction=1, shuffle=True, seed=3), expressions, sessions=DAYS, since=DAYS[at], threads=5)
    assert same_bits(shuffled, whole.filter(pl.col("session") >= DAYS[at]))
    window = DAYS[max(0, at - lookback(expressions)) : at + 1]
    alone = compute(bars.filter(pl.col("session").is_in(window)), expressions, sessions=window)
    assert same_bits(alone.filter(pl.col("session") == DAYS[at]), whole.filter(pl.col("session") == DAYS[at]))
    for text in SHARED:
        assert same_bits(compute(bars, {text: text}, sessions=DAYS), whole.select("symbol", "session", text))


@needs_market_data
@pytest.mark.slow
def test_real_symbols_in_batch_and_live() -> None:
    """All symbols of the real panel: sessions by themselves, among them those around gaps, have the bits of the batch."""
    panel = pl.read_parquet(SP500_2018).rename({"date": "session"})
    bars = panel.with_columns(
        sector=pl.col("symbol").str.head(1), symbol=pl.col("symbol").replace({"AAPL": "S00", "MSFT": "S02", "KO": "S03"})
    )
    days = bars["session"].unique().sort().to_list()
    expressions = {text: text for text in SHARED}
    whole = compute(bars, expressions, sessions=days)
    assert min(whole[text].is_finite().mean() for text in SHARED) > 0.9
    for at in [0, 14, 1258, *np.random.default_rng(6).choice(len(days), 20, replace=False).tolist()]:
        window = days[max(0, at - lookback(expressions)) : at + 1]
        alone = compute(bars.filter(pl.col("session").is_in(window)), expressions, sessions=window, since=days[at])
        assert same_bits(alone, whole.filter(pl.col("session") == days[at])), days[at]


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["sector 2", "sector 1"])])
def test_groups_may_be_of_any_type(dtype: pl.DataType) -> None:
    bars = with_sectors(random_walks(8, 60, seed=22))
    text = {"a": "CSNeutralize($close, $sector)"}
    expected = compute(bars, text)
    assert expected["a"].is_finite().mean() > 0.4
    assert same_bits(compute(bars.with_columns(pl.col("sector").cast(dtype)), text), expected)
    codes = bars.with_columns(sector=pl.col("sector").str.tail(1).cast(pl.Int64) + 45_102_010)  # float32 can't tell these apart
    assert same_bits(compute(codes, text), expected)
    dates = bars.with_columns(sector=pl.col("session").first() + pl.duration(days=pl.col("sector").str.tail(1).cast(pl.Int64)))
    assert same_bits(compute(dates, text), expected)


def test_groups_that_are_none() -> None:
    bars = random_walks(3, 10, seed=23)
    with pytest.raises(ExpressionError, match=r"there is no field `\$sector` in the panel; it has \$symbol"):
        compute(bars, {"a": "CSNeutralize($close, $sector)"})
    with pytest.raises(ExpressionError, match=r"`\$sector` is of the type List\(Int64\), which can't be a group"):
        compute(bars.with_columns(sector=pl.lit([1, 2])), {"a": "CSNeutralize($close, $sector)"})
    assert compute(bars.with_columns(sector=None), {"a": "CSNeutralize($close, $sector)"})["a"].is_nan().all()


def test_mask_is_made_of_the_other_symbols_rows() -> None:
    """Whatever rows the symbol at hand has, and of a symbol without rows it is missing."""
    bars = random_walks(6, 60, seed=24)
    expressions = {"m": "Mean($close, 5)", "s": "Std($close, 3) * Ref($open, 2)"}
    plain = compute(bars, expressions, sessions=DAYS).filter(pl.col("symbol") == "S01").drop("symbol")
    expected = bars.select("symbol", "session").join(plain, on="session", how="left").sort("session", "symbol")
    for texts in (
        {"m": "Mask(Mean($close, 5), S01)", "s": "ChangeInstrument(S01, Std($close, 3) * Ref($open, 2))"},
        {"m": "Mean(Mask($close, S01), 5)", "s": "Std(Mask($close, 'S01'), 3) * Mask(Ref(Mask($open, S01), 2), S04)"},
    ):
        ours = compute(bars, texts, sessions=DAYS)
        assert same_bits(ours, expected.with_columns(pl.col("m", "s").fill_null(float("nan"))))


def test_a_symbol_that_the_panel_does_not_have(caplog: pytest.LogCaptureFixture) -> None:
    """Its values are missing, since it may have rows in other sessions; a misspelt name shows in the log."""
    bars = random_walks(2, 30, seed=28)
    assert compute(bars, {"a": "Mask($close, nobody)", "b": "Mean($close - Mask($close, nobody), 5)"}).select(
        pl.col("a", "b").is_nan().all()
    ).row(0) == (True, True)
    assert "the panel has no rows of nobody" in caplog.text


def test_mask_keeps_what_float32_would_round() -> None:
    """A mean of millions less itself is zero."""
    bars = random_walks(2, 60, seed=25, gaps=False)
    left = compute(bars, {"a": "Mean($volume, 7) - Mask(Mean($volume, 7), S00)"}).filter(pl.col("symbol") == "S00")["a"]
    assert set(left.fill_nan(0.0)) == {0.0}


def test_a_condition_of_another_symbol_is_false_where_it_has_no_row() -> None:
    rows = [("A", day) for day in DAYS[:4]] + [("B", DAYS[1]), ("B", DAYS[3])]
    bars = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date}, orient="row").with_columns(close=pl.lit(2.0))
    text = "Mean(Mask($close > 1, B) & ($close > 1), 4)"
    assert compute(bars, {"a": text}).filter(pl.col("symbol") == "A")["a"].to_list() == [0.0, 0.5, np.float32(1 / 3), 0.5]


AHEAD = {
    "Ref($close, -2) / Ref($close, -1) - 1": (0, 2),
    "Delta($close, -3)": (0, 3),
    "Mean(Ref($close, -5), 5)": (0, 5),
    "Mean(Ref($close, -5), 8)": (2, 5),
    "Ref(Ref($close, -5), 7)": (2, 0),
    "Ref($close, -2) / Mean($open, 4)": (3, 2),
    "CSRank(Ref($close, -2))": (0, 2),
    "Mean(CSRank(Ref($close, -2)), 3)": (2, 2),
    "Mask(Ref($close, -2), S00) / $close": (0, 2),
}


@pytest.mark.parametrize("text", AHEAD)
def test_later_sessions_are_for_labels_only(text: str) -> None:
    bars = random_walks(4, 30, seed=26)
    if AHEAD[text][1]:
        with pytest.raises(LookAheadError, match="looks into the future"):
            compute(bars, {"a": text})
        with pytest.raises(LookAheadError, match=r"^a: "):
            lookback({"a": text})
    compute(bars, {"a": text}, look_ahead=True)
    assert lookback({"a": text}, look_ahead=True) == AHEAD[text][0]
    assert lookahead({"a": text}) == AHEAD[text][1]


@pytest.mark.parametrize("ahead", [1, 4])
@pytest.mark.parametrize(
    "text", ["$close", "Mean($close, 5) / Ref($open, 3)", "CSRank(Delta($close, 2))", "Mask(Max($high, 3), S00) - $low"]
)
def test_a_later_value_is_that_of_the_later_row(text: str, ahead: int) -> None:
    bars = random_walks(5, 60, seed=27)
    plain = compute(bars, {"a": text}, sessions=DAYS)
    places = {day: number for number, day in enumerate(DAYS)}
    later = plain.with_columns(
        session=pl.col("session").replace_strict({day: DAYS[places[day] - ahead] for day in DAYS[ahead:]}, default=None)
    )
    expected = plain.select("symbol", "session").join(later, on=["symbol", "session"], how="left").sort("session", "symbol")
    ours = compute(bars, {"a": f"Ref({text}, -{ahead})"}, sessions=DAYS, look_ahead=True)
    assert same_bits(ours, expected.with_columns(pl.col("a").fill_null(float("nan"))))
    assert ours["a"].is_finite().mean() > 0.5


def test_labels_across_symbols_count_the_rows_of_the_session() -> None:
    """A symbol that is listed between the decision and the outcome is not ranked."""
    rows = [("A", DAYS[0], 1.0), ("B", DAYS[0], 2.0), ("A", DAYS[1], 2.0), ("B", DAYS[1], 1.0), ("C", DAYS[1], 3.0)]
    bars = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")
    assert compute(bars, {"a": "CSRank(Ref($close, -1))"}, look_ahead=True)["a"].to_list()[:2] == [1.0, 0.5]
