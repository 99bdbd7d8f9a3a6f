"""The triple barrier over bars: events a second of the kernel, of whole labels from frame to frame, of plain Python and of the form in which pandas libraries have it.

Usage: python benchmarks/labels_vs_pandas.py [--events 2000000] [--horizon 50] [--barrier 4.0] [--slow 2000] [--json]

One random walk, an event at each bar, barriers in multiples of the volatility, one core. The pandas form is that of the book's snippet 3.2, one event after the other by
labelled slices, on closes; to compare labels ours gets closes as opens, highs and lows. Beside it the slow oracle of the tests in plain Python. Only the ratios of one run compare.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from ats_assets.labels.cusum import CusumSettings, cusum_events  # noqa: E402
from ats_assets.labels.event_barriers import EventBarrierSettings, triple_barrier_events  # noqa: E402
from ats_assets.labels.label_spans import uniqueness  # noqa: E402
from ats_assets.labels.sequential_bootstrap import sequential_bootstrap  # noqa: E402
from ats_assets.labels.touches import first_touches  # noqa: E402

DAY = date(2024, 1, 2)
VOLATILITY = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--horizon", type=int, default=50, help="bars")
    parser.add_argument("--barrier", type=float, default=4.0, help="multiples of a bar's volatility, both sides")
    parser.add_argument("--slow", type=int, default=2_000, help="events of the slow forms")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    told = measure(arguments.events, arguments.horizon, arguments.barrier, arguments.slow)
    print(json.dumps(told, indent=2) if arguments.json else "\n".join(f"{name:>34} {value:>16,.1f}" for name, value in told.items()))


def measure(events: int, horizon: int, barrier: float, slow: int) -> dict[str, Any]:
    closes = 100 * np.exp(np.cumsum(VOLATILITY * np.random.default_rng(1).standard_normal(events + horizon + 2)))
    entered = np.arange(1, events + 1)
    entry = closes[entered - 1]
    size = entry * barrier * VOLATILITY
    ends = np.full(events, len(closes))
    below = np.full(events, -1, np.int8)
    rest = (entered, entered + horizon, ends, np.zeros(events, np.bool_), entry + size, entry - size, below, 0, False)

    def kernel() -> Any:
        return first_touches.compiled(closes, closes, closes, closes, *rest)

    kernel()
    (_, label, *_), seconds = best(kernel)
    told = {"kernel events/s": events / seconds}
    by_pandas, seconds = once(lambda: pandas_form(closes, slow, horizon, barrier * VOLATILITY))
    assert np.array_equal(by_pandas, label[:slow]), "labels differ"
    told |= {"pandas form events/s": slow / seconds, "kernel / pandas form": told["kernel events/s"] * seconds / slow}
    by_python, seconds = once(lambda: plain_form(closes.tolist(), slow, horizon, barrier * VOLATILITY))
    assert np.array_equal(by_python, label[:slow]), "labels differ"
    told |= {"plain Python events/s": slow / seconds, "kernel / plain Python": told["kernel events/s"] * seconds / slow}
    return told | of_frames(closes[: min(len(closes), 500_000)], horizon, barrier)


def of_frames(closes: np.ndarray, horizon: int, barrier: float) -> dict[str, float]:
    """What stands around the kernel: frames in, frames out, with the volatility and the spans."""
    at = pl.Series(np.arange(len(closes)) * 1_000_000_000).cast(pl.Datetime("ns", "UTC"))
    same = dict.fromkeys(("open", "high", "low"), pl.col("close"))
    bars = pl.DataFrame(
        {"symbol": "A", "session": DAY, "bar": np.arange(len(closes), dtype=np.int32), "known_at": at, "close": closes}
    ).with_columns(**same)
    events, how = bars.select("symbol", "session", "bar"), EventBarrierSettings(gain=barrier, loss=barrier, horizon_bars=horizon)
    cusum_events(bars, [DAY], CusumSettings())
    labels, seconds = best(lambda: triple_barrier_events(bars, events, [DAY], how), 2)
    told = {"frame to frame events/s": len(labels) / seconds}
    _, seconds = best(lambda: cusum_events(bars, [DAY], CusumSettings()), 2)
    told["CUSUM bars/s"] = len(bars) / seconds
    decided = labels["bar"].to_numpy().astype(np.int64)
    known = decided + np.maximum(labels["holding_bars"].to_numpy(), 1)
    _, seconds = best(lambda: uniqueness(decided, known), 2)
    told["uniqueness labels/s"] = len(labels) / seconds
    few = slice(0, 20_000)
    _, seconds = best(lambda: sequential_bootstrap(decided[few], known[few], seed=1), 2)
    return told | {"sequential draws/s of 20,000": 20_000 / seconds}


def pandas_form(closes: np.ndarray, events: int, horizon: int, size: float) -> np.ndarray:
    """Snippet 3.2, `applyPtSlOnT1`, and the sign of what was met first."""
    close = pd.Series(closes, index=pd.date_range("2024-01-01", periods=len(closes), freq="s"))
    out = pd.DataFrame({"t1": close.index[horizon : horizon + events]}, index=close.index[:events])
    out["pt"], out["sl"] = pd.NaT, pd.NaT
    for start, end in out["t1"].items():
        path = close[start:end] / close[start] - 1
        out.loc[start, "sl"] = path[path <= -size].index.min()
        out.loc[start, "pt"] = path[path >= size].index.min()
    never = pd.Timestamp.max
    gained, lost = out["pt"].fillna(never), out["sl"].fillna(never)
    return np.where(gained < lost, 1, np.where(lost < gained, -1, 0))


def plain_form(closes: list[float], events: int, horizon: int, size: float) -> np.ndarray:
    """One event after the other, one bar after the other."""
    found = np.zeros(events, np.int8)
    for i in range(events):
        above, below = closes[i] + closes[i] * size, closes[i] - closes[i] * size
        for price in closes[i + 1 : i + 1 + horizon]:
            if price <= below or price >= above:
                found[i] = -1 if price <= below else 1
                break
    return found


def once(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def best(work: Callable[[], Any], times: int = 3) -> tuple[Any, float]:
    found = [once(work) for _ in range(times)]
    return found[0][0], min(seconds for _, seconds in found)


if __name__ == "__main__":
    main()
