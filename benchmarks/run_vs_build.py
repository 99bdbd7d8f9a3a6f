"""A build of now beside an earlier one: whole processes, alternating in one invocation, with the share of each stage.

Usage: python benchmarks/run_vs_build.py --against COMMIT [--rounds 1] [--to DATE] [--sp500] [--json FILE]

Of both builds, in turns: `ats run` by each one's own default settings, in an empty warehouse; on what it made `dagster asset materialize` of one session, `ats --help`, and the
commands that only read; with --sp500 a run over the S&P 500 panel of the tests' real market data (1,259 sessions; hours on a busy machine). As after an installation: what the
set-up compiles, and a first run of a few sessions, which are not counted, leave the byte code of all that is imported and the numba kernels. Both use the libraries of the Python that runs this.

Time is of the clock, in brackets of the processors, children included; memory is the most that a process and its children held together, looked at ten times a second
(Linux; a page that two of them share counts twice). The runs' contents are compared, too: the data version in each file's footer and each model's bytes. Only ratios compare.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

PROJECT = Path(__file__).resolve().parents[1]
PANEL = PROJECT.parent / "shared" / "data" / "us_daily_sp500" / "vintage=2018-02-09.parquet"
SP500 = f'[source]\nkind = "files"\npath = "{PANEL}"\n\n[bars]\nmax_rejected_share = 0.05\n'
WARM_TO = "2021-03-31"
"""Of the run that is not counted: enough sessions for features and labels."""
COMPILING = "ats_assets/runs/compiling.py"
LATE = "great_expectations, lightgbm, matplotlib.backends.backend_agg, matplotlib.figure, mlflow, plotly.offline"
"""What a run of so few sessions does not import."""
GROUPED = {"features", "orders"}
"""Commands that have commands."""
LOOKS = 3
"""How often a command that takes a second is timed, in a round."""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a process took."""

    seconds: float
    processor: float
    memory: int


