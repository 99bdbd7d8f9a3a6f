"""The ensemble: its weights follow skill that was known, its scores are the models' percentiles, and nothing later than a session changes it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.definitions import build
from ats_assets.errors import LookAheadError, ModelError, SettingsError
from ats_assets.evaluation import skill
from ats_assets.evaluation.trial_selection import count_trials
from ats_assets.predictions.choosing import ensemble_rule_of
from ats_assets.predictions.combined_scores import combined
from ats_assets.predictions.contracts import EnsembleWeights, Predictions
from ats_assets.predictions.ensemble import learnt_weights, weight_rows
from ats_assets.predictions.ensemble_rule import Evidence, Weighed
from ats_assets.predictions.model_evidence import correlation_table, judged_decisions
from ats_assets.predictions.score_explanation import explain_score
from ats_assets.settings import EnsembleSettings, load_settings
from ats_assets.trials import BacktestTrial, EnsembleTrial, ledger_of
from ats_assets_tests.predictions.judged_models import DAYS, outcomes_of, predictions_of
from ats_assets_tests.rounds import rounds
from ats_assets_tests.sharing import made_once
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, files_of, make_history, run_job, small_market, without_the_future

Models = Mapping[str, pl.DataFrame]
HORIZON = 1
SETTINGS = EnsembleSettings(rule="skill", lookback_sessions=40, min_judged_sessions=5)


def models_of(skills: Mapping[str, float], *, sessions: int, symbols: int, seed: int) -> tuple[Models, pl.DataFrame]:
    """Scores whose correlation with the returns is the skill, and noise else; and the outcomes."""
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((sessions, symbols))
    scores = {name: ic * returns + np.sqrt(1 - ic**2) * rng.standard_normal(returns.shape) for name, ic in skills.items()}
    return {name: predictions_of(values) for name, values in scores.items()}, outcomes_of(returns * 0.02, HORIZON)


def rows_of(models: Models, outcomes: pl.DataFrame, refits: Mapping[int, int], how: EnsembleSettings = SETTINGS) -> pl.DataFrame:
    """The weights of sessions by their places, each of its refit session."""
    return weight_rows(
        judged_decisions(models, outcomes),
        {name: set(frame["session"]) for name, frame in models.items()},
        {DAYS[session]: DAYS[refit] for session, refit in refits.items()},
        DAYS,
        rule=ensemble_rule_of(how),
        settings=how,
        horizon_sessions=HORIZON,
    )


def mean_rank_ics(models: Models, outcomes: pl.DataFrame, first: int) -> list[float]:
    later = {name: frame.filter(pl.col("session") >= DAYS[first]) for name, frame in models.items()}
    return np.mean([one.rank_ic for one in judged_decisions(later, outcomes)], axis=0).tolist()


def test_what_was_known_of_each_decision_is_its_rank_ic_as_the_skill_report_has_it() -> None:
    models, outcomes = models_of({"a": 0.5, "b": 0.0}, sessions=30, symbols=12, seed=1)
    tied = models | {"b": models["b"].with_columns(pl.col("score").round(0))}
    decisions = judged_decisions(tied, outcomes)
    for place, frame in enumerate(tied.values()):
        expected = dict(skill(frame, outcomes, DAYS).select("decision_session", "rank_ic").iter_rows())
        assert {one.decided: float(one.rank_ic[place]) for one in decisions} == expected
    few = judged_decisions({name: frame.filter(pl.col("symbol") < "S002") for name, frame in models.items()}, outcomes)
    assert np.isnan([one.rank_ic for one in few]).all()
    assert "–" in correlation_table(["a", "b"], few)


def test_a_score_of_a_model_that_knew_the_session_is_refused() -> None:
    models, outcomes = models_of({"a": 0.5, "b": 0.0}, sessions=10, symbols=5, seed=1)
    inside = models["a"].with_columns(model_session=pl.col("session"))
    with pytest.raises(LookAheadError, match=r"predictions of a at .* not out of sample"):
        judged_decisions(models | {"a": inside}, outcomes)


@pytest.mark.parametrize("rule", ["skill", "stacked"])
def test_weights_follow_planted_skill_and_the_ensemble_is_as_good_as_the_best_model(rule: str) -> None:
    """Of models with skill 0.05, 0.02 and 0 on 100 symbols over three years, refitted every 21 sessions by what was known."""
    sessions, warm, how = 750, 273, EnsembleSettings(rule=rule)
    gains, over_mean, orders = [], [], []
    for seed in range(rounds(3, 40)):
        models, outcomes = models_of({"good": 0.05, "fair": 0.02, "none": 0.0}, sessions=sessions, symbols=100, seed=seed)
        weights = rows_of(models, outcomes, {session: session - session % 21 for session in range(warm, sessions)}, how)
        *single, own = mean_rank_ics({**models, "ensemble": combined(weights, models)}, outcomes, warm)
        gains.append(own - single[0])
        over_mean.append(own - float(np.mean(single)))
        means = weights.group_by("model").agg(pl.col("weight").mean())
        orders.append([means.filter(model=name)["weight"].item() for name in models])
    good, fair, none = np.mean(orders, axis=0)
    assert good > fair > none
    assert good > 0.45
    error = 0.1 / np.sqrt((sessions - warm) * len(gains))  # of a mean rank IC on 100 symbols
    assert np.mean(gains) > -2 * error
    assert np.mean(over_mean) > 2 * error


@pytest.mark.parametrize("rule", ["skill", "stacked"])
def test_of_models_without_skill_the_weights_shrink_to_equal(rule: str) -> None:
    how, found = EnsembleSettings(rule=rule), []
    for seed in range(rounds(12, 200)):
        models, outcomes = models_of({"a": 0.0, "b": 0.0, "c": 0.0}, sessions=280, symbols=30, seed=seed)
        found.append(rows_of(models, outcomes, {279: 279}, how)["weight"].to_numpy())
    distance = np.abs(np.array(found) - 1 / 3).max(axis=1)
    assert (distance < 1e-9).mean() > 0.7, "in most histories the differences are within chance, and weights exactly equal"
    assert distance.mean() < 0.12
    assert np.abs(np.mean(found, axis=0) - 1 / 3).max() < 0.08


@settings(max_examples=rounds(15, 100), deadline=None)
@given(st.integers(0, 100), st.integers(30, 55), st.sampled_from(["equal", "skill", "stacked"]))
def test_nothing_after_the_refit_session_changes_weights_and_nothing_after_the_session_its_scores(seed: int, refit: int, rule: str) -> None:
    how = SETTINGS.model_copy(update={"rule": rule})
    models, outcomes = models_of({"a": 0.3, "b": 0.1, "c": 0.0}, sessions=60, symbols=8, seed=seed)
    session = min(refit + 3, 59)
    whole = rows_of(models, outcomes, {session: refit}, how)
    EnsembleWeights.validate(whole)
    later = pl.col("session") > DAYS[refit]
    other, _ = models_of({"a": -0.9, "b": 0.9, "c": 0.5}, sessions=60, symbols=8, seed=seed + 1)
    changed = {name: pl.concat([frame.filter(~later), other[name].filter(later)]) for name, frame in models.items()}
    returns = outcomes.with_columns(forward_return=pl.when(later).then(-pl.col("forward_return")).otherwise("forward_return"))
    assert rows_of(changed, returns, {session: refit}, how).equals(whole)
    at = {name: frame.filter(session=DAYS[session]) for name, frame in models.items()}
    assert combined(whole, models).equals(combined(whole, at))
    Predictions.validate(combined(whole, at))


@settings(max_examples=rounds(15, 100), deadline=None)
@given(st.integers(0, 100), st.sampled_from(["skill", "stacked"]))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range(seed: int, rule: str) -> None:
    how = SETTINGS.model_copy(update={"rule": rule, "lookback_sessions": 15})
    models, outcomes = models_of({"a": 0.3, "b": 0.1, "c": 0.0}, sessions=60, symbols=8, seed=seed)
    refits = {session: session - session % 7 for session in range(25, 60)}
    whole = rows_of(models, outcomes, refits, how)
    for session in (25, 41, 59):
        window = pl.col("session").is_between(DAYS[refits[session] - 14 - HORIZON - 1], DAYS[session])
        part = {name: frame.filter(window) for name, frame in models.items()}
        alone = rows_of(part, outcomes.filter(window), {session: refits[session]}, how)
        assert alone.equals(whole.filter(session=DAYS[session]))
        assert combined(alone, part).equals(combined(whole, models).filter(session=DAYS[session]))


def test_a_model_without_scores_leaves_its_weight_to_the_others_and_the_reason_says_so() -> None:
    models, outcomes = models_of({"a": 0.4, "b": 0.4, "c": 0.0}, sessions=60, symbols=20, seed=3)
    away = models | {"b": models["b"].filter(pl.col("session") != DAYS[55])}
    rows = rows_of(away, outcomes, {54: 50, 55: 50})
    before, after = (rows.filter(session=DAYS[session]) for session in (54, 55))
    a, b, c = before["weight"]
    assert after["weight"].to_list() == pytest.approx([a / (a + c), 0.0, c / (a + c)])
    assert f"no scores at this session, so its weight of {b:.3f} goes to the others" in after["reason"][1]
    assert after["reason"][0].endswith(f"{a:.3f} of the {a + c:.3f} of models with scores")
    assert after["rank_ic"].equals(before["rank_ic"]), "the evidence is that of the refit session"
    none = rows_of({name: frame.filter(pl.col("session") < DAYS[55]) for name, frame in models.items()}, outcomes, {55: 50})
    assert none["weight"].to_list() == [0.0, 0.0, 0.0]
    assert set(none["reason"]) == {"no scores at this session"}
    assert combined(none, {name: frame.filter(session=DAYS[55]) for name, frame in away.items()}).is_empty()


def test_a_model_that_is_not_judged_yet_has_no_weight_unless_all_are_equal() -> None:
    models, outcomes = models_of({"a": 0.3, "b": 0.3, "late": 0.9}, sessions=60, symbols=20, seed=3)
    young = models | {"late": models["late"].filter(pl.col("session") > DAYS[46])}
    rows = rows_of(young, outcomes, {52: 50})
    assert rows["weight"][2] == 0.0
    assert rows["judged_sessions"].to_list() == [40, 40, 2]
    assert rows["reason"][2] == "fewer than 5 judged sessions"
    assert rows["weight"][:2].sum() == pytest.approx(1.0)
    assert rows_of(young, outcomes, {52: 50}, SETTINGS.model_copy(update={"rule": "equal"}))["weight"].to_list() == [1 / 3] * 3
    early = rows_of(young, outcomes, {5: 4})
    assert early["reason"][0] == "no model has 5 judged sessions yet: equal weights; 0.333 of the 0.667 of models with scores"
    assert early["weight"].to_list() == [0.5, 0.5, 0.0]


def test_scores_are_weighted_means_of_percentiles_whatever_their_scale() -> None:
    models, outcomes = models_of({"a": 0.4, "b": 0.1}, sessions=60, symbols=7, seed=3)
    rows = rows_of(models, outcomes, {58: 50})
    found = combined(rows, models)
    weights = rows["weight"]
    parts = [frame.filter(session=DAYS[58]).sort("symbol")["score"].rank().to_numpy() / 7 - 0.5 / 7 - 0.5 for frame in models.values()]
    assert found["score"].to_numpy() == pytest.approx(weights[0] * parts[0] + weights[1] * parts[1])
    scaled = models | {"a": models["a"].with_columns(score=pl.col("score").exp() * 1e6 + 5.0)}
    assert combined(rows, scaled).equals(found)


def test_a_rule_that_gives_no_shares_is_named() -> None:
    class Wrong:
        settings = SETTINGS
        needs_evidence = False

        def weights(self, evidence: Evidence) -> Weighed:
            return Weighed(weights=np.array([2.0, -1.0]), reasons=("because",))

    with pytest.raises(ModelError, match=r"Wrong gave 2 models the weights \[2.0, -1.0\] with 1 reason: none may be negative"):
        learnt_weights(["a", "b"], [], Wrong(), SETTINGS, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ensemble": {"rule": "skill"}}, "there is one model only, 'lightgbm'"),
        ({"ensemble": {"rule": "equal", "models": ["lightgbm", "other"]}}, "names 'other', which is none of"),
        ({"ensemble": {"rule": "equal", "models": ["lightgbm"]}}, "names 'lightgbm' alone"),
        ({"ensemble": {"rule": "equal", "models": ["lightgbm", "lightgbm"]}}, "names one twice"),
        ({"ensemble": {"rule": "equal"}, "models": {"ensemble": {"kind": "lightgbm"}, "lightgbm": {}}}, "can't be called 'ensemble'"),
        ({"champion": {"model": "ensemble"}}, "which is none of"),
    ],
)
def test_settings_that_make_no_ensemble_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(**changes)


CHANGES: dict[str, Any] = {
    "features": {"families": ()},
    "models": {
        "lightgbm": {"min_data_in_leaf": 2, "min_rounds": 1, "max_rounds": 3},
        "forest": {"kind": "random_forest", "trees": 3, "min_samples_leaf": 5},
    },
    "training": EARLY_MODELS["training"] | {"families": ("trend",)},
    "champion": {"rule": "fixed", "model": "ensemble", "lookback_sessions": 10},
    "ensemble": {"rule": "stacked", "lookback_sessions": 12, "min_judged_sessions": 4, "shrinkage": 0.5},
}
LAST = date(2021, 2, 26)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "ensemble", lambda folder: make_history(small_market(folder, **CHANGES), FIRST, LAST))


def test_the_ensemble_is_a_candidate_that_can_be_traded_alone(root: Path) -> None:
    deployment = small_market(root, **CHANGES)
    days = deployment.calendar.sessions(FIRST, LAST)
    champion, weights, scores, traded = (
        deployment.warehouse.read(name, days) for name in ("champion", "ensemble_weights", "ensemble_predictions", "predictions")
    )
    assert champion["model"].unique(maintain_order=True).to_list() == ["lightgbm", "forest", "ensemble"]
    assert traded.equals(scores)
    assert traded.height > 100
    by_session = weights.group_by("session").agg(pl.col("weight").sum())
    assert by_session["weight"].round(9).unique().sort().to_list() == [0.0, 1.0]
    assert weights["weight"].n_unique() > 4, "the market is made so that weights move"
    told = explain_score(deployment, traded.filter(session=LAST)["symbol"][0], LAST)
    assert told is not None
    assert (told.model, told.note) == ("ensemble", "")
    assert {one.feature for one in told.contributions} <= {"lightgbm", "forest"}
    assert sum(one.contribution for one in told.contributions) == pytest.approx(told.score)


def test_it_is_a_trial_made_of_its_models_trials_which_count_too(root: Path) -> None:
    trials = {one.trial.name: one for one in small_market(root, **CHANGES).of(ledger_of).trials()}
    own = trials["ensemble_weights"]
    assert own.trial.kind == "ensemble"
    assert own.trial.made_of == tuple(sorted(trials[name].trial.tried for name in ("lightgbm_model", "forest_model")))
    assert own.series is not None
    assert own.series.height > 5
    assert count_trials(list(trials.values())).trials == 3, "two models that were chosen from, and the ensemble"


def test_another_rule_is_another_trial(root: Path, tmp_path: Path) -> None:
    tried = {one.trial.tried for one in small_market(root, **CHANGES).of(ledger_of).trials()}
    same, other = small_market(tmp_path, **CHANGES), small_market(tmp_path, **CHANGES | {"ensemble": {"rule": "equal"}})
    for deployment in (same, other):
        build(deployment)
        EnsembleTrial(deployment).begin()
    first, second = other.of(ledger_of).trials()
    assert first.trial.tried in tried
    assert second.trial.tried not in tried
    assert second.trial.what == {"models": ["lightgbm", "forest"], "rule": "equal"}
    BacktestTrial(same, "backtest", traded="targets", what={}).begin()
    traded = same.of(ledger_of).trials()[-1].trial
    assert set(traded.chosen_from) == {*first.trial.made_of, first.trial.tried}, "each candidate, and the ensemble"


def test_it_is_the_same_bytes_in_pieces_and_owes_nothing_to_later_sessions(root: Path, tmp_path: Path) -> None:
    names = ("ensemble_weights", "ensemble_predictions", "champion")

    def bytes_of(folder: Path) -> dict[str, bytes]:
        return {path: content for path, content in files_of(folder).items() if path.split("/")[1] in names}

    assert without_the_future(root, date(2021, 2, 9), tmp_path / "ends", **CHANGES) == []
    whole = bytes_of(root)
    deployment = small_market(root, **CHANGES)
    days = deployment.calendar.sessions(FIRST, LAST)
    for part in (days[17:], days[5:17], days[:5]):
        run_job(deployment, "history", part, names)
    assert bytes_of(root) == whole
