"""A small synthetic market with every asset of the graph in a few seconds, and the procedures that compare its files byte for byte.

By hand, or from another process:

    python -m ats_assets_tests.small_market run --root FOLDER --from 2021-01-04 --to 2021-06-09
    python -m ats_assets_tests.small_market shuffled --root FOLDER --seed 1 --to 2021-01-29
    python -m ats_assets_tests.small_market serve        forks a run for each line `FOLDER FIRST LAST` that it reads, see `forking`
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from ats_assets.automation.requests import range_tags
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.settings import load_settings
from ats_assets.storage import write_log
from ats_assets.storage.latest_model import LATEST
from ats_assets_tests.forking import serve

FIRST = date(2021, 1, 4)
"""The first session of the market; history starts here."""
LAST = date(2021, 6, 9)
"""The last one, the 109th: models are fitted from the 37th on, probabilities are there from the 46th on."""

OWN_FAMILIES = Path(__file__).parent / "own_families"
"""The folder of the market's own feature family, `trend`, which its model uses beside Alpha158."""
SESSION_ASSETS = (
    "raw_bars",
    "bars",
    "rejected_bars",
    "raw_corporate_actions",
    "corporate_actions",
    "rejected_corporate_actions",
    "universe",
    "alpha158",
    "trend",
    "forward_returns",
    "predictions",
    "skill",
    "signals",
    "targets",
)
"""The assets with partitions in the warehouse; the model lies beside it."""
ALL_ASSETS = (*SESSION_ASSETS, "lightgbm_model")

EARLY_MODELS: dict[str, Any] = {
    "models": {"lightgbm": {"min_data_in_leaf": 2, "min_rounds": 1, "max_rounds": 5}},
    "training": {
        "train_sessions": 6,
        "validation_sessions": 1,
        "min_train_sessions": 1,
        "horizon_sessions": 1,
        "embargo_sessions": 1,
        "refit": "weekly",
        "threads": 1,
    },
}
"""Settings with which there are models, and signals, from the third week on."""

Files = dict[str, bytes]
"""Path relative to the root -> content."""


def small_market(root: Path, *, last_session: date = LAST, **changes: Mapping[str, Any]) -> Deployment:
    """The deployment of a small market under `root`.

    Parameters
    ----------
    last_session
        Where the source ends.
    **changes
        Sections of the settings; each of their values replaces the small market's.
    """
    sections: dict[str, dict[str, Any]] = {
        "calendar": {"first_session": date(2020, 10, 1)},
        "storage": {"warehouse": root / "warehouse", "models": root / "models", "data": root / "data", "fsync": False},
        "source": {
            "kind": "synthetic",
            "synthetic": {"symbols": 12, "first_session": FIRST, "last_session": last_session, "defective_share": 0.01}
            | {"splits_per_year": 1.0},
        },
        "bars": {"profile": False, "max_rejected_share": 1.0},
        "universe": {"min_history_sessions": 3, "lookback_sessions": 10, "size": 10},
        "features": {"folder": OWN_FAMILIES},
        "labels": {"horizons_sessions": (1, 5)},
        "models": {"lightgbm": {"min_data_in_leaf": 5, "min_rounds": 5, "max_rounds": 20}},
        "training": {
            "families": ("alpha158", "trend"),
            "train_sessions": 40,
            "validation_sessions": 8,
            "min_train_sessions": 10,
            "embargo_sessions": 1,
            "refit": "weekly",
        }
        | ({} if "ATS_TRAINING__THREADS" in os.environ else {"threads": 1}),  # so few rows are soonest done by one
        "mlflow": {"enabled": False},
        "portfolio": {"top_k": 3, "max_weight": 0.4},
        "strategies": {"model_scores": {"calibration_sessions": 20, "min_calibration_rows": 50}},
    }
    for name, values in changes.items():
        sections[name] = dict(values) if name in {"models", "strategies"} else sections.get(name, {}) | dict(values)
    return Deployment(load_settings(**sections))


def run_job(
    deployment: Deployment, job: str, sessions: Sequence[date] = (), assets: Sequence[str] | None = None
) -> dg.ExecuteInProcessResult:
    """Run a job in this process on an instance of its own, which keeps no events: over one partition, a range of them, or (no sessions) an asset without partitions.

    Parameters
    ----------
    assets
        Of the job, only these.

    Raises
    ------
    Exception
        What a step raised.
    """
    tags = range_tags(sessions) if len(sessions) > 1 else {}
    with listed_instance() as instance:
        return (
            deployment.of(build)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                tags=tags,
                run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
                asset_selection=[dg.AssetKey(name) for name in assets] if assets else None,
                partition_key=sessions[0].isoformat() if len(sessions) == 1 else None,
            )
        )


def make_history(deployment: Deployment, first: date, last: date, assets: Sequence[str] | None = None) -> dg.ExecuteInProcessResult:
    """Run the job `history` over the sessions from `first` to `last`, one partition run if they are one."""
    return run_job(deployment, "history", deployment.calendar.sessions(first, last), assets)


IN_ORDER = ("raw_bars", "bars", "rejected_bars", "lightgbm_model")
"""A check of bars looks at the session before, and a model is carried from an earlier one."""


def make_shuffled(deployment: Deployment, first: date, last: date, seed: int) -> None:
    """Make asset after asset, each in ranges of random lengths and, but for those `IN_ORDER`, in random order."""
    choice = random.Random(seed)
    sessions = deployment.calendar.sessions(first, last)
    make_history(deployment, first, last, IN_ORDER[:3])
    actions = ("corporate_actions", "rejected_corporate_actions")
    after = SESSION_ASSETS.index("universe")
    models = SESSION_ASSETS.index("predictions")
    alone = [(name,) for name in (*SESSION_ASSETS[after:models], "lightgbm_model", *SESSION_ASSETS[models:])]
    for assets in (("raw_corporate_actions",), actions, *alone):
        cuts = [0, *sorted(choice.sample(range(1, len(sessions)), 2)), len(sessions)]
        parts = [sessions[start:end] for start, end in itertools.pairwise(cuts)]
        if not set(assets) & set(IN_ORDER):
            choice.shuffle(parts)
        for part in parts:
            run_job(deployment, "history", part, assets)


