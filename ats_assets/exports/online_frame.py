"""Partitions as rows of the online store, and back: what of it knows Polars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import ExportError
from ats_assets.exports.online_layout import HEAD, ROW, SESSION, SYMBOL, TYPES, Head, missing_values, packed_rows
from ats_assets.exports.store import ExportedPartition

_BY_NAME: Mapping[str, Any] = {
    "Datetime us UTC": pl.Datetime("us", "UTC"),
    "Datetime ns UTC": pl.Datetime("ns", "UTC"),
    **{name: getattr(pl, name) for name in TYPES if not name.startswith("Datetime")},
}


@dataclass(frozen=True, kw_only=True)
class OnlinePartition:
    """A partition as the fields of its hash, without those of the head, which says when it expires."""

    head: Head
    rows: Mapping[bytes, bytes]

    def fields(self) -> dict[bytes, bytes]:
        """All fields."""
        return {HEAD: self.head.encoded(), **self.rows}


def type_name(dtype: pl.DataType) -> str:
    """How the head names the type of a column; empty where a row can't hold it.

    Examples
    --------
    >>> type_name(pl.Float32()), type_name(pl.Datetime("us", "UTC")), type_name(pl.List(pl.String))
    ('Float32', 'Datetime us UTC', '')
    """
    return next((name for name, known in _BY_NAME.items() if dtype == known), "")


def online_partition(partition: ExportedPartition, expires_at: float) -> OnlinePartition:
    """The fields of a partition.

    Raises
    ------
    ExportError
        If it has not exactly one row a symbol.
    """
    rows, of = partition.current.rows, f"{partition.asset} {partition.session}"
    symbols = rows[SYMBOL]
    if symbols.null_count() or symbols.n_unique() != rows.height:
        twice = symbols.filter(symbols.is_duplicated())
        raise ExportError(
            f"{of} has {twice.len()} rows of {twice[0]}, and the online store holds one a symbol: take {partition.asset} out of its assets"
        )
    if rows.filter(pl.col(SESSION) != partition.session).height:
        raise ExportError(f"{of} has rows of other sessions: it can't be exported")
    stored = [column for column in rows.get_columns() if column.name not in {SYMBOL, SESSION}]
    texts = {column.name: tuple(column.drop_nulls().unique(maintain_order=True)) for column in stored if column.dtype == pl.String}
    head = Head(
        asset=partition.asset,
        session=partition.session,
        data_version=partition.current.data_version,
        code_version=partition.current.code_version,
        model_version=partition.current.model_version,
        known_at=partition.current.known_at,
        expires_at=expires_at,
        rows=rows.height,
        columns=tuple((name, type_name(dtype)) for name, dtype in rows.schema.items()),
        texts=texts,
    )
    nulls = {column.name: column.is_null().to_numpy() for column in stored if column.null_count()}
    made = packed_rows(head, {column.name: _values(column, texts) for column in stored}, nulls)
    return OnlinePartition(head=head, rows={ROW + symbol.encode(): row for symbol, row in zip(symbols, made, strict=True)})


def frame_of(head: Head, symbols: Sequence[str], array: NDArray[Any]) -> pl.DataFrame:
    """Rows as the warehouse has them."""
    missing = missing_values(head, array)
    places = {name: j for j, (name, _) in enumerate(head.stored_columns)}
    made: list[pl.Series] = []
    for name, kind in head.columns:
        if name == SYMBOL:
            made.append(pl.Series(name, symbols, dtype=pl.String))
        elif name == SESSION:
            made.append(pl.Series(name, [head.session], dtype=pl.Date).new_from_index(0, len(symbols)))
        else:
            values = _column(head, name, kind, array[name])
            absent = pl.Series(missing[:, places[name]])
            made.append(values.set(absent, None) if absent.any() else values)
    return pl.DataFrame(made)


def _values(column: pl.Series, texts: Mapping[str, Sequence[str]]) -> NDArray[Any]:
    """Physical values, zero where they are null."""
    if column.dtype == pl.String:
        numbers = {text: i for i, text in enumerate(texts[column.name])}
        return np.array([numbers.get(text, 0) for text in column.to_list()], dtype=np.uint32)
    physical = column.to_physical()
    return (physical.fill_null(value=False) if column.dtype == pl.Boolean else physical.fill_null(0)).to_numpy()


def _column(head: Head, name: str, kind: str, values: NDArray[Any]) -> pl.Series:
    if kind == "String":
        texts = head.texts[name]
        return pl.Series(name, [texts[i] if texts else None for i in values.tolist()], dtype=pl.String)
    if kind == "Boolean":
        return pl.Series(name, values.astype(np.bool_))
    plain = pl.Series(name, np.ascontiguousarray(values))
    return plain.cast(_BY_NAME[kind])
