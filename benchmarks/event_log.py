"""Storing Dagster's events: ours in batches and one by one, beside Dagster's own storage, in one process.

Usage: python benchmarks/event_log.py [--partitions 500] [--rounds 5] [--json]

The events are those of a range run of one asset with one check: a materialisation and a check's result for each partition. Each round stores them in a new folder, in
turns; the figures are milliseconds an event, of the fastest round. That the rows are the same is shown by ats_assets_tests/test_event_rows.py.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage  # noqa: E402

Store = Callable[[str, Sequence[dg.EventLogEntry]], None]


def main() -> None:
    """Print one line for each way of storing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partitions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    events = recorded(asked.partitions)
    ways: dict[str, Store] = {"dagster": dagsters, "one by one": one_by_one, "in a batch": in_a_batch}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(asked.rounds):
        for name, store in ways.items():
            with tempfile.TemporaryDirectory(dir=HERE.parent) as folder:
                best[name] = min(best[name], timed(store, folder, events))
    found = {name: {"ms_an_event": round(seconds * 1e3, 3), "times": round(best["dagster"] / seconds, 1)} for name, seconds in best.items()}
    if asked.json:
        print(json.dumps({"events": len(events), **found}))
        return
    for name, figures in found.items():
        print(f"{name:12} {figures['ms_an_event']:7.3f} ms an event, {figures['times']:5.1f} times as fast as Dagster's own")


def timed(store: Store, folder: str, events: Sequence[dg.EventLogEntry]) -> float:
    """Seconds an event, with making the database files left out."""
    store(folder, events[:1])
    started = time.perf_counter()
    store(folder, events[1:])
    return (time.perf_counter() - started) / (len(events) - 1)


def dagsters(folder: str, events: Sequence[dg.EventLogEntry]) -> None:
    """Dagster's storage, which has no batches in SQLite."""
    SqliteEventLogStorage(folder).store_event_batch(events)


def one_by_one(folder: str, events: Sequence[dg.EventLogEntry]) -> None:
    """Ours, each event in a transaction of its own."""
    storage = BatchedSqliteEventLogStorage(folder)
    for event in events:
        storage.store_event(event)
    storage.dispose()


def in_a_batch(folder: str, events: Sequence[dg.EventLogEntry]) -> None:
    """Ours, all events at once."""
    storage = BatchedSqliteEventLogStorage(folder)
    storage.store_event_batch(events)
    storage.dispose()


def recorded(partitions: int) -> list[dg.EventLogEntry]:
    """The events of a range run, as Dagster makes them."""
    keys = [f"p{i}" for i in range(partitions)]
    definition, key = dg.StaticPartitionsDefinition(keys), dg.AssetKey("asset")

    @dg.asset(partitions_def=definition, backfill_policy=dg.BackfillPolicy.single_run())
    def asset(context: dg.AssetExecutionContext) -> None:
        for one in keys:
            context.add_asset_metadata({"rows": 500, "data_version": "a" * 64, "path": dg.MetadataValue.path("/a/b/c")}, partition_key=one)

    @dg.asset_check(asset=asset, partitions_def=definition)
    def contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        for one in keys:
            told = dg.AssetCheckEvaluation(asset_key=key, check_name="contract", passed=True, metadata={"n": 1}, partition=one)
            context.op_execution_context.log_event(told)  # pyright: ignore[reportArgumentType]
        return dg.AssetCheckResult(passed=True)

    job = dg.Definitions(
        assets=[asset], asset_checks=[contract], jobs=[dg.define_asset_job("job", executor_def=dg.in_process_executor)]
    ).resolve_job_def("job")
    events: list[dg.EventLogEntry] = []
    with dg.DagsterInstance.ephemeral() as instance:
        instance.event_log_storage.store_event = events.append  # pyright: ignore[reportAttributeAccessIssue]
        tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        job.execute_in_process(instance=instance, tags=tags, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}})
    return events


if __name__ == "__main__":
    main()
