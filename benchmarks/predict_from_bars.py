"""`ats predict --input` of 500 symbols, from the start of the process to its end.

Usage: python benchmarks/predict_from_bars.py [--symbols 500] [--sessions 130] [--rounds 7] [--intervals] [--json]

A synthetic market is run up to its signals once (a minute), its newest bars are written to a Parquet file, with their splits, and the command is run in processes of its own. Told are the
seconds of the fastest, by the clock and of the processor (all threads); signals are compared with those of the run. With `--intervals` each has an interval and a confidence, too, which are made
of all past predictions that are stored. On a machine that does other things the clock says little.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

HERE = Path(__file__).resolve()
SETTINGS = """
[calendar]
first_session = 2020-10-01
[storage]
fsync = false
[source.synthetic]
symbols = {symbols}
first_session = 2021-01-04
last_session = 2021-10-29
[bars]
profile = false
max_rejected_share = 0.3
[training]
train_sessions = 60
validation_sessions = 15
min_train_sessions = 30
[mlflow]
enabled = false
"""


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=130)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--intervals", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "ats.toml").write_text(SETTINGS.format(symbols=arguments.symbols), encoding="utf-8")
        (home / "dagster.yaml").write_bytes((HERE.parents[1] / "dagster.yaml").read_bytes())
        ats(home, "run", "--from", "2021-01-02", "--chunk", "300", "--select", "+signals")
        newest(home, "bars", arguments.sessions).write_parquet(home / "bars.parquet")
        told = newest(home, "corporate_actions", arguments.sessions).select("symbol", "kind", "ratio", "cash", date="session")
        told.write_csv(home / "actions.csv")
        command = ("predict", "--input", str(home / "bars.parquet"), "--actions", str(home / "actions.csv"))
        command = (*command, "--output", str(home / "signals.parquet"))
        changed = {"ATS_CONFIDENCE__LEVEL": "0.9"} if arguments.intervals else {}
        times = [timed(home, *command, **changed) for _ in range(arguments.rounds)]
        made, stored = pl.read_parquet(home / "signals.parquet"), newest(home, "signals", 1)
        same = made.rename({"size": "target_weight"}).sort("symbol").select(stored.columns).equals(stored)
    found = {"symbols": made.height, "clock_s": min(t for t, _ in times), "processor_s": min(t for _, t in times), "same_bits": same}
    found["intervals"] = made["lower"].count()
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    print(
        f"{made.height} signals, {found['intervals']} with an interval: {found['clock_s']:.2f} s by the clock, {found['processor_s']:.2f} s of the processor; "
        f"the bits of the asset: {same}"
    )


def newest(home: Path, asset: str, sessions: int) -> pl.DataFrame:
    """The rows of the newest sessions of an asset."""
    files = sorted((home / "warehouse" / "synthetic" / asset).glob("session=*/*.parquet"))[-sessions:]
    return pl.concat(pl.read_parquet(file, hive_partitioning=False) for file in files)


def timed(home: Path, *arguments: str, **environment: str) -> tuple[float, float]:
    """Seconds of a command by the clock, and of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ats(home, *arguments, **environment)
    clock, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ats(home: Path, *arguments: str, **environment: str) -> None:
    """Run a command of the project in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_"))}
    env = kept | {"ATS_SETTINGS": str(home / "ats.toml"), "PYTHONPATH": str(HERE.parents[1])} | environment
    subprocess.run([sys.executable, "-m", "ats_assets.cli", *arguments], env=env, check=True, capture_output=True)


if __name__ == "__main__":
    main()
