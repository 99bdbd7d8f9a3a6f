"""When suspicious bars are a fault. Before, one symbol that was listed or delisted failed the check: in 235 of 753 sessions of the synthetic market."""

from datetime import date, timedelta
from math import sqrt
from pathlib import Path
from statistics import fmean

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.bars import RULES
from ats_assets.bars.suspicion_baseline import BASELINE_SESSIONS, NEWS, UNUSUAL, RuleCount, rule_counts
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, run_job, small_market

DAYS = [date(2024, 1, 1) + timedelta(n) for n in range(BASELINE_SESSIONS + 20)]


def judged(counts: list[int], *, rule: str = "stale_price", bars: int = 100) -> list[RuleCount | None]:
    """What is said of a rule that found so many symbols from the first day on; None where nothing was found."""
    rows = [{"session": day, "rule": rule, "symbol": f"S{i}"} for day, n in zip(DAYS, counts, strict=False) for i in range(n)]
    days = DAYS[: len(counts)]
    found = pl.DataFrame(rows, schema={"session": pl.Date, "rule": pl.String, "symbol": pl.String})
    return [next(iter(of), None) for of in rule_counts(found, dict.fromkeys(days, bars), days, days).values()]


def fault(counts: list[int]) -> bool:
    """Whether the last count is one."""
    last = judged(counts)[-1]
    return last is not None and last.is_fault


@pytest.mark.parametrize("rule", sorted(NEWS))
def test_symbols_that_come_and_go_are_told_and_no_fault(rule: str) -> None:
    assert rule in RULES
    (*_, last) = judged([0] * 40 + [30], rule=rule)
    assert last == RuleCount(rule=rule, found=30, limit=None)
    assert not RuleCount(rule=rule, found=30, limit=None).is_fault


def test_what_is_never_seen_is_a_fault_and_what_is_seen_always_is_none() -> None:
    assert fault([0] * 70 + [1])
    assert not fault([3] * 70 + [3])
    assert not fault([3] * 70 + [8])
    assert fault([3] * 70 + [9])  # 3 + 3 * sqrt(3) is 8.2
    assert fault([1])  # at the start of history nothing is usual
    assert fault([0] * 60 + [1] * UNUSUAL + [1])


def test_one_bad_delivery_does_not_hide_the_next_one() -> None:
    assert fault([0] * 40 + [90] * UNUSUAL + [1])
    assert fault([2] * 40 + [90] * UNUSUAL + [2] * 20 + [90])


def test_a_rate_is_of_the_bars_that_are_there() -> None:
    days = DAYS[:71]
    found = pl.DataFrame([{"session": day, "rule": "twins", "symbol": f"S{i}"} for day in days for i in range(2)])
    half = dict.fromkeys(days[:-1], 100) | {days[-1]: 1000}
    (last,) = rule_counts(found, half, days, days[-1:])[days[-1]]
    assert last.limit == pytest.approx(20 + 3 * sqrt(20))


@settings(max_examples=rounds(40, 400))
@given(st.lists(st.integers(0, 6), min_size=1, max_size=len(DAYS)), st.lists(st.integers(0, 9), max_size=5))
def test_a_verdict_is_a_function_of_what_was_found_up_to_its_session(counts: list[int], later: list[int]) -> None:
    """Against the definition, written out; and whatever comes later, and however far the range goes back."""
    (*_, alone) = judged(counts)
    assert [*judged(counts + later)][len(counts) - 1] == alone
    if counts[-1]:
        before = ([0] * BASELINE_SESSIONS + counts)[-BASELINE_SESSIONS - 1 : -1]
        expected = fmean(sorted(before)[:-UNUSUAL])
        assert alone is not None
        assert alone.limit == pytest.approx(expected + 3 * sqrt(expected))
    else:
        assert alone is None


def test_the_check_says_the_same_of_a_session_alone_and_in_a_range(tmp_path: Path) -> None:
    """And the news is in its metadata."""
    deployment = small_market(
        tmp_path, source={"synthetic": {"symbols": 12, "first_session": FIRST, "last_session": date(2021, 6, 9), "halts_per_year": 20.0}}
    )
    days = deployment.calendar.sessions(FIRST, date(2021, 2, 12))
    both = ["raw_bars", "raw_corporate_actions", "bars", "rejected_bars", "corporate_actions", "rejected_corporate_actions"]
    told: dict[str | None, list[tuple[bool, str | None, dict[str, object]]]] = {}
    for sessions in (days, days[-1:]):
        for one in run_job(deployment, "history", sessions, both).get_asset_check_evaluations():
            if one.check_name == "suspicions":
                told.setdefault(one.partition, []).append((one.passed, one.description, dict(one.metadata)))
    range_, alone = told[days[-1].isoformat()]
    assert range_ == alone
    seen = {name for of in told.values() for _, _, metadata in of for name in metadata}
    assert {"appeared", "vanished"} <= seen
    news = [passed for of in told.values() for passed, _, metadata in of if set(metadata) <= NEWS]
    assert news
    assert all(news)
