"""The estimate of skill before labels mature is a regression on what was known, and its error is that of what was said of what has matured."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from ats_assets.evaluation import maturing_skill as module
from ats_assets.evaluation.maturing_skill import maturing_skill

HORIZON, LASTS = 5, 6


def world(seed: int, told: float) -> tuple[dict[int, np.ndarray], np.ndarray]:
    """Rank ICs of one and five sessions, the first of which tells a part of the other."""
    rng = np.random.default_rng(seed)
    short = rng.normal(0.02, 0.1, 400)
    return {1: short, HORIZON: told * short + rng.normal(0.01, 0.05, 400)}, np.exp(rng.normal(0.0, 0.2, 400))


def known(ics: dict[int, np.ndarray], now: int) -> dict[int, np.ndarray]:
    return {h: np.where(np.arange(len(of)) + h + 1 <= now, of, np.nan) for h, of in ics.items()}


def test_it_is_the_regression_of_what_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RIDGE", 0.0)
    ics, spread = world(0, told=0.8)
    now = 300
    found = {one.decision: one for one in maturing_skill(known(ics, now), spread, now, horizon=HORIZON, learnt_sessions=126)}
    assert [*found] == [295, 296, 297, 298, 299, 300]
    assert [one.known_horizon for one in found.values()] == [1, 1, 1, 1, 0, 0]
    rows = np.arange(now - LASTS - 125, now - LASTS + 1)
    x = np.stack([np.log(spread), ics[1]], axis=1)
    oracle = LinearRegression().fit(x[rows], ics[HORIZON][rows])
    assert found[297].estimate == pytest.approx(oracle.predict(x[[297]])[0], abs=1e-9)
    errors = []
    for row in rows:
        before = np.arange(max(0, row + 3 - LASTS - 125), row + 3 - LASTS + 1)
        errors.append(LinearRegression().fit(x[before], ics[HORIZON][before]).predict(x[[row]])[0] - ics[HORIZON][row])
    assert found[297].standard_error == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-9)
    assert found[297].judged == 126


def test_what_is_not_known_yet_changes_nothing() -> None:
    ics, spread = world(1, told=0.5)
    later = {h: np.where(np.arange(400) + h + 1 > 250, 9.0, of) for h, of in ics.items()}
    one = maturing_skill(known(ics, 250), spread, 250, horizon=HORIZON, learnt_sessions=126)
    assert maturing_skill(known(later, 250), spread, 250, horizon=HORIZON, learnt_sessions=126) == one


def test_it_is_better_than_the_mean_only_where_there_is_something_to_learn() -> None:
    def ratio(told: float) -> float:
        found = []
        for seed in range(10):
            ics, spread = world(seed, told)
            one = maturing_skill(known(ics, 300), spread, 300, horizon=HORIZON, learnt_sessions=126)[2]
            assert one.standard_error is not None
            assert one.error_of_mean is not None
            found.append(one.standard_error / one.error_of_mean)
        return float(np.mean(found))

    assert ratio(0.8) < 0.65  # 0.05 of noise are left of 0.094
    assert 0.98 < ratio(0.0) < 1.06


def test_too_few_matured_decisions_say_so() -> None:
    ics, spread = world(2, told=0.5)
    found = maturing_skill(known(ics, 20), spread, 20, horizon=HORIZON, learnt_sessions=126)
    assert {(one.estimate, one.standard_error, one.judged) for one in found} == {(None, None, 0)}
    some = maturing_skill(known(ics, 35), spread, 35, horizon=HORIZON, learnt_sessions=126)
    assert some[0].estimate is not None
    assert some[0].standard_error is None
