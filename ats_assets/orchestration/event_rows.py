"""The rows of a batch of Dagster's events, for each table of its SQLite event log.

Dagster stores one event at a time: two inserts of the event, one of its tags, one try to insert its asset and one update of it, and for a check an update and
perhaps an insert, with the event serialised again for each. Here the same rows are made for many events at once:

1. Each event is serialised once, and all events are inserted into the log of their run.
2. Those that are found across runs (of assets, of checks, of a run's status) are inserted into the index, whose ids follow one another.
3. Their tags are inserted.
4. An asset is updated once, with what the last event of each kind says of it.
5. Checks that are planned are inserted; results replace what was planned for their partition, or are inserted.

All of it takes place in the transactions of `event_log`. That the rows are Dagster's own is shown by a test that compares every table.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from sqlalchemy import Connection, bindparam, select

MIRRORED: Final = frozenset({*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS})
"""The events that are in the index, too."""
PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED

Row = dict[str, Any]
Place = tuple[str, str, str, str | None]
"""Of a check's result: asset, check, run, partition."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An event that is in the index.

    Attributes
    ----------
    row
        Of the table of events.
    """

    event: dg.EventLogEntry
    row: Row
    id: int

    @property
    def data(self) -> Any:
        """What is particular to the kind of event."""
        return self.event.get_dagster_event().event_specific_data


class Storage(Protocol):
    """What is Dagster's own of an event log: how an event becomes a row."""

    def _store_asset_event_tags(self, conn: Connection, events: Sequence[dg.EventLogEntry], event_ids: Sequence[int]) -> None: ...
    def _get_asset_entry_values(self, event: dg.EventLogEntry, event_id: int, has_asset_key_index_cols: bool) -> Row: ...
    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool: ...


def is_mirrored(event: dg.EventLogEntry) -> bool:
    """Whether an event is in the index, too."""
    return event.is_dagster_event and event.dagster_event_type in MIRRORED


def insert_events(connection: Connection, rows: Sequence[Row]) -> list[int]:
    """Insert rows into the table of events of one database; returns their ids.

    The first insert takes SQLite's lock for writing, which is held until the transaction ends: the ids of the others follow its own.
    """
    statement = SqlEventLogStorageTable.insert()
    first = connection.execute(statement, rows[0]).inserted_primary_key
    if first is None:
        raise dg.DagsterInvariantViolationError("SQLite gave no id to an event")
    if len(rows) > 1:
        connection.execute(statement, rows[1:])
    return list(range(first[0], first[0] + len(rows)))


def index_events(storage: Storage, connection: Connection, events: Sequence[dg.EventLogEntry], rows: Sequence[Row]) -> None:
    """Insert mirrored events into the index, and what its other tables say of them."""
    ids = insert_events(connection, rows)
    stored = [Stored(event=event, row=row, id=i) for event, row, i in zip(events, rows, ids, strict=True)]
    of_assets = [one for one in stored if one.event.dagster_event_type in ASSET_EVENTS]
    if of_assets:
        storage._store_asset_event_tags(connection, [one.event for one in of_assets], [one.id for one in of_assets])
        _update_assets(storage, connection, of_assets)
    of_checks = (one for one in stored if one.event.dagster_event_type in ASSET_CHECK_EVENTS)
    for planned, some in itertools.groupby(of_checks, key=lambda one: one.event.dagster_event_type is PLANNED):
        if planned:
            _insert_planned(connection, some)
        else:
            _store_results(connection, list(some))


def _update_assets(storage: Storage, connection: Connection, stored: Sequence[Stored]) -> None:
    """Give each asset the values of its last event that has them; assets that are new are inserted in the order of their first event."""
    indexed = storage._has_asset_key_index_cols_on_connection(connection)
    changes: dict[str, Row] = {}
    for one in reversed(stored):
        key = one.row["asset_key"]
        known = changes.get(key, {})
        if key is None or "last_materialization" in known:  # nothing that an earlier event could add: its values are the dear ones
            continue
        if values := storage._get_asset_entry_values(one.event, one.id, indexed):
            changes[key] = values | known
    for key in dict.fromkeys(one.row["asset_key"] for one in stored):
        if key in changes:
            update = AssetKeyTable.update().where(AssetKeyTable.c.asset_key == key).values(**changes[key])
            if connection.execute(update).rowcount == 0:
                connection.execute(AssetKeyTable.insert().values(asset_key=key, **changes[key]))


def _insert_planned(connection: Connection, stored: Iterable[Stored]) -> None:
    """One row for each partition that a check is planned for."""
    rows = [
        {
            "asset_key": one.data.asset_key.to_string(),
            "check_name": one.data.check_name,
            "partition": partition,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            **_of_event(one),
        }
        for one in stored
        for partition in (one.data.partitions_subset.get_partition_keys() if one.data.partitions_subset else [None])
    ]
    if rows:
        connection.execute(AssetCheckExecutionsTable.insert(), rows)


def _store_results(connection: Connection, stored: Sequence[Stored]) -> None:
    """Results of checks: each in the place of what was planned for its run and partition, where something was.

    Raises
    ------
    DagsterInvariantViolationError
        If it was planned twice, as Dagster itself does.
    """
    rows: dict[Place | int, Row] = {}
    for one in stored:
        row = _result(one)
        place = (row["asset_key"], row["check_name"], row["run_id"], row["partition"])
        rows[place if row["run_id"] else one.id] = row  # without a run nothing was planned
    there = _places(connection, [place for place in rows if isinstance(place, tuple)])
    updates, inserts = list[Row](), list[Row]()
    for place, row in rows.items():
        ids = there.get(place, []) if isinstance(place, tuple) else []
        if len(ids) > 1:
            raise dg.DagsterInvariantViolationError(
                f"the check {row['check_name']} of {row['asset_key']} was planned {len(ids)} times in run {row['run_id']} for partition {row['partition']}"
            )
        if ids:
            updates.append(row | {"of_id": ids[0]})
        else:
            inserts.append(row)
    if updates:
        table = AssetCheckExecutionsTable
        connection.execute(table.update().where(table.c.id == bindparam("of_id")), updates)
    if inserts:
        connection.execute(AssetCheckExecutionsTable.insert(), inserts)


def _places(connection: Connection, places: Sequence[Place]) -> dict[Place, list[int]]:
    """The ids of the rows that are there for results; one question for each check and run."""
    table, found = AssetCheckExecutionsTable.c, dict[Place, list[int]]()
    asked = {place[:3]: place[3] for place in places}
    for (asset, check, run), partition in asked.items():
        question = select(table.id, table.partition).where(table.asset_key == asset, table.check_name == check, table.run_id == run)
        if len(places) == 1:
            question = question.where(table.partition == partition)  # SQLAlchemy makes IS NULL of None
        for row_id, of_partition in connection.execute(question.order_by(table.id)):
            found.setdefault((asset, check, run, of_partition), []).append(row_id)
    return found


def _result(one: Stored) -> Row:
    result, status = one.data, AssetCheckExecutionRecordStatus
    target = result.target_materialization_data
    return {
        "asset_key": result.asset_key.to_string(),
        "check_name": result.check_name,
        "partition": result.partition,
        "execution_status": (status.SUCCEEDED if result.passed else status.FAILED).value,
        "materialization_event_storage_id": target.storage_id if target else None,
        **_of_event(one),
    }


def _of_event(one: Stored) -> Row:
    return {
        "run_id": one.event.run_id,
        "evaluation_event": one.row["event"],
        "evaluation_event_timestamp": one.row["timestamp"],
        "evaluation_event_storage_id": one.id,
    }
