"""The instance that tests ask has the rows of Dagster's own in memory, in every table."""

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import InMemoryEventLogStorage
from sqlalchemy import inspect, text

from ats_assets_tests.asked_events import RowsInMemory, asked_instance
from ats_assets_tests.orchestration.test_event_rows import NOT_OF_THE_EVENT, recorded, run_of

Tables = dict[str, list[dict[str, Any]]]


def tables_of(storage: InMemoryEventLogStorage) -> Tables:
    """Every row of every table, without the times of inserting."""
    with storage._connect() as connection:
        return {
            name: [
                {key: value for key, value in row.items() if key not in NOT_OF_THE_EVENT}
                for row in connection.execute(text(f'select * from "{name}" order by rowid')).mappings()
            ]
            for name in inspect(connection).get_table_names()
        }


def one_by_one(storage: InMemoryEventLogStorage, events: list[dg.EventLogEntry]) -> None:
    for event in events:
        storage.store_event(event)


def in_batches(storage: InMemoryEventLogStorage, events: list[dg.EventLogEntry]) -> None:
    for begin in range(0, len(events), 17):
        storage.store_event_batch(events[begin : begin + 17])


@pytest.mark.parametrize("store", [one_by_one, in_batches])
def test_every_table_is_as_dagster_fills_it(store: Callable[[InMemoryEventLogStorage, list[dg.EventLogEntry]], None]) -> None:
    stock, ours = InMemoryEventLogStorage(), RowsInMemory()
    one_by_one(stock, recorded())
    store(ours, recorded())
    expected, found = tables_of(stock), tables_of(ours)
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert len(expected["event_logs"]) == len(recorded())
    stock.dispose()
    ours.dispose()


def test_a_run_can_be_asked_for_as_with_an_ephemeral_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(instance: dg.DagsterInstance) -> list[object]:
        run_of(instance, monkeypatch, subsets=True)
        (run,) = instance.get_runs()
        events = [(one.dagster_event_type, one.step_key) for one in instance.all_logs(run.run_id) if one.is_dagster_event]
        return [run.status, events, sorted(instance.get_materialized_partitions(dg.AssetKey("left"))), instance.all_asset_keys()]

    with asked_instance() as asked, dg.DagsterInstance.ephemeral() as ephemeral:
        assert answers(asked) == answers(ephemeral)
