"""One strategy in two engines: ours and vectorbt's, each in its own process, to the cent or with the difference explained by a rule.

    python -m ats_assets.backtests.child_engine vectorbt     # once: an environment of its own, 1.1 GB; its licence is told first
    python examples/vectorbt_comparison.py [--folder FOLDER] [--engines FOLDER]

Without that environment it says how to make it, and ends: nothing of vectorbt is installed by this program.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import polars as pl
from small_deployment import ats, deployment, use_folder

from ats_assets.backtests.child_engine.engine_in_child import EngineInChild
from ats_assets.plugins import ENGINES

LEFT_OUT = ["backtest.margin", "orders.limits"]
"""What vectorbt does not know, by name: it goes without."""
ENGINES_FOLDER = Path(__file__).resolve().parents[1] / "data" / "engines"


def main(arguments: list[str] | None = None, engines: Path = ENGINES_FOLDER) -> bool:
    """Backtest the same targets in both engines; False where vectorbt is not set up."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--engines", type=Path, default=engines)
    given, rest = parser.parse_known_args(arguments)
    use_folder("vectorbt_comparison", __doc__, rest)
    engines = given.engines.resolve()
    engine = ENGINES.made("vectorbt", {"environments": engines})
    if not isinstance(engine, EngineInChild) or not engine.environment.is_there(engines):
        print("vectorbt is not set up: python -m ats_assets.backtests.child_engine vectorbt makes its environment", file=sys.stderr)
        return False
    options = {"environments": str(engines), "leave_out": LEFT_OUT}
    settings = {"ATS_BACKTEST__ENGINE": "vectorbt", "ATS_BACKTEST__OPTIONS": json.dumps(options)}
    os.environ |= settings
    ats("run", "--select", "+backtest")
    theirs = equity()
    for name in settings:
        del os.environ[name]
    os.environ |= {"ATS_BACKTEST__ENGINE": "orders"}
    ats("run", "--select", "backtest")
    ours = equity()
    print(
        f"\nEquity at the end: vectorbt {theirs:,.2f}, ours {ours:,.2f}, which is {ours / theirs - 1:+.4%}; docs/engines.md has the rules"
    )
    return True


def equity() -> float:
    """The last equity of the stored backtest."""
    return pl.read_parquet(deployment().warehouse.root / "backtest" / "equity.parquet")["equity"][-1]


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
