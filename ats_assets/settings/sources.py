"""Where bars come from, and what each source needs to know."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from ats_assets.settings.section import Gathering, Name, NonNegative, Positive, Section, Share, SymbolPattern
from ats_assets.settings.written_symbols import WrittenSymbols


class SyntheticSettings(Section):
    """The synthetic market; its formula is in `ats_assets/sources/adapters/synthetic/source.py`."""

    seed: int = 7
    symbols: Positive = 60
    first_session: date = Field(default=date(2021, 1, 4), description="of the simulated market; one that is no session means the next")
    last_session: date = Field(
        default=date(2023, 12, 29), description="of the simulated market; a later one adds sessions and changes none"
    )
    planted_ic: float = Field(
        default=0.05, ge=0.0, le=0.5, description="correlation of the planted signal with the next session's idiosyncratic return"
    )
    splits_per_year: float = Field(
        default=0.02, ge=0.0, le=10.0, description="for each symbol; prices are as traded, so a split looks like a return"
    )
    halts_per_year: float = Field(
        default=0.5, ge=0.0, le=50.0, description="for each symbol; a halt lasts one to five sessions, without bars"
    )
    defective_share: Share = Field(default=0.001, description="of the rows, that the contract of bars must reject")


class FilesSettings(WrittenSymbols):
    """A Parquet or CSV file or folder of daily bars. What is not set is found in the files; `ats sources inspect` shows what was."""

    path: Path | None = None
    columns: dict[str, str | Positive] = Field(
        default_factory=dict,
        description="canonical name -> name in the file, or position from 1 on (files without a header), where recognition fails",
    )
    header: bool | None = Field(default=None, description="whether the first line of a text names the columns; default: by what it holds")
    separator: Literal[",", ";", "\t", "|"] | None = Field(
        default=None, description="between the cells of a text; default: by the first lines"
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description="the decimal mark of numbers written as text; default: by all of a file"
    )
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None, description="between thousands; default: spaces, apostrophes, and whichever of comma and point is no decimal mark"
    )
    date_format: str | None = Field(
        default=None, description="of dates written as text, such as %d/%m/%Y; default: ISO, or by the numbers above 12"
    )
    timezone: str | None = Field(default=None, description="of naive timestamps; default: the exchange's")
    stamp: Literal["open", "close"] = Field(default="open", description="a timestamp is the bar's open or its close")
    adjusted: bool = Field(
        default=False, description="scale open, high, low, close and vwap by adj_close / close, and volume by its inverse"
    )
    symbol: str | None = Field(default=None, description="the symbol of a single file without a symbol column; default: by the file's name")
    symbol_pattern: SymbolPattern | None = Field(
        default=None,
        description="regular expression whose group is the symbol, in the file's name or in the symbol column; default: the name without "
        "intervals, dates and words such as daily",
    )
    where: dict[str, str] = Field(default_factory=dict, description="column -> value: only these rows are read, such as res = daily")
    actions: Path | None = Field(
        default=None, description="a file or folder of corporate actions, or of factor files (docs/data.md); relative to the current folder"
    )
    vintage: date | None = Field(
        default=None, description="the day on which these data were known; default: vintage=YYYY-MM-DD in the path"
    )

    @model_validator(mode="after")
    def _the_marks_differ(self) -> "FilesSettings":
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}: a number can't be read so")
        return self


class AlpacaSourceSettings(Section):
    """Daily bars from Alpaca. The connection itself is in the section `alpaca`."""

    asset_class: Literal["us_equity", "crypto"] = Field(default="us_equity", description="crypto needs no keys")
    symbols: tuple[str, ...] = Field(
        default=(), description="AAPL, or BTC/USD for crypto; default: every listed asset, delisted ones included, which needs keys"
    )
    first_session: date = Field(default=date(2016, 1, 1), description="history starts here; Alpaca has stock bars from 2016 on")
    feed: Literal["iex", "sip", "delayed_sip"] = Field(default="iex", description="sip needs a paid subscription for the newest 15 minutes")
    actions_before_days: NonNegative = Field(
        default=30,
        description="corporate actions are asked for by process date: days before an ex-date to begin at, since a name may change first",
    )
    actions_after_days: NonNegative = Field(
        default=120, description="days after an ex-date to end at, since a dividend is processed when it is paid"
    )
    collect: tuple[Literal["minute_bars", "trades", "quotes", "snapshots", "option_chains"], ...] = Field(
        default=(), description="assets beside the daily bars, of the same symbols, which must be named"
    )
    option_underlyings: tuple[str, ...] = Field(default=(), description="whose option chains are collected")
    option_feed: Literal["indicative", "opra"] = Field(default="indicative", description="opra needs a paid subscription")


class SourceSettings(Gathering):
    """Where bars come from. The settings of a source of one's own are a table of its name, `[source.mine]`, which its own class checks."""

    kind: Name = Field(
        default="synthetic",
        description="a source: synthetic, files, alpaca, massive, ccxt, coingecko, or one of one's own (docs/add_your_own.md)",
    )
    path: Path | None = Field(default=None, description="short for files.path")
    actions_again_sessions: NonNegative = Field(
        default=10,
        description="sessions before a new one whose corporate actions are asked for again: some are announced late",
    )
    synthetic: SyntheticSettings = SyntheticSettings()
    files: FilesSettings = FilesSettings()
    alpaca: AlpacaSourceSettings = AlpacaSourceSettings()

    own: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="written as [source.<name>]: the settings of the sources that do not come with the package"
    )

    @model_validator(mode="after")
    def _the_short_path_is_that_of_files(self) -> "SourceSettings":
        if self.path is not None:
            vars(self)["files"] = self.files.model_copy(update={"path": self.files.path or self.path})
        return self

    @property
    def chosen(self) -> BaseModel | Mapping[str, Any]:
        """The settings of the source that is used: checked where it comes with the package, else as they are written."""
        section = getattr(self, self.kind, None)
        return section if isinstance(section, BaseModel) else self.own.get(self.kind, {})
