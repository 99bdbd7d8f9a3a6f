import numpy as np
import pytest

from ats_assets.intraday.bar_ends import AT_FIRST, BY_DOLLARS, BY_TICKS, BY_VOLUME, BarEnds, accumulated_ends, interval_ends
from ats_assets.intraday.bar_statistics import bar_sums, means_of_bars
from ats_assets.intraday.expected_ends import ExpectationRule, expectations, expected_ends, flows, level_for
from ats_assets.intraday.tick_arrays import read_only
from ats_assets.intraday.trade_sides import tick_rule
from ats_assets_tests.intraday.bar_oracle import Tick, accumulated, arrays, expected, intervals, random_ticks, sides_of
from ats_assets_tests.rounds import rounds

SEEDS = range(rounds(12, 400))


def sessions_of(seed: int) -> list[list[Tick]]:
    """Some sessions, one empty and one of a single tick among them."""
    random = np.random.default_rng(seed)
    lengths = [int(random.integers(2, 400)) for _ in range(3)]
    return [random_ticks(seed * 10 + i, n) for i, n in enumerate([lengths[0], 0, lengths[1], 1, lengths[2]])]


def shifted(bars: list[list[tuple[int, int, bool]]], starts: np.ndarray) -> list[tuple[int, int, int, bool]]:
    return [(group, starts[group] + begin, starts[group] + end, whole) for group, of in enumerate(bars) for begin, end, whole in of]


def listed(ends: BarEnds) -> list[tuple[int, int, int, bool]]:
    return list(zip(ends.groups.tolist(), ends.begins.tolist(), ends.ends.tolist(), ends.reached.tolist(), strict=True))


@pytest.mark.parametrize("measure", [BY_TICKS, BY_VOLUME, BY_DOLLARS])
def test_bars_that_fill_end_where_the_book_says(measure: int) -> None:
    for seed in SEEDS:
        sessions = sessions_of(seed)
        given = arrays(sessions)
        unit = {BY_TICKS: 1.0, BY_VOLUME: 60.0, BY_DOLLARS: 3_000.0}[measure]
        thresholds = unit * np.random.default_rng(seed).choice([0.5, 1.0, 7.0, 40.5, 1e6], len(sessions))
        ends = accumulated_ends.compiled(measure, **given, thresholds=read_only(thresholds))
        told = [accumulated(measure, ticks, level) for ticks, level in zip(sessions, thresholds, strict=True)]
        assert listed(ends) == shifted(told, given["starts"])
        assert ends.thresholds.tolist() == thresholds[ends.groups].tolist()


def test_room_for_bars_grows_within_a_session_and_between_two() -> None:
    sessions = [random_ticks(1, 1_500), random_ticks(2, AT_FIRST), random_ticks(3, 3_000), []]
    given = arrays(sessions)
    for measure in (BY_TICKS, BY_DOLLARS):
        ends = accumulated_ends.compiled(measure, **given, thresholds=read_only(np.full(len(sessions), 1e-9)))
        assert len(ends.ends) > 3 * AT_FIRST
        assert listed(ends) == shifted([accumulated(measure, ticks, 1e-9) for ticks in sessions], given["starts"])


def test_without_a_threshold_there_are_no_bars() -> None:
    given = arrays([random_ticks(1, 50), random_ticks(2, 50), random_ticks(3, 50)])
    ends = accumulated_ends.compiled(BY_TICKS, **given, thresholds=read_only(np.array([np.nan, 10.0, 0.0])))
    assert set(ends.groups.tolist()) == {1}


def test_bars_of_the_clock_end_where_the_book_says() -> None:
    for seed in SEEDS:
        sessions = sessions_of(seed)
        given = arrays(sessions)
        for width, offset in ((60, 0), (100, 30), (1, 0), (10**6, 7)):
            ends = interval_ends.compiled(given["codes"], given["at"], given["starts"], width, offset)
            assert listed(ends) == shifted([intervals(ticks, width, offset) for ticks in sessions], given["starts"])


@pytest.mark.parametrize("runs", [False, True])
@pytest.mark.parametrize("measure", [BY_TICKS, BY_VOLUME, BY_DOLLARS])
def test_imbalance_and_runs_bars_end_where_the_book_says(measure: int, *, runs: bool) -> None:
    for seed in SEEDS:
        sessions, random = sessions_of(seed), np.random.default_rng(seed)
        given = arrays(sessions)
        unit = {BY_TICKS: 1.0, BY_VOLUME: 60.0, BY_DOLLARS: 3_000.0}[measure]
        rule = ExpectationRule(
            runs, *random.choice([0.0, 0.5, 1.0], 1), *random.choice([1.0, 2.0, 1e9], 1), *random.choice([1.0, 3.0, 1e9], 1), 0.2
        )
        level, length, buy, sell = unit * random.choice([2.0, 9.0]), 20.0, unit * 0.6, unit * random.choice([0.1, 0.6])
        same = [read_only(np.full(len(sessions), value)) for value in (level, length, buy, sell)]
        sides = read_only(np.array([side for ticks in sessions for side in sides_of(ticks)], dtype=np.int8))
        signed = read_only(flows.compiled(measure, given["price"], given["size"], given["codes"], sides))
        ends = expected_ends.compiled(rule, signed, given["codes"], given["at"], given["starts"], *same)
        told = [expected(rule, measure, ticks, level, length, buy, sell) for ticks in sessions]
        assert listed(ends) == shifted([[(begin, end, whole) for begin, end, _, whole in of] for of in told], given["starts"])
        assert ends.thresholds.tolist() == [threshold for of in told for _, _, threshold, _ in of]


