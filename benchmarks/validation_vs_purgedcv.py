"""Purged splits and the probability of backtest overfitting beside purgedcv's, in one run; both must come to the same.

Usage: python benchmarks/validation_vs_purgedcv.py [--rows 100000] [--trials 100] [--sessions 1000] [--blocks 10] [--rounds 5] [--json]

Splits: a panel of so many labelled rows over ten years of days, with spans of 0 to 29 days and an embargo of five. PBO: returns of so many trials without skill. The goals are 20 times for the
splits and 500 times for the probability.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import purgedcv

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.evaluation import Split, combinatorial_purged, probability_of_backtest_overfitting, purged_kfold  # noqa: E402

DAY = 86_400 * 10**9


def main() -> None:
    """Print a row for each work, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = [
        *splits(arguments.rows, arguments.rounds),
        overfitting(arguments.sessions, arguments.trials, arguments.blocks, arguments.rounds),
    ]
    if arguments.json:
        print(json.dumps(found))
        return
    print("| work | purgedcv, s | ours, s | ratio |\n|---|---|---|---|")
    for row in found:
        print(f"| {row['work']} | {row['purgedcv']:.3f} | {row['ours']:.5f} | {row['ratio']:,.0f} |")


def splits(n_rows: int, rounds: int) -> list[dict]:
    random = np.random.default_rng(0)
    decided = np.sort(random.integers(0, 2520, n_rows)) * DAY
    known = decided + random.integers(0, 30, n_rows) * DAY
    times = {"prediction_times": pd.Series(pd.to_datetime(decided)), "evaluation_times": pd.Series(pd.to_datetime(known)), "embargo": "5D"}
    how = {"embargo": 5 * DAY, "cut": "rows"}
    cases = {
        "purged K-fold, 5 folds": (lambda: list(purged_kfold(decided, known, 5, **how)), purgedcv.PurgedKFold(5, **times)),
        "CPCV, 10 blocks, 2 tested": (
            lambda: list(combinatorial_purged(decided, known, 10, 2, **how)),
            purgedcv.CombinatorialPurgedCV(10, 2, **times),
        ),
    }
    rows = []
    for name, (ours, splitter) in cases.items():
        theirs = time_of(lambda one=splitter: list(one.split(np.empty((n_rows, 1)))))
        own = min((time_of(ours) for _ in range(rounds)), key=lambda one: one[0])
        assert all(same(split, pair) for split, pair in zip(own[1], theirs[1], strict=True)), name
        rows.append(told(f"{name}, {n_rows:,} rows", theirs[0], own[0]))
    return rows


def same(split: Split, pair: tuple[np.ndarray, np.ndarray]) -> bool:
    return np.array_equal(split.train, pair[0]) and np.array_equal(split.test, pair[1])


def overfitting(n_sessions: int, n_trials: int, n_blocks: int, rounds: int) -> dict:
    returns = np.random.default_rng(1).normal(0.0, 0.01, (n_sessions, n_trials))
    theirs = time_of(lambda: purgedcv.probability_of_backtest_overfitting(returns.T, n_blocks))
    own = min((time_of(lambda: probability_of_backtest_overfitting(returns, n_blocks)) for _ in range(rounds)), key=lambda one: one[0])
    assert own[1].probability == theirs[1].pbo
    return told(f"PBO, {n_trials} trials, {n_sessions:,} sessions, {n_blocks} blocks", theirs[0], own[0])


def time_of(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


def told(work: str, theirs: float, ours: float) -> dict:
    return {"work": work, "purgedcv": theirs, "ours": ours, "ratio": theirs / ours}


if __name__ == "__main__":
    main()
