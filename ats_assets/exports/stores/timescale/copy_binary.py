"""Frames as the bytes of `COPY … FROM STDIN (FORMAT BINARY)`, column by column instead of value by value.

A tuple is the number of its fields, and of each field its length and its value, or the length -1 where it is null. All tuples of a block are laid out in one matrix, each
field as wide as its widest value; then what is not used of it is left out by a mask.
"""

import struct
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import ExportError
from ats_assets.exports.stores.timescale.postgresql_types import ColumnType, column_type

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
BLOCK_BYTES = 16_777_216
"""Of a block's matrix, about."""
_FLOAT8, _TEXT = 701, 25
"""Types of the elements of lists, as PostgreSQL numbers them."""
_Field = tuple[NDArray[np.uint8], NDArray[np.int32]]
"""The values of a column, shape (rows, widest), and how many bytes of each count: -1 where it is null."""


def copy_blocks(frame: pl.DataFrame, constants: Sequence[bytes] = ()) -> Iterator[bytes]:
    """All bytes of a frame, block by block.

    Parameters
    ----------
    constants
        Fields behind those of the frame, the same in each row.

    Raises
    ------
    ExportError
        If a text has a character that PostgreSQL can't store.
    """
    yield HEADER
    tail = b"".join(struct.pack(">i", len(value)) + value for value in constants)
    count = len(frame.columns) + len(constants)
    wide = 2 + len(tail) + sum(4 + _width(column) for column in frame.iter_columns())
    rows = max(1, BLOCK_BYTES // wide)
    for first in range(0, frame.height, rows):
        yield _block(frame.slice(first, rows), count, tail)
    yield TRAILER


def _block(frame: pl.DataFrame, count: int, tail: bytes) -> bytes:
    fields = [_field(column) for column in frame.iter_columns()]
    height, width = frame.height, 2 + len(tail) + sum(4 + values.shape[1] for values, _ in fields)
    tuples = np.empty((height, width), dtype=np.uint8)
    used: NDArray[np.bool_] | None = None
    tuples[:, :2] = np.frombuffer(struct.pack(">h", count), dtype=np.uint8)
    at = 2
    for values, lengths in fields:
        widest = values.shape[1]
        tuples[:, at : at + 4] = lengths.astype(">i4").view(np.uint8).reshape(height, 4)
        tuples[:, at + 4 : at + 4 + widest] = values
        if (lengths != widest).any():
            if used is None:
                used = np.ones((height, width), dtype=np.bool_)
            used[:, at + 4 : at + 4 + widest] = np.arange(widest) < lengths[:, None]
        at += 4 + widest
    tuples[:, at:] = np.frombuffer(tail, dtype=np.uint8)
    return (tuples if used is None else tuples[used]).tobytes()


def _width(column: pl.Series) -> int:
    """Of the widest value, in bytes."""
    kind = _kind(column)
    if kind.binary:
        return np.dtype(kind.binary).itemsize
    if column.dtype == pl.String:
        longest = column.str.len_bytes().max()
    else:
        longest = max((len(value) for value in map(_array_bytes, column) if value is not None), default=0)
    return int(longest) if isinstance(longest, int) else 0


def _kind(column: pl.Series) -> ColumnType:
    kind = column_type(column.dtype)
    if kind is None:
        raise ExportError(f"the column {column.name} is of type {column.dtype}, which can't be exported")
    return kind


def _field(column: pl.Series) -> _Field:
    kind = _kind(column)
    if not kind.binary:
        return _varying(column)
    physical = column if column.dtype.is_numeric() or column.dtype == pl.Boolean else column.to_physical()
    filled = (physical.fill_null(value=False) if column.dtype == pl.Boolean else physical.fill_null(0)) if column.null_count() else physical
    values = filled.to_numpy()
    plain = (values - kind.shift if kind.shift else values).astype(kind.binary)
    width = plain.itemsize
    lengths = np.full(len(column), width, dtype=np.int32)
    if column.null_count():
        lengths[column.is_null().to_numpy()] = -1
    return plain.view(np.uint8).reshape(len(column), width), lengths


def _varying(column: pl.Series) -> _Field:
    """Texts and lists: their bytes beneath each other, each padded to the longest."""
    if column.dtype == pl.String:
        joined = "".join(column.drop_nulls().to_list()).encode()
        if b"\0" in joined:
            raise ExportError(f"the column {column.name} has a text with the character NUL, which PostgreSQL can't store")
        lengths = column.str.len_bytes().cast(pl.Int32).fill_null(-1).to_numpy().copy()
    else:
        coded = [_array_bytes(value) for value in column]
        joined = b"".join(value for value in coded if value is not None)
        lengths = np.array([-1 if value is None else len(value) for value in coded], dtype=np.int32)
    widest = max(0, int(lengths.max(initial=0)))
    values = np.zeros((len(column), widest), dtype=np.uint8)
    values[np.arange(widest) < lengths[:, None]] = np.frombuffer(joined, dtype=np.uint8)
    return values, lengths


def _array_bytes(value: pl.Series | None) -> bytes | None:
    """A list as PostgreSQL's binary form of a one-dimensional array."""
    if value is None:
        return None
    kind = _FLOAT8 if value.dtype == pl.Float64 else _TEXT
    if not len(value):
        return struct.pack(">iii", 0, 0, kind)
    parts = [struct.pack(">iiiii", 1, int(value.null_count() > 0), kind, len(value), 1)]
    for one in value.to_list():
        coded = b"" if one is None else struct.pack(">d", one) if kind == _FLOAT8 else one.encode()
        parts.append(struct.pack(">i", -1 if one is None else len(coded)) + coded)
    return b"".join(parts)
