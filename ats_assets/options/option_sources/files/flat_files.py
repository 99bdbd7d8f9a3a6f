"""Flat files of Massive's (formerly Polygon): day aggregates and quotes of all options of a day, a block at a time, for a file of quotes is far larger than memory.

What is in memory is a block and the last quote of each contract. Of quotes the last one before the close counts, by its time and then by its place in the file: it is what stood at the close.
"""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv as arrow_csv

from ats_assets.options.option_sources.files.chain_columns import ChainColumns
from ats_assets.options.option_sources.files.chain_rows import ChainReader

BLOCK_BYTES: Final = 16 << 20


def flat_file_rows(
    path: Path, columns: ChainColumns, reader: ChainReader, underlyings: tuple[str, ...], *, day: date, closes: datetime
) -> pl.DataFrame:
    """The rows of the day that the file's name says: of aggregates all, of quotes the last one of each contract before the close.

    Parameters
    ----------
    underlyings
        Only these; none: all.

    Raises
    ------
    pyarrow.ArrowException, OSError
        If the file is damaged.
    """
    parts: list[pl.DataFrame] = []
    for block in _blocks(path, list(columns.names.values()), columns.names["contract"]):
        root = pl.col(columns.names["contract"]).str.strip_prefix("O:").str.head(-15)
        rows = reader.rows(block.filter(root.is_in(list(underlyings))) if underlyings else block)
        if columns.format == "massive_quotes":
            parts = [_last([*parts, rows.filter(pl.col("quoted_at").is_null() | (pl.col("quoted_at") <= closes))])]
        else:
            parts.append(rows)
    made = pl.concat(parts) if parts else reader.rows(pl.DataFrame(schema=dict.fromkeys(columns.names.values(), pl.String)))
    return made.with_columns(date=pl.coalesce("date", pl.lit(day)) if "date" in columns.names else pl.lit(day))


def _last(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).sort("quoted_at", nulls_last=False, maintain_order=True).unique("contract", keep="last", maintain_order=True)


def _blocks(path: Path, columns: list[str], first: str) -> Iterator[pl.DataFrame]:
    """The file's cells as they are written; a line of another length than the others is a row with what it holds as its contract, which is none."""
    if path.suffix.lower() in {".parquet", ".pq"}:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=columns):
                yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
        return
    wrong: list[str] = []

    def kept(row: arrow_csv.InvalidRow) -> str:
        wrong.append((row.text or "")[:60])
        return "skip"

    how = {
        "read_options": arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
        "parse_options": arrow_csv.ParseOptions(invalid_row_handler=kept),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), include_columns=columns, null_values=[""], strings_can_be_null=True
        ),
    }
    with pa.input_stream(path) as stream, arrow_csv.open_csv(stream, **how) as reader:  # pyright: ignore[reportArgumentType]
        for batch in reader:
            yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
    if wrong:
        yield pl.DataFrame(
            {name: wrong if name == first else [None] * len(wrong) for name in columns}, schema=dict.fromkeys(columns, pl.String)
        )
