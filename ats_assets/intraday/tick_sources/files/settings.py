"""What can be set of files of ticks; what is not set is found in the files."""

from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from ats_assets.settings import Positive
from ats_assets.settings.section import SymbolPattern
from ats_assets.settings.written_symbols import WrittenSymbols


class TickFilesSettings(WrittenSymbols):
    """A file or folder of trades or quotes: Parquet, text (.csv, .txt, also .gz or .zip), or Dukascopy's .bi5."""

    path: Path | None = Field(default=None, description="a file or folder; relative to the current folder")
    columns: dict[str, str | Positive] = Field(
        default_factory=dict, description="canonical name -> name in the file, or position from 1 on, where recognition fails"
    )
    timezone: str | None = Field(
        default=None, description="of times without one; default: UTC where the column's name says it, else the exchange's"
    )
    time_format: str | None = Field(default=None, description="of times that are texts, such as %m/%d/%Y %H:%M:%S%.f; default: found")
    time: Literal["sip", "participant"] = Field(
        default="sip",
        description="of two times which counts: when it was published, which is when it was known, or when it happened at its venue",
    )
    separator: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="between the cells of a text; default: by the first line"
    )
    header: bool | None = Field(default=None, description="whether the first line of a text names the columns; default: by what it holds")
    symbol: str | None = Field(default=None, description="of files without a column of symbols; default: by the file's name")
    symbol_pattern: SymbolPattern | None = Field(
        default=None, description="regular expression whose group is the symbol in the file's name"
    )
    symbols: tuple[str, ...] = Field(default=(), description="only these are read; default: all")
    where: dict[str, str] = Field(default_factory=dict, description="column -> value: only these rows are read, such as src = fxcm")
    points: dict[str, float] = Field(
        default_factory=dict,
        description="symbol -> what one unit of a price in a .bi5 file is worth, such as 0.001; default: known for currencies, gold and silver",
    )
    vintage: date | None = Field(default=None, description="the day on which these files were known; default: each session from its end on")

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, name: str | None) -> str | None:
        try:
            ZoneInfo(name or "UTC")
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is no time zone: use a name such as America/New_York or UTC") from error
        return name
