"""Massive's flat files: a file a day and dataset, at `us_stocks_sip/day_aggs_v1/2024/03/2024-03-07.csv.gz` below a folder, or at its server under the same key.

A file holds all tickers of a day of New York, sorted by ticker. It is read a block at a time, since quotes of a day are a hundred gigabytes, and each cell as it is written. A line with
another number of cells than the header is a row whose `defects` say so. A file that ends too early is an error: half a day is not a day.

Massive puts a day's files up by about 11:00 of the next day, and may put them up again.
"""

import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ats_assets.errors import SourceError
from ats_assets.vendors.massive.s3_objects import S3Objects

Dataset = Literal[
    "us_stocks_sip/day_aggs_v1",
    "us_stocks_sip/minute_aggs_v1",
    "us_stocks_sip/trades_v1",
    "us_stocks_sip/quotes_v1",
    "us_options_opra/day_aggs_v1",
    "us_options_opra/quotes_v1",
]
BLOCK_BYTES: Final = 16 << 20
_DAMAGE: Final = (pa.ArrowException, OSError, EOFError, zlib.error)


class FlatFiles:
    """Flat files in a folder, those that are not there downloaded first where there is a server.

    Parameters
    ----------
    folder
        In the layout of Massive's bucket.
    objects
        The bucket; None: what is not in the folder is not there.
    """

    def __init__(self, folder: Path, objects: S3Objects | None = None) -> None:
        self.folder = folder
        self._objects = objects

    def days(self, dataset: Dataset) -> list[date]:
        """The days that the folder has a file of, ascending."""
        found = (_day_of(path) for path in (self.folder / dataset).glob("*/*/*.csv.gz"))
        return sorted(day for day in found if day is not None)

    @property
    def downloads(self) -> bool:
        """Whether a file that is not in the folder may come from a server."""
        return self._objects is not None

    def file(self, dataset: Dataset, day: date) -> Path | None:
        """The file of a day, downloaded if it has to be; None where there is none: no trading on that day, or not delivered.

        Raises
        ------
        VendorError, SettingsError
            If it can't be downloaded.
        """
        key = object_key(dataset, day)
        path = self.folder / key
        if path.is_file():
            return path
        return self._objects.download(key, path) if self._objects else None

    def blocks(self, dataset: Dataset, day: date, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some columns of a day's file, block by block: every cell as a text, empty ones null, and `defects`.

        Raises
        ------
        SourceError
            If it is damaged or truncated, or lacks a column.
        """
        path = self.file(dataset, day)
        if path is None:
            return
        wrong: list[str] = []

        def kept(row: arrow_csv.InvalidRow) -> str:
            wrong.append((row.text or "")[:60])
            return "skip"

        how = {
            "read_options": arrow_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            "parse_options": arrow_csv.ParseOptions(invalid_row_handler=kept),
            "convert_options": arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns), null_values=[""], strings_can_be_null=True
            ),
        }
        try:
            with pa.input_stream(path) as stream, arrow_csv.open_csv(stream, **how) as reader:  # pyright: ignore[reportArgumentType]
                for batch in reader:
                    yield pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch]))).with_columns(defects=pl.lit(None, pl.String))
        except KeyError as error:
            raise SourceError(f"{path} is no file of {dataset}: it lacks {error}. Deliver it again, or remove it") from error
        except _DAMAGE as error:
            told = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise SourceError(f"{path} can't be read, it may be truncated ({told}): remove it, and deliver or download it again") from error
        if wrong:
            said = [f"line: {text!r} has another number of cells than the header" for text in wrong]
            yield (
                pl.DataFrame({"defects": said})
                .with_columns(pl.lit(None, pl.String).alias(name) for name in columns)
                .select(*columns, "defects")
            )


def object_key(dataset: Dataset, day: date) -> str:
    """Where a day's file lies.

    Examples
    --------
    >>> object_key("us_stocks_sip/day_aggs_v1", date(2024, 3, 7))
    'us_stocks_sip/day_aggs_v1/2024/03/2024-03-07.csv.gz'
    """
    return f"{dataset}/{day:%Y/%m}/{day}.csv.gz"


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.name.removesuffix(".csv.gz"))
    except ValueError:
        return None
