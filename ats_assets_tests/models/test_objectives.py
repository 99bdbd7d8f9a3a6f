"""What rows are taught, and the figures that fits stop by, beside scikit-learn's."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import pearsonr, rankdata
from sklearn.metrics import log_loss, mean_pinball_loss

from ats_assets.errors import ModelError
from ats_assets.models.learners.lightgbm import LightgbmSettings
from ats_assets.models.objectives import above_median, money_returns, session_grades, stopping_figure, taught
from ats_assets.models.profit_objective import hedged_returns, session_profit
from ats_assets_tests.models.fits import SETTINGS, small_training_set

ROWS = small_training_set(settings=SETTINGS.model_copy(update={"label": "raw"})).validation
SCORES = np.random.default_rng(1).standard_normal(len(ROWS.y))


def test_classes_are_above_the_median_of_the_session_or_what_labels_are_already() -> None:
    at = np.cumsum(ROWS.sizes)[:-1]
    for found, y in zip(np.split(above_median(ROWS), at), np.split(ROWS.y, at), strict=True):
        assert found.tolist() == (y > np.median(y)).astype(float).tolist()
    of_events = replace(ROWS, y=(ROWS.y > 0.02).astype(float))
    assert above_median(of_events) is of_events.y


def test_grades_are_deciles() -> None:
    grades = session_grades(ROWS)
    assert set(grades.tolist()) == set(range(10))
    assert np.corrcoef(grades, ROWS.y)[0, 1] > 0.9


def test_figures_are_those_of_other_libraries() -> None:
    quantile = LightgbmSettings(objective="quantile", quantile=0.8)
    found = {name: stopping_figure(ROWS, quantile, name)(SCORES) for name in ("regression", "classification", "quantile")}
    at = np.cumsum(ROWS.sizes)[:-1]
    by_session = [pearsonr(score, rankdata(y)).statistic for score, y in zip(np.split(SCORES, at), np.split(ROWS.y, at), strict=True)]
    assert found["regression"] == pytest.approx(np.mean(by_session))
    assert found["classification"] == pytest.approx(-log_loss(above_median(ROWS), 1 / (1 + np.exp(-SCORES))))
    assert found["quantile"] == pytest.approx(-mean_pinball_loss(ROWS.y, SCORES, alpha=0.8))
    money = LightgbmSettings(objective="dollar_profit", cost_bps=3, impact_bps=20)
    expected = session_profit(SCORES, hedged_returns(ROWS.returns, ROWS.sizes), ROWS.sizes, money.profit_terms)
    assert stopping_figure(ROWS, money, "dollar_profit")(SCORES) == expected
    assert (money.profit_terms.cost, money.profit_terms.impact) == pytest.approx((3e-4, 2e-3))


def test_dollar_profit_learns_the_outcome_and_not_its_rank() -> None:
    ranked = small_training_set().validation
    settings = LightgbmSettings(objective="dollar_profit", hedged=False)
    assert taught(ranked, settings, settings.objective).tolist() == ROWS.returns.tolist()
    assert ranked.y.tolist() != ROWS.returns.tolist()


def test_dollars_or_classes_are_no_returns() -> None:
    for wrong in (np.full(len(ROWS.y), -250.0), np.full(len(ROWS.y), np.nan)):
        with pytest.raises(ModelError, match=r'dollar_profit learns returns.*training.label_column = "return"'):
            money_returns(replace(ROWS, returns=wrong), LightgbmSettings(objective="dollar_profit"))


@pytest.mark.parametrize(
    ("objective", "setting"), [("regression", {"quantile": 0.9}), ("quantile", {"cost_bps": 2}), ("lambdarank", {"hedged": False})]
)
def test_a_setting_of_another_objective_is_refused(objective: str, setting: dict[str, float]) -> None:
    """It would have done nothing, and nobody would have known."""
    with pytest.raises(ValidationError, match=rf"{next(iter(setting))} is of objective = .*, but the objective is '{objective}'"):
        LightgbmSettings.model_validate({"objective": objective, **setting})
