"""qlib's binary layout: calendars/day.txt, instruments/all.txt, and features/<symbol>/<field>.day.bin.

A .bin is little-endian float32: the position in the calendar of its first value, then a value for each session up to the last one with a row; NaN where there is none. Names
of folders and files are in lower case, as qlib looks for them.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import ExportError

BARS: Final = "bars"
"""The asset whose columns are qlib's own fields: $open, $close."""
_RESERVED: Final = {"con", "prn", "aux", "nul", *(f"{name}{i}" for name in ("com", "lpt") for i in range(10))}
"""Names that qlib writes otherwise, since Windows has no such files."""
_KEYS = ("symbol", "session")


def field_name(asset: str, column: str) -> str:
    """What qlib calls a column, after a dollar sign.

    Examples
    --------
    >>> field_name("bars", "close"), field_name("alpha158", "KMID")
    ('close', 'alpha158_kmid')
    """
    return (column if asset == BARS else f"{asset}_{column}").lower()


def held_columns(schema: pl.Schema) -> list[str]:
    """The columns that a .bin can hold: numbers and booleans, those of other types than Float32 rounded to it."""
    return [name for name, dtype in schema.items() if name not in _KEYS and (dtype.is_numeric() or dtype == pl.Boolean)]


def symbol_folder(symbol: str) -> str:
    """The folder of a symbol.

    Examples
    --------
    >>> symbol_folder("AAPL"), symbol_folder("CON")
    ('aapl', '_qlib_con')
    """
    return f"_qlib_{symbol.lower()}" if symbol.lower() in _RESERVED else symbol.lower()


def require_folders(symbols: pl.Series, of: str) -> None:
    """Refuse rows whose symbols can't be names of folders.

    Raises
    ------
    ExportError
        If there is none, one twice, two that differ in case only, or one with a character that no file has.
    """
    names = symbols.to_list()
    wrong = [name for name in names if not name or name.startswith(".") or any(c in "/\\\t\n\r\0" for c in name)]
    if wrong:
        raise ExportError(f"{of} has the symbol {wrong[0]!r}, which can't be a folder of qlib's: leave the asset out of this export")
    if len({name.lower() for name in names}) < len(names):
        raise ExportError(f"{of} has a symbol twice, or two that differ in case only, which qlib can't tell apart: leave the asset out")


def write_files(folder: Path, days: Sequence[date], assets: Iterator[tuple[str, pl.DataFrame]]) -> None:
    """Write all files of some sessions into an empty folder.

    Parameters
    ----------
    assets
        The name of each asset and its rows of all sessions.
    """
    for name in ("calendars", "instruments", "features"):
        (folder / name).mkdir(parents=True)
    (folder / "calendars" / "day.txt").write_text("".join(f"{day}\n" for day in days), encoding="utf-8")
    spans: dict[str, tuple[date, date]] = {}
    for asset, rows in assets:
        for symbol, first, last in rows.group_by("symbol").agg(pl.min("session"), pl.max("session").alias("last")).iter_rows():
            known = spans.get(symbol, (first, last))
            spans[symbol] = min(first, known[0]), max(last, known[1])
        _write_asset(folder / "features", days, asset, rows)
    lines = [f"{symbol}\t{first}\t{last}\n" for symbol, (first, last) in sorted(spans.items())]
    (folder / "instruments" / "all.txt").write_text("".join(lines), encoding="utf-8")


def _write_asset(features: Path, days: Sequence[date], asset: str, rows: pl.DataFrame) -> None:
    columns = held_columns(rows.schema)
    position = {day: i for i, day in enumerate(days)}
    values = [pl.col(name).cast(pl.Float32).fill_null(float("nan")) for name in columns]
    placed = rows.select("symbol", pl.col("session").replace_strict(position, return_dtype=pl.Int64).alias("_at"), *values)
    for (symbol,), own in placed.sort("symbol", "_at").group_by("symbol", maintain_order=True):
        at = own["_at"].to_numpy()
        block = np.full((len(columns), at[-1] - at[0] + 2), np.nan, "<f4")
        block[:, 0] = at[0]
        for j, name in enumerate(columns):
            block[j, 1 + at - at[0]] = own[name].to_numpy()
        folder = features / symbol_folder(str(symbol))
        folder.mkdir(exist_ok=True)
        for j, name in enumerate(columns):
            (folder / f"{field_name(asset, name)}.day.bin").write_bytes(block[j].tobytes())


class BinaryFields:
    """Reads fields of a folder; each file once."""

    def __init__(self, folder: Path) -> None:
        self._features = folder / "features"
        self._days = {line: i for i, line in enumerate((folder / "calendars" / "day.txt").read_text(encoding="utf-8").split())}
        self._read: dict[tuple[str, str], NDArray[np.float32]] = {}

    def values(self, asset: str, column: str, symbols: Sequence[str], session: date) -> pl.Series:
        """The values of a column in the rows of some symbols; NaN where a file has none."""
        at = self._days.get(str(session), -1)
        field = field_name(asset, column)
        return pl.Series(column, [self._value(symbol_folder(symbol), field, at) for symbol in symbols], dtype=pl.Float32)

    def _value(self, folder: str, field: str, at: int) -> Any:
        key = folder, field
        if key not in self._read:
            path = self._features / folder / f"{field}.day.bin"
            self._read[key] = np.fromfile(path, "<f4") if path.is_file() else np.empty(0, "<f4")
        values = self._read[key]
        place = at - int(values[0]) + 1 if len(values) else 0
        return values[place] if at >= 0 and 1 <= place < len(values) else np.float32(np.nan)
