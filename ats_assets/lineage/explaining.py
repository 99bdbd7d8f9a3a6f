"""A target or an order back to its signals, its model, the partitions that this was trained on, the features, the bars and the deliveries of the raw bars, with versions and files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.lineage.footers import Found, read_record
from ats_assets.lineage.index import Entry
from ats_assets.lineage.known_vintages import read_vintage, until_of
from ats_assets.storage.digests import set_digest, stored
from ats_assets.storage.knowledge import FOREVER
from ats_assets.storage.vintages import FROM_SOURCE, VINTAGES_OF

_OF_BARS = [name for name, raw in VINTAGES_OF.items() if raw in FROM_SOURCE]
SHOWN_ROWS = ("orders", "order_plan", "positions", "instruments", "targets", "predictions", "universe", *_OF_BARS, *FROM_SOURCE)
"""The assets of which the symbol's own row is told."""
FOLLOWED = "predictions"
"""Of its window, and of those of signals, the explained session is explained, too: there are the score and what was wanted."""


@dataclass(frozen=True, kw_only=True)
class ReadReason:
    """Why a vintage was read.

    Attributes
    ----------
    known
        The time from which it was known, as its file's name has it.
    why
        Of `REASONS`, the key.
    superseded
        The times from which newer ones were known that are stored now.
    """

    known: str
    why: str
    superseded: tuple[str, ...] = ()


REASONS = {
    "known at the close": "known at the close of the reading session, with the grace",
    "delivered late": "the earliest there is: none was known at the close of the reading session",
    "restated mode": "the newest there is: knowledge.mode is restated",
    "what happened": "the newest there is: what became of who held a share does not depend on when it was told",
    "superseded": "another one would be read now: what read it is stale",
}
"""Why a vintage was read."""


@dataclass(frozen=True, kw_only=True)
class Many:
    """Several partitions of an asset that were read together.

    Attributes
    ----------
    spans
        (first, last, how many) of each run of neighbouring sessions.
    digest
        One digest of all sessions with their data versions, in hex.
    versions
        Session -> data version as it was read.
    vintages
        Of what keeps vintages: session -> which one was read, and why.
    """

    asset: str
    spans: tuple[tuple[str, str, int], ...]
    digest: str
    versions: Mapping[str, str]
    vintages: Mapping[str, ReadReason] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    made_from: "tuple[Made | Many, ...]" = ()


