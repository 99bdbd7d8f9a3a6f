"""What a look at a source of files costs with 1, 5, 10 and 20 years of 3,000 symbols delivered: the first one, an idle one, and one after one row, or one file, more.

Usage: python benchmarks/growth_of_deliveries.py [--years 1 5 10 20] [--symbols 3000] [--json]

The delivery is one CSV file a symbol, as many vendors have it. A look is what the sensor does, in an instance of its own: the state of the files, the newest session, its bars. For comparison, all
files are read, as each look after a change did before, where that many rows fit in memory.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.calendar import SessionCalendar, session_calendar  # noqa: E402
from ats_assets.settings import FilesSettings  # noqa: E402
from ats_assets.sources.adapters.files.source import FileSource  # noqa: E402

LAST, CALENDAR_FROM = date(2024, 12, 30), date(2004, 1, 2)
SESSIONS_A_YEAR = 252


def main() -> None:
    """Print one line for each length of history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--symbols", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows: list[dict[str, float]] = []
    for years in sorted(asked.years):
        with tempfile.TemporaryDirectory() as name:
            rows.append({"years": years} | looks(Path(name), years * SESSIONS_A_YEAR, asked.symbols))
        if not asked.json:
            print("  ".join(f"{name} {value:,}" for name, value in rows[-1].items()), flush=True)
    if asked.json:
        print(json.dumps(rows, indent=1))


def looks(root: Path, sessions: int, symbols: int) -> dict[str, float]:
    """Milliseconds of each look."""
    calendar = session_calendar("XNYS", CALENDAR_FROM)
    days = calendar.window(LAST, sessions)
    deliver(root / "delivery", days, symbols)
    time.sleep(3.1)  # the files' times settle
    after = calendar.offset(LAST, 1)

    def look() -> int:
        source = FileSource(FilesSettings(path=root / "delivery"), calendar, keep=root / "kept")
        source.state()
        return source.bars([source.latest_session()]).height

    told = {"rows": symbols * len(days), "all files read, ms": milliseconds(lambda: read_all(root, calendar), symbols)}
    told["first look, ms"] = milliseconds(look, symbols)
    told["idle look (state alone), ms"] = min(milliseconds(lambda: state(root, calendar), 64) for _ in range(3))
    told["look at what was kept, ms"] = min(milliseconds(look, symbols) for _ in range(3))
    with (root / "delivery" / "S00007.csv").open("a", encoding="utf-8") as file:
        file.write(f"{after},1.0,1.0,1.0,1.0,100.0\n")
    told["one row more, ms"] = milliseconds(look, 1)
    (root / "delivery" / "NEW.csv").write_text(f"date,open,high,low,close,volume\n{after},1.0,1.0,1.0,1.0,100.0\n", encoding="utf-8")
    told["one file more, ms"] = milliseconds(look, 2)
    told["kept, MB"] = round(sum(path.stat().st_size for path in (root / "kept").rglob("*") if path.is_file()) / 1e6)
    return told


def read_all(root: Path, calendar: SessionCalendar) -> int:
    """The newest session's rows, from all files."""
    source = FileSource(FilesSettings(path=root / "delivery"), calendar)
    return source.bars([source.latest_session()]).height


def state(root: Path, calendar: SessionCalendar) -> int:
    """What an idle tick asks a source of files for."""
    return len(FileSource(FilesSettings(path=root / "delivery"), calendar).state() or "")


def deliver(folder: Path, days: list[date], symbols: int) -> None:
    """One file a symbol: a random walk."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    for i in range(symbols):
        close = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal(len(days)))).round(2)
        bars = {"open": close, "high": close, "low": close, "close": close, "volume": rng.uniform(1e5, 1e6, len(days)).round()}
        pl.DataFrame({"date": days} | bars).write_csv(folder / f"S{i:05d}.csv")


def milliseconds(look: Callable[[], int], expected: int) -> float:
    """How long it takes; it must say what is expected."""
    started = time.perf_counter()
    found = look()
    taken = round(1000 * (time.perf_counter() - started), 1)
    if found != expected:
        raise SystemExit(f"it said {found}, not {expected}")
    return taken


if __name__ == "__main__":
    main()
