"""Compiles what the tests would compile, once, before several processes of them start: `python -m ats_assets_tests.warming [PART]`.

Without a part, each in a process of its own, beside each other.
What is compiled is kept on the disk, beside the code that it was compiled from. Without this, each process that comes to a kernel first compiles it for itself, for half a minute of all.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ats_assets.backtests.ahead_of_time import compile_kernels
from ats_assets.expressions import compute
from ats_assets.features.built_in import FAMILIES
from ats_assets.labels.cusum import CusumSettings, cusum_events
from ats_assets.labels.event_barriers import EventBarrierSettings, triple_barrier_events
from ats_assets.labels.label_spans import return_weights, uniqueness
from ats_assets.labels.sequential_bootstrap import next_draw, sequential_bootstrap
from ats_assets.labels.trend import scanned_trends
from ats_assets.options.cash_dividends import CashDividends, values_with_dividends, volatilities_with_dividends
from ats_assets.options.implied_volatility import implied_volatilities
from ats_assets.options.valuation import option_values
from ats_assets.plugins import SAMPLERS
from ats_assets_tests.expressions.panels import random_walks
from ats_assets_tests.kits.tick_market import TICK_DAYS, tick_frames
from ats_assets_tests.labels.bars_inside_sessions import DAYS, random_bars


def _compile_labels() -> None:
    bars, spans = random_bars(1), ([0, 1], [2, 3])
    triple_barrier_events(bars, cusum_events(bars, DAYS, CusumSettings()), DAYS, EventBarrierSettings())
    uniqueness(*spans)
    return_weights(*spans, [0.1, 0.1, 0.1])
    next_draw(*spans)
    sequential_bootstrap(*spans, seed=1)
    scanned_trends.compiled(np.ones((5, 1)), np.ones((5, 1)), np.arange(2), 2, 3)


def _compile_options() -> None:
    for american in (False, True):
        option_values(100.0, 100.0, 1.0, 0.05, 0.05, 0.25, call=True, american=american)
    implied_volatilities(10.0, 100.0, 100.0, 1.0, 0.05, 0.05, call=True)
    once = CashDividends(years=np.array([0.5]), amounts=np.array([1.0]), begin=np.zeros(1, np.int64), end=np.ones(1, np.int64))
    values_with_dividends(100.0, 100.0, 1.0, 0.05, 0.0, 0.25, True, once, american=True)
    volatilities_with_dividends(10.0, 100.0, 100.0, 1.0, 0.05, 0.0, True, once, american=True)


def _compile_expressions() -> None:
    for name in SAMPLERS.names():
        for sides in ("lee_ready", "bulk"):
            SAMPLERS.made(name, {"sides": sides}).bars(tick_frames(), TICK_DAYS, TICK_DAYS[-1:])
    bars = random_walks(3, 70, seed=1)
    for family in FAMILIES.values():
        compute(bars, family.expressions)
    compute(bars, {"rank": "CSRank($close)", "score": "CSZScore($close)"})
    _compile_labels()


PARTS: Final[Mapping[str, Callable[[], None]]] = {
    "backtests": compile_kernels,
    "options": _compile_options,
    "expressions": _compile_expressions,
}


def main(parts: list[str]) -> int:
    """Compile the kernels of a part, or of all; those that are on the disk already are loaded. The exit status."""
    for part in parts:
        PARTS[part]()
    if parts:
        return 0
    begun = [subprocess.Popen([sys.executable, "-m", "ats_assets_tests.warming", part]) for part in PARTS]
    ended = [process.wait() for process in begun]
    return int(any(ended))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
