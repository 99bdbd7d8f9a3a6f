"""What provenance costs a run, and how fast its questions are answered.

Usage: python benchmarks/provenance.py cost [--json]        a run by the default settings: the share of hashing, footers, upstream versions and index
       python benchmarks/provenance.py answers [--sessions 1260] [--symbols 500] [--json]

`answers` fills a warehouse with random rows under the footers that the graph would write (no table of its assets is computed, so it takes a minute), and asks `ats stale` and `ats explain`:
when nothing has changed, after one partition of bars has, and after all of them have; in this process, and as a command with the start of its process.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.automation.lineage_rules import rules_of  # noqa: E402
from ats_assets.definitions import build  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.lineage import AssetRule, LineageIndex, LineageRules  # noqa: E402
from ats_assets.lineage.explaining import Explaining  # noqa: E402
from ats_assets.lineage.healing import Healing  # noqa: E402
from ats_assets.models.learners.lightgbm import Unavailable  # noqa: E402
from ats_assets.orchestration import graph, io_manager, reading  # noqa: E402
from ats_assets.runs.run_progress import RunProgress  # noqa: E402
from ats_assets.runs.runner import Outcome, Runner  # noqa: E402
from ats_assets.runs.sessions import chosen_sessions  # noqa: E402
from ats_assets.runs.startup import quiet  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets.storage import warehouse  # noqa: E402
from ats_assets.storage.artefacts import ModelStore  # noqa: E402

FIRST = date(2015, 1, 2)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "answers"))
    parser.add_argument("--sessions", type=int, default=1_260)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet():
        root = Path(name)
        storage = {kind: root / kind for kind in ("warehouse", "models", "data")}
        deployment = Deployment(
            load_settings(storage=storage, mlflow={"enabled": False}, bars={"profile": False, "max_rejected_share": 0.05})
        )
        figures = cost(deployment) if asked.what == "cost" else answers(deployment, asked.sessions, asked.symbols)
    print(json.dumps(figures) if asked.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def cost(deployment: Deployment) -> dict[str, Any]:
    """The share of a run, in one process, one thread of which does all that is counted."""
    clock = Clock()
    for owner, name in (
        (warehouse, "data_version"),
        (warehouse, "seal"),
        (warehouse.Footer, "encoded"),
        (warehouse.Warehouse, "fault"),
        (warehouse.Warehouse, "data_versions"),
        (Deployment, "data_versions"),
        (graph, "code_version"),
        (graph, "settings_version"),
        (reading.Known, "upstream"),
        (io_manager, "combined_version"),
        (ModelStore, "check"),
        (LineageIndex, "refresh"),
    ):
        setattr(owner, name, clock.counted(name, getattr(owner, name)))
    start = time.perf_counter()
    sessions = run_all(deployment)
    LineageIndex(deployment).refresh()
    whole = time.perf_counter() - start
    parts = {f"{name}, share of the run": round(seconds / whole, 4) for name, seconds in clock.seconds.items()}
    return {
        "run, seconds": round(whole, 1),
        "sessions": sessions,
        "share of the run": round(sum(clock.seconds.values()) / whole, 4),
        **parts,
    }


def run_all(deployment: Deployment) -> int:
    """Everything of the default settings, on an instance of its own; how many sessions."""
    definitions = build(deployment)
    sessions = chosen_sessions(deployment, None, None)
    assets = frozenset(key.to_user_string() for key in definitions.resolve_asset_graph().materializable_asset_keys)
    outcome = Outcome.of(sessions, assets)
    with dg.DagsterInstance.ephemeral() as instance, RunProgress(0) as progress:
        runner = Runner(deployment, definitions, instance)
        runner.run(runner.parts(sessions, assets, 126), outcome, progress)
    if outcome.messages or outcome.interrupted:
        raise SystemExit("; ".join(outcome.messages) or "interrupted")
    return len(sessions)


class Clock:
    """Time inside functions, each call counted once however they call each other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = False

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            if self._inside:
                return function(*arguments, **named)
            self._inside, start = True, time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._inside = False
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

        return timed


