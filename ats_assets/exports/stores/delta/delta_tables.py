"""Delta tables in a folder.

    <folder>/<export>/<asset>      a table for each asset, partitioned by session, with the columns of its contract and `ats_row`, the place of a row in its partition
    <folder>/<export>/_versions    a row for each asset and session: which version of the partition is there

A session of an asset is replaced in one commit of its table. Delta has no commit of several tables: the versions follow last, so that after an exporter was killed in between
they say less than is there, the check finds it, and the session is written again. One exporter at a time writes to a folder.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from filelock import FileLock

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, StorePlace

if TYPE_CHECKING:
    from ats_assets.exports.stores.delta import DeltaSettings

VERSIONS, ROW = "_versions", "ats_row"
_STORED: Final[dict[pl.DataType, pl.DataType]] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.Datetime("ns", "UTC"): pl.Int64(),
}
"""Types that Delta lacks -> what holds all their values: it has no unsigned numbers, and no time finer than microseconds."""
_PLAIN = (pl.String(), pl.Date(), pl.Boolean(), pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Float32(), pl.Float64())
_TIMES = (pl.Datetime("us", "UTC"), pl.Datetime("us"))
_VERSION_SCHEMA = pl.Schema(
    {
        "asset": pl.String,
        "session": pl.Date,
        "data_version": pl.String,
        "code_version": pl.String,
        "model_version": pl.String,
        "known_at": pl.Datetime("us", "UTC"),
        "columns": pl.String,
    }
)


class DeltaTables:
    """One export as Delta tables."""

    secrets: tuple[str, ...] = ()

    def __init__(self, own: "DeltaSettings", place: StorePlace) -> None:
        self.settings = own
        self._root = own.folder / place.prefix / place.export

    def kept(self, sessions: Sequence[date]) -> list[date]:
        """The newest, or all."""
        keep = self.settings.keep_sessions
        return list(sessions if keep is None else sessions[-keep:])

    def require_exportable(self, table: ExportedTable) -> None:
        """Refuse what has no sessions, or types that Delta can't hold."""
        if table.schema.get("session") != pl.Date:
            raise SettingsError(f"{table.asset} has no column session, by which its table would be partitioned: take it out of assets")
        for name, kind in table.schema.items():
            if stored_type(kind) is None or name == ROW:
                raise SettingsError(f"{table.asset}.{name} is {kind}, which a Delta table can't hold: take {table.asset} out of assets")

    def schema_text(self, tables: Sequence[ExportedTable]) -> str:
        """Tables and columns."""
        lines: list[str] = []
        for table in tables:
            lines += [f"pl.scan_delta({str(self._root / table.asset)!r})"]
            lines += [f"    {name}: {stored_type(kind)}  {table.told.get(name, '')}".rstrip() for name, kind in table.schema.items()]
            lines += [""]
        return "\n".join(lines).rstrip()

    @contextmanager
    def connected(self) -> Iterator["DeltaConnection"]:
        """The folder, made where it is not there."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnreachableError(f"{self._root} can't be made ({error.strerror}): correct the folder of the export") from error
        connection = DeltaConnection(self._root, self.settings)
        yield connection
        connection.tidy()


class DeltaConnection:
    """The tables, open."""

    def __init__(self, root: Path, own: "DeltaSettings") -> None:
        self._root, self._own = root, own
        self._lock = FileLock(root / ".lock")
        self._replaced = False

    def prepare(self, tables: Sequence[ExportedTable]) -> None:
        """Nothing: a table is made with its first session, and gains the columns that a contract has gained."""

    def write(self, partitions: Sequence[ExportedPartition], *, again: bool = False) -> int | None:
        """Replace a session of each asset; how many rows, None where they are there in these versions."""
        for one in partitions:
            _require_rows(one)
        if not partitions:
            return None
        with self._lock, _explained(self._root):
            session, versions = partitions[0].session, pl.DataFrame([_version_row(one) for one in partitions], schema=_VERSION_SCHEMA)
            before = self._versions(session)
            if not again and before.sort("asset").equals(versions.sort("asset")):
                return None
            for one in partitions:
                rows = one.current.rows
                stored = rows.with_columns(_encoded(name, kind) for name, kind in rows.schema.items()).with_row_index(ROW)
                self._replace(one.asset, session, stored.with_columns(pl.col(ROW).cast(pl.Int64)))
            kept = before.filter(~pl.col("asset").is_in(versions["asset"].to_list()))
            self._replace(VERSIONS, session, pl.concat([kept, versions]))
            self._replaced = True
        return sum(one.current.rows.height for one in partitions)

    def read(self, table: ExportedTable, session: date, columns: Sequence[str]) -> ExportedPartition | None:
        """A session as its table has it."""
        with self._lock, _explained(self._root):
            told = self._versions(session).filter(asset=table.asset).to_dicts()
            if not told:
                return None
            kinds = {name: _type_of(kind) for name, kind in json.loads(told[0]["columns"])}
            rows = self._of(table.asset, session).sort(ROW)
        there = [name for name in kinds if name in rows.columns]
        rows = rows.select(_decoded(name, kinds[name]) for name in there)
        version = ExportedVersion(
            known_at=told[0]["known_at"],
            data_version=told[0]["data_version"],
            code_version=told[0]["code_version"],
            model_version=told[0]["model_version"],
            rows=rows.select(columns) if set(columns) <= set(there) else rows,
        )
        return ExportedPartition(asset=table.asset, session=session, current=version)

    def remarks(self) -> list[str]:
        """Nothing: a folder drops nothing by itself."""
        return []

    def tidy(self) -> None:
        """Drop sessions beyond those that are kept, and files of versions that nobody is to read any more."""
        if not self._replaced:
            return
        with self._lock, _explained(self._root):
            names = sorted(path.name for path in self._root.iterdir() if path.is_dir() and DeltaTable.is_deltatable(str(path)))
            if self._own.keep_sessions is not None:
                sessions = pl.read_delta(str(self._root / VERSIONS), columns=["session"])["session"].unique().sort()
                if len(sessions) > self._own.keep_sessions:
                    first = sessions[-self._own.keep_sessions]
                    for name in names:
                        DeltaTable(str(self._root / name)).delete(f"session < '{first}'")
            for name in names if self._own.travel_hours is not None else ():
                hours = self._own.travel_hours
                DeltaTable(str(self._root / name)).vacuum(retention_hours=hours, enforce_retention_duration=False, dry_run=False)

    def _versions(self, session: date) -> pl.DataFrame:
        return self._of(VERSIONS, session).select(_VERSION_SCHEMA.names()) if self._is_there(VERSIONS) else _VERSION_SCHEMA.to_frame()

    def _of(self, name: str, session: date) -> pl.DataFrame:
        return pl.scan_delta(str(self._root / name)).filter(session=session).collect()

    def _is_there(self, name: str) -> bool:
        return DeltaTable.is_deltatable(str(self._root / name))

    def _replace(self, name: str, session: date, rows: pl.DataFrame) -> None:
        how: dict[str, Any] = {"mode": "append"}
        if self._is_there(name):
            how = {"mode": "overwrite", "predicate": f"session = '{session}'", "schema_mode": "merge"}
        write_deltalake(str(self._root / name), rows, partition_by=["session"], **how)


def stored_type(kind: pl.DataType) -> pl.DataType | None:
    """What a column is in a Delta table; None where there is nothing that holds its values.

    Examples
    --------
    >>> stored_type(pl.UInt32()), stored_type(pl.Float32()), stored_type(pl.Duration()) is None
    (Int64, Float32, True)
    """
    if isinstance(kind, pl.List):
        inner = kind.inner if isinstance(kind.inner, pl.DataType) else kind.inner()
        return kind if inner in _PLAIN else None
    return _STORED.get(kind, kind if kind in _PLAIN or kind in _TIMES else None)


def _encoded(name: str, kind: pl.DataType) -> pl.Expr:
    wanted = stored_type(kind) or kind
    return pl.col(name).to_physical().alias(name) if isinstance(kind, pl.Datetime) and wanted == pl.Int64 else pl.col(name).cast(wanted)


def _decoded(name: str, kind: pl.DataType) -> pl.Expr:
    return pl.col(name).cast(kind)


def _version_row(one: ExportedPartition) -> dict[str, Any]:
    version = one.current
    columns = json.dumps([[name, str(kind)] for name, kind in version.rows.schema.items()])
    return {
        "asset": one.asset,
        "session": one.session,
        "data_version": version.data_version,
        "code_version": version.code_version,
        "model_version": version.model_version,
        "known_at": version.known_at,
        "columns": columns,
    }


def _type_of(text: str) -> pl.DataType:
    """The type of that name."""
    known = [*_STORED, *_PLAIN, *_TIMES]
    return next(kind for kind in (*known, *(pl.List(inner) for inner in known)) if str(kind) == text)


def _require_rows(one: ExportedPartition) -> None:
    """Refuse, before anything is written, what the tables can't hold."""
    rows = one.current.rows
    for name, kind in rows.schema.items():
        if stored_type(kind) is None:
            raise ExportError(f"{one.asset} {one.session} has {name} of the type {kind}, which a Delta table can't hold")
    if rows.filter(pl.col("session") != one.session).height:
        raise ExportError(f"{one.asset} {one.session} has rows of another session: make it again with ats stale --heal")
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    if texts and rows.select(pl.any_horizontal(pl.col(texts).str.contains("\0", literal=True).any())).item():
        raise ExportError(f"{one.asset} {one.session} has a text with a zero byte, which readers of Delta cut off")


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError, pl.exceptions.PolarsError) as error:
        text = str(error).split("\n", maxsplit=1)[0][:200]
        raise ExportError(
            f"the Delta tables in {root} can't be read or written ({text}): make room, or delete the folder of the table, then refill it"
        ) from error
