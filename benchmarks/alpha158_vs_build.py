"""Alpha158 by this build and by an earlier one, in turn on the same market: from a frame in memory to a frame.

Usage: python benchmarks/alpha158_vs_build.py --against COMMIT [--symbols 800] [--years 13] [--rounds 7] [--threads 1 2]

A process of each build stays, and computes when it is asked: all rows with each number of threads, and the newest session of 800 and of 3,000 symbols. What
is printed is the least time of all rounds, of the processors and in brackets of the clock, and the ratio; both are checked to give the same bits. On a machine that others use only the processors' time
says something.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve()
PROJECT = HERE.parents[1]
LIVE_SYMBOLS = (800, 3_000)
LIVE_SESSIONS = 61
LIVE_REPEATS = 15
"""In a round: so short a time is disturbed easily."""


def main() -> None:
    """Make the market, ask both builds in turn, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--symbols", type=int, default=800)
    parser.add_argument("--years", type=float, default=13)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.answer:
        answer(asked.answer)
        return
    sys.path.insert(0, str(HERE.parent))
    from panel import make_panel

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_panel(asked.symbols, asked.years).write_parquet(folder / "panel.parquet")
        make_panel(max(LIVE_SYMBOLS), 0.5).write_parquet(folder / "live.parquet")
        with earlier(asked.against, folder / "against") as tree, process(PROJECT, folder) as now, process(tree, folder) as before:
            compare(before, now, asked.rounds, asked.threads)


@contextmanager
def earlier(commit: str, tree: Path) -> Iterator[Path]:
    """The project as it was."""
    subprocess.run(["git", "-C", str(PROJECT), "worktree", "add", "--detach", str(tree), commit], check=True, capture_output=True)
    try:
        yield tree
    finally:
        subprocess.run(["git", "-C", str(PROJECT), "worktree", "remove", "--force", str(tree)], check=True, capture_output=True)


@contextmanager
def process(tree: Path, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A build that computes when it is asked."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, str(HERE), "--answer", str(folder)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        yield running
        assert running.stdin
        running.stdin.close()


def ask(build: "subprocess.Popen[str]", question: str) -> tuple[float, float, str]:
    """Seconds of the processors and of the clock, and a digest of the result."""
    assert build.stdin
    assert build.stdout
    build.stdin.write(question + "\n")
    build.stdin.flush()
    processor, clock, digest = build.stdout.readline().split()
    return float(processor), float(clock), digest


def compare(before: "subprocess.Popen[str]", now: "subprocess.Popen[str]", rounds: int, threads: Sequence[int]) -> None:
    """Ask both everything, round by round."""
    print(f"{'':28}{'before':>20}{'now':>20}{'ratio':>16}")
    for question in [*(f"all {count}" for count in threads), *(f"live {symbols}" for symbols in LIVE_SYMBOLS)]:
        answers = [[ask(build, question) for build in (before, now)] for _ in range(rounds)]
        (old, old_clock), (new, new_clock) = ([min(round_[side][i] for round_ in answers) for i in (0, 1)] for side in (0, 1))
        same = "" if len({digest for round_ in answers for _, _, digest in round_}) == 1 else "  DIFFERENT BITS"
        figures = f"{1000 * old:10.1f} ({1000 * old_clock:7.1f}){1000 * new:10.1f} ({1000 * new_clock:7.1f}) ms"
        print(f"{question:28}{figures}{old / new:8.2f} ({old_clock / new_clock:.2f}){same}", flush=True)


def answer(folder: Path) -> None:
    """Answer questions until there are no more."""
    import polars as pl

    from ats_assets.features.built_in import ALPHA158

    panel, live = pl.read_parquet(folder / "panel.parquet"), pl.read_parquet(folder / "live.parquet")
    newest = live["session"].max()
    live = live.filter(pl.col("session").is_in(live["session"].unique().sort().tail(LIVE_SESSIONS).implode()))
    for line in sys.stdin:
        what, number = line.split()
        if what == "all":
            taken = [timed(panel, ALPHA158, threads=int(number))]
        else:
            symbols = live.filter(pl.col("symbol") < f"S{int(number):05d}")
            taken = [timed(symbols, ALPHA158, since=newest, threads=1) for _ in range(LIVE_REPEATS)]
        print(min(one[0] for one in taken), min(one[1] for one in taken), taken[-1][2], flush=True)


def timed(*arguments: object, **options: object) -> tuple[float, float, str]:
    """Seconds of the processors and of the clock, and a digest of the result."""
    from ats_assets.features import compute

    clock, processor = time.perf_counter(), time.process_time()
    frame = compute(*arguments, **options)
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    digest = hashlib.sha256()
    for column in frame.get_columns()[2:]:
        digest.update(column.to_numpy().tobytes())
    return processor, clock, digest.hexdigest()


if __name__ == "__main__":
    main()
