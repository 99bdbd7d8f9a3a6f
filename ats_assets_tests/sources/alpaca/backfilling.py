"""A backfill from the double in a process that is killed.

    python -m ats_assets_tests.sources.alpaca.backfilling URL NOW FOLDER FIRST LAST

For each line on standard input a process is forked that asks for all daily bars in small parts, and is killed by SIGKILL after so many seconds; its exit status
goes to standard output. Once it is done, `bars.parquet` in the folder has what it got.
"""

import os
import signal
import sys
import time
import traceback
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ats_assets.settings import AlpacaSourceSettings, SourceSettings, StorageSettings
from ats_assets.sources.alpaca import AlpacaSource, source
from ats_assets_tests.alpaca.connections import connected
from ats_assets_tests.sources.alpaca.markets import SYMBOLS, XNYS


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
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                backfill(url, datetime.fromisoformat(now), Path(folder), date.fromisoformat(first), date.fromisoformat(last))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)  # not yet waited for, so it is there
        _say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
