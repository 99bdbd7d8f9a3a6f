"""Requests of runs."""

from ats_assets.automation.requests import range_tags
from ats_assets_tests.automation.ticks import days


def test_a_range_of_sessions_is_named_by_dagster_s_tags() -> None:
    assert range_tags(days("2021-03-11", "2021-03-12")) == {
        "dagster/asset_partition_range_start": "2021-03-11",
        "dagster/asset_partition_range_end": "2021-03-12",
    }
