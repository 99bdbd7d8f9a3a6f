"""Evaluation: what it reads and gives, and that nothing but the rows of the windows decides a value."""

import random
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ContractError, ExpressionError
from ats_assets.expressions import compute, evaluate, lookahead, lookback
from ats_assets.expressions.scratch import KEPT_BYTES, scratch
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits, with_sectors
from ats_assets_tests.rounds import rounds

SESSIONS = calendar(90)
FIELD = st.sampled_from(["$open", "$high", "$low", "$close", "$volume", "$vwap"])
LENGTH = st.sampled_from([1, 2, 3, 7])
NUMBERS = ["({} - {})", "({} / {})", "Greater({}, {})", "({} + 1.5 * {})"]
CONDITIONS = ["{} > {}", "{} <= {}", "{} != {}"]
WINDOWS = [
    "Mean",
    "Sum",
    "Std",
    "Max",
    "Min",
    "IdxMax",
    "IdxMin",
    "Rank",
    "Slope",
    "Resi",
    "Rsquare",
    "Count",
    "Ref",
    "Delta",
    "Med",
    "Mad",
    "WMA",
    "EMA",
]
ACROSS = ["CSRank({})", "CSZScore({})", "CSNeutralize({}, $sector)", "CSNeutralize({}, $close > 20)", "Mask({}, S00)", "Mask({}, S03)"]


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    condition = st.tuples(st.sampled_from(CONDITIONS), pair).map(lambda drawn: drawn[0].format(*drawn[1]))
    return (
        st.tuples(st.sampled_from(NUMBERS), pair).map(lambda drawn: drawn[0].format(*drawn[1]))
        | st.tuples(condition, inner).map(lambda drawn: f"If({drawn[0]}, {drawn[1]}, 1)")
        | st.tuples(st.sampled_from(WINDOWS), inner | condition, LENGTH).map(lambda drawn: f"{drawn[0]}({drawn[1]}, {drawn[2]})")
        | st.tuples(st.sampled_from(["Skew", "Kurt"]), inner | condition).map(lambda drawn: f"{drawn[0]}({drawn[1]}, 5)")
        | st.tuples(st.sampled_from(ACROSS), inner | condition).map(lambda drawn: drawn[0].format(drawn[1]))
        | st.tuples(pair, LENGTH).map(lambda drawn: f"Corr({drawn[0][0]}, {drawn[0][1]}, {drawn[1]})")
    )


