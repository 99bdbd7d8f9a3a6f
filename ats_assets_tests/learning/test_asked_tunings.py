"""Drift asks for tunings and for weights of the ensemble within its budget, with a reason in each record; and however it is made, the same bytes."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.learning.loop_history import loop_history
from ats_assets.predictions.drift_weights import weighed_by_drift
from ats_assets.refits import last_refit
from ats_assets.settings import DriftSettings, TrainingSettings, load_settings
from ats_assets.trials import ledger_of
from ats_assets.tuning.asked_tunings import asked_tunings
from ats_assets_tests.learning.simulated_features import CALENDAR
from ats_assets_tests.learning.test_assets import EAGER, LOOP
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.rounds import FULL
from ats_assets_tests.small_market import FIRST, differences, files_of, make_history, run_job, small_market, without_the_future
from ats_assets_tests.tuning.tuned_market import CHANGES

TRIALS = 4
ASKING: dict[str, Any] = LOOP | {
    "models": {"lightgbm": CHANGES["models"]["lightgbm"], "ridge": {}},
    "tuning": CHANGES["tuning"] | {"trials": TRIALS, "folds": 2, "random_trials": 2, "generation": 2, "every": "quarterly"},
    "drift": EAGER | {"extra_tunings_a_year": 1, "tunings_asked_by": ("features", "predictions", "skill"), "extra_refits_a_year": 2},
    "ensemble": {"rule": "skill", "reweigh_on_drift": True, "min_judged_sessions": 5, "drift_lookback_sessions": 8},
}
LAST = date(2021, 4, 7)
WHOLE = pytest.mark.skipif(not FULL, reason="makes a history of two models, tunings and drift three times: dev.py test --full")
TUNED = "lightgbm_retuning"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Made as one range."""
    deployment = small_market(tmp_path_factory.mktemp("asking"), **ASKING)
    assert make_history(deployment, FIRST, LAST).success
    return deployment


def alarms_at(*found: tuple[date, str], model: str = "model") -> pl.DataFrame:
    rows = [(day, model, of, "test", 2.0, 1.0, True, "it moved", None, None) for day, of in found]
    return pl.DataFrame(rows, schema=DRIFT_SCHEMA, orient="row")


def test_a_refit_that_drift_asks_for_is_tuned_first_where_skill_decayed_until_the_budget_is_spent() -> None:
    training = TrainingSettings(refit="quarterly", refit_on_drift=True)
    settings = DriftSettings(extra_tunings_a_year=1, least_sessions_between_refits=5)
    days = [(date(2019, 2, 5), "features"), (date(2019, 3, 6), "skill"), (date(2019, 5, 14), "skill")]
    found = asked_tunings(alarms_at(*days), date(2019, 6, 28), calendar=CALENDAR, training=training, settings=settings, every="yearly")
    assert found == {date(2019, 3, 11): "drift at 2019-03-06: skill (test): it moved. Tuning 1 of 1 in 2019"}


def test_weights_are_learnt_again_at_the_first_session_of_a_week_and_hold_until_they_are_due() -> None:
    due = {day: last_refit(CALENDAR, day, "quarterly") for day in CALENDAR.sessions(date(2019, 2, 1), date(2019, 4, 5))}
    alarms = alarms_at((date(2019, 2, 5), "skill"), model="ridge")
    found, asked = weighed_by_drift(alarms, due, refit="quarterly", calendar=CALENDAR, settings=DriftSettings())
    weighed = date(2019, 2, 11)
    assert asked == {weighed: "weighed anew at 2019-02-11, since drift of skill of ridge was found at 2019-02-05 (test)"}
    assert {day: at for day, at in found.items() if at != due[day]} == {day: weighed for day in due if weighed <= day < date(2019, 4, 1)}


@WHOLE
def test_what_was_asked_for_is_used_in_the_refits_of_drift_and_counts_as_trials(market: Deployment) -> None:
    days = market.calendar.sessions(FIRST, LAST)
    rows = market.warehouse.read(TUNED, days)
    made = rows.filter(pl.col("tuned_session") == pl.col("session"), pl.col("state").is_in(["complete", "pruned"]))
    (tuned,) = made["session"].unique().to_list()
    assert made.height == TRIALS
    (why,) = made.filter("is_chosen")["reason"].to_list()
    assert why.startswith("drift at 2021-")
    assert "Tuning 1 of 1 in 2021: " in why
    record = market.model_store("lightgbm_refits").record(tuned)
    assert (record.status, record.tuned and record.tuned.session) == ("fitted", tuned)
    after = market.calendar.offset(tuned, 1)
    (chosen,) = rows.filter(session=after)["tuned_session"].to_list()
    assert chosen == tuned
    (before,) = rows.filter(session=market.calendar.offset(tuned, -1))["reason"].to_list()
    assert before.startswith("drift asks for no tuning; of lightgbm_tuning: ")
    assert [one.asset for one in healing_of(market).stale() if one.asset in {TUNED, "ensemble_weights", "lightgbm_refits"}] == []
    assert market.model_store("lightgbm_model").record(LAST).tuned != record.tuned, "what is due stays what it is"
    counted = [one for one, _ in market.of(ledger_of).begun() if one.name == TUNED]
    assert len(counted) == TRIALS
    steps = {step.what for step in loop_history(market, FIRST, LAST)}
    assert steps == {"drift", "refit", "tuning", "weights"}


