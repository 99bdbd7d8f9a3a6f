"""What can be set of files of chains; what is not set is found in the files."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field

from ats_assets.settings import Positive, Section


class ChainFilesSettings(Section):
    """A file or folder of option chains: tables with a row for each contract (Parquet, .csv, also .gz), Massive's flat files of options, or Alpaca's snapshots (.json)."""

    path: Path | None = Field(default=None, description="a file or folder; relative to the current folder")
    columns: dict[str, str | Positive] = Field(
        default_factory=dict, description="canonical name -> name in the file, or position from 1 on, where recognition fails"
    )
    separator: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="between the cells of a text; default: by the first line"
    )
    date_format: str | None = Field(
        default=None, description="of days written as text, such as %d/%m/%Y; default: ISO, with or without hyphens, else month/day/year"
    )
    timezone: str | None = Field(default=None, description="of quote times without one; default: the exchange's")
    strike_divisor: float = Field(default=1.0, gt=0.0, description="by which strikes are divided: 1000 where a file has thousandths")
    vintage: date | None = Field(
        default=None, description="the day on which these files were known; default: each session from its close on"
    )
