"""Ticks of the schedule that trains at night. They look at what is stored, not into it, so that empty partitions are enough."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.automation.retraining import untrained
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets_tests.automation.ticks import FRIDAY, LAST, NEW_YORK, TUESDAY, asked, days, graph, night, world
from ats_assets_tests.small_market import small_market


def test_the_schedule_runs_at_local_time_in_both_halves_of_the_year(tmp_path: Path) -> None:
    schedule = graph(small_market(tmp_path)).resolve_schedule_def("nightly_retraining_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 22 * * *", "America/New_York")
    assert schedule.job_name == "nightly_retraining"


@pytest.mark.parametrize(
    "day", days("2021-03-12", "2021-03-15", "2021-11-26", "2021-11-05"), ids=["winter", "summer", "early close", "before clocks go back"]
)
def test_the_night_after_a_session_trains_it(tmp_path: Path, day: date) -> None:
    before = small_market(tmp_path).calendar.offset(day, -1)
    requests, _ = night(world(tmp_path, features=[before, day], models=[before]), day)
    assert asked(requests) == [(str(day), str(day))]


@pytest.mark.parametrize(
    ("day", "newest", "said"),
    [
        ("2021-03-13", "2021-03-12", "no session on Saturday 2021-03-13; the model of 2021-03-12 is there already"),
        ("2021-02-15", "2021-02-12", "no session on Monday 2021-02-15; the model of 2021-02-12 is there already"),
        ("2021-03-12", "2021-03-12", "the model of 2021-03-12 is there already"),
    ],
    ids=["weekend", "holiday", "trained already"],
)
def test_nights_without_anything_to_train_say_why(tmp_path: Path, day: str, newest: str, said: str) -> None:
    stored = days(newest)
    requests, reason = night(world(tmp_path, features=stored, models=stored), date.fromisoformat(day))
    assert (requests, reason) == ([], said)


def test_late_bars_are_trained_the_next_night_even_on_a_weekend(tmp_path: Path) -> None:
    deployment = world(tmp_path, features=[LAST], models=[LAST])
    assert night(deployment, FRIDAY) == ([], "the features of 2021-03-12 are not made yet: it is trained on the first night after they are")
    world(tmp_path, features=[FRIDAY], models=[])
    assert asked(night(deployment, date(2021, 3, 13))[0]) == [("2021-03-12", "2021-03-12")]


def test_several_late_sessions_are_one_run_and_gaps_are_runs_of_their_own(tmp_path: Path) -> None:
    stored = days("2021-03-01", "2021-03-02", "2021-03-03", "2021-03-05", "2021-03-08", "2021-03-09", "2021-03-10")
    requests, _ = night(world(tmp_path, features=stored, models=days("2021-03-03", "2021-03-09")), TUESDAY)
    assert asked(requests) == [("2021-03-01", "2021-03-02"), ("2021-03-05", "2021-03-08"), ("2021-03-10", "2021-03-10")]
    assert len({request.run_key for request in requests}) == 3


def test_bars_that_a_check_has_blocked_are_not_trained_on(tmp_path: Path) -> None:
    deployment = world(tmp_path, features=[LAST], models=[LAST])
    deployment.warehouse.write("bars", FRIDAY, pl.DataFrame())
    assert night(deployment, FRIDAY)[0] == []


def test_a_session_that_is_no_partition_yet_is_not_trained(tmp_path: Path) -> None:
    deployment = world(tmp_path, features=[LAST, FRIDAY], models=[LAST])
    assert untrained(deployment, LAST) == []
    assert newest_partition(deployment, datetime(2021, 3, 12, 23, 59, tzinfo=UTC)) == LAST
    assert newest_partition(deployment, datetime(2021, 3, 12, 19, 0, tzinfo=NEW_YORK)) == FRIDAY
    assert newest_partition(deployment, datetime(2021, 3, 14, 12, 0, tzinfo=UTC)) == FRIDAY
    assert newest_partition(deployment, datetime(2020, 1, 1, tzinfo=UTC)) is None
