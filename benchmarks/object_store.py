"""What an object store costs: a small run with warehouse and models in it beside the same run on a disk, its requests, and what another machine fetches.

Usage: python benchmarks/object_store.py [--sessions 15] [--delay-ms 0] [--json]

The server is moto's, in a process of its own on 127.0.0.1, behind a front that counts and can add a delay to each request. Processor time is of the run alone; wall time depends
on what else the machine does. The ratios compare within one run of the script.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets_tests.s3_double import BUCKET, CREDENTIALS, S3Double, s3_double, slow  # noqa: E402
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, LAST, files_of, make_history, small_market  # noqa: E402


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=15)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ.update(CREDENTIALS)
    with tempfile.TemporaryDirectory() as folder, server(asked.delay_ms / 1000) as (endpoint, counts):
        found = measured(Path(folder), endpoint, counts, asked.sessions)
    print(json.dumps(found, indent=1) if asked.json else "\n".join(f"{name:<58} {value}" for name, value in found.items()))


def measured(root: Path, endpoint: str, counts: Callable[[], Mapping[str, int]], sessions: int) -> dict[str, Any]:
    """Figures by name."""

    def on(machine: str) -> Deployment:
        storage = S3Double(endpoint=endpoint).storage(
            "market", root / machine / "data", look_seconds=5.0, retry_seconds=60.0, timeout_seconds=60.0
        )
        return small_market(root / machine, storage=storage, **EARLY_MODELS)

    disk, there = small_market(root / "disk", **EARLY_MODELS), on("one")
    days = disk.calendar.sessions(FIRST, LAST)[: sessions + 1]
    make_history(small_market(root / "warm", **EARLY_MODELS), FIRST, days[1])  # imports and kernels are nobody's cost
    counts()
    on_disk = timed(lambda: make_history(disk, FIRST, days[-2]))
    files = len(files_of(root / "disk"))
    in_store = timed(lambda: make_history(there, FIRST, days[-2]))
    of_run = counts()
    one_more = timed(lambda: make_history(there, days[-1], days[-1]))
    of_session = counts()
    make_history(disk, days[-1], days[-1])
    new_files = len(files_of(root / "disk")) - files
    again = timed(lambda: on("one").warehouse.read("alpha158", days))
    of_warm = counts()
    other = on("other")
    cold = timed(lambda: other.warehouse.read("alpha158", days))
    of_cold = counts()
    return {
        "files of the run": files,
        "run on a disk: processor s, wall s": on_disk,
        "run in the store: processor s, wall s": in_store,
        "processor time of the run in the store / on the disk": round(in_store[0] / on_disk[0], 2),
        "requests of the run": of_run,
        "requests a file": round(sum(of_run.values()) / files, 2),
        "one session more: processor s, wall s": one_more,
        "requests of it, and files": [of_session, new_files],
        "reading 158 features again here: s, requests": [again, of_warm],
        "reading them on another machine: s, requests": [cold, of_cold],
        "share of the files that the cache had here": round(1 - of_warm.get("GET objects", 0) / len(days), 3),
    }


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor and of the clock."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(spent, 2), round(time.perf_counter() - began, 2)


@contextmanager
def server(delay: float) -> Iterator[tuple[str, Callable[[], Mapping[str, int]]]]:
    """The server in a process of its own: its address, and a function that says what was asked since it was last called."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, delay), daemon=True)
    process.start()
    endpoint = ours.recv()

    def counts() -> Mapping[str, int]:
        ours.send("counts")
        return ours.recv()

    try:
        yield endpoint, counts
    finally:
        process.terminate()


def _serve(told: Connection, delay: float) -> None:
    os.environ.update(CREDENTIALS)
    with s3_double() as double:
        if delay:
            double.before = slow(delay)
        told.send(double.endpoint)
        while told.recv():
            asked, double.asked[:] = list(double.asked), []
            told.send(dict(Counter(f"{method} {_kind(path)}" for method, path in asked)))


def _kind(path: str) -> str:
    return "listings" if path.rstrip("/") == f"/{BUCKET}" else "log" if "/.ats/" in path else "objects"


if __name__ == "__main__":
    main()