def merkle_root(root: Path) -> str:
    """One hash for all files of the warehouse and the models: of the path and hash of each."""
    leaves = (f"{path}:{hashlib.sha256(content).hexdigest()}" for path, content in sorted(files_of(root).items()))
    return hashlib.sha256("\n".join(leaves).encode()).hexdigest()


def run_elsewhere(root: Path, *options: str, command: str = "run", **environment: str) -> None:
    """A command, by default `run`, in a process of its own, with these environment variables set.

    Raises
    ------
    AssertionError
        If it fails; with the end of what it said.
    """
    line = [sys.executable, "-m", "ats_assets_tests.small_market", command, "--root", str(root), *options]
    done = subprocess.run(line, env=os.environ | environment, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == 0, done.stderr[-4000:]


def files_of(root: Path, sessions: Iterable[date] | None = None) -> Files:
    """Every file of the warehouse and the models, temporary ones too, but the calendar in use, the write logs and `latest`, which says what was stored last; of `sessions` only, where they are given."""
    wanted = None if sessions is None else {f"session={session}" for session in sessions}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for stage in ("warehouse", "models")
        for path in sorted((root / stage).rglob("*"))
        if path.is_file()
        and path.name not in {write_log.NAME, LATEST}
        and path.parent.name != "calendar"
        and (wanted is None or path.parent.name in wanted)
    }


def copy_until(root: Path, target: Path, last: date) -> None:
    """Copy the partitions up to `last`, and nothing later, nor any asset that has no partitions."""
    for folder in sorted(folder for stage in ("warehouse", "models") for folder in (root / stage).glob("*/session=*")):
        if date.fromisoformat(folder.name.removeprefix("session=")) <= last:
            shutil.copytree(folder, target / folder.relative_to(root))


def forget(root: Path, sessions: Iterable[date]) -> None:
    """Delete every partition of `sessions`."""
    names = {f"session={session}" for session in sessions}
    for folder in sorted(folder for stage in ("warehouse", "models") for folder in (root / stage).glob("*/session=*")):
        if folder.name in names:
            shutil.rmtree(folder)


def forget_announcements(root: Path) -> None:
    """As if all under `root` had been written long ago: what was announced in the last minutes is looked at again and again."""
    for log in root.glob(f"*/{write_log.NAME}"):
        log.unlink()


def differences(found: Files, expected: Files) -> list[str]:
    """What differs, path by path: nothing, if the bytes are the same."""
    return [
        f"{path}: {'only before' if path not in found else 'only now' if path not in expected else 'other bytes'}"
        for path in sorted(found.keys() | expected.keys())
        if found.get(path) != expected.get(path)
    ]


def without_the_future(root: Path, session: date, target: Path, **changes: Mapping[str, Any]) -> list[str]:
    """Make the partitions of `session` again in a world that ends with it, and say what differs from those under `root`.

    In `target` lie the partitions of `root` before `session`; there are none of it nor later ones, and the source ends at `session`. Whatever a partition
    owes to later data can't be in what is made there.
    """
    before = max((day for day in sessions_under(root) if day < session), default=None)
    if before is not None:
        copy_until(root, target, before)
    make_history(small_market(target, last_session=session, **changes), session, session)
    return differences(files_of(target, [session]), files_of(root, [session]))


def sessions_under(root: Path) -> list[date]:
    """The sessions that have bars."""
    return sorted(date.fromisoformat(folder.name.removeprefix("session=")) for folder in (root / "warehouse" / "bars").glob("session=*"))


def serve_runs() -> None:
    """Fork a run of `history` for each line `FOLDER FIRST LAST` on standard input, with `EARLY_MODELS` and with each file synced; a fourth word is [storage] as JSON."""
    build(small_market(Path(os.devnull)))  # reads the versions of the code, which are kept
    serve(_run_line)


def _run_line(line: str) -> None:
    root, first, last, *storage = line.split()
    deployment = small_market(Path(root), storage=json.loads(storage[0]) if storage else {"fsync": True}, **EARLY_MODELS)
    make_history(deployment, date.fromisoformat(first), date.fromisoformat(last))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ats_assets_tests.small_market", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve")
    run = commands.add_parser("run")
    run.add_argument("--root", type=Path, required=True)
    run.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST)
    run.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST)
    run.add_argument("--sessions-a-run", type=int, default=10_000)
    run.add_argument("--backtest", action="store_true", help="and the backtest after it")
    shuffled = commands.add_parser("shuffled")
    shuffled.add_argument("--root", type=Path, required=True)
    shuffled.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST)
    shuffled.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    if asked.command == "serve":
        serve_runs()
        return
    if asked.command == "shuffled":
        make_shuffled(small_market(asked.root, **EARLY_MODELS), FIRST, asked.last, asked.seed)
        return
    deployment = small_market(asked.root)
    sessions = deployment.calendar.sessions(asked.first, asked.last)
    for part in batched(sessions, asked.sessions_a_run):
        run_job(deployment, "history", part)
    if asked.backtest:
        run_job(deployment, "backtest_reports")


def batched(sessions: Sequence[date], size: int) -> list[Sequence[date]]:
    """Runs of at most `size` sessions, in order."""
    return [sessions[start : start + size] for start in range(0, len(sessions), size)]


if __name__ == "__main__":
    main()
