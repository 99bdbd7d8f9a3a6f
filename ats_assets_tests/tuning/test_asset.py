"""The asset `<name>_tuning`: there where settings ask for it, the same bytes however it is made, and what its model is fitted with."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.automation.retraining import needed_for_signals, untrained
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.evaluation.trial_selection import count_trials
from ats_assets.storage.model_record import ModelRecord
from ats_assets.trials import ledger_of
from ats_assets.tuning.assets import assets
from ats_assets.tuning.contracts import TuningTrials
from ats_assets.tuning.tuning_figures import progress_picture, trials_table
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import FIRST, differences, files_of, make_history, small_market
from ats_assets_tests.tuning.tuned_market import LAST, TRIALS, TUNED, copied, tuned_market

pytest.importorskip("optuna")
FEBRUARY, MARCH = TUNED


@pytest.fixture(scope="module")
def tuned(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """With its tuning, models and predictions, made by one process."""
    deployment = tuned_market(copied(made, tmp_path_factory.mktemp("tuned") / "world"))
    make_history(deployment, FIRST, LAST, ["lightgbm_tuning", "lightgbm_model", "predictions"])
    return deployment


def partition(deployment: Deployment, day: date) -> pl.DataFrame:
    return deployment.warehouse.read("lightgbm_tuning", [day])


def test_it_is_an_asset_only_where_settings_ask_for_it(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert small_market(tmp_path).tunings == {}


def test_a_tuning_session_has_all_trials_and_those_after_it_the_one_that_is_used(tuned: Deployment) -> None:
    rows = TuningTrials.validate(partition(tuned, MARCH))
    assert rows["trial"].to_list() == list(range(TRIALS))
    assert rows["parameters"][0] == "{}"
    assert set(rows["state"]) <= {"complete", "pruned", "failed"}
    assert (rows["fits"] <= 3).all()
    chosen = rows.filter("is_chosen")
    assert chosen.height == 1
    later = partition(tuned, LAST)
    assert later.drop("session", "state", "fits").equals(chosen.drop("session", "state", "fits"))
    assert (later["state"][0], later["tuned_session"][0], later["session"][0]) == ("carried", MARCH, LAST)
    footer = tuned.warehouse.footer("lightgbm_tuning", LAST)
    assert footer.upstream == {"lightgbm_tuning": {str(MARCH): tuned.warehouse.footer("lightgbm_tuning", MARCH).data_version}}


def test_it_looks_at_nothing_later_than_its_window(tuned: Deployment) -> None:
    read = tuned.warehouse.footer("lightgbm_tuning", MARCH).upstream
    training = tuned.settings.training
    assert max(read["forward_returns"]) == str(tuned.calendar.offset(MARCH, -training.embargo_sessions))
    assert max(read["trend"]) < str(MARCH)
    trials = [one for one in tuned.of(ledger_of).trials() if one.trial.kind == "tuning" and one.series is not None]
    assert all((one.series["session"] < one.series["as_of"]).all() for one in trials if one.series is not None)


def test_where_history_is_too_short_the_own_settings_are_used_and_it_says_so(tuned: Deployment) -> None:
    (row,) = partition(tuned, FIRST).iter_rows(named=True)
    assert (row["state"], row["trial"], row["parameters"], row["is_chosen"]) == ("unavailable", None, "{}", True)
    assert row["reason"].startswith("own settings: history is too short to tune on: 0 labelled sessions")
    assert partition(tuned, tuned.calendar.offset(FIRST, 3))["state"].to_list() == ["unavailable"]


@pytest.mark.parametrize(("processes", "parts"), [(1, "alone"), (2, "a range")])
def test_the_same_bytes_alone_or_in_a_range_and_by_any_number_of_processes(
    made: Path, tuned: Deployment, tmp_path: Path, processes: int, parts: str
) -> None:
    deployment = tuned_market(copied(made, tmp_path / "world"), processes=processes)
    runs = [(MARCH, MARCH), (LAST, LAST), (FEBRUARY, FEBRUARY)] if parts == "alone" else [(FEBRUARY, LAST)]
    for first, last in runs:
        make_history(deployment, first, last, ["lightgbm_tuning"])
    found, expected = (
        {path: text for path, text in files_of(one).items() if "_tuning" in path} for one in (tmp_path / "world", root_of(tuned))
    )
    assert len(found) >= 3
    assert differences(found, {path: expected[path] for path in found}) == []


def root_of(deployment: Deployment) -> Path:
    return deployment.warehouse.root.parent


def test_a_session_between_needs_its_tuning_and_says_how_to_make_it(made: Path, tmp_path: Path) -> None:
    deployment = tuned_market(copied(made, tmp_path / "world"))
    with pytest.raises(MissingPartitionError, match=r"lightgbm_tuning.*2021-03-01"):
        make_history(deployment, LAST, LAST, ["lightgbm_tuning"])


def record_of(deployment: Deployment, day: date) -> ModelRecord:
    return deployment.model_store("lightgbm_model").record(day)


def test_a_model_is_fitted_with_what_the_last_tuning_chose_and_says_so(tuned: Deployment) -> None:
    monday = date(2021, 3, 8)
    (chosen,) = partition(tuned, MARCH).filter("is_chosen").iter_rows(named=True)
    assert chosen["trial"] != 0, "or the test says nothing"
    record = record_of(tuned, monday)
    assert record.tuned is not None
    assert (record.tuned.session, record.tuned.trial, record.tuned.reason) == (MARCH, chosen["trial"], chosen["reason"])
    parameters = json.loads(chosen["parameters"])
    assert record.tuned.parameters == parameters
    assert record.parameters["num_leaves"] == parameters["num_leaves"]
    assert record.parameters["learning_rate"] == parameters["learning_rate"]
    assert str(monday) in tuned.model_store("lightgbm_model").upstream(record)["lightgbm_tuning"]
    early = record_of(tuned, date(2021, 1, 25))
    assert early.tuned is not None
    assert (early.tuned.trial, early.tuned.parameters) == (None, {})
    assert early.parameters["num_leaves"] == 31
    assert tuned.warehouse.read("predictions", [LAST]).height > 0


def test_a_model_that_is_not_tuned_has_a_record_without_a_word_of_it(tuned: Deployment) -> None:
    record = record_of(tuned, date(2021, 3, 8))
    assert b'"tuned"' in record.encoded()
    assert b'"tuned"' not in record.model_copy(update={"tuned": None}).encoded()


def test_nothing_is_stale_and_a_later_restated_tuning_makes_what_follows_stale(tuned: Deployment, tmp_path: Path) -> None:
    assert healing_of(tuned).stale() == []
    other = tuned_market(copied(root_of(tuned), tmp_path / "world"))
    rows = partition(other, MARCH).with_columns(reason=pl.lit("another"))
    footer = other.warehouse.footer("lightgbm_tuning", MARCH)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
    other.warehouse.write("lightgbm_tuning", MARCH, rows, upstream=footer.upstream, **versions)
    found = [(one.asset, one.session) for one in healing_of(other).stale()]
    assert ("lightgbm_tuning", str(LAST)) in found
    assert ("lightgbm_model", str(MARCH)) in found
    assert all(session >= str(MARCH) for _, session in found)


def test_every_trial_is_in_the_ledger_and_counts(tuned: Deployment) -> None:
    trials = tuned.of(ledger_of).trials()
    tunings = [one for one in trials if one.trial.kind == "tuning"]
    tried = {row["parameters"] for day in TUNED for row in partition(tuned, day).iter_rows(named=True)}
    assert len(tunings) == len(tried)  # the same parameters at another session are the same trial
    assert tunings[0].trial.what["parameters"] == "the model's own settings"
    assert tunings[0].series is not None
    assert tunings[0].series["session"].n_unique() > partition(tuned, FEBRUARY).height
    assert {one.trial.name for one in tunings} == {"lightgbm_tuning"}
    assert count_trials(trials).trials == len(tunings) + 1  # and the fits of the model


def test_the_page_of_the_asset_shows_the_trials_and_how_the_best_value_grew(tuned: Deployment) -> None:
    table = trials_table(partition(tuned, MARCH), first=5)
    (chosen,) = partition(tuned, MARCH).filter("is_chosen").iter_rows(named=True)
    assert table.splitlines()[2].startswith(f"| **{chosen['trial']}** | complete | {chosen['value']:+.4f} |")
    assert "… and 4 others" in table
    assert progress_picture(partition(tuned, MARCH)).startswith("![Best value by trial](data:image/svg+xml;base64,")


def test_the_night_trains_what_has_no_tuning_and_signals_wait_for_the_tuning_of_their_fit(
    made: Path, tuned: Deployment, tmp_path: Path
) -> None:
    assert untrained(tuned, LAST) == []
    root = copied(root_of(tuned), tmp_path / "world")
    for path in (root / "warehouse" / "lightgbm_tuning" / f"session={LAST}").iterdir():
        path.unlink()
    assert untrained(tuned_market(root), LAST) == [[LAST]]
    fresh = tuned_market(copied(made, tmp_path / "fresh"))
    assert needed_for_signals(fresh, date(2021, 3, 12))[0] == MARCH  # the fit of Monday the 8th reads it
