"""What the partitions of one step read, each as it was known to it: the one way in which assets and checks read windows over what keeps vintages.

1. Look once at which sessions of the step's windows have more than one vintage. Without restatements there is none, and the step is one run with one frame.
2. Else split the step's sessions into runs, as long as can be, in which one choice of vintages serves the windows of all (`knowledge`).
3. Read the frames of each run, and call the asset's own function for it; the rows are put together in order.

What a partition's footer names as read is the same choice (`Known.upstream`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.storage.knowledge import FOREVER, known_vintage, runs_of_one_assignment
from ats_assets.storage.vintages import DELIVERED, VINTAGES_OF

IN_VINTAGES = frozenset({*DELIVERED, *VINTAGES_OF})
"""The assets of which a session may have several versions."""
Stamps = Mapping[date, str]
"""Session -> the time from which a vintage was known, as file names have it."""


class Span(Protocol):
    """A window of partitions of an asset, such as `partitions.Reads`."""

    @property
    def asset(self) -> str:
        """Whose partitions."""
        ...

    def sessions_read(self, calendar: SessionCalendar, session: date) -> list[date]:
        """Those that partition `session` reads."""
        ...


class Reader(Protocol):
    """An asset that reads windows, such as a `graph.Node`."""

    @property
    def name(self) -> str:
        """The asset."""
        ...

    @property
    def reads(self) -> Sequence[Span]:
        """The windows that its partition D reads."""
        ...


@dataclass(frozen=True, kw_only=True)
class VintageRows:
    """One vintage of each of some sessions.

    Parameters
    ----------
    stamps
        The sessions, and the time from which the vintage of each was known.
    rows
        Those of all of them.
    refused
        The sessions whose vintage nobody is to read.
    """

    stamps: Stamps
    rows: pl.DataFrame
    refused: frozenset[date] = frozenset()


class Known:
    """What partitions read, as it was known to each. To be made by a step and thrown away with it: what is written later is not seen.

    Parameters
    ----------
    asset
        The reader; of one in `VINTAGES_OF` a partition is one of its vintages.
    reads
        The windows that its partition D reads.
    """

    def __init__(self, deployment: Deployment, asset: str, reads: Sequence[Span]) -> None:
        self._deployment = deployment
        self._asset = asset
        self._mirrored = VINTAGES_OF.get(asset, "")
        self._reads = reads
        self._stamps: dict[tuple[str, date], list[str]] = {}
        self._versions: dict[tuple[str, date, str], tuple[str, str]] = {}
        self._starts: dict[str, date | None] = {}
        self._copies = asset in deployment.copies

    def runs(self, sessions: Sequence[date], stamps: Stamps | None = None) -> list[list[date]]:
        """The sessions, ascending, in runs in which one frame of each window serves all, and fits into memory.

        Parameters
        ----------
        stamps
            Of a reader that keeps vintages: which one is made of each session.
        """
        windows = [reads for reads in self._reads if reads.asset in IN_VINTAGES and reads.asset != self._mirrored]
        several = {
            (reads.asset, day): found
            for reads in windows
            for day in self._union(reads, sessions)
            if len(found := self._stamps_of(reads.asset, day)) > 1
        }
        calendar = self._deployment.calendar
        runs = runs_of_one_assignment(
            sessions,
            lambda reader: ((reads.asset, day) for reads in windows for day in reads.sessions_read(calendar, reader)),
            lambda reader: self._until(reader, (stamps or {}).get(reader, "")),
            several,
        )
        return [list(block) for run in runs for block in blocks_of_step(self._deployment, self._asset, self._reads, run)]

    def frame(
        self,
        reads: Span,
        run: Sequence[date],
        schema: pl.Schema,
        *,
        stamps: Stamps | None = None,
        columns: Sequence[str] | None = None,
        sound_only: bool = False,
    ) -> pl.DataFrame:
        """The rows of all windows of a run (see `runs`), by session; an empty frame of `schema` where all lies before history.

        Parameters
        ----------
        columns
            Only these.
        sound_only
            Leave out what is missing or damaged, for a reader that must not stop what mends it.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        days = [day for day in self._union(reads, run) if self._is_known(reads.asset, day)]
        until: dict[date, str] = {}
        if any(len(self._stamps_of(reads.asset, day)) > 1 for day in days):
            for reader in run:
                limit = self._until(reader, (stamps or {}).get(reader, ""))
                until |= {day: until.get(day, limit) for day in reads.sessions_read(self._deployment.calendar, reader)}
        files = {day: self._path(reads.asset, day, until.get(day, FOREVER)) for day in days}
        warehouse = self._deployment.warehouse
        if sound_only:
            files = {day: path for day, path in files.items() if path.is_file() and not warehouse.fault(path)}
        if files:
            return warehouse.read_files(reads.asset, files, columns)
        return schema.to_frame().select(columns) if columns else schema.to_frame()

    def upstream(self, session: date, stamp: str = "") -> dict[str, dict[str, str]]:
        """The data versions of everything that a partition reads, by upstream asset and session (ISO).

        Parameters
        ----------
        stamp
            Of a reader that keeps vintages: which one it is.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        until = self._until(session, stamp)
        return {reads.asset: dict(self._versions_of(reads, session, stamp, until)) for reads in self._reads}

    def _versions_of(self, reads: Span, session: date, stamp: str, until: str) -> Iterator[tuple[str, str]]:
        days = [day for day in reads.sessions_read(self._deployment.calendar, session) if self._is_known(reads.asset, day)]
        if reads.asset not in IN_VINTAGES:
            absent = [day for day in days if (reads.asset, day, "") not in self._versions]
            found = self._deployment.data_versions(reads.asset, absent)
            self._versions |= {(reads.asset, day, ""): (day.isoformat(), found[day.isoformat()]) for day in absent}
            yield from (self._versions[reads.asset, day, ""] for day in days)
            return
        for day in days:
            of_day = stamp if reads.asset == self._mirrored else until
            key = (reads.asset, day, of_day if len(self._stamps_of(reads.asset, day)) > 1 else "")
            if key not in self._versions:
                path = self._path(reads.asset, day, of_day)
                if not path.is_file():
                    self._deployment.warehouse.require(reads.asset, [day])
                self._versions[key] = (day.isoformat(), self._deployment.warehouse.footer_of(path).data_version)
            yield self._versions[key]

    def _until(self, reader: date, stamp: str) -> str:
        """The stamp up to which a reader knows; a vintage that was known later was made knowing what was known then."""
        return max(self._deployment.knowledge.until(reader), stamp)

    def _union(self, reads: Span, readers: Sequence[date]) -> list[date]:
        return sorted({day for reader in readers for day in reads.sessions_read(self._deployment.calendar, reader)})

    def _is_known(self, asset: str, day: date) -> bool:
        if self._copies and asset in self._deployment.records:  # whatever history began with, it is taken where it is
            return self._deployment.warehouse.exists(asset, day)
        if asset not in self._starts:
            self._starts[asset] = self._deployment.history_start(asset)
        start = self._starts[asset]
        return start is not None and day >= start

    def _stamps_of(self, asset: str, day: date) -> list[str]:
        """The vintages of a session, looked up once; none of an asset that keeps no vintages."""
        if asset not in IN_VINTAGES:
            return []
        key = (asset, day)
        if key not in self._stamps:
            self._stamps[key] = self._deployment.warehouse.stamps(asset, day)
        return self._stamps[key]

    def _path(self, asset: str, day: date, until: str) -> Path:
        warehouse, stamps = self._deployment.warehouse, self._stamps_of(asset, day)
        return warehouse.vintage(asset, day, known_vintage(stamps, until)) if stamps else warehouse.path(asset, day)


def of_whole(deployment: Deployment, asset: str, sessions: Sequence[date]) -> tuple[pl.DataFrame, dict[str, str]]:
    """What an asset without partitions, or the paper broker, reads of sessions that are stored, and its data versions by session (ISO); see `Knowledge.until_of_whole`.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    warehouse, knowledge = deployment.warehouse, deployment.knowledge
    warehouse.require(asset, sessions)
    files = {day: warehouse.path(asset, day, until=knowledge.until_of_whole(asset, day)) for day in sessions}
    return warehouse.read_files(asset, files), {day.isoformat(): warehouse.footer_of(path).data_version for day, path in files.items()}


