"""The Parquet warehouse: one file an asset and session, written atomically, with its lineage in the footer.

    <root>/<asset>/session=YYYY-MM-DD/data.parquet            an asset's partition
    <root>/<asset>/session=YYYY-MM-DD/known=<UTC>.parquet     a vintage: of a delivery, which is never overwritten, or of what is made of it row by row

The layout is hive's, so DuckDB, Polars and Spark read it as it is. It stands on three modules:

- `footed_files`: a write goes to a temporary file in the same folder, is synced and renamed: a reader sees the old file or the new one. Many files that are
  written together share the wait for the disk (`Warehouse.together`). The footer (key `ats`) names the asset, session, data version, code version, settings
  version and the data versions of every partition that was read; and it holds the SHA-256 of the file itself (`sealed_file`), which is checked once for each
  version of a file that a process reads, unless that process wrote it.
- `vintages`: where partitions lie, and what is kept of a delivery.
- `documents`: what has no sessions, such as a report.

The data version of a partition is a SHA-256 of its content (schema and rows in order), independent of Parquet's encoding and of the footer (`data_version`).
No reader opens a partition that it was not asked for by session, so a caller that is handed the sessions up to D can't see beyond D.
All knowledge of paths is in these modules (and, for models, in the model store, whose root is a sibling).
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.documents import Documents
from ats_assets.storage.footed_files import DAMAGE
from ats_assets.storage.footer import Footer, Upstream, Written
from ats_assets.storage.knowledge import FOREVER, Knowledge, known_vintage
from ats_assets.storage.root_folder import RootFolder
from ats_assets.storage.session_folders import SessionFolders
from ats_assets.storage.vintages import DATA_FILE, MADE_TOGETHER, VINTAGES_OF, WITH_OWN_HISTORY, Vintages

SIGNALS, REASON = "signals", "reason"
"""The one column that some partitions may have and others lack: signals have it since settings chose what gives reasons, and earlier ones may still be in a window."""
OPTIONAL = {"targets": "allowed_change"}
"""Columns that files of other settings lack."""


class Warehouse(Vintages, Documents):
    """Partitions of assets under one root folder.

    Parameters
    ----------
    root
        The folder; made at the first write.
    compression_level
        Of zstd.
    fsync
        Sync each file before it is renamed; without it a lost power supply may cost the newest files (a killed process can't).
    knowledge
        Which vintage is read of an asset in `VINTAGES_OF` where the caller does not say: that which the session's own partition knows. Without it, the newest.
    """

    def __init__(
        self,
        root: Path,
        *,
        compression_level: int = 1,
        fsync: bool = True,
        knowledge: Knowledge | None = None,
        root_folder: RootFolder | None = None,
    ) -> None:
        super().__init__(root, compression_level=compression_level, fsync=fsync, root_folder=root_folder)
        self._knowledge = knowledge
        self._sessions = SessionFolders(_holds_partition)

    def path(self, asset: str, session: date, *, until: str | None = None) -> Path:
        """The file of a partition. Of a delivery the newest vintage; of what is made of it the one that the session's own partition knows.

        Parameters
        ----------
        until
            The stamp up to which the reader knows (see `knowledge`), where it is another partition than the session's own.
        """
        folder = self.folder(asset, session)
        self.put_in_place(folder)
        self.root_folder.look()
        if asset not in VINTAGES_OF:
            plain = folder / DATA_FILE
            if plain.is_file():
                return plain
        stamps = self.stamps(asset, session)
        if not stamps:
            return folder / DATA_FILE
        if until is None:
            of_session = asset in VINTAGES_OF and len(stamps) > 1 and self._knowledge is not None
            until = self._knowledge.until(session) if of_session and self._knowledge else FOREVER
        return self.vintage(asset, session, known_vintage(stamps, until))

    def exists(self, asset: str, session: date) -> bool:
        """Whether the partition is stored."""
        stored = self.path(asset, session).is_file()
        if not stored:
            self._sessions.forget(self.root / asset, session)
        return stored

    def stored_sessions(self, asset: str) -> list[date]:
        """The sessions whose partition is stored, ascending."""
        self.root_folder.look()
        return self._sessions.stored_sessions(self.root / asset)

    def assets(self) -> list[str]:
        """The assets that have a folder."""
        self.root_folder.look()
        return sorted(folder.name for folder in self.root.iterdir() if folder.is_dir()) if self.root.is_dir() else []

    def history_start(self, delivery: str = "raw_bars") -> date | None:
        """The first session with a delivery: for what is made of it all before is before history, not missing. Where there are no raw bars, history starts with ticks or chains."""
        self.root_folder.look()
        first = self._sessions.first(self.root / delivery)
        if first is None and delivery not in WITH_OWN_HISTORY:
            return min(filter(None, (self._sessions.first(self.root / name) for name in WITH_OWN_HISTORY)), default=None)
        return first

    def write(
        self,
        asset: str,
        session: date,
        frame: pl.DataFrame,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Written:
        """Store a partition, replacing what was there.

        Raises
        ------
        SettingsError
            If the folder can't be written.
        """
        made = self.write_each(asset, [(session, frame, upstream or {})], code_version=code_version, settings_version=settings_version)
        return made[session]

    def write_each(
        self,
        asset: str,
        partitions: Iterable[tuple[date, pl.DataFrame, Upstream]],
        *,
        code_version: str = "",
        settings_version: str = "",
        data_versions: Mapping[date, str] | None = None,
    ) -> dict[date, Written]:
        """Store many partitions of an asset together: rows and upstream of each session. They are hashed and encoded by several threads, to the bytes of `write`.

        Parameters
        ----------
        data_versions
            Of the rows of sessions, where they are known already.

        Raises
        ------
        SettingsError
            If a folder can't be written.
        """
        sessions: list[date] = []

        def files() -> Iterator[tuple[Path, pl.DataFrame, Footer]]:
            for session, frame, upstream in partitions:
                sessions.append(session)
                footer = Footer(
                    asset=asset,
                    session=session.isoformat(),
                    data_version=(data_versions or {}).get(session, ""),
                    code_version=code_version,
                    settings_version=settings_version,
                    upstream=upstream,
                )
                yield self.folder(asset, session) / DATA_FILE, frame, footer

        written = list(self.store_each(files()))
        return dict(zip(sessions, written, strict=True))

    def read(self, asset: str, sessions: Sequence[date], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of the given sessions, in their order.

        Raises
        ------
        MissingPartitionError
            If a partition is not stored; the message names it and the command that makes it.
        CorruptPartitionError
            If a file is damaged.
        """
        if not sessions:
            raise MissingPartitionError(
                f"no session of {asset} was asked for: the range holds none; choose a range of at least one session"
            )
        return self.read_files(asset, {session: self.path(asset, session) for session in sessions}, columns)

    def read_files(self, asset: str, files: Mapping[date, Path], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of chosen files, one a session, in their order.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
            As `read`.
        """
        return self.root_folder.while_at_hand(list(files.values()), lambda: self._rows_of(asset, files, columns))

    def _rows_of(self, asset: str, files: Mapping[date, Path], columns: Sequence[str] | None) -> pl.DataFrame:
        sessions, paths = list(files), list(files.values())
        if not all(path.is_file() for path in paths):
            self.require(asset, sessions)
        for session, path in files.items():
            self.check(path, materialize_command(asset, session))
        try:
            frame = pl.read_parquet(paths, columns=list(columns) if columns else None, hive_partitioning=False, missing_columns="raise")
        except (pl.exceptions.SchemaError, pl.exceptions.ColumnNotFoundError) as error:
            frame = _with_optional(paths, columns, OPTIONAL.get(asset, REASON if asset.endswith(SIGNALS) else None))
            if frame is None:
                raise self._unreadable(asset, sessions, paths, error) from error
        except DAMAGE as error:
            raise self._unreadable(asset, sessions, paths, error) from error
        return frame

    def require(self, asset: str, sessions: Iterable[date]) -> None:
        """Raise MissingPartitionError unless every partition is stored."""
        missing = [session for session in sessions if not self.exists(asset, session)]
        if missing:
            some = ", ".join(map(str, missing[:3])) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise MissingPartitionError(
                f"{asset} has no partition for {some} in {self.root_folder.place}. Make it: "
                f"{materialize_command(asset, missing[0])}"
                + (
                    f" (or, for the whole range: ats run --select '+{asset}' --from {missing[0]} --to {missing[-1]})"
                    if len(missing) > 1
                    else ""
                )
            )

    def footer(self, asset: str, session: date) -> Footer:
        """The footer of a partition.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.path(asset, session)
        try:
            return self.footer_of(path)
        except FileNotFoundError:
            self.require(asset, [session])
            raise

    def data_versions(self, asset: str, sessions: Iterable[date]) -> dict[str, str]:
        """Session (ISO) -> data version."""
        days = list(sessions)
        self.root_folder.at_hand(self.path(asset, session) for session in days)
        return {session.isoformat(): self.footer(asset, session).data_version for session in days}

    def _unreadable(self, asset: str, sessions: Sequence[date], paths: Sequence[Path], cause: BaseException) -> CorruptPartitionError:
        for session, path in zip(sessions, paths, strict=True):
            try:
                pl.read_parquet(path, hive_partitioning=False)
            except DAMAGE as error:
                return CorruptPartitionError(f"{path} is damaged ({error}): delete it, then {materialize_command(asset, session)}")
        return CorruptPartitionError(
            f"the partitions of {asset} from {sessions[0]} to {sessions[-1]} can't be read together ({cause}): "
            f"make them again with ats run --select {asset} --from {sessions[0]} --to {sessions[-1]}"
        )


def _holds_partition(folder: str) -> bool:
    """Whether a session's folder holds a partition, or a vintage of one."""
    if os.path.isfile(f"{folder}/{DATA_FILE}"):  # noqa: PTH113 - asked for each session of each asset
        return True
    try:
        return any(name.startswith("known=") and name.endswith(".parquet") for name in os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return False


def materialize_command(asset: str, session: date) -> str:
    """The command that makes one partition; what is accepted and what is rejected are made together."""
    selected = next((together for together in MADE_TOGETHER if asset in together.split(",")), asset)
    return f"dagster asset materialize -m ats_assets.definitions --select {selected} --partition {session}"


def _with_optional(paths: Sequence[Path], columns: Sequence[str] | None, optional: str | None) -> pl.DataFrame | None:
    """The rows of files of which some lack a column that settings decide of, null there; None where it is another column that they differ by."""
    if optional is None:
        return None
    try:
        parts = [pl.read_parquet(path, hive_partitioning=False) for path in paths]
    except DAMAGE:
        return None
    if len({tuple(item for item in part.schema.items() if item[0] != optional) for part in parts}) > 1:
        return None
    made = pl.concat(parts, how="diagonal")
    if optional in OPTIONAL.values() and optional not in made.columns and columns and optional in columns:
        made = made.with_columns(pl.lit(None, pl.String).alias(optional))
    if columns and not set(columns) <= set(made.columns):
        return None
    return made.select(columns) if columns else made
