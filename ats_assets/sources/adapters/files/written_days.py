"""Days as people and their programs write them, made into ISO dates, which `stamps` reads: 04/13/2021, 13.04.2021, Apr 13, 2021, 13-Apr-21, each with or without a time.

Whether the day or the month comes first is a matter of the file: a number above 12 says it. With points between them the day comes first, as wherever they are used.
Where no cell says it (03/04/2021 alone), it is an error: of the two readings one is silently wrong.
"""

from datetime import UTC, datetime
from typing import Final

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.written_numbers import ENOUGH

_NUMBERS: Final = r"^\s*(?P<a>\d{1,2})(?P<mark>[./-])(?P<b>\d{1,2})[./-](?P<year>\d{4}|\d{2})(?:[T,\s]\s*(?P<time>\d{1,2}:\d{2}.*?))?\s*$"
_DAY_MONTH: Final = (
    r"^\s*(?P<a>\d{1,2})[-\s/.]+(?P<b>[A-Za-z]{3,9})\.?[-\s/.,]+(?P<year>\d{4}|\d{2})(?:[T,\s]\s*(?P<time>\d{1,2}:\d{2}.*?))?\s*$"
)
_MONTH_DAY: Final = r"^\s*(?P<b>[A-Za-z]{3,9})\.?[-\s]+(?P<a>\d{1,2}),?[-\s]+(?P<year>\d{4})(?:[T,\s]\s*(?P<time>\d{1,2}:\d{2}.*?))?\s*$"
_COMPACT: Final = r"^\s*(\d{4})(\d{2})(\d{2})[T\s](\d{2}):?(\d{2})(?::?(\d{2}))?\s*$"
_HALF_DAY: Final = r"^(\d{1,2})(:.*?)\s*([AaPp])\.?[Mm]\.?$"
_MONTHS: Final = {
    name: f"{i:02}" for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)
}
_TIMES: Final = ("%H", "%I", "%M", "%S", "%T", "%R", "%s", "%X", "%c")
_SAMPLE: Final = datetime(2021, 4, 13, 16, 5, tzinfo=UTC)
"""What a form of dates must be able to write and read."""
_CHOICES: Final = {
    "day": ("day", ReaderChoice(taken="dates: the day first (13/04/2021)", setting='source.files.date_format, such as "%m/%d/%Y"')),
    "month": ("month", ReaderChoice(taken="dates: the month first (04/13/2021)", setting='source.files.date_format, such as "%d/%m/%Y"')),
}


def iso_days(texts: pl.Series, where: str) -> tuple[pl.Series, ReaderChoice | None]:
    """The same texts with such days as ISO dates; what is none of them is as it was.

    Raises
    ------
    SourceError
        If they can be read in two ways.

    Examples
    --------
    >>> iso_days(pl.Series(["04/13/2021", "04/05/2021 16:00", "2021-04-06"]), "bars.csv")[0].to_list()
    ['2021-04-13', '2021-04-05 16:00', '2021-04-06']
    """
    parts = texts.str.extract_groups(_NUMBERS).struct.unnest().with_columns(text=texts)
    a, b = pl.col("a").cast(pl.Int64), pl.col("b").cast(pl.Int64)
    # a year of two digits after a hyphen may as well be a day: 21-04-13
    parts = parts.with_columns(
        pl.when((pl.col("mark") != "-") | (pl.col("year").str.len_chars() == 4)).then(pl.col(name)).alias(name) for name in ("a", "b")
    )
    first, choice = _order(parts.with_columns(a=a, b=b), where)
    day, month = ("a", "b") if first == "day" else ("b", "a")
    numeric = pl.lit(None, pl.String) if first is None else _iso(pl.col("year"), pl.col(month), pl.col(day), pl.col("time"))
    named = [_named(texts, pattern) for pattern in (_DAY_MONTH, _MONTH_DAY)]
    compact = pl.when(pl.col("text").str.contains(_COMPACT)).then(
        pl.col("text").str.replace(_COMPACT, "$1-$2-$3 $4:$5:$6").str.strip_chars_end(":")
    )
    found = parts.select(pl.coalesce(numeric, *(pl.lit(one) for one in named), compact, pl.col("text")).alias(texts.name)).to_series()
    return found, choice


