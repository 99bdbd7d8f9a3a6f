"""A minimal walk-forward against what it came to before: ten symbols, a quarter, weekly fits, each judged on what it had not seen.

    python benchmarks/walk_forward_regression.py            status 1, with each figure that differs
    python benchmarks/walk_forward_regression.py --write    record the figures anew, after a change that was meant to change them

A run is a function of settings, code and libraries, so its figures are the same on each machine, but for the last digits of sums on another processor.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_suffix(".json")
ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 1e-6
SETTINGS = """
[calendar]
first_session = 2020-10-01
[source.synthetic]
symbols = 10
first_session = 2021-01-04
last_session = 2021-03-31
[bars]
profile = false
max_rejected_share = 0.3
[universe]
min_history_sessions = 3
lookback_sessions = 10
[labels]
horizons_sessions = [1, 5]
[training]
train_sessions = 30
validation_sessions = 8
min_train_sessions = 10
embargo_sessions = 1
refit = "weekly"
threads = 1
[models.lightgbm]
min_data_in_leaf = 5
min_rounds = 5
max_rounds = 10
[mlflow]
enabled = false
[strategies.model_scores]
calibration_sessions = 20
min_calibration_rows = 50
[portfolio]
top_k = 3
max_weight = 0.4
"""


def figures() -> dict[str, float]:
    """What the walk-forward comes to, by dotted name."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "ats.toml").write_text(SETTINGS, encoding="utf-8")
        (home / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_"))}
        command = [sys.executable, "-m", "ats_assets.cli", "run", "--from", "2021-01-04", "--summary-json", str(home / "summary.json")]
        done = subprocess.run(
            command, cwd=home, env=kept | {"ATS_SETTINGS": str(home / "ats.toml")}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"the run failed:\n{done.stderr[-3000:]}")
        summary = json.loads((home / "summary.json").read_text(encoding="utf-8"))
    return {name: value for name, value in leaves(summary) if "seconds" not in name and "bytes" not in name}


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """The numbers in a document."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{name}.{number}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    found = figures()
    if parser.parse_args().write:
        RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        return 0
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    differing = [
        f"{name}: {recorded.get(name)} before, {found.get(name)} now"
        for name in sorted(found.keys() | recorded.keys())
        if name not in found or name not in recorded or not math.isclose(found[name], recorded[name], rel_tol=TOLERANCE, abs_tol=1e-12)
    ]
    print("\n".join(differing) or f"{len(found)} figures of the walk-forward are as they were")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
