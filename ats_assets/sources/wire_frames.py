"""From JSON rows as a vendor sends them to frames: each cell converted or, where it can't be, null and named in `defects`. No row is lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

Raw = Mapping[str, Sequence[Mapping[str, object]]]
"""Symbol -> rows, as they came."""
TEXTS = pl.List(pl.String)


@dataclass(frozen=True, kw_only=True)
class WireColumn:
    """One column: its name, its key on the wire, its type (a number, String, or `TEXTS`)."""

    name: str
    key: str
    dtype: pl.DataType | type[pl.DataType]


def to_frame(raw: Raw, columns: Sequence[WireColumn], *, label: str = "symbol") -> pl.DataFrame:
    """All rows, in the order of delivery.

    Returns
    -------
    DataFrame with `label` (the key that the row came under), the columns, and `defects`.

    Examples
    --------
    >>> columns = [WireColumn(name="close", key="c", dtype=pl.Float64)]
    >>> to_frame({"AAA": [{"c": 10.5}, {"c": "ten"}]}, columns).rows()
    [('AAA', 10.5, None), ('AAA', None, "close: 'ten' is not a number")]
    """
    pairs = list(_rows(raw))
    rows: list[Mapping[str, object]] = [row if isinstance(row, Mapping) else {} for _, row in pairs]
    defects = [None if isinstance(row, Mapping) else f"row: {str(row)[:60]!r} is no object" for _, row in pairs]
    made: list[pl.Series] = [pl.Series(label, [symbol for symbol, _ in pairs], dtype=pl.String)]
    for column in columns:
        cells: list[object] = [row.get(column.key) for row in rows]
        series, faults = _converted(column, cells)
        made.append(series)
        for i, fault in faults.items():
            defects[i] = fault if defects[i] is None else f"{defects[i]}; {fault}"
    return pl.DataFrame([*made, pl.Series("defects", defects, dtype=pl.String)])


def instants(text: pl.Expr) -> pl.Expr:
    """RFC 3339 with Z as nanoseconds in UTC; null where it is something else.

    Examples
    --------
    >>> times = pl.DataFrame({"t": ["2024-03-04T14:30:00.000000001Z", "yesterday"]})
    >>> times.select(instants(pl.col("t")).dt.epoch("ns"))["t"].to_list()
    [1709562600000000001, None]
    """
    return text.str.replace(r"Z$", "+00:00").str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="ns", time_zone="UTC", strict=False)


def without_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows that are equal in all columns are one row that came twice, on two pages; rows that differ in any stay."""
    return frame.unique(keep="first", maintain_order=True)


def _rows(raw: Raw) -> Iterator[tuple[str, object]]:
    for symbol in sorted(raw):
        for row in raw[symbol] or ():
            yield symbol, row


def _converted(column: WireColumn, cells: Sequence[object]) -> tuple[pl.Series, dict[int, str]]:
    try:
        if _plain(column, cells):
            return pl.Series(column.name, cells, dtype=column.dtype, strict=False), {}
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        pass
    kept: list[object] = []
    faults: dict[int, str] = {}
    for i, cell in enumerate(cells):
        value = _value(column, cell)
        if value is None and cell is not None:
            faults[i] = f"{column.name}: {str(cell)[:60]!r} is not {_wanted(column)}"
        kept.append(value)
    return pl.Series(column.name, kept, dtype=column.dtype, strict=False), faults


def _plain(column: WireColumn, cells: Sequence[object]) -> bool:
    """Whether all cells are of the types that need no look at each."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    if column.dtype == pl.String:
        return kinds <= {str}
    if column.dtype == TEXTS:
        return False
    return kinds <= ({int} if _whole(column) else {int, float})


def _value(column: WireColumn, cell: object) -> object:
    if column.dtype == pl.String:
        return cell if isinstance(cell, str) else None
    if column.dtype == TEXTS:
        texts = [cell] if isinstance(cell, str) else cell
        return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else None
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return None
    if _whole(column):
        return int(cell) if cell == cell // 1 and 0 <= cell < 2**63 else None
    try:
        return float(cell)
    except OverflowError:
        return None


def _whole(column: WireColumn) -> bool:
    return column.dtype == pl.Int64


def _wanted(column: WireColumn) -> str:
    if column.dtype == pl.String:
        return "a text"
    return "a list of texts" if column.dtype == TEXTS else "a whole number" if _whole(column) else "a number"


def unread(cell: pl.Expr, read: pl.Expr, name: str) -> pl.Expr:
    """What a cell holds that could not be read; null where it could, or where it is empty."""
    return pl.when(read.is_null() & cell.is_not_null()).then(pl.lit(f"{name}: '") + cell.str.slice(0, 40) + pl.lit("'"))
