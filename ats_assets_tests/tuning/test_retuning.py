"""A tuning that drift asks for: of the window of the refit that takes its parameters, and the same bytes where workers make its trials."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.runs.workers_at_hand import working_on
from ats_assets.trials import ledger_of
from ats_assets_tests.small_market import FIRST, differences, files_of, make_history, small_market
from ats_assets_tests.tuning.tuned_market import CHANGES, copied

pytest.importorskip("optuna")
FOUND, REFIT = date(2021, 2, 17), date(2021, 2, 22)
"""Skill has decayed, and the first session of the week after."""
DUE, OTHERS = 20, [16, 25]
"""Sessions that a fit learns from: one that is due, and those that drift asks for."""
MADE_OF_IT = ["lightgbm_retuning", "lightgbm_refits"]


def drifting(root: Path, window: int) -> Deployment:
    """A market in which drift has asked for one tuning, by hand: its own would be found in predictions that nobody needs here."""
    asked = {"trials": 4, "folds": 2, "random_trials": 2, "generation": 2, "every": "quarterly"}
    changes: dict[str, Any] = CHANGES | {
        "training": CHANGES["training"] | {"train_sessions": DUE, "refit": "monthly", "refit_on_drift": True},
        "tuning": CHANGES["tuning"] | asked,
        "drift": {"extra_tunings_a_year": 1, "refit_train_sessions": window},
    }
    deployment = small_market(root, **changes, workers={"processes": {"processes": 1}})
    row = (FOUND, "lightgbm", "skill", "cusum", 2.0, 1.0, True, "it fell", None, None)
    for day in deployment.calendar.sessions(FIRST, REFIT):
        deployment.warehouse.write("drift", day, pl.DataFrame([row] if day == FOUND else [], schema=DRIFT_SCHEMA, orient="row"))
    make_history(deployment, FIRST, FIRST, ["lightgbm_tuning"])
    make_history(deployment, REFIT, REFIT, ["lightgbm_tuning"])
    return deployment


def made_of(root: Path) -> dict[str, bytes]:
    return {path: content for path, content in files_of(root).items() if any(name in path for name in MADE_OF_IT)}


@pytest.mark.parametrize("window", OTHERS)
def test_parameters_are_tuned_on_the_window_that_the_refit_learns_from(window: int, made: Path, tmp_path: Path) -> None:
    deployment = drifting(copied(made, tmp_path / "here"), window)
    make_history(deployment, REFIT, REFIT, MADE_OF_IT)
    record = deployment.model_store("lightgbm_refits").record(REFIT)
    assert record.training is not None
    assert record.validation_window is not None
    assert record.tuned is not None
    assert record.tuned.session == REFIT
    tried = [one.series for one in deployment.of(ledger_of).trials() if one.trial.name == "lightgbm_retuning"]
    judged = sorted({day for series in tried if series is not None for day in series["session"]})
    assert judged == deployment.calendar.sessions(record.training.first_decision, record.validation_window.last_decision)
    assert len(judged) == window


def test_workers_make_the_same_bytes_of_it(made: Path, tmp_path: Path) -> None:
    here, there = (drifting(copied(made, tmp_path / name), OTHERS[0]) for name in ("here", "there"))
    make_history(here, REFIT, REFIT, MADE_OF_IT)
    with working_on(there, "processes"):
        make_history(there, REFIT, REFIT, MADE_OF_IT)
    assert differences(made_of(tmp_path / "there"), made_of(tmp_path / "here")) == []
    assert "complete" in there.warehouse.read("lightgbm_retuning", [REFIT])["state"].to_list()
