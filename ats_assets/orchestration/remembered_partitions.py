"""What Dagster finds out again about the partitions of each step, remembered.

Of each asset and check of a range run Dagster 1.13 makes the set of the run's partitions, and of each input the set that these map to, by going through its cron schedule and
its excluded days one by one: five to ten milliseconds each time, a twentieth of a long run. All assets share one definition of partitions (`session_partitions`), so the
answers are the same ones. They are Dagster's own, kept as long as no partition can have come to exist: those of sessions do at midnight UTC. Of definitions of other assets,
which the same daemon may have, nothing is remembered unless their partitions begin at midnight UTC, too.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, Final

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.partitions.subset.partitions_subset import PartitionsSubset
from dagster._core.definitions.partitions.subset.time_window import TimeWindowPartitionsSubset

KEPT: Final = 256
"""Answers; of a run of a chunk of sessions there are some ten."""
DEFINITIONS: Final = 4
"""Whose keys are kept: each has thousands."""
HOUR: Final = 3600.0
MIDNIGHT: Final = "0 0 * * *"


class _Answers:
    """The newest answers, each with the objects that it is about, which are told apart by being the very same ones."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[tuple[object, ...], Any]] = OrderedDict()

    def of(self, objects: tuple[object, ...], more: Hashable, ask: Callable[[], Any]) -> Any:
        """What was found out of these objects within this hour, or what `ask` finds now."""
        with partition_loading_context() as context:
            key = (*map(id, objects), more, context.effective_dt.timestamp() // HOUR)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = (objects, ask())  # the objects are held: else their place in memory could be another one's
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return found[1]


@functools.cache
def remember_partitions() -> None:
    """From now on, in this process, ranges of partitions, what they map to upstream, and all keys of a definition are made once."""
    ranges, mapped, listed = _Answers(), _Answers(), _Answers(DEFINITIONS)
    ranged = PartitionsSubset.with_partition_key_range
    upstream = dg.TimeWindowPartitionMapping.get_upstream_mapped_partitions_result_for_partitions

    def with_partition_key_range(self: TimeWindowPartitionsSubset, partitions_def: Any, partition_key_range: dg.PartitionKeyRange) -> Any:
        if self.partitions_def is not partitions_def or not self.is_empty or not _at_midnight(partitions_def):
            return ranged(self, partitions_def, partition_key_range)
        span = (partition_key_range.start, partition_key_range.end)
        return ranges.of((partitions_def,), span, lambda: ranged(self, partitions_def, partition_key_range))

    @functools.wraps(upstream)
    def mapped_upstream(
        self: dg.TimeWindowPartitionMapping,
        downstream_partitions_subset: Any,
        downstream_partitions_def: Any,
        upstream_partitions_def: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        objects = (downstream_partitions_subset, downstream_partitions_def, upstream_partitions_def)
        if args or kwargs or not (_at_midnight(downstream_partitions_def) and _at_midnight(upstream_partitions_def)):
            return upstream(self, *objects, *args, **kwargs)
        return mapped.of(objects, self, lambda: upstream(self, *objects))

    keys = dg.TimeWindowPartitionsDefinition.get_partition_keys

    @functools.wraps(keys)
    def get_partition_keys(
        self: dg.TimeWindowPartitionsDefinition, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> list[str]:
        if not _at_midnight(self):
            return list(keys(self, current_time, dynamic_partitions_store))
        with partition_loading_context(current_time, dynamic_partitions_store):
            return list(listed.of((self,), None, lambda: keys(self)))

    dg.TimeWindowPartitionsDefinition.get_partition_keys = get_partition_keys
    TimeWindowPartitionsSubset.with_partition_key_range = with_partition_key_range
    dg.TimeWindowPartitionMapping.get_upstream_mapped_partitions_result_for_partitions = mapped_upstream


def _at_midnight(definition: Any) -> bool:
    """Whether its partitions come to exist at midnights UTC, if at all."""
    return isinstance(definition, dg.TimeWindowPartitionsDefinition) and (definition.timezone, definition.cron_schedule) == (
        "UTC",
        MIDNIGHT,
    )