@pytest.mark.parametrize("runs", [False, True])
def test_a_level_is_where_a_session_would_have_had_the_wanted_number_of_bars(*, runs: bool) -> None:
    for seed in SEEDS:
        given = arrays([random_ticks(seed, 3_000)])
        sides = read_only(tick_rule.compiled(given["price"], given["codes"], given["starts"]))
        signed = read_only(flows.compiled(BY_VOLUME, given["price"], given["size"], given["codes"], sides))
        level = level_for.compiled(runs, signed, given["at"], 0, 3_000, 25.0)
        at_it, below_it = (
            expected_ends.compiled(
                ExpectationRule(runs, 1.0, 1.0, 1.0, 0.1),
                *(signed, read_only(given["codes"] | 1), given["at"], given["starts"]),
                *map(read_only, (np.array([value]), *(np.ones(1) for _ in range(3)))),
            )
            for value in (level, level * (1.0 - 1e-8))
        )
        assert at_it.reached.sum() <= 25 < below_it.reached.sum()


def test_a_session_without_sides_says_nothing() -> None:
    given = arrays([[Tick(i, 5.0, 1.0, 7) for i in range(9)], []])
    levels, ticks, buys, sells = expectations.compiled(False, read_only(np.zeros(9)), given["at"], given["starts"], 3.0)
    assert np.isnan(levels).all()
    assert (ticks.tolist(), buys.tolist(), sells.tolist()) == ([3.0, 0.0], [0.0, 0.0], [0.0, 0.0])


def test_kernels_have_the_same_bits_compiled_or_not() -> None:
    given = arrays(sessions_of(5))
    codes, at, starts = given["codes"], given["at"], given["starts"]
    of_all = read_only(np.full(5, 30.0))
    sides = tick_rule(given["price"], codes, starts)
    signed = read_only(flows(BY_DOLLARS, given["price"], given["size"], codes, sides))
    plain, compiled = (
        [
            *run(accumulated_ends)(BY_VOLUME, **given, thresholds=of_all),
            *run(interval_ends)(codes, at, starts, 50, 3),
            *run(expected_ends)(
                ExpectationRule(False, 0.5, 2.0, 2.0, 0.1), signed, codes, at, starts, read_only(of_all * 50), of_all, of_all, of_all
            ),
            *run(expectations)(True, signed, at, starts, 9.0),
            run(tick_rule)(given["price"], codes, starts),
        ]
        for run in (lambda kernel: kernel, lambda kernel: kernel.compiled)
    )
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(plain, compiled, strict=True))


def test_statistics_are_those_of_the_bar_s_ticks() -> None:
    for seed in SEEDS:
        sessions = sessions_of(seed)
        given = arrays(sessions)
        every = [tick for ticks in sessions for tick in ticks]
        sides = [side for ticks in sessions for side in sides_of(ticks)]
        ends = accumulated_ends.compiled(BY_TICKS, **given, thresholds=read_only(np.full(len(sessions), 6.0)))
        sums = bar_sums.compiled(
            given["price"], given["size"], given["codes"], *map(read_only, (np.array(sides, np.int8), ends.begins, ends.ends, ends.groups))
        )
        last: dict[int, float] = {}
        for k, (group, begin, end, _) in enumerate(listed(ends)):
            ticks = every[begin:end]
            priced = [tick.price for tick in ticks if tick.code & 1]
            before = last.get(group, np.nan)
            first, close = (priced[0], priced[-1]) if priced else (before, before)
            last[group] = close
            extremes = [first, close, *(tick.price for tick in ticks if tick.code & 4)]
            traded = [(tick.price, tick.size, side) for tick, side in zip(ticks, sides[begin:end], strict=True) if tick.code & 2]
            want = (
                *(first, max(extremes), min(extremes), close),
                *(sum(size for _, size, _ in traded), sum(price * size for price, size, _ in traded)),
                *(sum(size for _, size, side in traded if side == sign) for sign in (1, -1)),
            )
            assert tuple(column[k] for column in sums) == want


def test_means_leave_out_what_is_missing() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, 5.0])
    means = means_of_bars.compiled(*map(read_only, (values, np.array([0, 3, 5]), np.array([3, 5, 6]))))
    assert np.array_equal(means, [2.0, np.nan, 5.0], equal_nan=True)
