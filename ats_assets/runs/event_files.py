"""Events in files: CSV and Parquet."""

from pathlib import Path
from typing import Final, cast

import polars as pl
from polars.exceptions import PolarsError

from ats_assets.errors import FeatureError
from ats_assets.storage.atomic_file import replace_file

ENDINGS: Final = (".parquet", ".csv")
_ZONE = r"(?:Z|[+-]\d{2}:?\d{2})$"


def read_events(path: Path) -> pl.DataFrame:
    """The events of a file. In a CSV `time` is ISO 8601 with its distance from UTC, `session` a date, and `symbol` a text whatever it looks like.

    Raises
    ------
    FeatureError
        If the file is not there or can't be read, or a time or date in it is none.
    """
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path, hive_partitioning=False)
        if path.suffix != ".csv":
            raise FeatureError(f"{path} must end with {' or '.join(ENDINGS)}")
        texts = pl.Schema(dict.fromkeys(("symbol", "time", "session"), pl.String))
        frame = pl.read_csv(path, schema_overrides=texts, infer_schema_length=None)
    except (PolarsError, OSError) as error:
        raise FeatureError(f"{path} can't be read ({error}): name a file of Parquet, or of CSV with a line of headings") from error
    if "time" in frame.columns:
        return frame.with_columns(_times(path, frame["time"]))
    return frame.with_columns(_dates(path, frame["session"])) if "session" in frame.columns else frame


def write_events(path: Path, frame: pl.DataFrame) -> None:
    """Replace a file whole, in the form that its ending says."""
    replace_file(path, frame.write_parquet if path.suffix == ".parquet" else frame.write_csv)


def _times(path: Path, texts: pl.Series) -> pl.Series:
    stripped = texts.str.strip_chars()
    naive = stripped.is_not_null() & ~stripped.str.contains(_ZONE)
    if naive.any():
        line, text = _first(texts, naive)
        raise FeatureError(
            f"{path}, line {line}: the time {text!r} does not say how far it is from UTC, so that nobody can say what was known then: "
            "write it as 2024-03-01T14:30:00Z or 2024-03-01T09:30:00-05:00"
        )
    times = stripped.str.replace(" ", "T").str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    _require_read(path, texts, times, "time", "2024-03-01T14:30:00Z")
    return times


def _dates(path: Path, texts: pl.Series) -> pl.Series:
    dates = texts.str.strip_chars().str.to_date("%Y-%m-%d", strict=False)
    _require_read(path, texts, dates, "session", "2024-03-01")
    return dates


def _require_read(path: Path, texts: pl.Series, read: pl.Series, column: str, form: str) -> None:
    lost = texts.is_not_null() & read.is_null()
    if lost.any():
        line, text = _first(texts, lost)
        raise FeatureError(f"{path}, line {line}: {column} is {text!r}, which can't be read: write it as {form}")


def _first(texts: pl.Series, which: pl.Series) -> tuple[int, str]:
    """The line, where no event takes several, and the text of the first of some events."""
    at = cast("int", which.arg_max())
    return at + 2, texts[at]
