"""The loop on a small market: drift is found, asks for refits, and those are active; however it is made, the same bytes."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.evaluation.schema import Drift
from ats_assets.learning.loop_history import loop_history
from ats_assets.models import models as models_of
from ats_assets.predictions.active_models import active_model
from ats_assets.predictions.champions.standings import standings
from ats_assets.refits import last_refit, refits_by_drift
from ats_assets.runs.storage_diagnosis import diagnose_storage
from ats_assets.serving.queries.known_models import known_models, model_facts
from ats_assets.serving.queries.saved_models import predictions_of_session
from ats_assets.settings import load_settings
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import (
    EARLY_MODELS,
    FIRST,
    differences,
    files_of,
    make_history,
    run_job,
    small_market,
    without_the_future,
)

TRAINING = EARLY_MODELS["training"] | {"refit": "monthly", "train_sessions": 30}
EAGER: dict[str, Any] = {
    "recent_sessions": 3,
    "false_alarms_a_year": 12,
    "prediction_sessions": 30,
    "skill_sessions": 10,
    "least_sessions_between_refits": 3,
    "extra_refits_a_year": 2,
}
"""Finds drift in so small a market where there is hardly any."""
LOOP: dict[str, Any] = EARLY_MODELS | {"training": TRAINING | {"refit_on_drift": True}, "drift": EAGER}
LAST = date(2021, 4, 21)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Made as one range."""
    deployment = small_market(tmp_path_factory.mktemp("loop"), **LOOP)
    assert make_history(deployment, FIRST, LAST).success
    return deployment


def root_of(deployment: Deployment) -> Path:
    return deployment.settings.storage.warehouse.parent


def test_a_model_that_drift_asked_for_is_active_until_the_next_one_that_is_due(market: Deployment) -> None:
    days = market.calendar.sessions(FIRST, LAST)
    drift = Drift.validate(market.warehouse.read("drift", days))
    store = market.model_store("lightgbm_refits")
    fitted = [day for day in days if store.record(day).status == "fitted"]
    alarms = drift.filter("alarm")["session"].unique().to_list()
    assert [*refits_by_drift(market.calendar, alarms, LAST, refit="monthly", most=2, apart=3)] == fitted
    assert len(fitted) == 2, "the market is made so that the budget is spent"
    active = market.warehouse.read("predictions", days).group_by("session").agg(pl.col("model_session").unique()).sort("session")
    first = active["session"][0]
    for session, models in active.iter_rows():
        before = market.calendar.offset(session, -1)
        due = last_refit(market.calendar, before, "monthly")
        assert models == [max([due, *(day for day in fitted if due < day <= before)])]
    assert first == date(2021, 2, 2)


def test_the_record_says_what_was_found_and_what_it_cost(market: Deployment) -> None:
    store = market.model_store("lightgbm_refits")
    reasons = [record.reason or "" for record in map(store.record, store.stored_sessions()) if record.status == "fitted"]
    assert [text.rsplit(". ", 1)[1] for text in reasons] == [f"Refit {n} of 2 in 2021" for n in (1, 2)]
    assert all(text.startswith("drift at 2021-") for text in reasons)
    spent = store.active(date(2021, 4, 6)).reason or ""
    assert spent.endswith("2 of 2 refits by drift were made in 2021, none less than 3 sessions after another fit")


def test_what_was_due_is_what_it_is_without_the_loop(market: Deployment, tmp_path: Path) -> None:
    plain = small_market(tmp_path, **EARLY_MODELS | {"training": TRAINING})
    assert make_history(plain, FIRST, LAST).success
    days = plain.calendar.sessions(FIRST, LAST)
    assert plain.warehouse.read("predictions", days).equals(market.warehouse.read("lightgbm_scheduled_predictions", days))
    one, other = (
        {path: content for path, content in files_of(root_of(of)).items() if path.startswith("models/lightgbm_model/")}
        for of in (plain, market)
    )
    assert one.keys() == other.keys()
    texts = [path for path in one if path.endswith("model.txt")]
    assert [one[path] for path in texts] == [other[path] for path in texts]
    assert texts


