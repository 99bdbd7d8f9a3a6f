"""A small market whose model is tuned each month, and runs of its tuning that are killed at a trial."""

import os
import shutil
import signal
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.tuning.trial_store import TrialStore
from ats_assets.tuning.tried_trials import TriedTrial
from ats_assets_tests.forking import serve
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

LAST = date(2021, 3, 12)
TUNED = (date(2021, 2, 1), date(2021, 3, 1))
"""Where there is enough history to tune on; the first session of history is too early."""
MADE = (
    "raw_bars",
    "bars",
    "rejected_bars",
    "raw_corporate_actions",
    "corporate_actions",
    "rejected_corporate_actions",
    "universe",
    "trend",
    "forward_returns",
)
TRIALS = 9
CHANGES: dict[str, Mapping[str, Any]] = {
    "features": {"families": ()},
    "models": {"lightgbm": {"min_data_in_leaf": 2, "min_rounds": 1, "max_rounds": 3}},
    "training": EARLY_MODELS["training"]
    | {"families": ("trend",), "train_sessions": 30, "validation_sessions": 3, "min_train_sessions": 3},
    "tuning": {
        "models": ("lightgbm",),
        "trials": TRIALS,
        "every": "monthly",
        "folds": 3,
        "random_trials": 4,
        "generation": 3,
        "space": {
            "lightgbm": {
                "num_leaves": {"low": 3, "high": 9},
                "learning_rate": {"low": 0.05, "high": 0.5, "log": True},
                "objective": {"choices": ["regression", "lambdarank"]},
            }
        },
    },
}


def tuned_market(root: Path, **tuning: Any) -> Deployment:
    """The deployment under `root`, with some settings of tuning changed."""
    return small_market(root, **CHANGES | {"tuning": CHANGES["tuning"] | tuning})


def serve_tunings() -> None:
    """Fork a run for each line `FOLDER PROCESSES TRIAL MOMENT`: it tunes, and kills itself at that trial, before or after it is stored, or (-1) never."""
    build(small_market(Path(os.devnull)))
    serve(_tune)


def _tune(line: str) -> None:
    root, processes, at, moment = line.split()
    _kill_at(int(at), moment)
    make_history(tuned_market(Path(root), processes=int(processes)), FIRST, LAST, ["lightgbm_tuning"])


def _kill_at(number: int, moment: str) -> None:
    """Have the process kill itself, as nothing else can be told to at that very moment: by SIGKILL, which nobody can handle."""
    keep, stored = TrialStore.keep, []

    def kept(self: TrialStore, trial: TriedTrial) -> None:
        if moment == "before" and len(stored) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        keep(self, trial)
        if moment == "torn" and len(stored) == number:
            file = self.folder / f"trial-{trial.number:04d}.json"
            file.write_bytes(file.read_bytes()[:40])
            os.kill(os.getpid(), signal.SIGKILL)
        if moment == "after" and len(stored) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        stored.append(trial.number)

    TrialStore.keep = kept  # pyright: ignore[reportAttributeAccessIssue]


def copied(made: Path, root: Path) -> Path:
    """The deliveries, features and labels of another folder."""
    shutil.copytree(made, root)
    return root
