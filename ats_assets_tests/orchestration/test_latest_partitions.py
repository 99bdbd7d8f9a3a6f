"""Which partitions Dagster's UI takes for the latest: of a history that has ended, days long after it, so that nothing was plotted."""

import subprocess
import sys
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.test_utils import get_paginated_partition_keys

from ats_assets.orchestration.latest_partitions import mend_latest_partitions

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
EXCLUSIONS = ["0 0 * * 6,0", datetime(2023, 12, 25)]  # noqa: DTZ001
DAGSTERS_OWN = """
from datetime import UTC, datetime
import dagster as dg
from dagster._core.test_utils import get_paginated_partition_keys
made = dg.DailyPartitionsDefinition(start_date="2023-12-18", end_date="2023-12-30", timezone="UTC")
print(get_paginated_partition_keys(made, datetime(2023, 12, 31, tzinfo=UTC), ascending=False)[0])
"""


@pytest.mark.parametrize("end", [None, "2023-12-30", "2030-01-01"])
@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_the_latest_first_are_the_keys_from_the_last_to_the_first(end: str | None, batch: int) -> None:
    mend_latest_partitions()
    made = dg.DailyPartitionsDefinition(start_date="2023-12-18", end_date=end, timezone="UTC", exclusions=EXCLUSIONS)
    keys = made.get_partition_keys(current_time=NOW)
    assert get_paginated_partition_keys(made, NOW, ascending=False, batch_size=batch) == list(reversed(keys))
    assert get_paginated_partition_keys(made, NOW, ascending=True, batch_size=batch) == list(keys)
    if end == "2023-12-30":
        assert keys[-1] == "2023-12-29"


def test_dagster_still_needs_it() -> None:
    """When this fails, Dagster heeds the end itself, and `latest_partitions` can go."""
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", DAGSTERS_OWN], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "2023-12-30"
