"""The asset `cross_validation`: there where settings want it, made again only where something changed, and no trial beside its models."""

import json
from datetime import date
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.evaluation.trial_selection import count_trials
from ats_assets.models import labelled_rows
from ats_assets.trials import ledger_of
from ats_assets.validation.assets import assets
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market

LAST = date(2021, 3, 12)
CHANGES = {
    "features": {"families": ()},
    "models": {"lightgbm": {"min_data_in_leaf": 2, "min_rounds": 1, "max_rounds": 3}},
    "training": EARLY_MODELS["training"]
    | {"families": ("trend",), "train_sessions": 30, "validation_sessions": 3, "min_train_sessions": 3},
    "cross_validation": {"kind": "cpcv", "blocks": 4},
}
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


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = small_market(tmp_path_factory.mktemp("validated"), **CHANGES)
    make_history(deployment, FIRST, LAST, [*MADE, "lightgbm_model"])
    run_job(deployment, "backtest_reports", assets=["cross_validation"])
    return deployment


def summary(deployment: Deployment) -> dict:
    return json.loads(deployment.warehouse.read_text("cross_validation", "summary.json"))


def test_it_is_an_asset_only_where_settings_want_it(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []


def test_without_labels_it_says_what_to_make(tmp_path: Path) -> None:
    with pytest.raises(MissingPartitionError, match="make features and labels with ats run"):
        run_job(small_market(tmp_path, **CHANGES), "backtest_reports", assets=["cross_validation"])


def test_it_judges_each_model_on_the_window_of_its_last_fit(stored: Deployment) -> None:
    told = summary(stored)
    assert told["as_of"] == "2021-03-08"  # a Monday: the models are fitted weekly
    (model,) = told["models"]
    assert (model["model"], model["splits"], model["fitted"], model["paths"]) == ("lightgbm", 6, 6, 3)
    splits, paths = (stored.warehouse.read_part("cross_validation", part) for part in ("splits", "paths"))
    assert splits.height == 6 + 4
    assert paths["session"].max() < date(2021, 3, 8)
    assert (splits["test_rows"] + splits["train_rows"] + splits["purged"] + splits["embargoed"]).n_unique() == 1


def test_it_is_no_trial_beside_the_model_that_it_judges(stored: Deployment) -> None:
    trials = stored.of(ledger_of).trials()
    assert [one.trial.kind for one in trials] == ["fit", "cross_validation"]
    assert trials[0].trial.tried == trials[1].trial.tried
    assert trials[1].series is not None
    assert count_trials(trials).trials == 1


def test_a_new_session_fits_nothing_until_the_next_refit_and_leaves_it_fresh(stored: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_stale() -> bool:
        return any(one.asset == "cross_validation" for one in healing_of(stored).stale())

    before = summary(stored)
    assert not is_stale()
    make_history(stored, date(2021, 3, 15), date(2021, 3, 15), MADE)
    stored.__dict__.pop("calendar", None)
    assert is_stale()
    again = Deployment(stored.settings.model_copy(update={"training": stored.settings.training.model_copy(update={"threads": 2})}))
    run_job(again, "backtest_reports", assets=["cross_validation"])
    assert summary(again)["as_of"] == "2021-03-15"
    assert not is_stale()
    after = summary(again)
    monkeypatch.setattr(labelled_rows, "fit", None)  # a fit would fail
    make_history(stored, date(2021, 3, 16), date(2021, 3, 16), MADE)
    run_job(again, "backtest_reports", assets=["cross_validation"])
    assert summary(again) == after != before
    assert not is_stale()
