"""Corporate actions in windows: each session's values are those of the panel scaled as of that session, by a plain calculation, with the same bits."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ExpressionError
from ats_assets.expressions import compute, lookback
from ats_assets.features.built_in import ALPHA158
from ats_assets_tests.expressions.panels import calendar, random_walks, same_bits
from ats_assets_tests.expressions.random_expressions import random_expressions
from ats_assets_tests.rounds import rounds

DAYS = calendar(90)
PRICES = ("open", "high", "low", "close", "vwap")
SCHEMA = {"symbol": pl.String, "session": pl.Date, "price": pl.Float64, "volume": pl.Float64}
SHORT = {
    name: ALPHA158[name] for name in ("KMID", "OPEN0", "ROC10", "BETA5", "RSQR10", "QTLU20", "RSV10", "IMXD10", "CORD5", "VSTD20", "WVMA10")
}
NAMED = {"other": "Corr($close, Mask(EMA($close, 3), S00), 10)", "level": "Mean(Mask($close, S01) / Mask($volume, S00) * $volume, 5)"}
FACTORS = st.sampled_from([0.5, 2.0, 1 / 3, 10.0, 0.99371, 0.98, 1.0])
ACTIONS = st.lists(
    st.tuples(st.sampled_from([f"S{i:02d}" for i in range(5)] + ["XX"]), st.sampled_from(DAYS), FACTORS, FACTORS),
    max_size=12,
    unique_by=lambda action: action[:2],
)
CASES = settings(max_examples=rounds(8, 25), deadline=None)


def frame_of(actions: list[tuple[str, date, float, float]]) -> pl.DataFrame:
    return pl.DataFrame(actions, schema=SCHEMA, orient="row")


def seen_from(panel: pl.DataFrame, actions: list[tuple[str, date, float, float]], day: date) -> pl.DataFrame:
    """The panel up to a session, scaled row by row, the newest action first."""
    rows = []
    for row in panel.filter(pl.col("session") <= day).iter_rows(named=True):
        factor = {"price": 1.0, "volume": 1.0}
        for symbol, session, price, volume in sorted(actions, key=lambda action: action[1], reverse=True):
            if symbol == row["symbol"] and row["session"] < session <= day:
                factor = {"price": factor["price"] * price, "volume": factor["volume"] * volume}
        for name in (*PRICES, "volume"):
            if row[name] is not None:
                row[name] *= factor["volume" if name == "volume" else "price"]
        rows.append(row)
    return pl.DataFrame(rows, schema=panel.schema, orient="row")


def expected(panel: pl.DataFrame, actions: list[tuple[str, date, float, float]], expressions: dict[str, str], day: date) -> pl.DataFrame:
    """What is computed of the window of a session alone, once it is scaled."""
    window = DAYS[max(0, DAYS.index(day) - lookback(expressions)) : DAYS.index(day) + 1]
    scaled = seen_from(panel, actions, day).filter(pl.col("session") >= window[0])
    return compute(scaled, expressions, sessions=window, since=day, threads=1)


@CASES
@given(actions=ACTIONS, seed=st.integers(0, 50), data=st.data())
def test_each_session_sees_its_window_scaled_as_of_itself(
    actions: list[tuple[str, date, float, float]], seed: int, data: st.DataObject
) -> None:
    panel = random_walks(5, 90, seed=seed)
    expressions = SHORT | NAMED | random_expressions(4, seed)
    first = data.draw(st.sampled_from(DAYS))
    threads = data.draw(st.integers(1, 3))
    made = compute(panel, expressions, sessions=DAYS, since=first, threads=threads, adjustments=frame_of(actions))
    assert made.select("symbol", "session").equals(panel.filter(pl.col("session") >= first).select("symbol", "session"))
    days = [day for day in DAYS if day >= first]
    for day in data.draw(st.lists(st.sampled_from(days), min_size=1, max_size=6, unique=True)):
        assert same_bits(made.filter(pl.col("session") == day), expected(panel, actions, expressions, day))
        before = lookback(expressions)
        window = DAYS[max(0, DAYS.index(day) - before) : DAYS.index(day) + 1]
        alone = compute(
            panel.filter(pl.col("session").is_in(window)), expressions, sessions=window, since=day, adjustments=frame_of(actions), threads=1
        )
        assert same_bits(made.filter(pl.col("session") == day), alone)


@CASES
@given(actions=ACTIONS, seed=st.integers(0, 50))
def test_a_symbol_without_actions_keeps_its_bits_and_rows_in_another_order_are_the_same(
    actions: list[tuple[str, date, float, float]], seed: int
) -> None:
    panel = random_walks(5, 90, seed=seed)
    made = compute(panel, SHORT, sessions=DAYS, adjustments=frame_of(actions))
    plain = compute(panel, SHORT, sessions=DAYS)
    free = ~pl.col("symbol").is_in([symbol for symbol, *_ in actions])
    assert same_bits(made.filter(free), plain.filter(free))
    by_session = panel.sort("session", "symbol")
    assert same_bits(compute(by_session, SHORT, sessions=DAYS, adjustments=frame_of(actions)).sort("symbol", "session"), made)


@CASES
@given(actions=ACTIONS, seed=st.integers(0, 50), data=st.data())
def test_what_is_taken_across_symbols_is_of_its_session_and_stays_as_it_was(
    actions: list[tuple[str, date, float, float]], seed: int, data: st.DataObject
) -> None:
    """The oracle takes the cross-section of each session from the windows scaled as of that session, stores it as a field, and goes on with that."""
    panel = random_walks(5, 90, seed=seed)
    inner = "CSRank($close / Ref($open, 3) * Mask($high, S01))"
    outer = f"Mean({inner}, 8) * Ref($close, 4) / $close"
    first = data.draw(st.sampled_from(DAYS[:60]))
    made = compute(panel, {"x": outer}, sessions=DAYS, since=first, adjustments=frame_of(actions))
    ranks = pl.concat([expected(panel, actions, {"rank": inner}, day) for day in DAYS])
    with_ranks = panel.join(ranks, on=["symbol", "session"], maintain_order="left")
    for day in data.draw(st.lists(st.sampled_from(DAYS[60:]), min_size=1, max_size=3)):
        then = expected(with_ranks, actions, {"x": outer.replace(inner, "$rank")}, day)
        assert same_bits(made.filter(pl.col("session") == day), then)


def test_a_split_is_no_return_but_an_action_after_the_session_changes_nothing() -> None:
    panel = pl.DataFrame(
        {"symbol": ["A"] * 4, "session": DAYS[:4], "close": [100.0, 102.0, 51.0, 52.0], "volume": [10.0, 10.0, 20.0, 20.0]}
    )
    split = pl.DataFrame([("A", DAYS[2], 0.5, 2.0)], schema=SCHEMA, orient="row")
    made = compute(panel, {"r": "$close / Ref($close, 1)", "v": "Mean($volume, 2)"}, sessions=DAYS[:4], adjustments=split)
    np.testing.assert_allclose(made["r"], [np.nan, 1.02, 1.0, 52 / 51], rtol=1e-6)
    np.testing.assert_array_equal(made["v"], [10, 10, 20, 20])


def test_labels_of_later_sessions_are_refused() -> None:
    with pytest.raises(ExpressionError, match="look_ahead"):
        compute(random_walks(1, 30, seed=0), {"x": "Ref($close, -1)"}, look_ahead=True, adjustments=frame_of([]))