@WHOLE
def test_weights_say_that_drift_asked_for_them(market: Deployment) -> None:
    weights = market.warehouse.read("ensemble_weights", market.calendar.sessions(FIRST, LAST))
    asked = weights.filter(pl.col("reason").str.contains("weighed anew at 2021-"))
    assert 0 < asked.height < weights.height
    assert asked["judged_sessions"].max() <= 8, "those of drift_lookback_sessions"


@WHOLE
def test_in_parts_and_from_the_past_alone_it_is_the_same_bytes(market: Deployment, tmp_path: Path) -> None:
    root = market.settings.storage.warehouse.parent
    again = small_market(tmp_path / "parts", **ASKING)
    cut = again.calendar.offset(LAST, -1)
    assert make_history(again, FIRST, cut).success
    assert run_job(again, "daily_signals", [LAST]).success
    assert run_job(again, "nightly_retraining", [LAST]).success
    assert differences(files_of(tmp_path / "parts"), files_of(root)) == []
    assert without_the_future(root, date(2021, 3, 17), tmp_path / "past", **ASKING) == []


def test_weights_of_a_part_of_the_year_are_told_as_they_were_learnt(tmp_path: Path) -> None:
    """The budget was spent in January: from March on nothing was learnt, whatever was found there."""
    drift = EAGER | {"extra_refits_a_year": 1, "least_sessions_between_refits": 1}
    training, ensemble = LOOP["training"] | {"refit_on_drift": False, "refit": "monthly"}, {"rule": "equal", "reweigh_on_drift": True}
    models = {"lightgbm": {}, "ridge": {}}
    deployment = small_market(tmp_path, **LOOP | {"models": models, "training": training, "drift": drift, "ensemble": ensemble})
    found = (date(2021, 1, 20), date(2021, 3, 17))
    for day in deployment.calendar.sessions(date(2021, 1, 4), LAST):
        rows = alarms_at((day, "skill"), model="ridge") if day in found else DRIFT_SCHEMA.to_frame()
        deployment.warehouse.write("drift", day, rows)

    def learnt(first: date) -> list[date]:
        return [step.session for step in loop_history(deployment, first, LAST) if step.what == "weights"]

    assert learnt(FIRST) == [date(2021, 1, 25)]
    assert learnt(date(2021, 3, 1)) == []


def test_the_window_that_drift_asks_for_is_read_where_it_is_the_longer_one(tmp_path: Path) -> None:
    """Else weights would be learnt from as many sessions as the range happens to reach back."""
    changed = ASKING | {"ensemble": ASKING["ensemble"] | {"lookback_sessions": 10, "drift_lookback_sessions": 60}}
    (spec,) = [one for one in build(small_market(tmp_path, **changed)).resolve_all_asset_specs() if one.key.path[-1] == "ensemble_weights"]
    backs = {dep.asset_key.path[-1]: -dep.partition_mapping.start_offset for dep in spec.deps if dep.partition_mapping}  # pyright: ignore[reportAttributeAccessIssue]
    assert backs["forward_returns"] >= 60
    assert backs["ridge_predictions"] > 60


def test_none_of_it_is_there_by_default(tmp_path: Path) -> None:
    assets = {key.to_user_string() for key in build(small_market(tmp_path, **LOOP)).resolve_asset_graph().get_all_asset_keys()}
    assert not [name for name in assets if name.endswith("_retuning")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"drift": {"extra_tunings_a_year": 1}}, "refit_on_drift is not set"),
        ({"drift": {"extra_tunings_a_year": 1}, "training": {"refit_on_drift": True}}, "tuning.models names none"),
        ({"ensemble": {"rule": "skill", "reweigh_on_drift": True}}, r"there is no table \[drift\]"),
        ({"ensemble": {"rule": "skill", "refit": "weekly", "reweigh_on_drift": True}, "drift": {}}, "learnt 'weekly' anyway"),
        ({"ensemble": {"rule": "skill", "drift_lookback_sessions": 63}, "drift": {}}, "reweigh_on_drift is not"),
    ],
)
def test_settings_that_ask_for_what_can_not_be_are_refused(changes: dict[str, Any], said: str) -> None:
    models = {"lightgbm": {}, "ridge": {}} if "ensemble" in changes else {"lightgbm": {}}
    with pytest.raises(SettingsError, match=said):
        load_settings(models=models, **changes)
