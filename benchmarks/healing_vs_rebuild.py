"""Healing after a restatement against making everything again, over the two real vintages of the S&P 500 panel.

Usage: python benchmarks/healing_vs_rebuild.py [--symbols 500] [--first 2014-01-02] [--last 2015-06-30] [--json]

The panel is read where the tests' real market data lies. The first vintage is stored and everything made from it; then the source delivers the second, and what is stale is made
again; last, everything is made from the second in an empty folder. Of the symbols that both vintages have over all these sessions, those with the fewest
changed rows are taken, so that a small number leaves some sessions as they were. The files of both must be the same, and what was rebuilt must be what differs
between the two builds from scratch: the command fails otherwise. Only the ratio compares.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.automation.lineage_rules import rules_of  # noqa: E402
from ats_assets.definitions import build  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.lineage.delivered import delivered_versions  # noqa: E402
from ats_assets.lineage.healing import Healing  # noqa: E402
from ats_assets.runs.run_progress import RunProgress  # noqa: E402
from ats_assets.runs.runner import Outcome, Runner  # noqa: E402
from ats_assets.runs.stale_partitions import heal_all  # noqa: E402
from ats_assets.runs.startup import quiet  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets_tests.lineage.test_healing import pairs, pairs_of  # noqa: E402
from ats_assets_tests.lineage.test_restatement import newest  # noqa: E402
from ats_assets_tests.market_data import SP500_2017, SP500_2018  # noqa: E402
from ats_assets_tests.small_market import differences  # noqa: E402

CHUNK = 126


def main() -> None:
    """Build, heal, build again; print the times and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2014, 1, 2))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2015, 6, 30))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet():
        figures = measured(Path(name), asked.symbols, asked.first, asked.last)
    print(json.dumps(figures) if asked.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def measured(folder: Path, symbols: int, first: date, last: date) -> dict[str, Any]:
    """Times in seconds, counts, and the ratio of healing to making everything."""
    one, other = deliveries(folder / "deliveries", symbols, first, last)
    made_first = made(of(folder / "root", one, first))
    before = newest(folder / "root")
    deployment = of(folder / "root", other, first)
    start = time.perf_counter()
    healing = Healing(deployment, rules_of(deployment, build(deployment).resolve_asset_graph()), delivered_versions(deployment))
    with dg.DagsterInstance.ephemeral() as instance:
        again, messages = heal_all(healing, Runner(deployment, build(deployment), instance), CHUNK)
    healed = time.perf_counter() - start
    made_second = made(of(folder / "scratch", other, first))
    scratch = newest(folder / "scratch")
    wrong = differences(newest(folder / "root"), scratch)
    expected = pairs_of(differences(scratch, before))
    if wrong or messages or pairs(again) != expected:
        raise SystemExit(f"healing was wrong: {messages} {wrong[:3]} {sorted(pairs(again) ^ expected, key=str)[:3]}")
    partitions = pairs_of(scratch)
    return {
        "symbols": symbols,
        "sessions": len(deployment.warehouse.stored_sessions("raw_bars")),
        "sessions restated": sum(asset == "raw_bars" for asset, _ in expected),
        "partitions": len(partitions),
        "made again": len(expected),
        "first build, seconds": round(made_first, 1),
        "healing, seconds": round(healed, 1),
        "build from scratch, seconds": round(made_second, 1),
        "healing / build from scratch": round(healed / made_second, 2),
    }


def deliveries(folder: Path, symbols: int, first: date, last: date) -> list[Path]:
    """Both vintages of the symbols with the fewest changed rows."""
    vintages = [pl.scan_parquet(file).filter(pl.col("date").is_between(first, last)).collect() for file in (SP500_2017, SP500_2018)]
    both = vintages[0].join(vintages[1], on=["symbol", "date"], suffix="_now")
    moved = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in ("open", "high", "low", "close", "volume")))
    counts = both.group_by("symbol").agg(pl.len(), moved=moved.sum()).sort("moved", "symbol")
    chosen = counts.filter(pl.col("len") == pl.col("len").max())["symbol"].head(symbols)
    paths = [folder / file.stem for file in (SP500_2017, SP500_2018)]
    for path, rows in zip(paths, vintages, strict=True):
        path.mkdir(parents=True)
        rows.filter(pl.col("symbol").is_in(chosen.implode())).sort("symbol", "date").write_parquet(path / "bars.parquet")
    return paths


def of(root: Path, delivery: Path, first: date) -> Deployment:
    """The default settings over a delivery, but for a training window that is full within these sessions."""
    sections: dict[str, Any] = {
        "calendar": {"first_session": first},
        "storage": {name: root / name for name in ("warehouse", "models", "data")} | {"fsync": False},
        "source": {"kind": "files", "path": delivery},
        "bars": {"profile": False, "max_rejected_share": 1.0},
        "training": {"train_sessions": 126, "min_train_sessions": 63},
        "mlflow": {"enabled": False},
    }
    return Deployment(load_settings(**sections))


def made(deployment: Deployment) -> float:
    """Everything, as ats run makes it; the seconds."""
    start = time.perf_counter()
    definitions, source = build(deployment), deployment.source
    sessions = deployment.calendar.sessions(source.first_session(), source.latest_session())
    assets = frozenset(key.to_user_string() for key in definitions.resolve_asset_graph().materializable_asset_keys)
    outcome = Outcome.of(sessions, assets)
    with dg.DagsterInstance.ephemeral() as instance, RunProgress(0) as progress:
        runner = Runner(deployment, definitions, instance)
        runner.run(runner.parts(sessions, assets, CHUNK), outcome, progress)
    if outcome.messages or outcome.interrupted:
        raise SystemExit("; ".join(outcome.messages) or "interrupted")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
