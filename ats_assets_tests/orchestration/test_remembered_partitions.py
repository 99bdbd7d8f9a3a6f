"""What is remembered of partitions is what Dagster finds, and is asked for again when more may exist."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.subset.partitions_subset import PartitionsSubset

from ats_assets.orchestration.remembered_partitions import remember_partitions

EXCLUSIONS = ["0 0 * * 6,0", datetime(2023, 12, 25)]  # noqa: DTZ001
MADE = dg.DailyPartitionsDefinition(start_date="2023-12-01", end_date="2024-02-01", timezone="UTC", exclusions=EXCLUSIONS)
OPEN = dg.DailyPartitionsDefinition(start_date="2023-12-01", timezone="UTC", exclusions=EXCLUSIONS)
RANGES = [("2023-12-01", "2024-01-31"), ("2023-12-20", "2023-12-27"), ("2024-01-02", "2024-01-02"), ("2023-12-22", "2023-12-26")]


@pytest.fixture(autouse=True)
def remembered() -> None:
    remember_partitions()


@pytest.mark.parametrize("span", RANGES)
@pytest.mark.parametrize("offsets", [(0, 0), (-60, 0), (-1, -1), (-5, -2)])
def test_a_range_and_what_it_maps_to_are_dagster_s_own(span: tuple[str, str], offsets: tuple[int, int]) -> None:
    asked = dg.PartitionKeyRange(*span)
    found = MADE.empty_subset().with_partition_key_range(MADE, asked)
    assert found == PartitionsSubset.with_partition_key_range(MADE.empty_subset(), MADE, asked)
    mapping = dg.TimeWindowPartitionMapping(start_offset=offsets[0], end_offset=offsets[1])
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(found, MADE, MADE)
    dagsters = type(mapping).get_upstream_mapped_partitions_result_for_partitions.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]
    assert upstream == dagsters(mapping, found, MADE, MADE)
    assert MADE.empty_subset().with_partition_key_range(MADE, asked) is found
    assert mapping.get_upstream_mapped_partitions_result_for_partitions(found, MADE, MADE) is upstream


def test_a_subset_that_has_partitions_gets_more() -> None:
    first = MADE.empty_subset().with_partition_keys(["2023-12-04"])
    both = first.with_partition_key_range(MADE, dg.PartitionKeyRange("2024-01-02", "2024-01-03"))
    assert list(both.get_partition_keys()) == ["2023-12-04", "2024-01-02", "2024-01-03"]


def test_it_is_asked_again_once_a_partition_may_have_come_to_exist() -> None:
    asked, found = dg.PartitionKeyRange("2023-12-20", "2023-12-22"), list[object]()
    for day, hour in ((28, 23), (28, 23), (29, 0)):
        with partition_loading_context(effective_dt=datetime(2023, 12, day, hour, tzinfo=UTC)):
            found.append(OPEN.empty_subset().with_partition_key_range(OPEN, asked))
    assert found[0] is found[1]
    assert found[2] is not found[0]
    assert found[2] == found[0]


def test_partitions_that_come_to_exist_within_the_hour_are_dagster_s_own_at_once() -> None:
    quarters = dg.TimeWindowPartitionsDefinition(cron_schedule="*/15 * * * *", start="2023-12-28-00:00", fmt="%Y-%m-%d-%H:%M")
    india = dg.DailyPartitionsDefinition(start_date="2023-12-01", timezone="Asia/Kolkata")  # whose midnight is at 18:30 UTC
    for definition, before, after in ((quarters, (5, 20), (5, 40)), (india, (18, 10), (18, 40))):
        keys = [definition.get_partition_keys(datetime(2023, 12, 28, *at, tzinfo=UTC)) for at in (before, after)]
        assert len(keys[1]) == len(keys[0]) + 1


@pytest.mark.parametrize("definition", [MADE, OPEN])
def test_all_keys_are_dagster_s_own_and_nobody_s_to_change(definition: dg.DailyPartitionsDefinition) -> None:
    dagsters = dg.TimeWindowPartitionsDefinition.get_partition_keys.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]
    for now in (datetime(2023, 12, 28, 23, tzinfo=UTC), datetime(2023, 12, 29, tzinfo=UTC), datetime(2023, 12, 1, 12, tzinfo=UTC)):
        found = definition.get_partition_keys(now)
        assert found == dagsters(definition, now)
        again = definition.get_partition_keys(now)
        assert again == found
        assert again is not found
