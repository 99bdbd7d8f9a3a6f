"""FX ticks from a file to a saved model that predicts, with one command.

    python examples/fx_ticks/run.py [--ticks FILE] [--where COLUMN=VALUE] [--to DATE] [--results FOLDER]

Without a file it makes synthetic ticks, in which there is nothing to predict. Ticks become bars, features, events, labels, a forest with a meta-model, a walk-forward with costs,
and a report; then the saved model predicts the newest session. All settings are in fx_ticks.toml.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from make_ticks import make_ticks

HERE = Path(__file__).resolve().parent


def environment(ticks: Path, where: str | None, results: Path | None) -> dict[str, str]:
    """What the command line reads: the settings file, and what it is told otherwise."""
    quotes: dict[str, object] = {"path": str(ticks.resolve())}
    if where:
        column, _, value = where.partition("=")
        quotes["where"] = {column: value}
    told = {"ATS_SETTINGS": str(HERE / "fx_ticks.toml"), "ATS_INTRADAY__QUOTES": json.dumps(quotes)}
    if results:
        told |= {f"ATS_STORAGE__{name.upper()}": str(results.resolve() / name) for name in ("warehouse", "models", "data")}
        home = results.resolve() / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE.parents[1] / "dagster.yaml", home / "dagster.yaml")
        told["DAGSTER_HOME"] = str(home)
    return os.environ | told


def say(text: str) -> None:
    """A line on standard error, where `ats` says what it does."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Make what is missing, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--ticks", type=Path, help="quotes with symbol, time, bid and ask: Parquet, CSV, Dukascopy's .bi5; default: synthetic ones"
    )
    parser.add_argument("--where", help="only rows with this value, such as src=fxcm")
    parser.add_argument("--to", help="last session; default: the last one of the file")
    parser.add_argument("--results", type=Path, help="folder of the results; default: results, beside this file")
    asked = parser.parse_args()
    ticks = asked.ticks or HERE / "data" / "ticks.parquet"
    if not asked.ticks and not ticks.is_file():
        say(f"no --ticks: making synthetic ones in {ticks}")
        make_ticks(ticks)
    told = environment(ticks, asked.where, asked.results)
    for command in (["run", *(["--to", asked.to] if asked.to else [])], ["predict"]):
        say(f"\n$ ats {' '.join(command)}")
        done = subprocess.run([sys.executable, "-m", "ats_assets.cli", *command], env=told, check=False)  # noqa: S603 - our own command
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
