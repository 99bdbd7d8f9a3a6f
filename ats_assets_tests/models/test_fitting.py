import numpy as np
import pytest
from scipy.stats import spearmanr

from ats_assets.models import fit, recorded
from ats_assets.models.cross_sections import rank_ic_by_session
from ats_assets.models.learner import Unavailable
from ats_assets_tests.models.fits import CALENDAR, SETTINGS, fitted_lightgbm, lightgbm, small_training_set


def test_the_record_has_the_figures_of_the_validation_sessions() -> None:
    fitted, data = fitted_lightgbm(), small_training_set()
    values = recorded(lightgbm(), fitted, data, SETTINGS, {"code": "c0de"})
    by_session = values["validation"].by_session
    at = np.cumsum(data.validation.sizes)[:-1]
    for ours, score, label in zip(by_session.values(), np.split(fitted.scores, at), np.split(data.validation.y, at), strict=True):
        assert ours == pytest.approx(spearmanr(score, label).statistic, abs=1e-12)
    assert list(by_session) == list(data.window.validation)
    assert values["validation"].rank_ic == pytest.approx(np.mean(list(by_session.values())))
    assert values["validation"].rank_ic > 0.2
    assert (values["learner"], values["file"], values["versions"].keys()) == ("lightgbm", "model.txt", {"code", "lightgbm"})


def test_too_little_history_gives_no_model_but_its_reason() -> None:
    early = CALENDAR.offset(CALENDAR.first, 50)
    assert fit(lightgbm(), small_training_set(session=early), SETTINGS) == Unavailable(
        reason=f"25 labelled sessions to train on as of {early}; training.min_train_sessions is 30"
    )
    assert isinstance(fit(lightgbm(), small_training_set(session=CALENDAR.offset(CALENDAR.first, 3)), SETTINGS), Unavailable)


def test_constant_scores_have_no_rank_ic() -> None:
    rows = small_training_set().validation
    assert rank_ic_by_session(rows, np.zeros(len(rows.y)))["rank_ic"].null_count() == len(rows.sizes)
