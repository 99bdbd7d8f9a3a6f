"""The graph's own fits and backtests are in the ledger, and the report takes the number of trials from it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets.evaluation.trial_selection import count_trials
from ats_assets.trials import ledger_of
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market

LAST = date(2021, 2, 26)
CHANGES: dict[str, Mapping[str, Any]] = {
    "features": {"families": ()},
    "models": {"lightgbm": {"min_data_in_leaf": 2, "min_rounds": 1, "max_rounds": 3}},
    "training": EARLY_MODELS["training"] | {"families": ("trend",)},
}
REPORTED = ("backtest", "backtest_report")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A small market with models, signals and a backtest."""
    deployment = small_market(tmp_path_factory.mktemp("trials"), **CHANGES)
    make_history(deployment, FIRST, LAST)
    run_job(deployment, "backtest_reports", assets=REPORTED)
    return deployment


def report(deployment: Deployment) -> bytes:
    return (deployment.warehouse.root / "backtest_report" / "report.html").read_bytes()


def test_a_model_and_its_backtest_are_one_trial_with_what_came_of_them(world: Deployment) -> None:
    fit, backtest = world.of(ledger_of).trials()
    assert (fit.trial.kind, fit.trial.name, fit.trial.measure) == ("fit", "lightgbm_model", "rank_ic")
    assert (backtest.trial.kind, backtest.trial.name, backtest.trial.measure) == ("backtest", "backtest", "return")
    assert backtest.trial.made_of == (fit.trial.tried,)
    assert fit.trial.what["learner"] == "lightgbm"
    fits = [
        record
        for day in world.model_store("lightgbm_model").stored_sessions()
        if (record := world.model_store("lightgbm_model").record(day)).status == "fitted"
    ]
    assert fit.series is not None
    assert fit.series["as_of"].max() == fits[-1].session
    equity = world.warehouse.read_part("backtest", "equity")
    assert backtest.series is not None
    assert backtest.series["session"].to_list() == equity["session"].to_list()[1:]
    assert (1 + backtest.series["value"]).product() == pytest.approx(equity["equity"][-1] / equity["equity"][0])
    count = count_trials([fit, backtest])
    assert (count.trials, count.backtests, count.effective) == (1, 1, 1)


def test_the_same_again_is_no_other_trial_and_the_report_is_the_same_bytes(world: Deployment) -> None:
    before, lines = report(world), (world.of(ledger_of).folder / "trials.jsonl").read_bytes()
    again = Deployment(world.settings)
    run_job(again, "history", again.calendar.sessions(FIRST, LAST), ["lightgbm_model"])
    run_job(again, "backtest_reports", assets=REPORTED)
    assert (world.of(ledger_of).folder / "trials.jsonl").read_bytes() == lines
    assert report(again) == before


def test_a_market_made_in_pieces_elsewhere_has_the_same_trials_and_report(world: Deployment, tmp_path: Path) -> None:
    other, days = small_market(tmp_path, **CHANGES), world.calendar.sessions(FIRST, LAST)
    for first, last in ((days[0], days[24]), (days[25], days[-1])):
        make_history(other, first, last)
        run_job(other, "backtest_reports", assets=REPORTED)
    ours, theirs = world.of(ledger_of).trials(), other.of(ledger_of).trials()
    assert [one.trial for one in ours] == [one.trial for one in theirs]
    assert all(a.series is not None and b.series is not None and a.series.equals(b.series) for a, b in zip(ours, theirs, strict=True))
    assert report(other) == report(world)


def test_other_settings_are_other_trials_and_the_report_says_so(world: Deployment) -> None:
    """The last test of this file: what it tries stays in the ledger."""
    for top_k in (1, 4):
        changed = Deployment(world.settings.model_copy(update={"portfolio": world.settings.portfolio.model_copy(update={"top_k": top_k})}))
        make_history(changed, FIRST, LAST, ["targets"])
        run_job(changed, "backtest_reports", assets=REPORTED)
    trials = world.of(ledger_of).trials()
    assert [one.trial.kind for one in trials] == ["fit", *["backtest"] * 3]
    assert trials[-1].trial.what["portfolio"]["top_k"] == 4
    assert count_trials(trials).trials == 3
    page = report(changed).decode()
    assert "3 trials are in the ledger (all backtests)" in page
    assert "Deflated Sharpe ratio" in page