@dataclass(frozen=True, kw_only=True)
class Made:
    """A partition: where it lies, which versions it is of, what it was made from, and the symbol's row in it."""

    asset: str
    session: str
    path: str
    data_version: str
    code_version: str
    settings_version: str
    notes: tuple[str, ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    made_from: "tuple[Made | Many, ...]" = ()


def _told(reads: Mapping[str, ReadReason], session: str) -> list[str]:
    """In words, which vintages of a window were read and why: with a session, the reasons too; nothing where each session has one alone, known in time."""
    said: list[str] = []
    for why, text in REASONS.items():
        days = sorted(day for day, read in reads.items() if read.why == why)
        if session and days and (why != "known at the close" or len(days) < len(reads)):
            said.append(f"{len(days)} of them ({days[0]} to {days[-1]}): {text}".replace("the reading session", session))
    superseded = sorted(day for day, read in reads.items() if read.superseded)
    if superseded:
        newest = max(stamp for day in superseded for stamp in reads[day].superseded)
        said.append(
            f"{len(superseded)} of them are superseded by newer vintages, first {superseded[0]}, known since {newest} at the latest"
        )
    return said


class Explaining:
    """Explains partitions by what the files say.

    Parameters
    ----------
    entries
        Of the index.
    """

    def __init__(self, deployment: Deployment, entries: Iterable[Entry]) -> None:
        self._deployment = deployment
        self._stored: dict[tuple[str, str], list[Entry]] = {}
        for entry in (one for one in entries if not one.is_refused):
            self._stored.setdefault((entry.asset, entry.key), []).append(entry)
        days = sorted(key for asset, key in self._stored if asset == "raw_bars")
        self._order = {day: i for i, day in enumerate(days)}

    def target(self, symbol: str, session: str) -> Made:
        """What is wanted of a symbol after a session: its target weight, and the signals behind it.

        Raises
        ------
        MissingPartitionError
            If there is none.
        CorruptPartitionError
            If a file on the way is damaged.
        """
        explained = self._made("targets", session, symbol)
        if explained is None:
            raise MissingPartitionError(
                f"no targets of {session} are stored: choose a session that ats signals can show, or make it with ats run"
            )
        if not explained.row:
            raise MissingPartitionError(f"{symbol} has no target at {session}: ats signals --session {session} lists those that have")
        return explained

    def order(self, symbol: str, session: str) -> Made:
        """The order for a symbol that was decided at a session's close: its plan, and the target, account and bars behind it.

        Raises
        ------
        MissingPartitionError
            If there is none.
        CorruptPartitionError
            If a file on the way is damaged.
        """
        explained = self._made("orders", session, symbol)
        if explained is None:
            raise MissingPartitionError(f"no orders of {session} are stored: choose a session that was traded, or trade it with ats trade")
        if not explained.row:
            raise MissingPartitionError(
                f"no order for {symbol} was sent at the close of {session}: the plan of that session says why, if it was wanted"
            )
        return explained

    def row_of(self, asset: str, symbol: str, session: str) -> Made | None:
        """A symbol's row of an asset in a session, and what that partition was made from; None where it is not stored."""
        return self._made(asset, session, symbol)

    def _made(self, asset: str, session: str, symbol: str, version: str | None = None, by: Entry | None = None) -> "Made | None":
        vintages = self._stored.get((asset, session))
        if not vintages:
            return None
        entry = self._entry(asset, session, version, by)
        record = read_record(self._deployment, Found(path=entry.path, asset=asset, key=session, known=entry.known, stamp=""))
        notes = [f"known since {entry.known}: {self._read(entry, by).why}"] if entry.known else []
        if version is not None and version != record.data_version:
            notes.append(f"it was read as {version[:12]}, which is not stored any more")
        elif entry is not vintages[-1]:
            notes.append(f"superseded by {vintages[-1].known}")
        if record.fault:
            notes.append(f"damaged: {record.fault}")
        followed = (self._upstream(name, versions, symbol, entry) for name, versions in sorted(record.upstream.items()) if versions)
        return Made(
            asset=asset,
            session=session,
            path=entry.path,
            data_version=record.data_version,
            code_version=record.code_version,
            settings_version=record.settings_version,
            notes=tuple(notes),
            row={} if record.fault else self._row(asset, entry.path, symbol),
            made_from=tuple(followed),
        )

    def _entry(self, asset: str, session: str, version: str | None, by: Entry | None) -> Entry:
        """The stored file that a reader has read."""
        until = until_of(self._deployment.knowledge, by, asset, session) if by else FOREVER
        return read_vintage(self._stored[asset, session], version, until)

    def _read(self, entry: Entry, by: Entry | None) -> ReadReason:
        """Why it was this vintage that was read."""
        vintages, newer = self._stored[entry.asset, entry.key], self._newer(entry)
        if by is None or entry.asset == VINTAGES_OF.get(by.asset):
            return ReadReason(known=entry.known, why="known at the close", superseded=newer)
        until = until_of(self._deployment.knowledge, by, entry.asset, entry.key)
        why = "known at the close" if entry.known <= until else "delivered late"
        if read_vintage(vintages, None, until) is not entry:
            why = "superseded"
        elif self._deployment.knowledge.is_restated:
            why = "restated mode"
        elif until == FOREVER:
            why = "what happened"
        return ReadReason(known=entry.known, why=why, superseded=newer)

    def _newer(self, entry: Entry) -> tuple[str, ...]:
        return tuple(other.known for other in self._stored[entry.asset, entry.key] if other.known > entry.known)

    def _upstream(self, asset: str, versions: Mapping[str, str], symbol: str, by: Entry) -> "Made | Many":
        if len(versions) == 1:
            ((day, version),) = versions.items()
            gone = Made(
                asset=asset, session=day, path="", data_version=version, code_version="", settings_version="", notes=("not stored",)
            )
            return self._made(asset, day, symbol, version, by) or gone
        entries = {day: self._entry(asset, day, version, by) for day, version in versions.items() if (asset, day) in self._stored}
        other = sum(entry.data_version != versions[day] for day, entry in entries.items())
        below: list[Made | Many] = []
        notes = [f"{other} of them are stored with another content now"] if other else []
        reads = {day: self._read(entry, by) for day, entry in entries.items()} if asset in VINTAGES_OF else {}
        if reads:
            notes += _told(reads, by.key)
            sound = {day: entry for day, entry in entries.items() if entry.data_version == versions[day]}
            below += [self._deliveries(asset, sound, reads)] if sound else []
        elif (
            asset in (FOLLOWED, *self._deployment.signals.values())
            and by.key in versions
            and (made := self._made(asset, by.key, symbol, versions[by.key], by))
        ):
            below.append(made)
        return self._many(asset, versions, entries, reads, notes=notes, below=below)

    def _deliveries(self, asset: str, entries: Mapping[str, Entry], reads: Mapping[str, ReadReason]) -> Many:
        """The vintages of the delivery that stored bars or actions were made from: those that were known from the same times."""
        raw = VINTAGES_OF[asset]
        used = {
            day: found
            for day, entry in entries.items()
            for found in self._stored.get((raw, day), [])
            if found.known == entry.known and set_digest({day: found.data_version}) == entry.reads.get(raw)
        }
        known = sorted(entry.known for entry in used.values())
        notes = [f"known since {known[0]} to {known[-1]}"] if known else []
        of_delivery = {day: replace(reads[day], superseded=self._newer(entry)) for day, entry in used.items()}
        notes += _told(of_delivery, "")
        if len(used) < len(entries):
            notes.append("the vintages of the others are not stored any more")
        versions = {day: entry.data_version for day, entry in used.items()}
        return self._many(raw, versions, used, of_delivery, notes=notes)

    def _many(
        self,
        asset: str,
        versions: Mapping[str, str],
        entries: Mapping[str, Entry],
        reads: Mapping[str, ReadReason],
        *,
        notes: Iterable[str],
        below: "Iterable[Made | Many]" = (),
    ) -> Many:
        return Many(
            asset=asset,
            spans=tuple(self._spans(sorted(versions))),
            digest=stored(set_digest(versions)).hex(),
            versions=versions,
            vintages=reads,
            notes=tuple(notes),
            paths={day: entry.path for day, entry in entries.items()},
            made_from=tuple(below),
        )

    def _spans(self, days: list[str]) -> list[tuple[str, str, int]]:
        """Runs of neighbours among the sessions of history."""
        runs: list[list[str]] = []
        for day in days:
            if runs and self._order.get(day, -1) == self._order.get(runs[-1][-1], -2) + 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        return [(run[0], run[-1], len(run)) for run in runs]

    def _row(self, asset: str, path: str, symbol: str) -> dict[str, Any]:
        if asset in self._deployment.models or asset not in (*SHOWN_ROWS, *self._deployment.signals.values()):
            return {}
        self._deployment.warehouse.root_folder.at_hand([Path(path)])
        rows = pl.read_parquet(path, hive_partitioning=False).filter(pl.col("symbol") == symbol)
        return rows.drop("symbol", "session").row(0, named=True) if rows.height else {}
