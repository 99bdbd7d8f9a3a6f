"""Windows against a naive float64 oracle, for any values, gaps and lengths."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.expressions import compute, lookback
from ats_assets_tests.expressions.panels import calendar
from ats_assets_tests.expressions.window_oracle import ORACLE, SHORTEST, ema, pair_statistic, windows
from ats_assets_tests.rounds import rounds

LENGTHS = [1, 2, 3, 5, 8, 13, 60]
CELLS = st.sampled_from(["absent", "missing", "tie", "tie", "value", "value", "value", "value"])
ROWS = st.lists(st.tuples(CELLS, CELLS, st.floats(1, 100, width=32), st.floats(-3, 3, width=32)), min_size=1, max_size=40)


def _series(rows: list[tuple[str, str, float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and which rows are present."""
    present = np.array([first != "absent" for first, *_ in rows])
    present[0] = True
    x = np.array([{"tie": 7.0, "value": value}.get(kind, np.nan) for kind, _, value, _ in rows])
    y = np.array([{"tie": -1.0, "value": value}.get(kind, np.nan) for _, kind, _, value in rows])
    return np.where(present, x, np.nan), np.where(present, y, np.nan), present


def _panel(x: np.ndarray, y: np.ndarray, present: np.ndarray) -> pl.DataFrame:
    frame = pl.DataFrame({"symbol": ["A"] * x.size, "session": calendar(x.size), "x": x, "y": y})
    return frame.filter(pl.Series(present))


def _spread(values: np.ndarray, others: np.ndarray) -> float:
    """Range of the values on the rows where both are known."""
    both = values[~np.isnan(values) & ~np.isnan(others)]
    return float(np.ptp(both)) if both.size else 0.0


def _agree(ours: np.ndarray, expected: list[float], tolerance: float, text: str) -> None:
    assert np.isnan(ours).tolist() == np.isnan(expected).tolist(), text
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=tolerance, err_msg=text)


def _expressions(n: int) -> dict[str, str]:
    return {text: text.format(n=n) for text in ORACLE if n >= SHORTEST.get(text, 1)}


@settings(max_examples=rounds(40, 150))
@given(ROWS, st.sampled_from(LENGTHS))
def test_windows_of_one_series(rows: list[tuple[str, str, float, float]], n: int) -> None:
    x, y, present = _series(rows)
    result = compute(_panel(x, y, present), _expressions(n), sessions=calendar(x.size), threads=1)
    for text in _expressions(n):
        _agree(result[text].to_numpy(), [ORACLE[text](values) for values in windows(x, present, n)], 1e-5, f"{text} {n}")


@settings(max_examples=rounds(15, 50))
@given(ROWS, st.sampled_from([1, 2, 5, 60, 0.3, 0.0714, 0.999]))
def test_exponential_averages(rows: list[tuple[str, str, float, float]], span: float) -> None:
    """Where a value lies no more than ten rows back, the average is that of the whole history."""
    x, y, present = _series(rows)
    text = f"EMA($x, {span})"
    result = compute(_panel(x, y, present), {text: text}, sessions=calendar(x.size), threads=1)
    histories = windows(x, present, x.size)
    near = np.array([np.isnan(history).all() or np.isnan(history[::-1]).argmin() <= 10 for history in histories])
    decay = max(1 - span if span < 1 else 1 - 2 / (span + 1), 1e-18)
    expected = np.array([ema(decay)(history) for history in histories])
    _agree(result[text].to_numpy()[near], expected[near].tolist(), 2e-5, text)


@pytest.mark.parametrize(("text", "sessions"), [("EMA($x, 1)", 10), ("EMA($x, 12)", 120), ("EMA($x, 0.07142857142857142)", 258)])
def test_the_window_of_an_exponential_average(text: str, sessions: int) -> None:
    """What is older than the window weighs 1e-8 at most, even if the newest ten rows of the window are missing."""
    assert lookback({"a": text}) == sessions


@settings(max_examples=rounds(30, 100))
@given(ROWS, st.sampled_from(LENGTHS))
def test_windows_of_two_series(rows: list[tuple[str, str, float, float]], n: int) -> None:
    x, y, present = _series(rows)
    expressions = {"corr": f"Corr($x, $y, {n})", "cov": f"Cov($x, $y, {n})"}
    result = compute(_panel(x, y, present), expressions, sessions=calendar(x.size), threads=1)
    pairs = list(zip(windows(x, present, n), windows(y, present, n), strict=True))
    _agree(result["cov"].to_numpy(), [pair_statistic(*pair, correlation=False) for pair in pairs], 1e-5, "Cov")
    ours = result["corr"].to_numpy()
    expected = np.array([pair_statistic(*pair, correlation=True) for pair in pairs])
    # where the values hardly differ, the correlation is made of the rounding of the inputs
    steady = [min(_spread(pair[0], pair[1]), _spread(pair[1], pair[0])) > 1e-3 for pair in pairs]
    sure = np.array(steady) | np.isnan(expected)
    _agree(ours[sure], expected[sure].tolist(), 1e-4, "Corr")


