"""Days of which Binance's dumps of daily bars should have a bar and have none: a dump that was never published, or a month with too few lines."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.file_rows import FileFacts, FileRows
from ats_assets.sources.dump_names import DAILY, Dump, dump
from ats_assets.sources.missing_days import missing_days


def dump_holes(files: Sequence[FileFacts], rows: FileRows) -> list[ReaderChoice]:
    """A warning that names them, where there are some. Only files with another number of lines than days are looked into."""
    there: dict[str, set[date]] = {}
    for number, file in enumerate(files):
        found = dump(file.file.stem)
        if found is not None and found.what == DAILY:
            there.setdefault(found.symbol, set()).update(found.days if file.n_rows == len(found.days) else _days(found, number, rows))
    missing = missing_days(there)
    if not missing:
        return []
    taken = f"days without a bar in Binance's dumps, for which nothing is put in: {'; '.join(missing)}"
    return [ReaderChoice(taken=taken, setting="download the dumps of these days, or take them from another source", is_doubtful=True)]


def _days(found: Dump, number: int, rows: FileRows) -> list[date]:
    return rows.rows(found.days).filter(pl.col("file") == number)["date"].drop_nulls().to_list()
