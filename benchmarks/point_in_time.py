"""What reading as it was known costs a run without restatements.

Usage: python benchmarks/point_in_time.py [--json]

A run by the default settings, in one process. Counted is all that asks which vintages there are and which one a reader knows: the look at the folders (which also finds the
file that any reader needs, so the figure is an upper bound), the split into runs, the choice. Reading and making are not: they are the same without vintages.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from provenance import Clock, run_all

from ats_assets.deployment import Deployment
from ats_assets.orchestration import reading
from ats_assets.runs.startup import quiet
from ats_assets.settings import load_settings
from ats_assets.storage import warehouse


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, quiet():
        storage = {kind: Path(name) / kind for kind in ("warehouse", "models", "data")}
        bars = {"profile": False, "max_rejected_share": 0.05}
        figures = cost(Deployment(load_settings(storage=storage, mlflow={"enabled": False}, bars=bars)))
    print(json.dumps(figures) if asked.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def cost(deployment: Deployment) -> dict[str, Any]:
    """The share of a run."""
    clock = Clock()
    counted = (
        (reading.Known, "runs"),
        (reading.Known, "_union"),
        (reading.Known, "_stamps_of"),
        (reading.Known, "_path"),
        (reading.Known, "_until"),
        (warehouse.Warehouse, "stamps"),
    )
    for owner, name in counted:
        setattr(owner, name, clock.counted(name, getattr(owner, name)))
    start = time.perf_counter()
    sessions = run_all(deployment)
    whole = time.perf_counter() - start
    return {
        "run, seconds": round(whole, 1),
        "sessions": sessions,
        "share of the run": round(sum(clock.seconds.values()) / whole, 4),
        **{f"{name}, share of the run": round(seconds / whole, 4) for name, seconds in clock.seconds.items()},
    }


if __name__ == "__main__":
    main()
