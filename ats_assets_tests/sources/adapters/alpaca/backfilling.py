"""A backfill from the double, for each line on standard input in a process of its own, that may be killed.

    python -m ats_assets_tests.sources.adapters.alpaca.backfilling URL NOW FOLDER FIRST LAST

It asks for all daily bars in small parts. Once it is done, `bars.parquet` in the folder has what it got.
"""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import alpaca.data.historical.stock
import alpaca.data.requests
import alpaca.trading.client
import alpaca.trading.requests  # noqa: F401 - imported before it forks: a process that is killed after a second would do nothing else

from ats_assets.settings import AlpacaSourceSettings, SourceSettings, StorageSettings
from ats_assets.sources.adapters.alpaca import AlpacaSource, source
from ats_assets_tests.forking import serve
from ats_assets_tests.sources.adapters.alpaca.markets import SYMBOLS, XNYS
from ats_assets_tests.vendors.alpaca.connections import connected


def backfill(url: str, now: datetime, folder: Path, first: date, last: date) -> None:
    """Ask for all, part by part."""
    parts: Any = source
    parts.SYMBOLS_AT_ONCE, parts.SESSIONS_AT_ONCE = 1, 5
    settings = connected(
        url,
        source=SourceSettings(kind="alpaca", alpaca=AlpacaSourceSettings(symbols=SYMBOLS, first_session=first)),
        storage=StorageSettings(data=folder),
    )
    bars = AlpacaSource(settings, XNYS, now=lambda: now).bars(XNYS.sessions(first, last))
    bars.write_parquet(folder / "bars.parquet")


def main() -> None:
    """The command line."""
    url, now, folder, first, last = sys.argv[1:]
    serve(lambda _: backfill(url, datetime.fromisoformat(now), Path(folder), date.fromisoformat(first), date.fromisoformat(last)))


if __name__ == "__main__":
    main()
