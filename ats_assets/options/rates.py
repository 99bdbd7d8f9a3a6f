"""The riskless rate of each session: a constant, or a file of rates by day, of which a session knows those of earlier days."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.errors import SettingsError
from ats_assets.settings import OptionsSettings, Section

RATES_SCHEMA = pl.Schema({"session": pl.Date, "rate": pl.Float64})


class RateSettings(Section):
    """What rates depend on: the constant, and the content of the file where there is one. Among the settings of each asset that uses rates."""

    rate: float
    file_sha256: str = ""


def rate_settings(options: OptionsSettings) -> RateSettings:
    """What the settings say of rates, with the file's content.

    Raises
    ------
    SettingsError
        If the file can't be read.
    """
    if options.rate_file is None:
        return RateSettings(rate=options.rate)
    return RateSettings(rate=options.rate, file_sha256=hashlib.sha256(_content(options.rate_file)).hexdigest())


def rates_of(options: OptionsSettings, sessions: Sequence[date]) -> pl.DataFrame:
    """The rate of each session, in their order: the last of the file of an earlier day, since a day's rate is published the day after; the constant before the first, and without a file.

    Raises
    ------
    SettingsError
        If the file can't be read, or holds what is no rate.
    """
    asked = pl.DataFrame({"session": sessions}, schema={"session": pl.Date})
    if options.rate_file is None:
        return asked.with_columns(rate=pl.lit(options.rate))
    told = _table(options.rate_file).sort("date")
    found = (
        asked.with_row_index("row")
        .sort("session")
        .join_asof(told, left_on="session", right_on="date", strategy="backward", allow_exact_matches=False)
    )
    return found.sort("row").select("session", pl.col("rate").fill_null(options.rate))


def rate_by_session(options: OptionsSettings) -> Callable[[date], float]:
    """The rate of a session, as `rates_of` has it: for who asks session by session."""
    return lambda session: rates_of(options, [session])["rate"].item()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"options.rate_file: {path} can't be read ({error.strerror}): correct the path, or leave it out for options.rate"
        ) from error


def _table(path: Path) -> pl.DataFrame:
    content = _content(path)
    try:
        rows = pl.read_parquet(content) if path.suffix == ".parquet" else pl.read_csv(content, try_parse_dates=True)
        table = rows.select(pl.col("date").cast(pl.Date), pl.col("rate").cast(pl.Float64)).drop_nulls()
    except pl.exceptions.PolarsError as error:
        raise SettingsError(
            f"options.rate_file: {path} is no table with the columns date and rate: {str(error).splitlines()[0]}"
        ) from error
    wrong = table.filter(~pl.col("rate").is_between(-0.2, 1.0))
    if wrong.height:
        day, rate = wrong.row(0)
        raise SettingsError(
            f"options.rate_file: {path} says {rate} for {day}, which is no rate: 0.03 is 3 %, continuously compounded a year"
        )
    if table["date"].is_duplicated().any():
        raise SettingsError(
            f"options.rate_file: {path} says several rates for {table.filter(pl.col('date').is_duplicated())['date'][0]}: leave one"
        )
    return table
