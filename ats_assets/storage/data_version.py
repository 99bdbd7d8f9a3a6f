"""The data version of a partition: of its content alone, whatever Parquet makes of it."""

import hashlib
from functools import lru_cache

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


@lru_cache(maxsize=256)
def _name(dtype: pl.DataType) -> str:
    return str(dtype)


def _digest_values(digest: "hashlib._Hash", column: pl.Series, dtype: pl.DataType) -> None:
    if column.null_count():
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        column = column.drop_nulls()
    if dtype in FLOATS or dtype.is_float():
        values = column.to_numpy()
        nan = np.isnan(values)
        digest.update(np.where(nan, values.dtype.type(np.nan), values).tobytes() if nan.any() else values.tobytes())
    elif isinstance(dtype, pl.List):
        digest.update(column.list.len().to_numpy().tobytes())
        inner = column.explode(empty_as_null=False, keep_nulls=False)
        _digest_values(digest, inner, inner.dtype)
    elif dtype == pl.String:
        digest.update(column.str.len_bytes().to_numpy().tobytes())
        for first in range(0, len(column), TEXTS_AT_ONCE):
            digest.update("".join(column.slice(first, TEXTS_AT_ONCE).to_list()).encode())
    else:
        digest.update(column.to_physical().cast(pl.Int64).to_numpy().tobytes())
