"""The data version of a partition: of its content alone, whatever Parquet makes of it."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

TEXTS_AT_ONCE = 262_144
"""Texts that are Python objects at once; how many does not change the version."""
FLOATS = frozenset({pl.Float32(), pl.Float64()})


def data_version(frame: pl.DataFrame) -> str:
    """SHA-256 (hex) of a frame's content: names, types, and values in order; NaN is one value, null another.

    Parameters
    ----------
    frame
        Columns of booleans, numbers, dates, strings or lists of them.
    """
    digest = hashlib.sha256(f"{frame.height}".encode())
    for column, dtype in zip(frame.iter_columns(), frame.dtypes, strict=True):
        digest.update(f"|{column.name}:{_name(dtype)}|".encode())
        _digest_values(digest, column, dtype)
    return digest.hexdigest()


def data_versions(frame: pl.DataFrame, heights: Sequence[int]) -> list[str]:
    """The `data_version` of each part of a frame that is cut into parts of so many rows, in order: each column is taken out of the frame once, and not once a part.

    Raises
    ------
    ValueError
        If the parts are not the whole frame.

    Examples
    --------
    >>> frame = pl.DataFrame({"symbol": ["A", "B", "A"], "close": [1.0, float("nan"), 2.0]})
    >>> data_versions(frame, [2, 1]) == [data_version(frame[:2]), data_version(frame[2:])]
    True
    """
    ends = [0, *np.cumsum(heights, dtype=np.int64).tolist()]
    if ends[-1] != frame.height:
        raise ValueError(f"parts of {ends[-1]} rows are not a frame of {frame.height}")
    digests = [hashlib.sha256(f"{height}".encode()) for height in heights]
    for column, dtype in zip(frame.iter_columns(), frame.dtypes, strict=True):
        name, spans = f"|{column.name}:{_name(dtype)}|".encode(), pairwise(ends)
        if column.null_count() or isinstance(dtype, pl.List):
            for digest, (first, end) in zip(digests, spans, strict=True):
                digest.update(name)
                _digest_values(digest, column.slice(first, end - first), dtype)
        elif dtype == pl.String:
            lengths, texts = column.str.len_bytes().to_numpy().tobytes(), column.to_list()
            for digest, (first, end) in zip(digests, spans, strict=True):
                digest.update(name + lengths[4 * first : 4 * end])
                digest.update("".join(texts[first:end]).encode())
        else:
            values = _numbers(column, dtype)
            size, content = values.itemsize, memoryview(values.tobytes())
            for digest, (first, end) in zip(digests, spans, strict=True):
                digest.update(name)
                digest.update(content[size * first : size * end])
    return [digest.hexdigest() for digest in digests]


@lru_cache(maxsize=256)
def _name(dtype: pl.DataType) -> str:
    return str(dtype)


def _digest_values(digest: "hashlib._Hash", column: pl.Series, dtype: pl.DataType) -> None:
    if column.null_count():
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        column = column.drop_nulls()
    if isinstance(dtype, pl.List):
        digest.update(column.list.len().to_numpy().tobytes())
        inner = column.explode(empty_as_null=False, keep_nulls=False)
        _digest_values(digest, inner, inner.dtype)
    elif dtype == pl.String:
        digest.update(column.str.len_bytes().to_numpy().tobytes())
        for first in range(0, len(column), TEXTS_AT_ONCE):
            digest.update("".join(column.slice(first, TEXTS_AT_ONCE).to_list()).encode())
    else:
        digest.update(_numbers(column, dtype).tobytes())


def _numbers(column: pl.Series, dtype: pl.DataType) -> "np.ndarray[Any, Any]":
    """The values of a column without nulls: floats as they are but for NaN, which is one value; all else as whole numbers of 64 bits."""
    if dtype not in FLOATS and not dtype.is_float():
        return column.to_physical().cast(pl.Int64).to_numpy()
    values = column.to_numpy()
    nan = np.isnan(values)
    return np.where(nan, values.dtype.type(np.nan), values) if nan.any() else values