@pytest.mark.parametrize("n", [2, 5, 60, 300])
def test_long_series_cross_tiles(n: int) -> None:
    """Kernels go through rows in tiles; their edges make no difference."""
    random = np.random.default_rng(n)
    x = (
        np.where(random.random(1500) < 0.05, np.nan, np.round(50 + random.standard_normal(1500).cumsum(), 1))
        .astype(np.float32)
        .astype(float)
    )
    present = np.ones(x.size, dtype=bool)
    result = compute(_panel(x, x, present), _expressions(n), threads=1)
    for text in _expressions(n):
        _agree(result[text].to_numpy(), [ORACLE[text](values) for values in windows(x, present, n)], 2e-5, f"{text} {n}")


def test_flat_windows_are_exact() -> None:
    """Nothing is left of 123.45 less itself, whatever the length."""
    flat = np.full(100, 123.45)
    expressions = {
        "std": "Std($x, 60)",
        "slope": "Slope($x, 60)",
        "resi": "Resi($x, 60)",
        "rsquare": "Rsquare($x, 60)",
        "corr": "Corr($x, $x, 60)",
        "mad": "Mad($x, 60)",
        "skew": "Skew($x, 60)",
        "ema": "EMA($x, 60) - $x",
        "kurt": "Kurt($x, 60) + 3",
    }
    last = compute(_panel(flat, flat, np.ones(100, dtype=bool)), expressions, threads=1).tail(97)
    for name in ("std", "slope", "resi", "mad", "skew", "ema", "kurt"):
        assert last[name].to_list() == [0.0] * 97
    for name in ("rsquare", "corr"):
        assert last[name].is_nan().all()


@pytest.mark.parametrize("n", [11, 23, 29])
def test_flat_windows_of_float64_are_exact(n: int) -> None:
    """A mean of three rows that stays the same is not of float32; sums of it are rounded, and yet nothing is left of it less its mean."""
    random = np.random.default_rng(n)
    for top in random.uniform(5, 500, (20, 3)):
        x = np.concatenate([top, np.full(40, 1.0)])
        flat = "Max(Mean($x, 3), 40)"
        zero = [f"{name}({flat}, {n})" for name in ("Std", "Var", "Mad", "Skew", "Slope", "Resi")]
        zero += [f"Kurt({flat}, {n}) + 3", f"Cov($x, {flat}, {n})"]
        texts = {text: text for text in [*zero, f"Corr({flat}, $x * 2, {n})"]}
        result = compute(_panel(x, x, np.ones(x.size, dtype=bool)), texts, threads=1)[2 + n : 38].select(pl.exclude("symbol", "session"))
        assert set(result.select(zero).unpivot()["value"]) == {0.0}
        assert result[:, -1].is_nan().all()


@pytest.mark.parametrize("n", [5, 20, 60, 299])
def test_moments_of_values_far_from_zero(n: int) -> None:
    """The spread is a millionth of the mean: sums of powers would leave nothing of the third and fourth moment."""
    random = np.random.default_rng(n)
    x = (1e6 + np.cumsum(random.standard_normal(400)).round(1)).astype(np.float32).astype(float)
    present = np.ones(x.size, dtype=bool)
    names = [f"{name}($x, {{n}})" for name in ("Var", "Std", "Skew", "Kurt", "Mad")]
    result = compute(_panel(x, x, present), {text: text.format(n=n) for text in names}, threads=1)
    for text in names:
        _agree(result[text].to_numpy(), [ORACLE[text](values) for values in windows(x - 1e6, present, n)], 1e-6, text)


def test_infinite_values_are_missing_inside_windows() -> None:
    x = np.array([1.0, np.inf, 3.0, -np.inf, 5.0])
    frame = pl.DataFrame({"symbol": ["A"] * 5, "session": calendar(5), "x": x})
    result = compute(
        frame, {"mean": "Mean($x, 5)", "max": "Max($x, 5)", "itself": "$x", "count": "Count(1 / $x, 5)", "all": "Count($x, 5)"}
    )
    assert result["mean"].to_list() == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert result["max"].to_list() == [1.0, 1.0, 3.0, 3.0, 5.0]
    assert result["itself"].to_list() == x.tolist()
    assert result["count"].to_list() == result["all"].to_list() == [1.0, 2.0, 3.0, 4.0, 5.0]  # as in qlib, they are counted


def test_a_window_starts_at_its_first_present_row() -> None:
    """Rows that are absent inside a window count as missing, those before its first row do not count."""
    x = np.array([1.0, 2.0, np.nan, np.nan, 3.0, 4.0])
    present = np.array([True, True, False, False, True, True])
    expressions = {"up": "Mean($x > Ref($x, 1), 4)", "place": "IdxMax($x, 4)", "rows": "Sum($x != 100, 4)"}
    result = compute(_panel(x, x, present), expressions, sessions=calendar(6))
    # the fifth row's window is sessions 2 to 5; the sixth's sessions 3 to 6, of which 3 and 4 have no row before its first one
    assert result["rows"].to_list() == [1.0, 2.0, 4.0, 2.0]
    assert result["up"].to_list() == [0.0, 0.5, 0.25, 0.5]
    assert result["place"].to_list() == [1.0, 2.0, 2.0, 2.0]
