"""10,000 paths of 2,520 sessions: the kernel beside the same stationary bootstrap in NumPy and in pandas, in one run.

Usage: python benchmarks/monte_carlo.py [--paths 10000] [--sessions 2520] [--rounds 3] [--threads 1] [--json]

NumPy draws the places of all paths step by step, and finds values, peaks and drawdowns of matrices, some paths at a time so that memory stays bounded. pandas does a path
at a time, as notebooks do, for a share of the paths; its time is scaled up.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.risk_analysis import Resampling, simulated_paths  # noqa: E402

BLOCK = 10.0
AT_ONCE = 500
PANDAS_SHARE = 100


def main() -> None:
    """Print the times and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=2_520)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    returns = np.random.default_rng(1).normal(0.0004, 0.01, arguments.sessions)
    how = {"paths": arguments.paths, "horizon": arguments.sessions}
    resampling = Resampling(way="stationary", block_length=BLOCK)
    simulated_paths(returns, resampling, paths=1, horizon=10)  # compiles, or loads what was compiled
    ours = best(lambda: medians(simulated_paths(returns, resampling, threads=arguments.threads, **how)), arguments.rounds)
    numpy = best(lambda: in_numpy(returns, **how), arguments.rounds)
    few = max(1, arguments.paths // PANDAS_SHARE)
    pandas = best(lambda: in_pandas(returns, paths=few, horizon=arguments.sessions), 1) * arguments.paths / few
    found = {"ours_s": ours, "numpy_s": numpy, "pandas_s": pandas, "ratio_numpy": numpy / ours, "ratio_pandas": pandas / ours}
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    print(f"{arguments.paths:,} paths of {arguments.sessions:,} sessions: ours {ours:.3f} s, NumPy {numpy:.2f} s, pandas {pandas:.1f} s")
    print(f"{found['ratio_numpy']:.0f} times NumPy, {found['ratio_pandas']:.0f} times pandas")


def best(make: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        make()
        times.append(time.perf_counter() - began)
    return min(times)


def medians(found: object) -> tuple[float, float]:
    """What is made of the paths in the end."""
    return float(np.median(found.final)), float(np.median(found.drawdown))  # pyright: ignore[reportAttributeAccessIssue]


def in_numpy(returns: np.ndarray, *, paths: int, horizon: int) -> tuple[float, float]:
    """The same in matrices."""
    random, n = np.random.default_rng(1), len(returns)
    final, drawdown = [], []
    for first in range(0, paths, AT_ONCE):
        some = min(AT_ONCE, paths - first)
        fresh = random.random((horizon, some)) < 1.0 / BLOCK
        drawn = random.integers(0, n, (horizon, some))
        places = np.empty((horizon, some), np.int64)
        places[0] = drawn[0]
        for t in range(1, horizon):
            places[t] = np.where(fresh[t], drawn[t], (places[t - 1] + 1) % n)
        values = np.cumprod(1.0 + returns[places], axis=0)
        drawdown.append((values / np.maximum.accumulate(values, axis=0) - 1.0).min(axis=0))
        final.append(values[-1])
    return float(np.median(np.concatenate(final))), float(np.median(np.concatenate(drawdown)))


def in_pandas(returns: np.ndarray, *, paths: int, horizon: int) -> tuple[float, float]:
    """The same path by path."""
    random, series = np.random.default_rng(1), pd.Series(returns)
    final, drawdown = [], []
    for _ in range(paths):
        fresh = random.random(horizon) < 1.0 / BLOCK
        fresh[0] = True
        starts = pd.Series(np.where(fresh, random.integers(0, len(returns), horizon), np.nan)).ffill()
        since = pd.Series(fresh.cumsum()).groupby(fresh.cumsum()).cumcount()
        values = (1.0 + series.take(((starts + since) % len(returns)).astype(int)).reset_index(drop=True)).cumprod()
        final.append(values.iloc[-1])
        drawdown.append((values / values.cummax() - 1.0).min())
    return float(np.median(final)), float(np.median(drawdown))


if __name__ == "__main__":
    main()
