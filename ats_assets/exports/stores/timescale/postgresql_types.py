"""The types of columns: as contracts have them, as PostgreSQL has them, and how a value is written in COPY's binary form."""

from dataclasses import dataclass

import polars as pl

POSTGRES_EPOCH_DAYS = 10_957
"""From 1970-01-01 to 2000-01-01, from where PostgreSQL counts."""
POSTGRES_EPOCH_MICROSECONDS = POSTGRES_EPOCH_DAYS * 86_400_000_000


@dataclass(frozen=True)
class ColumnType:
    """A type.

    Attributes
    ----------
    sql
        As PostgreSQL names it.
    binary
        NumPy's type of a value in COPY, big-endian; empty where values differ in length.
    shift
        What is taken away from a value of ours.
    remark
        What the column's comment says of it.
    """

    sql: str
    binary: str = ""
    shift: int = 0
    remark: str = ""


_TYPES: tuple[tuple[pl.DataType, ColumnType], ...] = (
    (pl.Boolean(), ColumnType("boolean", "u1")),
    (pl.Int8(), ColumnType("smallint", ">i2")),
    (pl.Int16(), ColumnType("smallint", ">i2")),
    (pl.UInt8(), ColumnType("smallint", ">i2")),
    (pl.Int32(), ColumnType("integer", ">i4")),
    (pl.UInt16(), ColumnType("integer", ">i4")),
    (pl.Int64(), ColumnType("bigint", ">i8")),
    (pl.UInt32(), ColumnType("bigint", ">i8")),
    (pl.Float32(), ColumnType("real", ">f4")),
    (pl.Float64(), ColumnType("double precision", ">f8")),
    (pl.Date(), ColumnType("date", ">i4", POSTGRES_EPOCH_DAYS)),
    (pl.Datetime("us", "UTC"), ColumnType("timestamp with time zone", ">i8", POSTGRES_EPOCH_MICROSECONDS)),
    (pl.Datetime("ns", "UTC"), ColumnType("bigint", ">i8", remark="nanoseconds since 1970-01-01 UTC")),
    (pl.String(), ColumnType("text")),
    (pl.List(pl.Float64()), ColumnType("double precision[]")),
    (pl.List(pl.String()), ColumnType("text[]")),
)


def column_type(dtype: pl.DataType) -> ColumnType | None:
    """The type of a column in PostgreSQL; None where there is none that keeps each value as it is.

    Examples
    --------
    >>> column_type(pl.UInt32()).sql, column_type(pl.UInt64())
    ('bigint', None)
    """
    return next((found for known, found in _TYPES if known == dtype), None)
