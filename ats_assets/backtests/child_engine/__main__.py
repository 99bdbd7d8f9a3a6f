"""`python -m ats_assets.backtests.child_engine <engine> [folder]`: make an engine's environment ahead, as its first backtest would; the folder is `data/engines` by default."""

import logging
import sys
from pathlib import Path

from ats_assets.backtests.child_engine.engine_in_child import ChildEngineSettings, EngineInChild
from ats_assets.errors import EngineError
from ats_assets.plugins import ENGINES


def main(arguments: list[str]) -> int:
    """Make it; the exit status is 2 where there is no such engine, 1 where it can't be installed."""
    made = {name: ENGINES.made(name, {}) for name in ENGINES.names()}
    there = {name: engine.environment for name, engine in made.items() if isinstance(engine, EngineInChild)}
    if not 1 <= len(arguments) <= 2 or arguments[0] not in there:
        sys.stderr.write(f"usage: python -m {__package__} {{{', '.join(there)}}} [folder]\n")
        return 2
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    environments = Path(arguments[1]) if arguments[1:] else ChildEngineSettings().environments
    try:
        sys.stdout.write(f"{there[arguments[0]].made(environments)}\n")
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
