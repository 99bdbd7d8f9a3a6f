"""What `ats stale` costs after one new session with 1, 5, 10 and 20 years stored, and what an idle tick of the sensor that heals does.

Usage: python benchmarks/growth_of_stale.py [--years 1 5 10 20] [--json]

Partitions are tiny (their rows do not matter here) and have the footers of real ones: every partition of every asset of the default graph with all that its windows read, but for
the models, which are left out. A backtest over everything lies beside them. The times are those of one process that has the graph's rules: refreshing the index and judging, in milliseconds,
the median of five. `first` is the first look at all, `full` one at all files again, `idle` one after nothing was written, `session` one after a new session was written,
`whole` what judging everything again takes, as every look did before verdicts were kept.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.automation.lineage_rules import rules_of  # noqa: E402
from ats_assets.definitions import build  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.lineage import LineageIndex, LineageRules, Staleness, judge  # noqa: E402
from ats_assets.runs.startup import quiet  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets.storage import write_log  # noqa: E402
from ats_assets.storage.data_version import data_version  # noqa: E402

CALENDAR_FROM = date(2004, 1, 2)
SESSIONS_A_YEAR = 252
ROUNDS = 5
FRAME = pl.DataFrame({"symbol": ["A"], "x": [1.0]})


def main() -> None:
    """Print one line for each length of history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for years in sorted(asked.years):
        with tempfile.TemporaryDirectory() as folder, quiet():
            rows.append({"years": years} | measured(Path(folder), years * SESSIONS_A_YEAR))
    print(json.dumps(rows, indent=1) if asked.json else "\n".join("  ".join(f"{k} {v:,}" for k, v in row.items()) for row in rows))


def measured(folder: Path, sessions: int) -> dict[str, float]:
    """The costs with so many sessions stored, in milliseconds."""
    storage = {name: folder / name for name in ("warehouse", "models", "data")} | {"fsync": False}
    deployment = Deployment(load_settings(calendar={"first_session": CALENDAR_FROM}, storage=storage))
    rules = without_models(rules_of(deployment, build(deployment).resolve_asset_graph()))
    days = deployment.calendar.sessions(CALENDAR_FROM, date(2026, 6, 30))[: sessions + ROUNDS]
    market = _Market(deployment, rules, days)
    for place in range(sessions):
        market.write(place)
    market.write_wholes(sessions)
    write_log.SETTLING = 0.0  # as at night: what was written before this has settled
    index = LineageIndex(deployment)

    def look(*, full: bool = False) -> None:
        index.refresh(full=full)
        judge(deployment, rules, index)

    first = _milliseconds(look)
    idle = statistics.median(_milliseconds(look) for _ in range(ROUNDS))
    full = statistics.median(_milliseconds(lambda: look(full=True)) for _ in range(ROUNDS))
    new = []
    for place in range(sessions, sessions + ROUNDS):
        market.write(place)
        new.append(_milliseconds(look))
    whole = _milliseconds(lambda: Staleness(deployment, rules, index.entries()).stale())
    return {
        name: round(value, 1)
        for name, value in {"first": first, "idle": idle, "session": statistics.median(new), "full": full, "whole": whole}.items()
    }


def without_models(rules: LineageRules) -> LineageRules:
    """The rules of all assets that lie in the warehouse."""
    models = {rule.asset for rule in rules if rule.asset.endswith("_model")}
    kept = [rule for rule in rules if rule.asset not in models]
    return LineageRules(replace(rule, windows=tuple(window for window in rule.windows if window.asset not in models)) for rule in kept)


class _Market:
    """Tiny partitions with the footers of real ones."""

    def __init__(self, deployment: Deployment, rules: LineageRules, days: list[date]) -> None:
        self._warehouse, self._calendar = deployment.warehouse, deployment.calendar
        self._rules = [rule for rule in rules if rule.partitioned]
        self._wholes = [rule for rule in rules if not rule.partitioned]
        self._days = days
        self._version = data_version(FRAME)

    def write(self, place: int) -> None:
        """Every partition of one session."""
        day = self._days[place]
        known = self._calendar.closes_at(day)
        for rule in self._rules:
            versions: dict[str, Any] = {"code_version": rule.code_version, "settings_version": rule.settings_version}
            if rule.from_source:
                self._warehouse.write_vintage(rule.asset, day, FRAME, known=known, **versions)
                continue
            upstream = {window.asset: self._read(place, window.back, window.lag) for window in rule.windows}
            if rule.vintages_of:
                stamp = self._warehouse.stamps(rule.vintages_of, day)[-1]
                self._warehouse.write_made_vintage(rule.asset, day, FRAME, stamp=stamp, upstream=upstream, **versions)
            else:
                self._warehouse.write(rule.asset, day, FRAME, upstream=upstream, **versions)

    def write_wholes(self, sessions: int) -> None:
        """The backtest and its report over all of them."""
        partitioned = {rule.asset for rule in self._rules}
        for rule in self._wholes:
            upstream = {window.asset: self._read(sessions - 1, sessions, 0) for window in rule.windows if window.asset in partitioned}
            self._warehouse.write_part(
                rule.asset, "equity", FRAME, code_version=rule.code_version, settings_version=rule.settings_version, upstream=upstream
            )

    def _read(self, place: int, back: int, lag: int) -> dict[str, str]:
        return {day.isoformat(): self._version for day in self._days[max(0, place - back) : place - lag + 1]}


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
