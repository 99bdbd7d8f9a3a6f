"""What is asked of Massive: `[source.massive]`. How it is reached is in the section `massive`."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings import Section

FIRST = date(2003, 9, 10)
"""Massive's bars of stocks begin here, on the plans that go back so far."""


class MassiveSourceSettings(Section):
    """Daily bars from Massive. How it is reached is in the section `massive`."""

    symbols: tuple[str, ...] = Field(
        default=(), description="AAPL, BRK.B; default: all stocks, delisted ones included, one request a session"
    )
    first_session: date = Field(default=FIRST, description="history starts here; the free plan has two years")
    through: Literal["api", "flat_files"] = Field(default="api", description="whether bars are asked for, or taken from flat files")
    include_otc: bool = Field(
        default=False, description="whether stocks traded over the counter are bars, too; flat files do not say which these are"
    )
    corporate_actions: bool = Field(
        default=True,
        description="whether splits and dividends are asked for, which needs the API key with flat files too; without them a split looks like a return",
    )
    ticker_changes: bool = Field(
        default=True,
        description="whether changes of name are among the corporate actions: a request for each of `symbols`, none where there are none",
    )
    collect: tuple[Literal["minute_bars", "option_chains"], ...] = Field(
        default=(),
        description="assets beside the daily bars; minute bars of `symbols`, which must be named, unless they come from flat files",
    )
    option_underlyings: tuple[str, ...] = Field(default=(), description="whose option chains are collected")

    @model_validator(mode="after")
    def _what_is_collected_is_named(self) -> "MassiveSourceSettings":
        if "option_chains" in self.collect and not self.option_underlyings:
            raise ValueError("collect has option_chains, but option_underlyings is empty: name the underlyings")
        if "minute_bars" in self.collect and not self.symbols and self.through == "api":
            raise ValueError('collect has minute_bars, but symbols is empty: name them, or set through = "flat_files"')
        return self
