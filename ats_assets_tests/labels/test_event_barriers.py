"""The triple barrier over bars inside sessions: by hand, against a slow oracle, and as rows that are the same alone and in a range."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.errors import CalendarError, ContractError
from ats_assets.labels.event_barriers import EVENT_LABELS_SCHEMA, EventBarrierSettings, meta_labels, triple_barrier_events
from ats_assets.labels.touches import OPEN_STILL, first_touches
from ats_assets_tests.labels.bars_inside_sessions import DAYS, random_bars
from ats_assets_tests.labels.event_oracle import bars_of, end
from ats_assets_tests.rounds import rounds

KEYS = ["symbol", "session", "bar"]
QUICK = {"volatility_span_bars": 3, "min_volatility_bars": 3, "lookback_sessions": 1}


def every_bar(bars: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """An event at each bar, with a side that may be none."""
    side = np.random.default_rng(seed).integers(-1, 3, size=bars.height)
    return bars.select(*KEYS).with_columns(side=pl.Series(side, dtype=pl.Int8).replace(2, None))


@st.composite
def chosen(draw: st.DrawFn) -> EventBarrierSettings:
    unit = draw(st.sampled_from(["volatility", "returns", "ticks"]))
    size = {"volatility": st.floats(0.2, 2.0), "returns": st.sampled_from([0.0025, 0.005, 0.01]), "ticks": st.integers(1, 6)}[unit]
    values = {name: draw(st.one_of(st.just(0.0), size, size)) for name in ("gain", "loss")}
    values |= {"horizon_bars": draw(st.integers(1, 30)), "min_bars": draw(st.integers(1, 3)), "max_sessions": draw(st.integers(0, 2))}
    return EventBarrierSettings.model_validate(
        values | {"unit": unit, "tick_size": 0.25, "entry": draw(st.sampled_from(["open", "close"]))} | QUICK
    )


@settings(max_examples=rounds(25, 1_000), deadline=None)
@given(seed=st.integers(0, 10_000), how=chosen())
def test_labels_are_those_of_a_slow_oracle(seed: int, how: EventBarrierSettings) -> None:
    bars = random_bars(seed, bars=12)
    asked = every_bar(bars, seed)
    found = {row[:3]: row[3:] for row in rows_of(triple_barrier_events(bars, asked, DAYS, how))}
    expected, by_symbol = {}, bars_of(bars)
    for (symbol, session, bar), side in zip(asked.select(*KEYS).rows(), asked["side"], strict=True):
        of_symbol = by_symbol[symbol]
        at = next(i for i, one in enumerate(of_symbol) if (one["session"], one["bar"]) == (session, bar))
        if side == 0 or (ended := end(of_symbol, DAYS, at, side or 1, how)) is None:
            continue
        known, last, label, price, way = ended
        entry = of_symbol[at + 1]["open"] if how.entry == "open" else of_symbol[at]["close"]
        expected[symbol, session, bar] = (
            known,
            of_symbol[last]["known_at"],
            label,
            pytest.approx((side or 1) * (price / entry - 1), abs=1e-12),
            last - at - (way == "open"),
            way,
            side,
        )
    assert found == expected


def rows_of(labels: pl.DataFrame) -> list[tuple[object, ...]]:
    return labels.select(
        "symbol", "decision_session", "bar", "session", "known_at", "label", "return", "holding_bars", "exit", "side"
    ).rows()


def by_hand(*prices: tuple[float, float, float, float], side: int | None = None, **how: object) -> list[tuple[object, ...]]:
    """A decision at the close of a bar at 100, then bars as (open, high, low, close): label, return, bars held, exit."""
    rows = [(100.0, 100.0, 100.0, 100.0), *prices]
    start = random_bars(0, bars=2).clear()
    known = pl.datetime_range(pl.datetime(2024, 1, 1, 14), pl.datetime(2024, 1, 1, 23), "1m", eager=True, time_unit="ns", time_zone="UTC")[
        : len(rows)
    ]
    bars = pl.DataFrame(rows, schema=["open", "high", "low", "close"], orient="row").with_columns(
        symbol=pl.lit("A"), session=pl.lit(DAYS[0]), bar=pl.int_range(len(rows), dtype=pl.Int32), opened_at=known, known_at=known
    )
    event = pl.DataFrame(
        {"symbol": ["A"], "session": [DAYS[0]], "bar": [0], "side": [side]}, schema_overrides={"bar": pl.Int32, "side": pl.Int8}
    )
    settings = EventBarrierSettings.model_validate({"unit": "returns", "gain": 0.02, "loss": 0.01, "horizon_bars": 3} | how)
    made = triple_barrier_events(bars.select(start.columns), event, DAYS[:1], settings)
    return made.select("label", pl.col("return").round(9), "holding_bars", "exit").rows()


CALM = (100.0, 100.5, 99.5, 100.0)


def test_each_way_to_end() -> None:
    assert by_hand(CALM, (100, 102, 99.5, 101)) == [(1, 0.02, 2, "barrier")]
    assert by_hand(CALM, (100, 100.5, 99, 100)) == [(-1, -0.01, 2, "barrier")]
    assert by_hand(CALM, (100, 102, 99, 100)) == [(-1, -0.01, 2, "barrier")], "both in one bar: the loss"
    assert by_hand(CALM, (97, 103, 97, 103)) == [(-1, -0.03, 1, "open")], "beyond the barrier at the open"
    assert by_hand((90, 100, 90, 95)) == [(1, 0.02, 1, "barrier")], "the entry is at the open, wherever that is"
    assert by_hand(CALM, CALM, CALM, (101, 110, 90, 95)) == [(0, 0.01, 3, "open")]
    assert by_hand(CALM, (100, 100.5, 99.5, 100.25)) == [(0, 0.0025, 2, "last_close")], "the session ends"
    assert by_hand() == [], "nothing to enter at"
    assert by_hand(CALM, (100, 110, 90, 95), CALM, CALM, min_bars=3) == [(0, 0.0, 3, "open")], "touched too early"
    assert by_hand((102, 103, 101.5, 102), entry="close") == [(1, 0.02, 0, "open")], "entered at the close before"


def test_a_short_position_gains_where_the_price_falls() -> None:
    assert by_hand((100, 100.5, 98, 99), side=-1) == [(1, 0.02, 1, "barrier")]
    assert by_hand((100, 101, 98, 99), side=-1) == [(-1, -0.01, 1, "barrier")], "both in one bar: the loss, which is above"
    assert by_hand(CALM, (103, 103, 97, 100), side=-1) == [(-1, -0.03, 1, "open")]


def test_without_a_barrier_it_is_never_hit() -> None:
    """Nor one that prices never reach."""
    assert by_hand((100, 900, 1, 100), CALM, CALM, CALM, gain=0, loss=0) == [(0, 0.0, 3, "open")]
    assert by_hand((100, 900, 1, 100), CALM, CALM, CALM, gain=50, loss=0.999) == [(0, 0.0, 3, "open")]


def test_a_barrier_in_ticks_is_met_at_its_price() -> None:
    """0.66 + 3 ticks of 0.01 is 0.69 in prices, but a little more in binary: the touch was missed."""
    assert 0.66 + 3 * 0.01 > 0.69
    assert by_hand((0.66, 0.69, 0.66, 0.68), unit="ticks", gain=3, loss=3, tick_size=0.01) == [(1, round(0.03 / 0.66, 9), 1, "barrier")]


def test_a_session_alone_has_the_rows_that_it_has_in_a_range() -> None:
    bars = random_bars(5)
    how = EventBarrierSettings(horizon_bars=30, gain=2, loss=2, max_sessions=1, **QUICK)
    whole = triple_barrier_events(bars, every_bar(bars), DAYS, how)
    for i in range(2, len(DAYS)):
        window = bars.filter(pl.col("session").is_between(DAYS[i - 2], DAYS[i]))
        alone = triple_barrier_events(window, every_bar(bars).join(window.select(KEYS), on=KEYS, how="semi"), DAYS[i - 2 : i + 1], how)
        assert alone.filter(session=DAYS[i]).equals(whole.filter(session=DAYS[i])), DAYS[i]
    assert whole.filter(pl.col("session") > pl.col("decision_session")).height > 20


def test_what_comes_later_changes_no_row_that_was_known() -> None:
    bars = random_bars(6)
    instant = bars["known_at"].sort()[bars.height // 2]
    later = pl.col("known_at") > instant
    other = bars.with_columns(pl.when(later).then(pl.col(name) * 1.01).otherwise(pl.col(name)) for name in ("open", "high", "low", "close"))
    how = EventBarrierSettings(horizon_bars=5, gain=1.5, loss=1.5, **QUICK)
    before, after = (
        triple_barrier_events(rows, every_bar(bars), DAYS, how).filter(pl.col("known_at") <= instant) for rows in (bars, other)
    )
    assert before.height > 50
    assert before.equals(after)


def test_nothing_and_equal_prices_have_no_labels() -> None:
    how = EventBarrierSettings(**QUICK)
    bars = random_bars(1)
    nothing = triple_barrier_events(bars.clear(), every_bar(bars).clear(), DAYS, how)
    assert nothing.is_empty()
    assert nothing.schema == EVENT_LABELS_SCHEMA
    equal = bars.with_columns(pl.lit(5.0).alias(name) for name in ("open", "high", "low", "close"))
    assert triple_barrier_events(equal, every_bar(bars), DAYS, how).is_empty(), "without volatility there is no barrier"
    alone = triple_barrier_events(equal, every_bar(bars), DAYS, EventBarrierSettings(unit="returns", gain=0.1, loss=0.1))
    assert set(alone["label"]) == {0}


def test_what_is_wrong_is_named() -> None:
    bars, how = random_bars(1), EventBarrierSettings(**QUICK)
    with pytest.raises(CalendarError, match=f"bars of {DAYS[-1]}, which is none of the 7 sessions"):
        triple_barrier_events(bars, every_bar(bars), DAYS[:-1], how)
    with pytest.raises(ContractError, match="more than once"):
        triple_barrier_events(pl.concat([bars, bars[:1]]), every_bar(bars), DAYS, how)
    with pytest.raises(ContractError, match="no such bar"):
        triple_barrier_events(bars, every_bar(bars).with_columns(bar=pl.col("bar") + 90), DAYS, how)
    with pytest.raises(ContractError, match="two events"):
        triple_barrier_events(bars, pl.concat([every_bar(bars)[:1]] * 2), DAYS, how)
    with pytest.raises(ValidationError, match="tick_size"):
        EventBarrierSettings(unit="ticks")


def test_a_meta_label_is_one_where_the_side_was_right() -> None:
    bars = random_bars(8)
    labels = triple_barrier_events(bars, every_bar(bars), DAYS, EventBarrierSettings(unit="ticks", gain=3, loss=3, tick_size=0.25))
    judged, strict = meta_labels(labels), meta_labels(labels, vertical="loss")
    assert judged.height == strict.height == labels.filter(pl.col("side").is_not_null()).height > 50
    assert judged.filter(pl.col("barrier") == "gain")["label"].unique().to_list() == [1]
    assert judged.filter(pl.col("barrier") == "loss")["label"].unique().to_list() == [0]
    vertical = judged.filter(pl.col("barrier") == "vertical")
    assert vertical["label"].to_list() == (vertical["return"] > 0).cast(pl.Int8).to_list()
    assert set(strict.filter(pl.col("barrier") == "vertical")["label"]) == {0}


def test_the_kernel_runs_plain_as_it_runs_compiled() -> None:
    random = np.random.default_rng(3)
    opens = 100 + np.cumsum(random.standard_normal(300))
    prices = opens, opens + random.random(300), opens - random.random(300), opens + random.random(300) / 2
    entered = np.arange(0, 295, 3)
    n = len(entered)
    given_ = (entered, entered + 9, np.full(n, 250), random.random(n) < 0.5, opens[entered] + 2, opens[entered] - 2)
    worse = np.where(random.random(n) < 0.5, 1, -1).astype(np.int8)
    plain, compiled = (run(*prices, *given_, worse, 1, True) for run in (first_touches, first_touches.compiled))
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(plain, compiled, strict=True))
    assert (plain[0] == OPEN_STILL).any()