def as_known(
    deployment: Deployment, reader: Reader, sessions: Sequence[date], schemas: Mapping[str, pl.Schema], make: Callable[..., pl.DataFrame]
) -> pl.DataFrame:
    """What `make` makes of sessions, each from what was known to it.

    Parameters
    ----------
    schemas
        Of each asset that is read.
    make
        Called with some of the sessions, ascending, and for each asset that is read, by its name, the rows of their windows.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    known = Known(deployment, reader.name, reader.reads)
    made = [make(run, **{one.asset: known.frame(one, run, schemas[one.asset]) for one in reader.reads}) for run in known.runs(sessions)]
    return made[0] if len(made) == 1 else pl.concat(made)


def of_each_vintage(
    deployment: Deployment,
    reader: Reader,
    sessions: Sequence[date],
    schemas: Mapping[str, pl.Schema],
    make: Callable[..., tuple[pl.DataFrame, ...]],
) -> list[tuple[VintageRows, ...]]:
    """What `make` makes of every vintage of a delivery: in the first item of the earliest ones of all sessions, then of the next, where there is one.

    Parameters
    ----------
    reader
        One of the assets in `VINTAGES_OF` that the step makes; of the delivery they read D alone.
    make
        Called with the delivery's rows of some sessions, and for each other asset that is read, by its name, the rows of their windows; it returns a frame for
        each asset that the step makes.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    warehouse, delivery = deployment.warehouse, VINTAGES_OF[reader.name]
    warehouse.require(delivery, sessions)
    stamps = {day: warehouse.stamps(delivery, day) for day in sessions}
    others = [one for one in reader.reads if one.asset != delivery]
    known = Known(deployment, reader.name, reader.reads)
    layers: list[tuple[VintageRows, ...]] = []
    for i in range(max(map(len, stamps.values()))):
        layer = {day: found[i] for day, found in stamps.items() if i < len(found)}
        parts: list[tuple[pl.DataFrame, ...]] = []
        for run in known.runs(list(layer), layer):
            rows = warehouse.read_files(delivery, {day: warehouse.vintage(delivery, day, layer[day]) for day in run})
            parts.append(make(rows, **{one.asset: known.frame(one, run, schemas[one.asset], stamps=layer) for one in others}))
        layers.append(tuple(VintageRows(stamps=layer, rows=pl.concat(frames)) for frames in zip(*parts, strict=True)))
    return layers


def screened(
    deployment: Deployment,
    reader: Reader,
    sessions: Sequence[date],
    schemas: Mapping[str, pl.Schema],
    make: Callable[..., tuple[pl.DataFrame, pl.DataFrame]],
) -> tuple[list[VintageRows], list[VintageRows]]:
    """What is accepted and what is rejected of every vintage of a delivery, as `of_each_vintage` finds them; where rows are many see `intraday.refused_ticks.ScreenedVintages`."""
    layers = of_each_vintage(deployment, reader, sessions, schemas, make)
    return [kept for kept, _ in layers], [rejected for _, rejected in layers]
