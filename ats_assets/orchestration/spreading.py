"""Steps whose sessions are made by workers (`ats_assets.workers`), block by block, while the run that records them stays one run.

A partition is a pure function of settings, code and partitions before it, and the step that makes it begins when all of these are stored. So its sessions can be made and written in
blocks, by any process that sees the same warehouse, to the same bytes; the step waits for what was written, and says of it what it would say of its own.
"""

import inspect
import itertools
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, WorkerError
from ats_assets.orchestration.memory_blocks import SomeSessions, blocks_of_step
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.orchestration.reading import Known, Reader
from ats_assets.orchestration.symbol_blocks import panel_of_parts, parts_for, rows_of_part
from ats_assets.storage.footer import AssetVersions, Footer, Written
from ats_assets.workers.compute_engine import ComputeEngine

MAKE_SESSIONS: Final = "ats_assets.runs.worker_tasks:make_sessions"
"""The work that makes the sessions of a step."""
MAKE_PART: Final = "ats_assets.runs.worker_tasks:make_part"
"""The work that makes the rows of a part of the symbols."""
MAKE_FITS: Final = "ats_assets.runs.worker_tasks:make_fits"
"""The work that makes neighbouring fits of a model."""
SPREAD: Final = frozenset({"features", "labels"})
"""The stages that are arithmetic session by session."""


class SpreadStep(Reader, Protocol):
    """What makes a step, such as a `graph.Node`."""

    @property
    def code_version(self) -> str:
        """Of its code."""
        ...

    @property
    def settings_version(self) -> str:
        """Of its settings."""
        ...


@dataclass(frozen=True, kw_only=True)
class WrittenElsewhere:
    """What a step returns in the place of a frame, where workers have written its partitions."""

    written: Mapping[date, Written]


def _nobody(asset: str, done: int, given: int) -> None:
    """Nobody listens."""


class CountedPieces:
    """How many pieces of work of each asset were given out, and how many of them are done.

    Attributes
    ----------
    on_done
        Called with the asset, the pieces done and those given out, when one is done: by whichever thread hears of it.
    """

    def __init__(self) -> None:
        self.on_done: Callable[[str, int, int], None] = _nobody
        self._lock = threading.Lock()
        self._given, self._done = Counter[str](), Counter[str]()

    def count(self, asset: str, told: "Future[bytes]") -> None:
        """Count a piece that was given out, now and when it is done."""
        with self._lock:
            if self._done[asset] == self._given[asset]:  # those before are of an earlier part of the run
                self._given[asset] = self._done[asset] = 0
            self._given[asset] += 1
        told.add_done_callback(lambda _: self._end(asset))

    def _end(self, asset: str) -> None:
        with self._lock:
            self._done[asset] += 1
            self.on_done(asset, self._done[asset], self._given[asset])


