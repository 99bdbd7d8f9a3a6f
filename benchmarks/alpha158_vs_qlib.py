"""Alpha158 by qlib and by this project, in turn on the same market: from the files of each to a frame of all rows.

Usage: python benchmarks/alpha158_vs_qlib.py [--symbols 800] [--years 13] [--rounds 3] [--json]

qlib reads its own binary layout with one and with two kernels; ours reads a Parquet file with one and with two threads. Each measurement is a
process of its own that has imported its libraries, and compiled what it compiles, before the clock starts. Then, from a frame in memory that
ends at the newest session: the factors of that session alone. Figures are medians over the rounds; only ratios of one run compare.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
LIVE_SYMBOLS = (800, 3_000)
LIVE_SESSIONS = 61
REPEATS = 5
"""Ours takes so little time that the first touch of memory which a virtual machine has to fetch from its host would be most of it."""


def main() -> None:
    """Make the market, measure each side in turn, print the ratios."""
    arguments = _arguments()
    if arguments.side:
        print(json.dumps(SIDES[arguments.side](arguments.folder, arguments.workers)))
        return
    say = (lambda text: print(text, file=sys.stderr, flush=True)) if arguments.json else (lambda text: print(text, flush=True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = _prepare(folder, arguments.symbols, arguments.years)
        say(f"{arguments.symbols} symbols, {arguments.years:g} years, {rows:,} rows, {os.cpu_count()} processors, {date.today()}")
        measured: dict[str, list[dict[str, float]]] = {}
        for turn in range(arguments.rounds):
            for side, workers in (("qlib", 1), ("ours", 1), ("qlib", 2), ("ours", 2)):
                figures = _measure(side, folder, workers)
                measured.setdefault(f"{side} {workers}", []).append(figures)
                say(f"round {turn + 1}: {side}, {workers} at a time: {figures['seconds']:.2f} s, peak {figures['peak_bytes'] / 1e9:.2f} GB")
            measured.setdefault("live", []).append(_measure("live", folder, 2))
    result = _result(measured, rows)
    print(json.dumps(result) if arguments.json else _table(result))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=800)
    parser.add_argument("--years", type=float, default=13)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, progress on standard error")
    parser.add_argument("--side", choices=sorted(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _prepare(folder: Path, symbols: int, years: float) -> int:
    from panel import make_panel, weekdays

    from ats_assets_tests.expressions.qlib_features import write_qlib_data

    panel = make_panel(symbols, years)
    panel.write_parquet(folder / "panel.parquet")
    write_qlib_data(panel, weekdays(years), folder / "qlib")
    return panel.height


def _measure(side: str, folder: Path, workers: int) -> dict[str, float]:
    """One side in a fresh process."""
    quiet = {"PYTHONWARNINGS": "ignore", "MLFLOW_ALLOW_FILE_STORE": "true", "POLARS_MAX_THREADS": str(workers)}
    command = [sys.executable, str(HERE), "--side", side, "--folder", str(folder), "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **quiet}, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _peak_bytes() -> float:
    """Of this process and of the largest of those that it started."""
    return 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _of_qlib(folder: Path, workers: int) -> dict[str, float]:
    import qlib
    from qlib.contrib.data.loader import Alpha158DL
    from qlib.data import D

    qlib.init(provider_uri=str(folder / "qlib"), region="us", kernels=workers, logging_level=40)
    expressions, _ = Alpha158DL.get_feature_config()
    start = time.perf_counter()
    frame = D.features(D.instruments("all"), expressions, freq="day")
    return {"seconds": time.perf_counter() - start, "rows": len(frame), "peak_bytes": _peak_bytes()}


def _of_ours(folder: Path, workers: int) -> dict[str, float]:
    start = time.perf_counter()
    import polars as pl

    from ats_assets.features import compute
    from ats_assets.features.built_in import ALPHA158

    compute(pl.read_parquet(folder / "panel.parquet", n_rows=100), ALPHA158, threads=1)
    first = time.perf_counter() - start
    rows, output_bytes, times = 0, 0, []
    for _ in range(REPEATS):
        start = time.perf_counter()
        frame = compute(pl.read_parquet(folder / "panel.parquet"), ALPHA158, threads=workers)
        times.append(time.perf_counter() - start)
        rows, output_bytes = frame.height, frame.estimated_size()
        del frame
    return {
        "seconds": statistics.median(times),
        "rows": rows,
        "peak_bytes": _peak_bytes(),
        "output_bytes": float(output_bytes),
        "import_and_first_call_seconds": first,
    }


def _live(folder: Path, workers: int) -> dict[str, float]:
    """The newest session from the last sessions in memory: milliseconds by number of symbols."""
    import polars as pl
    from panel import make_panel

    from ats_assets.features import compute
    from ats_assets.features.built_in import ALPHA158

    del folder
    panel = make_panel(max(LIVE_SYMBOLS), 0.5)
    newest = panel["session"].max()
    last = panel["session"].unique().sort().tail(LIVE_SESSIONS)
    panel = panel.filter(pl.col("session").is_in(last.implode()))
    found: dict[str, float] = {}
    for symbols in LIVE_SYMBOLS:
        frame = panel.filter(pl.col("symbol") < f"S{symbols:05d}")
        times = [_timed(lambda frame=frame: compute(frame, ALPHA158, since=newest, threads=workers)) for _ in range(21)]
        found[f"live_{symbols}_ms"] = 1_000 * statistics.median(times[1:])
    return found


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


SIDES: dict[str, Callable[[Path, int], dict[str, float]]] = {"qlib": _of_qlib, "ours": _of_ours, "live": _live}


def _result(measured: dict[str, list[dict[str, float]]], rows: int) -> dict[str, Any]:
    def median(side: str, figure: str) -> float:
        return statistics.median(found[figure] for found in measured[side])

    assert median("qlib 1", "rows") == median("ours 1", "rows") == rows
    return {
        "rows": rows,
        "ratio_one_thread": median("qlib 1", "seconds") / median("ours 1", "seconds"),
        "ratio_two_threads": median("qlib 2", "seconds") / median("ours 2", "seconds"),
        "second_thread_gain": median("ours 1", "seconds") / median("ours 2", "seconds"),
        "peak_over_output": max(median(side, "peak_bytes") / median(side, "output_bytes") for side in ("ours 1", "ours 2")),
        "qlib_peak_over_output": median("qlib 1", "peak_bytes") / median("ours 1", "output_bytes"),
        "seconds": {side: median(side, "seconds") for side in measured if side != "live"},
        "import_and_first_call_seconds": median("ours 1", "import_and_first_call_seconds"),
        **{name: median("live", name) for name in measured["live"][0]},
    }


def _table(result: dict[str, Any]) -> str:
    live = ", ".join(f"{symbols:,} symbols {result[f'live_{symbols}_ms']:.1f} ms" for symbols in LIVE_SYMBOLS)
    return "\n".join(
        [
            f"one thread   {result['ratio_one_thread']:.1f} times qlib with one kernel",
            f"two threads  {result['ratio_two_threads']:.1f} times qlib with two kernels; {result['second_thread_gain']:.2f} times one thread",
            f"peak memory  {result['peak_over_output']:.2f} times the output, the whole process (qlib: {result['qlib_peak_over_output']:.2f})",
            f"live         newest session of {live}",
            f"start        import and first call {result['import_and_first_call_seconds']:.2f} s",
        ]
    )


if __name__ == "__main__":
    main()
