"""A folder in qlib's binary layout.

1. Each session is staged: one file, replaced whole, with the rows as they were exported.
2. When a connection is closed, or something is read, the binary files are made of all staged sessions in a new folder, and a link is turned to it. A reader sees the sessions before or
   these, never a part; one who was killed before is finished by the next.

qlib keeps a file for each symbol and field over all sessions, so that a session can't be added to it at once; the staged files can.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedPartition, ExportedTable, StorePlace
from ats_assets.exports.stores.qlib_bin.binary_files import BinaryFields, field_name, held_columns, require_folders, write_files
from ats_assets.exports.stores.qlib_bin.staged_sessions import StagedSessions

if TYPE_CHECKING:
    from ats_assets.exports.stores.qlib_bin import QlibSettings

LINK, MADE_OF = "data", "made_of.json"
"""What qlib is pointed at, and what says of which versions it was made."""
FORMS_KEPT = 2
"""The newest, and the one before for readers that have it open."""


class QlibStore:
    """One export in qlib's layout."""

    secrets: tuple[str, ...] = ()

    def __init__(self, own: "QlibSettings", place: StorePlace) -> None:
        self.settings = own
        self._keep = own.keep_sessions
        self._root = own.folder / place.prefix / place.export

    def kept(self, sessions: Sequence[date]) -> list[date]:
        """The newest, or all."""
        return list(sessions if self._keep is None else sessions[-self._keep :])

    def require_exportable(self, table: ExportedTable) -> None:
        """Refuse what has no symbols, no numbers, or columns that differ in case only."""
        if table.schema.get("symbol") != pl.String or table.schema.get("session") != pl.Date:
            raise SettingsError(f"{table.asset} has no columns symbol and session, and qlib holds rows by both: take it out of assets")
        columns = [name.lower() for name in held_columns(table.schema)]
        if not columns or len(set(columns)) < len(columns):
            why = "columns that differ in case only" if columns else "no column of numbers"
            raise SettingsError(f"{table.asset} has {why}, which qlib can't hold: take it out of assets")

    def schema_text(self, tables: Sequence[ExportedTable]) -> str:
        """The fields."""
        lines = [f"qlib.init(provider_uri={str(self._root / LINK)!r})"]
        for table in tables:
            lines += ["", f"{table.asset}:"]
            lines += [f"    ${field_name(table.asset, name)}  {table.told.get(name, '')}".rstrip() for name in held_columns(table.schema)]
        return "\n".join(lines)

    @contextmanager
    def connected(self) -> Iterator["QlibConnection"]:
        """The folder, made where it is not there; what was staged is in the binary files when the block ends."""
        try:
            (self._root / "staged").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnreachableError(f"{self._root} can't be made ({error.strerror}): correct the folder of the export") from error
        connection = QlibConnection(self._root, self._keep)
        yield connection
        connection.publish()


class QlibConnection:
    """The folder, open."""

    def __init__(self, root: Path, keep: int | None) -> None:
        self._root, self._keep = root, keep
        self._staged = StagedSessions(folder=root / "staged")
        self._fields: BinaryFields | None = None

    def prepare(self, tables: Sequence[ExportedTable]) -> None:
        """Refuse assets of which two would have one field.

        Raises
        ------
        ExportError
        """
        owners: dict[str, str] = {}
        for table in tables:
            for column in held_columns(table.schema):
                other = owners.setdefault(field_name(table.asset, column), table.asset)
                if other != table.asset:
                    raise ExportError(
                        f"{other} and {table.asset} both have the field {field_name(table.asset, column)}: export one elsewhere"
                    )

    def write(self, partitions: Sequence[ExportedPartition], *, again: bool = False) -> int | None:
        """Stage a session; how many rows, None where it is there in these versions."""
        if not partitions:
            return None
        for one in partitions:
            require_folders(one.current.rows["symbol"], f"{one.asset} {one.session}")
        session = partitions[0].session
        with self._locked():
            if not again and self._staged.has(session, partitions):
                return None
            self._staged.write(session, partitions)
            self._note("")
        self._fields = None
        return sum(one.current.rows.height for one in partitions)

    def read(self, table: ExportedTable, session: date, columns: Sequence[str]) -> ExportedPartition | None:
        """A session with the values of the binary files; what they can't hold is as it was staged."""
        self.publish()
        found = self._staged.read(session, table.asset)
        if found is None:
            return None
        rows, symbols = found.current.rows, found.current.rows["symbol"].to_list()
        self._fields = self._fields or BinaryFields(self._root / LINK)
        stored = [self._fields.values(table.asset, name, symbols, session) for name in held_columns(rows.schema)]
        exact = [one for one in stored if rows.schema[one.name] == pl.Float32]
        read = rows.with_columns(pl.when(rows[one.name].is_not_null()).then(one).alias(one.name) for one in exact)
        rounded = [one for one in stored if rows.schema[one.name] != pl.Float32]
        if any(not one.eq_missing(rows[one.name].cast(pl.Float32).fill_null(float("nan"))).all() for one in rounded):
            read = read.clear()  # someone has changed a file
        chosen = read.select(columns) if set(columns) <= set(read.columns) else read
        return replace(found, current=replace(found.current, rows=chosen))

    def remarks(self) -> list[str]:
        """Nothing: a folder drops nothing by itself."""
        return []

    def publish(self) -> None:
        """Make the binary files of what is staged, unless they are."""
        with self._locked():
            for session in self._staged.sessions()[: -self._keep] if self._keep else ():
                self._staged.remove(session)
            state = json.dumps(self._staged.state())
            if self._made_of() == state:
                return
            forms = self._root / "forms"
            new = forms / uuid.uuid4().hex
            try:
                write_files(new, self._staged.sessions(), self._assets())
                self._turn_to(new)
            except OSError as error:
                shutil.rmtree(new, ignore_errors=True)
                raise ExportError(
                    f"{new} can't be written ({error.strerror}), and qlib reads what was there: make room, or set keep_sessions"
                ) from error
            self._note(state)
            for old in sorted(forms.iterdir(), key=lambda path: path.stat().st_mtime)[:-FORMS_KEPT]:
                shutil.rmtree(old, ignore_errors=True)
        self._fields = None

    def _turn_to(self, new: Path) -> None:
        """Let the link that qlib follows name a new folder, once it is on the disk."""
        os.sync()
        link = self._root / f".{new.name}"
        link.symlink_to(new.relative_to(self._root), target_is_directory=True)
        link.replace(self._root / LINK)

    def _assets(self) -> Iterator[tuple[str, pl.DataFrame]]:
        days = self._staged.sessions()
        for asset in dict.fromkeys(head["asset"] for day in days for head in self._staged.heads(day)):
            frames = [found.current.rows for day in days if (found := self._staged.read(day, asset)) is not None]
            yield asset, pl.concat(frames, how="diagonal")

    def _made_of(self) -> str:
        path = self._root / MADE_OF
        return path.read_text(encoding="utf-8") if path.is_file() and (self._root / LINK).is_dir() else ""

    def _note(self, state: str) -> None:
        (self._root / MADE_OF).write_text(state, encoding="utf-8")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One exporter at a time."""
        with (self._root / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