@dataclass
class Spreading:
    """The workers of a deployment, where it has some, and the steps that they can do.

    Attributes
    ----------
    engine
        None: every step is done by the process that runs it.
    steps
        By asset: what makes it, and its function; noted as the graph is built.
    by_symbol
        Those of them in which each value depends on its own series' bars alone, likewise.
    pieces
        How many pieces of work are done, for whoever shows that.
    """

    deployment: Deployment
    engine: ComputeEngine | None = None
    steps: dict[str, tuple[SpreadStep, Callable[[Any], pl.DataFrame]]] = field(default_factory=dict)
    by_symbol: set[str] = field(default_factory=set)
    pieces: CountedPieces = field(default_factory=CountedPieces)

    @property
    def at_once(self) -> int:
        """The pieces of work that are done at once; 1 without workers."""
        return self.engine.at_once if self.engine else 1

    def submit(self, work: str, **asked: Any) -> "Future[bytes]":
        """Have a piece of work done for this deployment; `asked` is what the work needs to know, as JSON can say it."""
        if self.engine is None:
            raise WorkerError(f"{work} was to be done by workers, of which there are none: ats run --on NAME")
        told = self.engine.submit(work, json.dumps(self._described() | asked))
        self.pieces.count(asked.get("asset", "trials"), told)
        return told

    def _described(self) -> dict[str, Any]:
        """The deployment, as another process can make it again."""
        days = [day.isoformat() for day in self.deployment.asked_sessions]
        settings = self.deployment.settings.model_dump_json(exclude_unset=True)
        return {"settings": settings, "folder": str(Path.cwd()), "host": socket.gethostname(), "asked_sessions": days}

    def step(self, made_by: SpreadStep, function: Callable[[Any], pl.DataFrame], here: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function of a step that can be spread: what makes it `here` where there are no workers, else one that has them do it."""
        self.steps[made_by.name] = (made_by, function)
        if self.engine is None:
            return here

        def spread(context: dg.AssetExecutionContext) -> Any:
            return self._made(made_by, here, context)

        spread.__name__, spread.__doc__ = function.__name__, inspect.getdoc(function)
        return spread

    def _made(self, step: SpreadStep, function: Callable[[Any], Any], context: dg.AssetExecutionContext) -> Any:
        sessions = sessions_of(context.partition_keys)
        workers = self.at_once
        blocks = blocks_of(sessions, workers)
        if len(blocks) < workers and step.name in self.by_symbol and (parts := parts_for(self.deployment, sessions, workers)) > 1:
            days = [day.isoformat() for day in sessions]
            asked = [self.submit(MAKE_PART, asset=step.name, sessions=days, part=part, parts=parts) for part in range(parts)]
            return panel_of_parts([_rows_in(step, sessions, one) for one in _answers(asked)])
        if len(sessions) < 2:
            return function(context)
        self.deployment.calendar_store.keep()
        waiting = [self.submit(MAKE_SESSIONS, asset=step.name, sessions=[day.isoformat() for day in block]) for block in blocks]
        written: dict[date, Written] = {}
        for told in _answers(waiting):
            written |= decoded(told, self.deployment.warehouse.root)
        look_now(self.deployment)
        self._require_same(step, written)
        return WrittenElsewhere(written={session: written[session] for session in sessions})

    def _require_same(self, step: SpreadStep, written: Mapping[date, Written]) -> None:
        """See that workers have the code, the settings and the warehouse of this run: that what they wrote is what lies here."""
        self.deployment.warehouse.root_folder.at_hand(one.path for one in written.values())
        for session, one in written.items():
            _require_versions(step, session, (one.footer.code_version, one.footer.settings_version))
            try:
                with one.path.open("rb"):  # a folder of a network is asked what is there now
                    pass
                is_here = self.deployment.warehouse.footer_of(one.path) == one.footer
            except FileNotFoundError:
                is_here = False
            if not is_here:
                raise WorkerError(
                    f"a worker wrote {one.path}, which is not what lies there: all workers must see the folder of the warehouse under the same path, and one run alone "
                    "writes to it"
                )

    def make_part(self, asset: str, sessions: Sequence[date], part: int, parts: int) -> bytes:
        """Make the rows of a part of the symbols of a step, after a line that says by which code and settings: called in a worker."""
        step, function = self.steps[asset]
        context = SomeSessions(partition_keys=[day.isoformat() for day in sessions])
        rows = rows_of_part(self.deployment, step, lambda: function(context), sessions, part=part, parts=parts)
        return json.dumps([step.code_version, step.settings_version]).encode() + b"\n" + rows

    def make(self, asset: str, sessions: Sequence[date]) -> dict[date, Written]:
        """Make and write sessions of a step: called in a worker."""
        step, function = self.steps[asset]
        known, written = Known(self.deployment, asset, step.reads), dict[date, Written]()
        versions = AssetVersions(code_version=step.code_version, settings_version=step.settings_version)
        for block in blocks_of_step(self.deployment, asset, step.reads, sessions):
            frame = function(SomeSessions(partition_keys=[day.isoformat() for day in block]))
            parts = rows_by_session(asset, block, frame)
            rows = [(session, parts.get(session, frame.clear()), known.upstream(session)) for session in block]
            written |= self.deployment.warehouse.write_each(asset, rows, **versions)
        return written


def look_now(deployment: Deployment) -> None:
    """See what other processes have just written, where warehouse or models lie in an object store."""
    deployment.warehouse.root_folder.look(now=True)
    for name in deployment.models[:1]:
        deployment.model_store(name).root_folder.look(now=True)


def spreading(deployment: Deployment) -> Spreading:
    """Those of a deployment: `deployment.of(spreading)`."""
    return Spreading(deployment)


def blocks_of(sessions: Sequence[date], count: int) -> list[Sequence[date]]:
    """Sessions in so many blocks of neighbours, as even as can be, none of them empty.

    Examples
    --------
    >>> days = [date(2024, 1, day) for day in range(1, 6)]
    >>> [[day.day for day in block] for block in blocks_of(days, 2)], len(blocks_of(days, 9))
    ([[1, 2, 3], [4, 5]], 5)
    """
    count = max(1, min(count, len(sessions)))
    ends = [-(-len(sessions) * block // count) for block in range(count + 1)]
    return [sessions[first:last] for first, last in itertools.pairwise(ends)]


def rows_by_session(asset: str, sessions: Sequence[date], frame: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """The rows of each session that has some; where those of a session follow each other, as they do as a rule, without a copy.

    Raises
    ------
    ContractError
        If some are of a session that was not asked for.
    """
    runs = frame.select(pl.col("session").rle()).unnest("session")
    if runs["value"].is_duplicated().any():
        parts = {key[0]: rows for key, rows in frame.partition_by("session", as_dict=True, maintain_order=True).items()}
    else:
        places = zip(runs["value"], runs["len"], runs["len"].cum_sum() - runs["len"], strict=True)
        parts = {day: frame.slice(first, length).rechunk() for day, length, first in places}  # in one piece, as if it were made alone
    strays = sorted(parts.keys() - set(sessions), key=str)
    if strays:
        raise ContractError(
            f"{asset} made rows for {strays[0]}, which is not among the sessions asked for ({sessions[0]} to {sessions[-1]})"
        )
    return parts


def encoded(written: Mapping[date, Written], root: Path) -> bytes:
    """What was written, as another process is told it."""
    told = [asdict(one) | {"path": one.path.relative_to(root).as_posix()} for one in written.values()]
    return json.dumps(told).encode()


def decoded(told: bytes, root: Path) -> dict[date, Written]:
    """What another process has written, by session."""
    found = [one | {"path": root / one["path"], "footer": Footer(**one["footer"])} for one in json.loads(told)]
    return {date.fromisoformat(one["footer"].session): Written(**one) for one in found}


def _answers(asked: Sequence["Future[bytes]"]) -> Iterator[bytes]:
    """What workers hand back, in order; after an error what has not begun is not wanted any more."""
    try:
        for one in asked:
            yield one.result()
    finally:
        for one in asked:
            one.cancel()


def _rows_in(step: SpreadStep, sessions: Sequence[date], told: bytes) -> bytes:
    """The rows of a part that a worker made, by the code and the settings of this run."""
    line, _, rows = told.partition(b"\n")
    _require_versions(step, sessions[0], tuple(json.loads(line)))
    return rows


def _require_versions(step: SpreadStep, session: date, theirs: tuple[str, ...]) -> None:
    """See that a worker has the code and the settings of this run."""
    if theirs != (step.code_version, step.settings_version):
        what = "code" if theirs[0] != step.code_version else "settings"
        raise WorkerError(
            f"a worker made {step.name} of {session} with other {what} than this run has: give all workers the same version of ats-assets, of your own "
            f"additions and of the environment (ATS_…), start them again where that was changed, then run again"
        )