def answers(deployment: Deployment, sessions: int, symbols: int) -> dict[str, Any]:
    """Seconds until an answer is there."""
    rules = rules_of(deployment, build(deployment).resolve_asset_graph())
    days = deployment.calendar.sessions(FIRST, deployment.calendar.last)[:sessions]
    fill(deployment, rules, days, symbols)
    figures: dict[str, Any] = {"sessions": len(days), "symbols": symbols}

    def ask(what: str, expected: Callable[[int], bool]) -> None:
        fresh = Deployment(deployment.settings)
        _ = fresh.calendar.first, rules
        start = time.perf_counter()
        found = Healing(fresh, rules).stale()
        figures[f"stale, {what}, seconds"] = round(time.perf_counter() - start, 2)
        if not expected(len(found)):
            raise SystemExit(f"{what}: {len(found)} partitions are stale, first {found[:1]}")

    ask("no index", lambda n: n == 0)
    ask("nothing changed", lambda n: n == 0)
    restate(deployment, days[len(days) // 2 :][:1])
    ask("one session of bars changed", lambda n: n > 0)
    restate(deployment, days)
    ask("all bars changed, index not up to date", lambda n: n > len(days))
    ask("all bars changed", lambda n: n > len(days))
    start = time.perf_counter()
    index = LineageIndex(Deployment(deployment.settings))
    index.refresh()
    Explaining(deployment, index.entries()).signal("S001", days[-1].isoformat())
    figures["explain, seconds"] = round(time.perf_counter() - start, 2)
    storage = deployment.settings.storage
    places = {f"ATS_STORAGE__{name.upper()}": str(getattr(storage, name)) for name in ("warehouse", "models", "data")}
    environment = (
        os.environ | places | {"ATS_MLFLOW__ENABLED": "false", "ATS_BARS__PROFILE": "false", "ATS_BARS__MAX_REJECTED_SHARE": "0.05"}
    )
    for command in (["stale"], ["explain", "S001", days[-1].isoformat()]):
        start = time.perf_counter()
        line = [sys.executable, "-m", "ats_assets.cli", *command]
        subprocess.run(line, env=environment, cwd=HERE.parents[1], check=True, capture_output=True)
        figures[f"ats {command[0]} as a command, seconds"] = round(time.perf_counter() - start, 2)
    return figures


def fill(deployment: Deployment, rules: LineageRules, days: list[date], symbols: int) -> None:
    """Partitions of every asset with random rows, and with the footers of the graph."""
    names, random = [f"S{i:03}" for i in range(symbols)], np.random.default_rng(1)
    for rule in (rule for rule in rules if rule.partitioned):
        for day in days:
            upstream = dict(upstream_of(deployment, rule, day, days[0]))
            versions = {"code_version": rule.code_version, "settings_version": rule.settings_version}
            rows = pl.DataFrame({"symbol": names, "session": [day] * symbols, "value": random.random(symbols)})
            if rule.refit:
                write_model(deployment.model_store(rule.asset), rule, day, upstream)
            elif rule.vintages_of:
                (stamp,) = deployment.warehouse.stamps(rule.vintages_of, day)
                deployment.warehouse.write_made_vintage(rule.asset, day, rows, stamp=stamp, upstream=upstream, **versions)
            elif rule.from_source:
                deployment.warehouse.write_vintage(rule.asset, day, rows, known=deployment.calendar.closes_at(day), **versions)
            else:
                deployment.warehouse.write(rule.asset, day, rows, upstream=upstream, **versions)


def upstream_of(deployment: Deployment, rule: AssetRule, day: date, first: date) -> Iterator[tuple[str, dict[str, str]]]:
    """What a partition would have read."""
    calendar = deployment.calendar
    position = calendar.position(day)
    for window in rule.windows_read(day, calendar):
        low, high = max(0, position - window.back), position - window.lag
        read = calendar.sessions(calendar.offset(calendar.first, low), calendar.offset(calendar.first, high)) if high >= low else []
        yield window.asset, deployment.data_versions(window.asset, [one for one in read if one >= first])


def write_model(store: ModelStore, rule: AssetRule, day: date, upstream: dict[str, dict[str, str]]) -> None:
    """A refit or a carried record."""
    versions = {"code": rule.code_version, "settings": rule.settings_version}
    carried = next(iter(upstream.get(rule.asset, ())), None)
    if carried is not None:
        store.write_carried(day, date.fromisoformat(carried), versions)
    else:
        store.write_unavailable(day, Unavailable(reason="of a benchmark"), versions, None if rule.asset in upstream else upstream)


def restate(deployment: Deployment, days: list[date]) -> None:
    """Other values in the bars of these sessions, as if made by the same code from the same deliveries."""
    for day in days:
        footer = deployment.warehouse.footer("bars", day)
        rows = deployment.warehouse.read("bars", [day]).with_columns(pl.col("value") + 1)
        versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
        (stamp,) = deployment.warehouse.stamps("bars", day)
        deployment.warehouse.write_made_vintage("bars", day, rows, stamp=stamp, upstream=footer.upstream, **versions)


if __name__ == "__main__":
    main()