def _grow_ahead(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    later = st.tuples(st.sampled_from(["Ref", "Delta"]), inner, LENGTH).map(lambda drawn: f"{drawn[0]}({drawn[1]}, -{drawn[2]})")
    return later | _grow(inner)


def _sets(grow: Callable[[st.SearchStrategy[str]], st.SearchStrategy[str]]) -> st.SearchStrategy[dict[str, str]]:
    texts = st.lists(st.recursive(FIELD, grow, max_leaves=6), min_size=1, max_size=4)
    return texts.map(lambda texts: {f"x{number}": text for number, text in enumerate(texts)})


EXPRESSIONS, LABELS = _sets(_grow), _sets(_grow_ahead)


@settings(max_examples=rounds(20, 60))
@given(EXPRESSIONS, st.integers(0, 10**6), st.data())
def test_the_last_row_needs_the_lookback_alone(expressions: dict[str, str], seed: int, data: st.DataObject) -> None:
    """Any expressions, any gaps: the sessions of the look-back give the row of the whole panel, to the bit."""
    bars = with_sectors(random_walks(4, 60, seed=seed))
    days = calendar(60)
    whole = compute(bars, expressions, sessions=days, threads=1)
    at = data.draw(st.integers(0, 59))
    window = days[max(0, at - lookback(expressions)) : at + 1]
    alone = compute(bars.filter(pl.col("session").is_in(window)), expressions, sessions=window, since=days[at], threads=2)
    assert same_bits(alone, whole.filter(pl.col("session") == days[at]))


@settings(max_examples=rounds(20, 60))
@given(LABELS, st.integers(0, 10**6), st.data())
def test_a_row_of_labels_needs_the_sessions_that_it_names_alone(labels: dict[str, str], seed: int, data: st.DataObject) -> None:
    """Those that it looks back on, and those that it looks ahead to."""
    bars = with_sectors(random_walks(4, 60, seed=seed))
    days = calendar(60)
    whole = compute(bars, labels, sessions=days, threads=1, look_ahead=True)
    at = data.draw(st.integers(0, 59))
    window = days[max(0, at - lookback(labels, look_ahead=True)) : at + lookahead(labels) + 1]
    alone = compute(bars.filter(pl.col("session").is_in(window)), labels, sessions=window, since=days[at], threads=2, look_ahead=True)
    assert same_bits(alone.filter(pl.col("session") == days[at]), whole.filter(pl.col("session") == days[at]))


SOME = {
    "corr": "Corr($close/Ref($close,1), Log($volume/Ref($volume, 1)+1), 10)",
    "up": "Mean($close > Ref($close, 1), 20)",
    "wvma": "Std(Abs($close/Ref($close, 1)-1)*$volume, 5)/(Mean(Abs($close/Ref($close, 1)-1)*$volume, 5)+1e-12)",
    "nested": "Rank(Mean(Max($high, 3) - Min($low, 3), 5), 10)",
    "quantile": "Quantile($close, 10, 0.8) / $close",
    "kurt": "Kurt($close, 20) - Skew($volume, 7)",
    "smooth": "EMA($close, 3) / WMA($close, 10) - Mad($close, 6)",
}


def test_threads_order_and_company_make_no_difference() -> None:
    bars = random_walks(9, 90, seed=1)
    expected = compute(bars, SOME, sessions=SESSIONS, threads=1)
    assert same_bits(compute(bars.sample(fraction=1, shuffle=True, seed=2), SOME, sessions=SESSIONS, threads=5), expected)
    for symbol in ("S00", "S05"):
        alone = compute(bars.filter(pl.col("symbol") == symbol), SOME, sessions=SESSIONS, threads=2)
        assert same_bits(alone, expected.filter(pl.col("symbol") == symbol))
    name, text = next(iter(SOME.items()))
    assert same_bits(compute(bars, {name: text}, sessions=SESSIONS), expected.select("symbol", "session", name))


@pytest.mark.parametrize("rows", [1, 7, 50])
def test_where_blocks_are_cut_makes_no_difference(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = random_walks(6, 90, seed=3)
    expected = compute(bars, SOME, sessions=SESSIONS, threads=1)
    monkeypatch.setattr(evaluate, "LANES", 3)
    monkeypatch.setattr(evaluate, "BLOCK_VALUES", 3 * rows)
    assert same_bits(compute(bars, SOME, sessions=SESSIONS, threads=3), expected)


def test_a_long_series_is_cut_within_a_symbol() -> None:
    bars = pl.DataFrame({"symbol": ["A"] * 20_000, "session": calendar(20_000), "close": np.random.default_rng(4).random(20_000)})
    whole = compute(bars, {"mean": "Mean($close, 20)"})
    assert bars.height > evaluate.BLOCK_VALUES
    exact = bars["close"].cast(pl.Float32).cast(pl.Float64).rolling_mean(20, min_samples=1)
    np.testing.assert_allclose(whole["mean"].to_numpy(), exact.to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("since", [None, SESSIONS[0], date(2020, 2, 3)])
@pytest.mark.parametrize("order", [["symbol", "session"], ["session", "symbol"], ["volume"]])
def test_rows_are_those_of_the_panel_in_its_order(order: list[str], since: date | None) -> None:
    bars = random_walks(5, 40, seed=5).sort(order, maintain_order=True)
    result = compute(bars, {"a": "$close", "b": "$close > 1"}, since=since)
    expected = bars if since is None else bars.filter(pl.col("session") >= since)
    assert result.schema == {"symbol": pl.String, "session": pl.Date, "a": pl.Float32, "b": pl.Float32}
    assert result.select("symbol", "session").equals(expected.select("symbol", "session"))
    assert result["a"].fill_nan(None).equals(expected["close"].cast(pl.Float32).rename("a"))
    assert set(result["b"].unique()) == {0.0, 1.0}


def test_the_calendar_places_the_rows() -> None:
    bars = pl.DataFrame({"symbol": ["A", "A"], "session": [SESSIONS[0], SESSIONS[3]], "close": [1.0, 2.0]})
    assert compute(bars, {"a": "Ref($close, 1)"})["a"].to_list()[1] == 1.0
    assert np.isnan(compute(bars, {"a": "Ref($close, 1)"}, sessions=SESSIONS)["a"].to_list()[1])
    assert compute(bars, {"a": "Ref($close, 3)"}, sessions=SESSIONS[::-1])["a"].to_list()[1] == 1.0


@pytest.mark.parametrize("vwap", [None, pl.lit(None), pl.lit(None, dtype=pl.Float64), pl.lit(float("nan"))])
def test_vwap_may_be_missing(vwap: pl.Expr | None) -> None:
    bars = random_walks(2, 10, seed=7).drop("vwap")
    result = compute(bars if vwap is None else bars.with_columns(vwap=vwap), {"a": "$vwap / $close", "b": "Mean($vwap, 5)"})
    assert result["a"].is_nan().all()
    assert result["b"].is_nan().all()


def test_an_empty_panel_gives_an_empty_result() -> None:
    empty = random_walks(2, 10, seed=8).clear()
    result = compute(empty, {"a": "Mean($close, 5)"}, sessions=SESSIONS)
    assert result.height == 0
    assert result.schema == {"symbol": pl.String, "session": pl.Date, "a": pl.Float32}
    assert compute(empty, {}).columns == ["symbol", "session"]


def test_symbols_may_have_any_names() -> None:
    bars = random_walks(3, 30, seed=9, gaps=False)
    names = {"S00": "BRK/B", "S01": "Ünïcödé", "S02": ""}
    renamed = compute(bars.with_columns(pl.col("symbol").replace(names)), SOME)
    expected = compute(bars, SOME).with_columns(pl.col("symbol").replace(names)).sort("session", "symbol")
    assert same_bits(renamed, expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda bars: bars.drop("close"), ExpressionError, r"no field `\$close` in the panel; it has \$open, \$high, \$low, \$volume"),
        (lambda bars: bars.with_columns(close=pl.lit("x")), ExpressionError, "`\\$close` is of the type String, not numeric"),
        (lambda bars: bars.drop("symbol"), ContractError, "no column `symbol`"),
        (lambda bars: bars.with_columns(symbol=pl.lit(None, dtype=pl.String)), ContractError, "rows of the panel have no symbol"),
        (lambda bars: pl.concat([bars, bars.head(1)]), ContractError, "1 rows have the symbol and session of another, first S00"),
        (
            lambda bars: bars.with_columns(session=date(2019, 1, 5)).unique("symbol"),
            ContractError,
            "1 sessions of the panel are not in the calendar",
        ),
        (
            lambda bars: bars.with_columns(session=date(2029, 1, 5)).unique("symbol"),
            ContractError,
            "first 2029-01-05; give all its sessions",
        ),
    ],
)
def test_bad_panels_are_refused(change: object, error: type[Exception], message: str) -> None:
    assert callable(change)
    bars = change(random_walks(2, 30, seed=random.Random(10).randint(0, 9)))
    with pytest.raises(error, match=message):
        compute(bars, {"a": "$close"}, sessions=SESSIONS)


def test_common_parts_in_company_are_the_same() -> None:
    """Expressions that share parts give what they give alone."""
    bars = random_walks(3, 60, seed=11)
    expressions = {
        "mean": "Mean($close, 9)",
        "sum": "Sum($close, 9)",
        "std": "Std($close, 9)",
        "var": "Var($close, 9)",
        "slope": "Slope($close, 9)",
    }
    together = compute(bars, expressions)
    for name, text in expressions.items():
        assert same_bits(compute(bars, {name: text}), together.select("symbol", "session", name))


@pytest.mark.parametrize(
    "text", ["Ref($close > 1, 2)", "Delta($close > 1, 2)", "Ref(Mean($close > 1, 2), 2)", "Ref(If($close > 1, 1, 2), 2)"]
)
def test_a_condition_is_not_false_where_nothing_was(text: str) -> None:
    """Between two rows of a symbol there is nothing to compare, no more than before its first row: whether the first one is given must not matter."""
    bars = pl.DataFrame({"symbol": ["A"] * 3, "session": [SESSIONS[0], SESSIONS[7], SESSIONS[8]], "close": [2.0, 2.0, 2.0]})
    whole = compute(bars, {"a": text}, sessions=SESSIONS)
    assert whole["a"].is_nan().all()
    assert same_bits(compute(bars.tail(2), {"a": text}, sessions=SESSIONS), whole.tail(2))


@pytest.mark.parametrize("at", [0, 1, 45, 89])
def test_rows_from_a_session_on_are_those_of_all(at: int) -> None:
    bars = random_walks(5, 90, seed=12)
    whole = compute(bars, SOME, sessions=SESSIONS)
    assert same_bits(compute(bars, SOME, sessions=SESSIONS, since=SESSIONS[at]), whole.filter(pl.col("session") >= SESSIONS[at]))
    assert compute(bars, SOME, sessions=SESSIONS, since=date(2030, 1, 1)).height == 0


def test_equal_values_of_different_bits_leave_no_trace() -> None:
    """0.0 and -0.0 are equal: which of them has left the window must not show."""
    days = calendar(40)
    close = np.where(np.random.default_rng(13).random(40) < 0.5, 0.0, -0.0)
    bars = pl.DataFrame({"symbol": ["A"] * 40, "session": days, "close": close})
    expressions = {name: f"{name}($close, 7)" for name in ("Sum", "Mean", "Med", "Std", "Slope", "Rank", "IdxMax", "Max", "Min")}
    whole = compute(bars, expressions, sessions=days)
    for at in range(40):
        window = days[max(0, at - 6) : at + 1]
        alone = compute(bars.filter(pl.col("session").is_in(window)), expressions, sessions=window)
        assert same_bits(alone.filter(pl.col("session") == days[at]), whole.filter(pl.col("session") == days[at]))


def test_the_quantiles_of_one_window_are_the_same_together_and_alone() -> None:
    """One sorted window serves them all, and each has a register of its own."""
    bars = random_walks(9, 120, seed=4)
    together = {
        f"Quantile($close, {rows}, {share})": f"Quantile($close, {rows}, {share})"
        for rows in (1, 2, 5, 9, 60)
        for share in (0, 0.2, 0.5, 1)
    }
    together["twice"] = "Med($close, 5) + Quantile($close, 5, 0.25)"
    whole = compute(bars, together)
    for name, text in together.items():
        assert same_bits(compute(bars, {name: text}), whole.select("symbol", "session", name)), name


@pytest.mark.parametrize("threads", [1, 3])
def test_the_newest_session_of_many_symbols_is_that_of_the_whole_panel(threads: int) -> None:
    """One session has a program of its own, and other symbols side by side: also where some have no row in it, and others no row before it."""
    bars = random_walks(150, 90, seed=14)
    whole = compute(bars, SOME, sessions=SESSIONS, threads=threads)
    for at in (0, 1, 60, 89):
        known = bars.filter(pl.col("session") <= SESSIONS[at])
        alone = compute(known, SOME, sessions=SESSIONS[: at + 1], since=SESSIONS[at], threads=threads)
        assert same_bits(alone, whole.filter(pl.col("session") == SESSIONS[at]))


def test_memory_that_is_used_again_is_nobody_elses() -> None:
    """Also where a context is opened within another one, and after larger and smaller ones."""
    for columns in (10, 1_000, 10):
        with scratch(2, columns, np.float64) as outer, scratch(3, columns, np.float32) as inner:
            outer[:], inner[:] = 1.0, 2.0
            assert outer.shape == (2, columns)
            assert inner.shape == (3, columns)
            assert (outer == 1.0).all()
    with scratch(1, KEPT_BYTES, np.float64) as large:
        large[:] = 0.0
    with scratch(1, 1, np.uint8) as other:
        assert other.base is not None
        assert not np.shares_memory(other, large)
