"""What somebody wants of a new deployment."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from ats_assets.calendar import session_calendar
from ats_assets.errors import SettingsError, SourceError
from ats_assets.plugins import LEARNERS, SOURCES
from ats_assets.settings import CalendarSettings, FilesSettings, SyntheticSettings
from ats_assets.sources import BarSource, SourcePlugin

SOURCE_NAMES = ("synthetic", "files", "alpaca", "massive", "ccxt", "coingecko")
"""The sources that `ats init` knows how to set up; others are set up by hand (docs/add_your_own.md)."""
CRYPTO_SOURCES = ("ccxt", "coingecko")
"""Those whose symbols are pairs such as BTC/USDT."""
_WANT_SYMBOLS = {"ccxt": "BTC/USDT,ETH/USDT", "coingecko": "BTC/USD,ETH/USD"}
EARLIEST = date(1990, 1, 1)
"""No earlier bars of files are looked for."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The answers to the questions of `ats init`.

    Parameters
    ----------
    source
        One of `SOURCE_NAMES`.
    path
        Of the source `files`: a file or folder of daily bars.
    symbols
        None: all that the source has. Of the synthetic market, one text with their number.
    first
        Where history begins. None: where the source's does.
    models
        Names of learners.
    orders
        Whether orders are sent, to the embedded paper broker.
    exchange
        Of the source `ccxt`: the exchange's id.
    calendar
        A name of exchange_calendars. None: by the source.
    """

    source: str = "synthetic"
    path: Path | None = None
    symbols: tuple[str, ...] = ()
    first: date | None = None
    models: tuple[str, ...] = ("lightgbm",)
    orders: bool = False
    exchange: str = "binance"
    calendar: str | None = None

    def __post_init__(self) -> None:
        if self.source not in SOURCE_NAMES:
            raise SettingsError(f"--source is {self.source!r}: choose one of {', '.join(SOURCE_NAMES)}")
        if self.source == "files" and self.path is None:
            raise SettingsError("--source files needs --path, a file or folder of daily bars")
        if self.source != "files" and self.path is not None:
            raise SettingsError(f"--path is for --source files, and --source is {self.source}: leave one of them out")
        self._require_symbols()
        self._require_models()
        last = SyntheticSettings().last_session
        if self.source == "synthetic" and self.first and self.first > last:
            raise SettingsError(f"--from is {self.first}, and the synthetic market ends on {last}: choose an earlier day")

    def _require_symbols(self) -> None:
        if self.source in _WANT_SYMBOLS and not self.symbols:
            raise SettingsError(f"--source {self.source} needs --symbols, such as {_WANT_SYMBOLS[self.source]}")
        if self.source == "files" and self.symbols:
            raise SettingsError("--symbols can't be chosen of files, of which all are read: leave it out")
        number = self.symbols[0] if len(self.symbols) == 1 else ""
        if self.source == "synthetic" and self.symbols and not (number.isascii() and number.isdecimal() and int(number) > 0):
            raise SettingsError(f"--symbols is {','.join(self.symbols)!r}: of the synthetic market give their number, such as 60")

    def _require_models(self) -> None:
        if not self.models:
            raise SettingsError("--model names none: choose at least one, such as lightgbm")
        if len(set(self.models)) < len(self.models):
            raise SettingsError(f"--model names one twice: {', '.join(self.models)}")
        for name in self.models:
            LEARNERS.find(name, None, "--model")

    @property
    def is_crypto(self) -> bool:
        """Whether what is traded are coins: each day is a session, parts of a coin are traded."""
        return self.source in CRYPTO_SOURCES or (self.source == "alpaca" and any("/" in symbol for symbol in self.symbols))

    @property
    def exchange_calendar(self) -> str:
        """The calendar's name."""
        return self.calendar or ("24/7" if self.is_crypto else CalendarSettings().exchange)

    @cached_property
    def read_files(self) -> BarSource | None:
        """Of the source `files` what is read at the path, from 1990 on; it is opened, which finds what can't be read."""
        return inspected_files(self.path, self.exchange_calendar) if self.path else None

    @property
    def calendar_start(self) -> date:
        """Where the calendar begins: of files where history is to begin, else the default, or the year in which history begins where that is earlier."""
        default = CalendarSettings().first_session
        if self.read_files and self.first:
            return self.first
        begins = self.read_files.first_session() if self.read_files else self.first
        return min(default, begins.replace(month=1, day=1)) if begins else default


def inspected_files(path: Path, exchange: str | None) -> BarSource:
    """Open a file or folder of daily bars, as the source `files` would.

    Parameters
    ----------
    exchange
        The calendar's name; None: the default.

    Raises
    ------
    SourceError
        If they can't be read as bars; it says why, and what to set.
    """
    if not path.exists():
        raise SourceError(f"there is no file or folder {path.absolute()}: give the path of one")
    plugin = SOURCES.find("files")
    if not isinstance(plugin, SourcePlugin) or plugin.at is None:
        raise TypeError("the source of files can't be opened at a path")
    return plugin.at(path.absolute(), FilesSettings(), session_calendar(exchange or CalendarSettings().exchange, EARLIEST))
