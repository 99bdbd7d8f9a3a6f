"""How often the edge test takes chance for an edge, and how often it finds one: the table of docs/decisions/0007-edge-needs-t-of-three.md.

Usage: python benchmarks/edge_test_size.py [--histories 20000] [--seed 1]

Chance: ICs without any mean, either independent (scores that are new each session) or moving sums over the horizon (scores that never change: the worst case). Power: a mean
rank IC of 0.05 with a standard deviation of 0.15 in independent ICs, as one cross-section of some tens of symbols has it. The first row of each pair is the formula that was in use
before: as many lags as the horizon has sessions, and 3 as of a normal distribution.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.evaluation.edge_test import newey_west_t  # noqa: E402
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC, MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON  # noqa: E402

HORIZONS = (1, 5, 20)
SESSIONS = (60, 120, 200, 250, 500, 1000, 2000)
MEAN, DEVIATION = 0.05, 0.15

Statistic = Callable[[np.ndarray, int], float | None]


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| horizon | sessions | before, moving sums | moving sums | independent | power, IC 0.05 |\n|---|---|---|---|---|---|")
    for horizon in HORIZONS:
        for sessions in SESSIONS:
            if sessions >= max(MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON * horizon):
                print(row(horizon, sessions, arguments.histories, arguments.seed), flush=True)


def row(horizon: int, sessions: int, histories: int, seed: int) -> str:
    """One row: shares of the histories that pass."""
    rng = np.random.default_rng([seed, horizon, sessions])
    passed = np.zeros(4)
    for _ in range(histories):
        noise = rng.standard_normal(sessions + horizon - 1)
        sums = np.convolve(noise, np.ones(horizon), "valid")
        alone = noise[:sessions]
        passed += [
            passes(plain_t, sums, horizon),
            passes(newey_west_t, sums, horizon),
            passes(newey_west_t, alone, horizon),
            passes(newey_west_t, MEAN / DEVIATION + alone, horizon),
        ]
    before, overlapping, independent, power = passed / histories
    return f"| {horizon} | {sessions:,} | {before:.2%} | {overlapping:.2%} | {independent:.2%} | {power:.0%} |"


def passes(statistic: Statistic, values: np.ndarray, horizon: int) -> bool:
    """Whether the history would be called an edge."""
    t = statistic(values, horizon)
    return t is not None and t >= EDGE_T_STATISTIC


def plain_t(values: np.ndarray, horizon: int) -> float | None:
    """Newey and West with `horizon` lags, and nothing more."""
    centred, n = values - values.mean(), len(values)
    variance = (centred @ centred) / n
    for lag in range(1, min(horizon, n - 1) + 1):
        variance += 2.0 * (1.0 - lag / (horizon + 1.0)) * (centred[lag:] @ centred[:-lag]) / n
    return float(values.mean() / np.sqrt(variance / n)) if variance > 0 else None


if __name__ == "__main__":
    main()
