"""Schedules and sensors switched on and off, in order, in the instance that the daemon works for.

They are started in the order of `expected_triggers`: what tells people and fills the warehouse first, what trades last. They are stopped the other way round. What ran before a stop is
remembered in the data folder, so that `ats start` starts the same ones again; a stop that is repeated forgets none of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.sensor_definition import SensorType
from dagster._core.remote_origin import RemoteInstigatorOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData, SensorInstigatorData

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.monitoring.dagster_state import ON_BY_DEFAULT
from ats_assets.monitoring.expected_triggers import SCHEDULE, expected_triggers, useful_triggers
from ats_assets.runs.run_origin import job_origin
from ats_assets.storage.atomic_file import replace_file

MEMORY = "stopped-triggers.json"
"""In the data folder: what ran before it was stopped."""


@dataclass(frozen=True, kw_only=True)
class TriggerChange:
    """What became of one.

    Attributes
    ----------
    changed
        False: it was so already.
    """

    name: str
    kind: str
    is_on: bool
    changed: bool

    def __str__(self) -> str:
        what = "started" if self.is_on else "stopped"
        return f"{what if self.changed else f'already {what}'}: {self.kind} {self.name}"


def start_triggers(deployment: Deployment, instance: dg.DagsterInstance, names: Sequence[str] = ()) -> list[TriggerChange]:
    """Start these; without names those that ran before the last stop, else all that the settings have use for.

    Raises
    ------
    AtsError
        If there is none of a name.
    """
    memory = Memory(deployment)
    wanted = set(_known(deployment, names) or memory.read() or useful_triggers(deployment))
    changes = [_turn(deployment, instance, name, on=True) for name in expected_triggers(deployment) if name in wanted]
    memory.forget(wanted)
    return changes


def stop_triggers(deployment: Deployment, instance: dg.DagsterInstance, names: Sequence[str] = ()) -> list[TriggerChange]:
    """Stop these; without names all that are on. What ran is remembered before the first is stopped.

    Raises
    ------
    AtsError
        If there is none of a name.
    """
    chosen = _known(deployment, names) or list(expected_triggers(deployment))
    running = [name for name in chosen if _is_on(instance, name)]
    Memory(deployment).add(running)
    return [_turn(deployment, instance, name, on=False) for name in reversed(expected_triggers(deployment)) if name in chosen]


def left_off(deployment: Deployment, instance: dg.DagsterInstance) -> list[str]:
    """Those that the settings have use for and that are off, such as after a start of what ran before the last stop alone."""
    return [name for name in useful_triggers(deployment) if not _is_on(instance, name)]


class Memory:
    """The schedules and sensors that ran before they were stopped."""

    def __init__(self, deployment: Deployment) -> None:
        self._file: Path = deployment.settings.storage.data / MEMORY

    def read(self) -> list[str]:
        """Their names; none where nothing was stopped."""
        try:
            return list(json.loads(self._file.read_text(encoding="utf-8"))["ran"])
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def add(self, names: Sequence[str]) -> None:
        """Remember these, too."""
        if names:
            self._write([*self.read(), *(name for name in names if name not in self.read())])

    def forget(self, names: set[str]) -> None:
        """They run again."""
        if known := self.read():
            self._write([name for name in known if name not in names])

    def _write(self, names: Sequence[str]) -> None:
        if not names:
            self._file.unlink(missing_ok=True)
            return
        told = json.dumps({"stopped_at": datetime.now(UTC).isoformat(timespec="seconds"), "ran": list(names)}, indent=2)
        replace_file(self._file, lambda file: file.write(told.encode()), fsync=True)


def _known(deployment: Deployment, names: Sequence[str]) -> list[str]:
    there = expected_triggers(deployment)
    if strangers := [name for name in names if name not in there]:
        raise AtsError(f"there is no schedule or sensor {strangers[0]}: choose of {', '.join(there)}. Nothing was changed")
    return list(names)


def _stored(instance: dg.DagsterInstance, name: str) -> list[InstigatorState]:
    return [one for one in instance.all_instigator_state() if one.instigator_name == name]


def _is_on(instance: dg.DagsterInstance, name: str) -> bool:
    states = _stored(instance, name)
    declared = InstigatorStatus.DECLARED_IN_CODE
    if not states:
        return name.endswith(ON_BY_DEFAULT)
    return any(one.status is InstigatorStatus.RUNNING or (one.status is declared and name.endswith(ON_BY_DEFAULT)) for one in states)


def _turn(deployment: Deployment, instance: dg.DagsterInstance, name: str, *, on: bool) -> TriggerChange:
    """Switch one, where it is not so already; with the origin that the workspace gives it where Dagster knows nothing of it yet."""
    kind = expected_triggers(deployment)[name]
    if _is_on(instance, name) == on:
        return TriggerChange(name=name, kind=kind, is_on=on, changed=False)
    status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
    states = _stored(instance, name)
    for state in states:
        instance.update_instigator_state(_begun(state, kind).with_status(status) if on else state.with_status(status))
    if not states:
        of_kind = InstigatorType.SCHEDULE if kind == SCHEDULE else InstigatorType.SENSOR
        origin = RemoteInstigatorOrigin(job_origin(name).repository_origin, name)
        instance.add_instigator_state(InstigatorState(origin, of_kind, status, _data(deployment, kind)))
    return TriggerChange(name=name, kind=kind, is_on=on, changed=True)


def _data(deployment: Deployment, kind: str) -> ScheduleInstigatorData | SensorInstigatorData:
    """What Dagster keeps of one that begins now; the daemon itself takes the interval and the times from the graph."""
    automation, now = deployment.settings.automation, datetime.now(UTC).timestamp()
    if kind != SCHEDULE:
        return SensorInstigatorData(min_interval=automation.poll_seconds, last_sensor_start_timestamp=now, sensor_type=SensorType.STANDARD)
    hour, minute = automation.retrain_at.split(":")
    return ScheduleInstigatorData(f"{int(minute)} {int(hour)} * * *", now)


def _begun(state: InstigatorState, kind: str) -> InstigatorState:
    """A state that begins now: a schedule makes up for nothing that fell into the time in which it was off."""
    data, now = state.instigator_data, datetime.now(UTC).timestamp()
    if kind == SCHEDULE and isinstance(data, ScheduleInstigatorData):
        return state.with_data(ScheduleInstigatorData(data.cron_schedule, now))
    if isinstance(data, SensorInstigatorData):
        return state.with_data(data.with_sensor_start_timestamp(now))
    return state