@dataclass(kw_only=True)
class Build:
    """A tree of the project, and the folder that its runs work in."""

    name: str
    tree: Path
    folder: Path
    used: dict[str, list[Used]] = field(default_factory=dict)
    stages: dict[str, dict[str, float]] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)

    def environment(self, home: Path) -> dict[str, str]:
        """Of its processes: byte code and kernels are kept apart from those of a working copy."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ATS_") and name != "PYTHONDONTWRITEBYTECODE"}
        own = {"PYTHONPATH": str(self.tree), "ATS_SETTINGS": str(home / "ats.toml"), "DAGSTER_HOME": str(home)}
        bytecode = os.environ.get("PYTHONPYCACHEPREFIX", str(self.folder.parent / "bytecode"))
        caches = {"PYTHONPYCACHEPREFIX": bytecode, "NUMBA_CACHE_DIR": str(self.folder / "kernels")}
        return kept | own | caches

    def home(self, name: str, settings: str | None = None) -> Path:
        """An empty folder with settings: its own default ones unless others are given."""
        home = self.folder / name
        home.mkdir(parents=True)
        (home / "ats.toml").write_text(settings or (self.tree / "ats.toml").read_text(encoding="utf-8"), encoding="utf-8")
        (home / "dagster.yaml").write_text((self.tree / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        return home

    def time(self, what: str, home: Path, *command: str) -> str:
        """Run a process, note what it took under a name, and return its standard output."""
        used, said = watched([sys.executable, "-W", "ignore", "-m", *command], home, self.environment(home))
        if what:
            self.used.setdefault(what, []).append(used)
        return said


def main() -> None:
    """Time both builds, and print the ratios and the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", required=True, metavar="COMMIT")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--to", metavar="DATE", help="the last session of the default run; default: all")
    parser.add_argument("--sp500", action="store_true", help="the S&P 500 panel, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="run_vs_build-") as name:
        folder, tree = Path(name), Path(name) / "against"
        git("worktree", "add", "--detach", str(tree), asked.against)
        try:
            builds = [
                Build(name="now", tree=PROJECT, folder=folder / "now_runs"),
                Build(name=asked.against, tree=tree, folder=folder / "against_runs"),
            ]
            compare(builds, asked.rounds, ["--to", asked.to] if asked.to else [], sp500=asked.sp500)
        finally:
            git("worktree", "remove", "--force", str(tree))
    show(*builds)
    if asked.json:
        found = {build.name: {"used": {k: [vars(u) for u in v] for k, v in build.used.items()}, "stages": build.stages} for build in builds}
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def git(*arguments: str) -> None:
    """Run git in the project."""
    subprocess.run(["git", "-C", str(PROJECT), *arguments], check=True, capture_output=True)


def compare(builds: Sequence[Build], rounds: int, span: Sequence[str], *, sp500: bool) -> None:
    """Time everything, in turns."""
    for build in builds:
        tell(f"{build.name}: a run that is not counted")
        home = build.home("warm")
        build.time("", home, "compileall", "-q", str(build.tree / "ats_assets"))
        watched([sys.executable, "-W", "ignore", "-c", f"import {LATE}"], home, build.environment(home))
        if (build.tree / COMPILING).is_file():  # which its set-up runs
            build.time("", home, COMPILING.removesuffix(".py").replace("/", "."))
        build.time("", home, "ats_assets.cli", "run", "--to", WARM_TO)
        build.time("", home, "ats_assets.cli", "stale")
    for number in range(rounds):
        for build in builds if number % 2 == 0 else builds[::-1]:
            tell(f"{build.name}: round {number + 1}")
            home = build.home(f"run_{number}")
            run(build, home, "ats run", span)
            commands(build, home)
    if sp500:
        for build in builds:
            tell(f"{build.name}: S&P 500")
            run(build, build.home("sp500", SP500), "S&P 500 run", [])


def run(build: Build, home: Path, what: str, span: Sequence[str]) -> None:
    """A run into an empty warehouse: its time, its steps, its contents."""
    build.time(what, home, "ats_assets.cli", "run", "--summary-json", str(home / "summary.json"), *span)
    summary = json.loads((home / "summary.json").read_text(encoding="utf-8"))
    build.stages[what] = summary["seconds"]
    build.contents[what] = contents(home)


def commands(build: Build, home: Path) -> None:
    """What people and schedulers ask of a warehouse."""
    newest = json.loads(build.time("", home, "ats_assets.cli", "signals", "--format", "json"))
    reading = [["--help"], ["signals"], ["report"], ["stale"], ["features", "list"], ["orders", "status"], ["doctor"]]
    if newest["signals"]:  # a run to an early --to has none yet
        reading.append(["explain", newest["signals"][0]["symbol"], newest["session"]])
    for _ in range(LOOKS):
        for words in reading:
            build.time(f"ats {' '.join(words[:2] if words[0] in GROUPED else words[:1])}", home, "ats_assets.cli", *words)
    for assets in ("raw_bars", "universe", "signals"):
        one = ["--select", assets, "--partition", newest["session"]]
        build.time(f"materialize {assets}", home, "dagster", "asset", "materialize", "-m", "ats_assets.definitions", *one)


def watched(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[Used, str]:
    """Run a process and see what it takes."""
    before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter(), [0]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        with subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=said, stderr=complained) as process:
            ended = threading.Event()
            watcher = threading.Thread(target=lambda: look(process.pid, peak, ended))
            watcher.start()
            status = process.wait()
            seconds = time.perf_counter() - began
            ended.set()
            watcher.join()
        if status:
            complained.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {status}:\n{complained.read().decode(errors='replace')[-3000:]}")
        said.seek(0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Used(seconds=seconds, processor=processor, memory=peak[0]), said.read().decode()


def look(pid: int, peak: list[int], ended: threading.Event) -> None:
    """Keep the most memory that a process and its children have held together."""
    while not ended.wait(0.1):
        peak[0] = max(peak[0], sum(resident(one) for one in family(pid)))


def family(pid: int) -> Iterator[int]:
    """A process and its children."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield from family(child)


def resident(pid: int) -> int:
    """Bytes in memory; 0 of a process that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def contents(home: Path) -> dict[str, str]:
    """Asset and session -> what its file says of its content; of a model, its text."""
    found: dict[str, str] = {}
    for file in (home / "warehouse").rglob("session=*/*.parquet"):
        footer = (pq.read_metadata(file).metadata or {}).get(b"ats")
        if footer:
            found[f"{file.parent.relative_to(home)}"] = json.loads(footer)["data_version"]
    for file in (home / "models").rglob("model.txt"):
        found[str(file.relative_to(home))] = file.read_text(encoding="utf-8")
    return found


def show(now: Build, against: Build) -> None:
    """The ratios, the shares of the stages, and whether the contents are the same."""
    print(f"{'':24}{against.name[:12]:>18}{'now':>18}{'ratio':>16}{'memory':>16}")
    for what, used in now.used.items():
        pair = against.used[what], used
        seconds, processor = ([median(getattr(one, name) for one in build) for build in pair] for name in ("seconds", "processor"))
        memory = [max(one.memory for one in build) / 2**20 for build in pair]
        figures = [f"{s:.2f} s ({p:.2f})" for s, p in zip(seconds, processor, strict=True)]
        ratio = f"{seconds[0] / seconds[1]:.2f} ({processor[0] / processor[1]:.2f})"
        print(f"{what:24}{figures[0]:>18}{figures[1]:>18}{ratio:>16}{memory[0]:>8.0f}{memory[1]:>5.0f} MB")
    for what, stages in now.stages.items():
        before = against.stages[what]
        print(f"\n{what}, share of its seconds: {against.name[:12]}, now")
        for stage in sorted(stages.keys() | before.keys(), key=lambda stage: -stages.get(stage, 0.0)):
            shares = [f"{of.get(stage, 0.0) / of['total']:7.1%}" for of in (before, stages)]
            print(f"  {stage:20}{shares[0]}{shares[1]}")
        one, other = against.contents[what], now.contents[what]
        differing = [name for name in one.keys() & other.keys() if one[name] != other[name]]
        print(f"  {len(one.keys() & other.keys())} contents that both have, {len(differing)} differ: {', '.join(sorted(differing)[:3])}")


def tell(text: str) -> None:
    """One line about what is being done, on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
