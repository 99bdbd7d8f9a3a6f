"""Trials in processes of their own. The rows are handed over once, in files that all of them map: no process holds a copy.

The model is handed over as its settings, and made there: a class of a user's own folder can't be pickled into another process.
"""

import json
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from pydantic import TypeAdapter

from ats_assets.models import Model
from ats_assets.orchestration.spreading import Spreading
from ats_assets.plugins import LEARNERS
from ats_assets.tuning.tried_trials import AskedTrial, TriedTrial
from ats_assets.tuning.tuned_rows import TunedRows, try_parameters

ALIGNED: Final = 64
"""Bytes at whose multiples arrays begin in the file."""
TRY_TRIAL: Final = f"{__name__}:attempt_told"
"""The work that tries one set of parameters."""


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """A trial as another process is told of it.

    Attributes
    ----------
    rows
        The folder of the rows.
    name, kind, settings
        Of the model.
    plugins
        The folder of a user's own additions.
    """

    rows: str
    name: str
    kind: str
    settings: Mapping[str, Any]
    plugins: str
    asked: AskedTrial
    threads: int


class Triers(Protocol):
    """Who does trials at once, such as `WorkerProcesses`."""

    def done(self, tasks: Iterable[TrialTask]) -> Iterator[tuple[TrialTask, TriedTrial]]:
        """Trials with what came of them, in the order in which that is there."""
        ...


@dataclass(frozen=True)
class TriersElsewhere:
    """The workers of a run."""

    workers: Spreading

    def done(self, tasks: Iterable[TrialTask]) -> Iterator[tuple[TrialTask, TriedTrial]]:
        """Trials with what came of them, in the order in which that is there; who stops before the last one begins no further."""
        told: dict[Future[bytes], TrialTask] = {self.workers.submit(TRY_TRIAL, trial=asdict(task)): task for task in tasks}
        try:
            for future in as_completed(told):
                found = TypeAdapter(TriedTrial).validate_json(future.result())
                yield told[future], replace(found, parameters=told[future].asked.parameters)
        finally:
            for future in told:
                future.cancel()


def attempts_by(
    workers: Triers, model: Model, rows: TunedRows, folder: Path, *, plugins: Path, threads: int
) -> Callable[[Sequence[AskedTrial]], Iterator[TriedTrial]]:
    """What tries by other processes: what came of each trial comes as soon as it is there.

    It raises `SecondProcessError` if a process ended, or could not go on: what came of the parameters themselves is told by the trial.

    Parameters
    ----------
    folder
        For the rows.
    plugins
        The folder of a user's own additions.
    threads
        Of each process.
    """
    hand_over(rows, folder)
    told = {
        "rows": str(folder.absolute()),
        "name": model.name,
        "kind": model.kind,
        "settings": model.learner.settings.model_dump(),
        "plugins": str(plugins.absolute()),
        "threads": threads,
    }

    def attempt(asked: Sequence[AskedTrial]) -> Iterator[TriedTrial]:
        return (found for _, found in workers.done([TrialTask(asked=one, **told) for one in asked]))

    return attempt


def attempt_task(task: TrialTask) -> TriedTrial:
    """Try one set of parameters: called in the other process."""
    chosen = LEARNERS.chosen(task.kind, task.settings, Path(task.plugins), f"models.{task.name}")
    learner = chosen.made()
    model = Model(name=task.name, kind=task.kind, learner=learner, quick=learner, make=chosen.plugin.make)
    return try_parameters(model, handed_over(task.rows, _stamp(task.rows)), task.asked, threads=task.threads)


def attempt_told(task: str) -> bytes:
    """The same by a worker of a run, which is told of it as text."""
    found = attempt_task(TypeAdapter(TrialTask).validate_python(json.loads(task)["trial"]))
    return json.dumps(asdict(found) | {"ics": {day.isoformat(): ic for day, ic in found.ics.items()}}).encode()


def hand_over(rows: TunedRows, folder: Path) -> None:
    """Write rows so that other processes can map their arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    buffers: list[pickle.PickleBuffer] = []
    content = pickle.dumps(rows, protocol=5, buffer_callback=buffers.append)
    places: list[tuple[int, int]] = []
    with (folder / "arrays").open("wb") as file:
        for buffer in buffers:
            file.write(b"\0" * (-file.tell() % ALIGNED))
            places.append((file.tell(), file.write(buffer.raw())))
        file.write(b"\0")  # a file without a byte can't be mapped
    (folder / "rows").write_bytes(pickle.dumps((content, places)))


def _stamp(folder: str) -> tuple[int, int]:
    """Which rows lie there: a worker may outlive them."""
    stat = (Path(folder) / "rows").stat()
    return stat.st_mtime_ns, stat.st_ino


@lru_cache(maxsize=1)
def handed_over(folder: str, _stamp: tuple[int, int]) -> TunedRows:
    """The rows that were written there, whose arrays are those of the file: they can be read alone."""
    content, places = pickle.loads((Path(folder) / "rows").read_bytes())  # noqa: S301 - what our own process wrote, and removes
    mapped = np.memmap(Path(folder) / "arrays", mode="r")
    return pickle.loads(content, buffers=[mapped[first : first + size].data for first, size in places])  # noqa: S301