def formatted_days(texts: pl.Series, form: str) -> pl.Series:
    """The same texts as ISO dates or times where they have a form, such as "%d/%m/%Y"; null elsewhere.

    Raises
    ------
    SourceError
        If that is no form of dates.
    """
    if _formatted(pl.Series([_SAMPLE.strftime(form)]), form)[0] != _SAMPLE.date().isoformat():
        raise SourceError(f"source.files.date_format is {form!r}, which does not say day, month and year: write it as in %d/%m/%Y")
    return _formatted(texts, form, with_time=True).alias(texts.name)


def _formatted(texts: pl.Series, form: str, *, with_time: bool = False) -> pl.Series:
    bare = texts.str.strip_chars()
    if not any(code in form for code in _TIMES):
        return bare.str.to_date(form, strict=False).cast(pl.String)
    written = "%Y-%m-%d" if not with_time else "%Y-%m-%dT%H:%M:%S%z" if "%z" in form else "%Y-%m-%dT%H:%M:%S"
    return bare.str.to_datetime(form, strict=False, time_unit="us").dt.strftime(written)


def _order(parts: pl.DataFrame, where: str) -> tuple[str | None, ReaderChoice | None]:
    """Whether the day or the month comes first; None where no cell is written so."""
    cells = parts.filter(pl.col("a").is_not_null())
    if cells.is_empty():
        return None, None
    day_first, month_first = cells.filter(pl.col("a") > 12, pl.col("b") <= 12), cells.filter(pl.col("b") > 12, pl.col("a") <= 12)
    days, months = day_first.height, month_first.height
    unclear = cells.filter(pl.col("a") <= 12, pl.col("b") <= 12, pl.col("a") != pl.col("b"))
    if days != months:
        return _CHOICES["day" if days > months else "month"]
    if days == 0 and (unclear.is_empty() or (unclear["mark"] == ".").all()):
        return _CHOICES["day"]
    if unclear.height < ENOUGH * (parts.height - parts["text"].null_count()):
        return None, None
    cell = unclear.row(0, named=True)
    readings = [
        f"{cell['year']}-{month:02}-{day:02} ({said})"
        for month, day, said in ((cell["a"], cell["b"], "month first"), (cell["b"], cell["a"], "day first"))
    ]
    mark, year = cell["mark"], "%Y" if len(cell["year"]) == 4 else "%y"
    forms = " or ".join(f'"{mark.join((*order, year))}"' for order in (("%m", "%d"), ("%d", "%m")))
    why = (
        "no number above 12 says which"
        if days == 0
        else f"as many others have the day first ({day_first['text'][0]!r}) as the month ({month_first['text'][0]!r})"
    )
    raise SourceError(
        f"{where}: the date {cell['text'].strip()!r} can be {' or '.join(readings)}, and {why}: set source.files.date_format to {forms}"
    )


def _iso(year: pl.Expr, month: pl.Expr, day: pl.Expr, time: pl.Expr) -> pl.Expr:
    """YYYY-MM-DD, with the time where there is one; a year of two digits is one from 1970 to 2069."""
    century = pl.when(year.str.len_chars() == 4).then(pl.lit("")).when(year >= "70").then(pl.lit("19")).otherwise(pl.lit("20"))
    date = pl.concat_str(century, year, pl.lit("-"), month.str.zfill(2), pl.lit("-"), day.str.zfill(2))
    half = time.str.extract_groups(_HALF_DAY).struct
    hour = half.field("1").cast(pl.Int64) % 12 + pl.when(half.field("3").str.to_lowercase() == "p").then(12).otherwise(0)
    clock = pl.coalesce(pl.concat_str(hour, half.field("2")), time).str.replace(r"\s*GMT([+-])", "$1")
    return pl.concat_str(date, pl.when(time.is_not_null()).then(pl.concat_str(pl.lit(" "), clock)).otherwise(pl.lit("")))


def _named(texts: pl.Series, pattern: str) -> pl.Series:
    """ISO dates of days whose month is a name."""
    parts = texts.str.extract_groups(pattern).struct.unnest()
    month = pl.col("b").str.to_lowercase().str.slice(0, 3).replace_strict(_MONTHS, default=None)
    return parts.select(_iso(pl.col("year"), month, pl.col("a"), pl.col("time")).alias("day")).to_series()
