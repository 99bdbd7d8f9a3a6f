"""Dollar bars of ticks beside pandas and Polars' cumulative form, and how time and memory grow with the ticks.

Usage: python benchmarks/information_bars.py [--ticks 10000000] [--rounds 5] [--growth 10 25 50 100] [--json]

All three make open, high, low, close, volume, dollar volume, ticks, and first and last time of each bar. pandas and Polars do as tutorials have it: the cumulative sum of dollars,
divided by the threshold, numbers the bars. Ours starts each bar at zero; beside that, the whole way from a frame of trades to a frame of bars is timed, which also finds groups,
checks the order, classifies sides and makes all columns. Only the ratios of one run compare.
"""

import argparse
import json
import resource
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

THRESHOLD = 5e6
DAY = date(2024, 1, 2)


def ticks(n: int, seed: int, session: date) -> pl.DataFrame:
    """Trades of one symbol and session."""
    random = np.random.default_rng(seed)
    price = np.round(100.0 * np.exp(np.cumsum(random.choice(np.array([-1e-5, 0.0, 1e-5]), n))), 2)
    at = np.cumsum(random.integers(1, 4_000, n)) + (session - date(1970, 1, 1)).days * 86_400 * 10**9 + 14 * 3600 * 10**9
    rows = pl.DataFrame({"price": price, "size": random.integers(1, 500, n).astype(np.float64), "at": at, "sequence": np.arange(n)})
    same = {"symbol": "A", "session": session, "for_price": True, "for_high_low": True, "for_volume": True}
    columns = [pl.Series(name, [value]).new_from_index(0, n) for name, value in same.items()]  # whole columns, as a file's are
    return rows.with_columns(pl.col("at").cast(pl.Datetime("ns", "UTC")), *columns)


def polars_bars(frame: pl.DataFrame) -> pl.DataFrame:
    dollars = pl.col("price") * pl.col("size")
    price, at = pl.col("price"), pl.col("at")
    return (
        frame.lazy()
        .with_columns(dollars=dollars)
        .with_columns(bar=(pl.col("dollars").cum_sum() / THRESHOLD).floor().cast(pl.Int64))
        .group_by("bar", maintain_order=True)
        .agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            pl.col("size").sum().alias("volume"),
            pl.col("dollars").sum(),
            pl.len().alias("ticks"),
            at.first().alias("opened_at"),
            at.last().alias("known_at"),
        )
        .collect()
    )


def pandas_bars(frame: object) -> object:
    import pandas as pd

    assert isinstance(frame, pd.DataFrame)
    dollars = frame["price"] * frame["size"]
    grouped = frame.assign(dollars=dollars).groupby((dollars.cumsum() // THRESHOLD).astype("int64"), sort=False)
    return grouped.agg(
        open=("price", "first"),
        high=("price", "max"),
        low=("price", "min"),
        close=("price", "last"),
        volume=("size", "sum"),
        dollars=("dollars", "sum"),
        ticks=("price", "size"),
        opened_at=("at", "first"),
        known_at=("at", "last"),
    )


def fastest(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The least seconds of each, in turns."""
    taken = [[] for _ in works]
    for work in works:
        work()
    for _ in range(rounds):
        for i, work in enumerate(works):
            begin = perf_counter()
            work()
            taken[i].append(perf_counter() - begin)
    return [min(one) for one in taken]


def compare(n: int, rounds: int) -> dict[str, float]:
    from ats_assets.intraday.bar_ends import BY_DOLLARS, accumulated_ends
    from ats_assets.intraday.information_bars import sums_of_halves
    from ats_assets.intraday.tick_arrays import Ticks, read_only, trade_ticks
    from ats_assets.plugins import SAMPLERS

    frame = ticks(n, 1, DAY)
    held: Ticks = trade_ticks(frame)
    times = held.at
    level = read_only(np.array([THRESHOLD]))

    def kernels() -> object:
        ends = accumulated_ends.compiled(BY_DOLLARS, held.price, held.size, held.codes, held.at, held.starts, level)
        begins, stops, groups = map(read_only, (ends.begins, ends.ends, ends.groups))
        sums = sums_of_halves(held, begins, stops, groups)  # by two threads, as the sampler does and Polars too
        return sums, stops - begins, times[begins], times[stops - 1]

    sampler = SAMPLERS.made("dollar", {"threshold": THRESHOLD})
    pandas_frame = frame.to_pandas()
    ours, polars, whole = fastest(rounds, kernels, lambda: polars_bars(frame), lambda: sampler.bars({"trades": frame}, [DAY], [DAY]))
    (pandas,) = fastest(max(1, rounds // 2), lambda: pandas_bars(pandas_frame))
    bars, cumulative = sampler.bars({"trades": frame}, [DAY], [DAY]), polars_bars(frame)
    assert abs(bars.height / cumulative.height - 1.0) < 0.02
    assert abs(bars["dollar_volume"].sum() / cumulative["dollars"].sum() - 1.0) < 1e-9
    return {
        "ticks": n,
        "bars": bars.height,
        "kernels_s": ours,
        "frame_to_frame_s": whole,
        "polars_s": polars,
        "pandas_s": pandas,
        "times_pandas": pandas / ours,
        "times_polars": polars / ours,
        "frame_to_frame_times_pandas": pandas / whole,
        "frame_to_frame_times_polars": polars / whole,
    }


def growth(millions: list[int], in_session: int = 10_000_000) -> list[dict[str, float]]:
    """Sessions of ten million ticks, each made, sampled and thrown away, as the asset does."""
    from ats_assets.plugins import SAMPLERS

    sampler = SAMPLERS.made("dollar", {"threshold": THRESHOLD})
    found = []
    for million in millions:
        seconds, bars = 0.0, 0
        for i in range(million * 1_000_000 // in_session):
            session = DAY + timedelta(days=i)
            frame = ticks(in_session, i, session)
            begin = perf_counter()
            bars += sampler.bars({"trades": frame}, [session], [session]).height
            seconds += perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
        found.append(
            {"million_ticks": million, "seconds": seconds, "seconds_per_million": seconds / million, "bars": bars, "peak_mb": peak}
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="*", default=[10, 30, 100])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    growth([10], 100_000)  # compiled, or loaded, before anything is timed
    grown = growth(options.growth)
    result = {"growth": grown, "dollar_bars": compare(options.ticks, options.rounds)}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    one = result["dollar_bars"]
    print(
        f"{one['ticks']:,} ticks, {one['bars']:,} bars: kernels {one['kernels_s']:.3f} s, frame to frame {one['frame_to_frame_s']:.3f} s, "
        f"Polars {one['polars_s']:.3f} s, pandas {one['pandas_s']:.3f} s"
    )
    print(
        f"kernels: {one['times_pandas']:.1f} times pandas, {one['times_polars']:.1f} times Polars; "
        f"frame to frame: {one['frame_to_frame_times_pandas']:.1f} and {one['frame_to_frame_times_polars']:.1f}"
    )
    for row in grown:
        print(
            f"{row['million_ticks']:4d} M ticks: {row['seconds']:.2f} s, {1000 * row['seconds_per_million']:.1f} ms a million, peak {row['peak_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