def test_made_in_parts_by_the_jobs_of_a_day_and_alone_it_is_the_same_bytes(market: Deployment, tmp_path: Path) -> None:
    expected = files_of(root_of(market))
    again = small_market(tmp_path / "parts", **LOOP)
    cut, last = again.calendar.offset(FIRST, 50), again.calendar.offset(LAST, -1)
    assert make_history(again, FIRST, cut).success
    assert make_history(again, again.calendar.offset(cut, 1), last).success
    assert run_job(again, "daily_signals", [LAST]).success
    assert not again.warehouse.exists("drift", LAST), "signals do not wait for it"
    assert run_job(again, "nightly_retraining", [LAST]).success
    assert differences(files_of(tmp_path / "parts"), expected) == []
    assert without_the_future(root_of(market), date(2021, 3, 22), tmp_path / "past", **LOOP) == [], "a refit that drift asked for"


def test_nothing_of_it_is_stale_and_without_the_table_there_is_none_of_it(market: Deployment, tmp_path: Path) -> None:
    assert [one.asset for one in healing_of(market).stale() if one.asset in {"drift", "lightgbm_refits", "predictions"}] == []
    assets = {key.to_user_string() for key in build(small_market(tmp_path)).resolve_asset_graph().get_all_asset_keys()}
    assert not assets & {"drift", "skill_estimate", "lightgbm_refits", "lightgbm_scheduled_predictions"}


def test_a_week_without_a_refit_is_no_warning(market: Deployment) -> None:
    (found,) = (one for one in diagnose_storage(market, deep=False) if one.subject == "lightgbm_refits")
    assert (found.status, found.text.partition("; ")[2]) == ("ok", market.model_store("lightgbm_refits").active(LAST).reason)


def test_a_saved_model_is_the_active_one(market: Deployment) -> None:
    session = date(2021, 3, 24)
    said = predictions_of_session(market, None, session)
    assert said.record.fitted_session == date(2021, 3, 22), "drift asked for it"
    assert said.rows.equals(market.warehouse.read("predictions", [session]))
    told = model_facts(market, "lightgbm", date(2021, 3, 23))
    assert (told["fitted_session"], told["sha256"]) == ("2021-03-22", said.record.model_sha256), "ats models showed the one that was due"
    newest = active_model(market, market.of(models_of)["lightgbm_model"], LAST)[1]
    (listed,) = known_models(market)
    assert (listed.fitted_session, listed.model_sha256) == (newest.fitted_session, newest.model_sha256)


def test_the_registry_of_mlflow_follows_the_active_model(market: Deployment) -> None:
    titles = pl.DataFrame({"session": [date(2021, 3, 24)], "model": ["lightgbm"], "is_champion": [True], "rank_ic": [0.1], "reason": ["x"]})
    (told,) = standings(market, titles)
    assert (told.asset, told.fitted_session) == ("lightgbm_refits", date(2021, 3, 22)), "it named the one that was due"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"refit_on_drift": True}}, r"there is no table \[drift\]"),
        ({"training": {"refit_on_drift": True, "refit": "weekly"}, "drift": {}}, "at the first session of a week"),
        ({"drift": {"refit_train_sessions": 100}, "training": {"refit_on_drift": True}}, "refit_train_sessions is 100"),
    ],
)
def test_settings_that_ask_for_what_can_not_be_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(**changes)


def test_what_the_loop_did_is_told_from_what_is_stored(market: Deployment) -> None:
    steps = loop_history(market, FIRST, LAST)
    refits = [step for step in steps if step.what == "refit"]
    store = market.model_store("lightgbm_refits")
    assert [step.session for step in refits] == [day for day in store.stored_sessions() if store.record(day).status == "fitted"]
    days = market.calendar.sessions(FIRST, LAST)
    skill = market.warehouse.read("skill", days).filter(horizon_sessions=1)
    for step in refits:
        assert step.until is not None
        own = skill.filter(pl.col("model_session") == step.session)
        assert step.rank_ic == pytest.approx(own["rank_ic"].drop_nulls().mean(), abs=1e-12)
        assert step.why == store.record(step.session).reason
        assert 0.0 <= (step.moved or 0.0) <= 1.0
    alarms = market.warehouse.read("drift", days).filter("alarm")["session"]
    told = [step for step in steps if step.what == "drift"]
    assert told[0].session == alarms.min()
    assert told[-1].until == alarms.max()
