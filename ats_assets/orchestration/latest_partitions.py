"""Dagster's list of the latest partitions, mended: it goes back from the clock even where the partitions end before.

The web server asks for the last 120 of them to plot their metadata (Dagster 1.13: `get_paginated_partition_keys` heeds `end_date` only going forward), and of a
history that has ended it gets days that are no partitions, and plots nothing.
"""

import functools
from typing import Any

import dagster as dg
from dagster._core.definitions.partitions.context import PartitionLoadingContext


@functools.cache
def mend_latest_partitions() -> None:
    """From now on, in this process, the latest partitions are those before the end."""
    listed = dg.TimeWindowPartitionsDefinition.get_paginated_partition_keys

    @functools.wraps(listed)
    def until_the_end(
        self: dg.TimeWindowPartitionsDefinition, context: PartitionLoadingContext, limit: int, ascending: bool, cursor: str | None = None
    ) -> Any:
        if not ascending and cursor is None and self.end is not None and self.end < context.effective_dt:
            context = context.updated(self.end, None)
        return listed(self, context, limit, ascending, cursor)

    dg.TimeWindowPartitionsDefinition.get_paginated_partition_keys = until_the_end
