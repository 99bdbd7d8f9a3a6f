"""What a trade reads to know which ticker is whose, with 1, 5, 10 and 20 years stored: files and milliseconds.

Usage: python benchmarks/growth_of_names.py [--years 1 5 10 20] [--json]

Each session has a partition of corporate actions, each twentieth of them three changes of name. Counted are the files of actions that a trade reads in a process of its own
after one new session; beside it what each trade read before: all of them. The first look after the file of names is gone reads them all, once.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.corporate_actions.identity import NAME_CHANGE  # noqa: E402
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.execution.names import known_identities  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets.storage import write_log  # noqa: E402
from ats_assets.storage.knowledge import FOREVER, stamp_of  # noqa: E402
from ats_assets.storage.warehouse import Warehouse  # noqa: E402

SESSIONS_A_YEAR = 252
CALENDAR_FROM, LAST = date(2004, 1, 2), date(2024, 12, 31)


def main() -> None:
    """Print one line for each length of history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [measured(years) for years in sorted(asked.years)]
    print(json.dumps(rows, indent=1) if asked.json else "\n".join("  ".join(f"{k} {v:,}" for k, v in row.items()) for row in rows))


def measured(years: int) -> dict[str, float]:
    """Of one length of history."""
    with tempfile.TemporaryDirectory() as name:
        root, counter = Path(name), Counter()
        days = deployed(root).calendar.window(LAST, years * SESSIONS_A_YEAR + 1)
        for i, day in enumerate(days[:-1]):
            deliver(deployed_once(root), day, 3 if i % 20 == 0 else 0)
        settle()
        first = counter.of(deployed(root), lambda made: known_identities(made, days[-2]))
        deliver(deployed_once(root), days[-1], 3)
        trade = counter.of(deployed(root), lambda made: known_identities(made, days[-1]))
        before = counter.of(deployed(root), all_of)
        return {
            "years": years,
            "sessions": len(days),
            "files a trade reads": trade[0],
            "ms": trade[1],
            "files each trade read before": before[0],
            "ms before": before[1],
            "files of the first look": first[0],
            "ms of the first look": first[1],
        }


def deployed(root: Path) -> Deployment:
    """As a process of its own has it."""
    storage: Any = {name: root / name for name in ("warehouse", "models", "data")} | {"fsync": False}
    source: Any = {"kind": "files", "files": {"path": root, "actions": root / "actions.csv"}}
    return Deployment(load_settings(calendar={"first_session": CALENDAR_FROM}, storage=storage, source=source))


_kept: dict[Path, Deployment] = {}


def deployed_once(root: Path) -> Deployment:
    """To write with."""
    return _kept.setdefault(root, deployed(root))


def deliver(deployment: Deployment, day: date, changes: int) -> None:
    """The actions of one session."""
    rows = [{"session": day, "symbol": f"A{day:%y%m%d}{i}", "kind": NAME_CHANGE, "new_symbol": f"B{day:%y%m%d}{i}"} for i in range(changes)]
    rows.append({"session": day, "symbol": "PAYS", "kind": "cash_dividend", "new_symbol": None})
    frame = pl.DataFrame(rows, schema_overrides={"new_symbol": pl.String})
    missing = {name: pl.lit(None, dtype) for name, dtype in CORPORATE_ACTIONS_SCHEMA.items() if name not in frame.columns}
    frame = frame.with_columns(**missing).select(CORPORATE_ACTIONS_SCHEMA.names()).cast(dict(CORPORATE_ACTIONS_SCHEMA))
    stamp = stamp_of(deployment.calendar.closes_at(day))
    deployment.warehouse.write_made_vintage("corporate_actions", day, frame, stamp=stamp, upstream={})


def settle() -> None:
    """What was written so far was written an hour ago."""
    at = write_log.time.time() + 3600
    write_log.time.time = lambda: at  # pyright: ignore[reportAttributeAccessIssue]


def all_of(deployment: Deployment) -> None:
    """As each trade knew of names before."""
    warehouse = deployment.warehouse
    files = {day: warehouse.path("corporate_actions", day, until=FOREVER) for day in warehouse.stored_sessions("corporate_actions")}
    warehouse.read_files("corporate_actions", files, ["session", "symbol", "kind", "new_symbol"])


class Counter:
    """Counts the files that are read."""

    def __init__(self) -> None:
        self._files = 0
        original = Warehouse.read_files

        def reading(warehouse: Warehouse, asset: str, files: dict[date, Path], *more: Any) -> pl.DataFrame:
            self._files += len(files)
            return original(warehouse, asset, files, *more)

        Warehouse.read_files = reading  # pyright: ignore[reportAttributeAccessIssue]

    def of(self, deployment: Deployment, work: Callable[[Deployment], object]) -> tuple[int, float]:
        """Files and milliseconds of some work."""
        self._files, started = 0, time.perf_counter()
        work(deployment)
        return self._files, round(1000 * (time.perf_counter() - started), 1)


if __name__ == "__main__":
    main()
