"""What is left of a backtest, of the trials that a ledger has."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ats_assets.evaluation import deflated_sharpe_ratio, probabilistic_sharpe_ratio
from ats_assets.evaluation.trial_selection import Selection, TrialCount, count_trials, selection, variance_across
from ats_assets.trials import RecordedTrial, Trial, trial_series
from ats_assets_tests.rounds import rounds

DAYS = [date(2015, 1, 1) + timedelta(day) for day in range(1500)]


def recorded(
    name: str,
    values: np.ndarray | None,
    *,
    kind: str = "backtest",
    made_of: Sequence[str] = (),
    chosen_from: Sequence[str] = (),
    last: int = 1500,
) -> RecordedTrial:
    measure, parts, rivals = "return" if kind == "backtest" else "rank_ic", tuple(made_of), tuple(chosen_from)
    trial = Trial(kind=kind, name=kind, tried=name, made_of=parts, chosen_from=rivals, measure=measure)
    days = [] if values is None else DAYS[last - len(values) : last]
    series = None if values is None else trial_series(days, values.tolist(), DAYS[-1])
    return RecordedTrial(trial=trial, begun=datetime(2024, 1, 1, tzinfo=UTC), series=series)


def judged(trials: Sequence[RecordedTrial], returns: np.ndarray) -> Selection:
    return selection(trials, DAYS[-len(returns) :], returns, sessions_per_year=252)


def test_the_best_of_a_thousand_random_strategies_is_not_convincing_and_choosing_it_was_overfitting() -> None:
    """By chance the one or the other is a little above or below: of twenty such searches the median is judged, and by default the first."""
    probabilities, overfit = [], []
    for seed in range(rounds(1, 20)):
        returns = np.random.default_rng(seed).normal(0.0, 0.01, (500, 1000))
        best = returns[:, (returns.mean(axis=0) / returns.std(axis=0)).argmax()]
        found = judged([recorded(str(number), returns[:, number]) for number in range(1000)], best)
        assert (found.count.trials, found.count.effective, found.compared) == (1000, 1000, 1000)
        assert found.overfitting is not None
        hidden = judged([recorded("best", best)], best)
        assert hidden.deflated is not None
        assert hidden.deflated > 0.99  # whoever hides the others looks certain
        probabilities.append(found.deflated)
        overfit.append(found.overfitting.probability)
    assert np.median(probabilities) < 0.5
    assert np.mean(overfit) == pytest.approx(0.5, abs=0.1)


def test_a_strategy_with_skill_among_random_ones_is_convincing() -> None:
    random = np.random.default_rng(5)
    returns = random.normal(0.0, 0.01, (1250, 100))
    returns[:, 17] += 0.0020
    found = judged([recorded(str(number), returns[:, number]) for number in range(100)], returns[:, 17])
    assert found.deflated is not None
    assert found.deflated > 0.95
    assert found.overfitting is not None
    assert found.overfitting.probability < 0.05


def test_models_that_are_part_of_a_backtest_are_no_trials_and_others_are() -> None:
    random = np.random.default_rng(0)
    returns, ics = random.normal(0, 0.01, 400), random.normal(0, 0.1, (400, 3))
    trials = [
        recorded("used", ics[:, 0], kind="fit"),
        recorded("used", ics[:, 0], kind="cross_validation"),
        recorded("tried", ics[:, 1], kind="fit"),
        recorded("tried", ics[:, 1], kind="cross_validation"),
        recorded("failed", None, kind="fit"),
        recorded("b", returns, made_of=("used",)),
    ]
    count = count_trials(trials)
    assert (count.trials, count.backtests, count.effective, count.groups) == (3, 1, 3, 1)
    assert count.variance is None


def test_what_a_champion_was_chosen_from_counts_whatever_was_traded_before() -> None:
    random = np.random.default_rng(0)
    returns, ics, models = random.normal(0.001, 0.01, (400, 2)), random.normal(0, 0.1, (400, 5)), list("abcde")
    fits = [recorded(name, ics[:, i], kind="fit") for i, name in enumerate(models)]
    champion = recorded("champion", returns[:, 0], made_of=[*models, "refits"], chosen_from=models)
    trials = [*fits, recorded("refits", ics[:, 0], kind="fit"), champion]
    count = count_trials(trials)
    assert (count.trials, count.backtests, count.effective) == (6, 1, 6)
    found, alone = judged(trials, returns[:, 0]), judged([champion], returns[:, 0])
    assert found.deflated is not None
    assert alone.deflated is not None
    assert found.deflated < alone.deflated
    before = recorded("of an older line", returns[:, 1], made_of=models)
    assert count_trials([*trials, before]).trials == 7


def test_one_trial_is_judged_as_if_nothing_was_chosen() -> None:
    returns = np.random.default_rng(1).standard_t(5, 700) * 0.01 + 0.0005
    found = judged([recorded("a", returns)], returns)
    standard = (returns - returns.mean()) / returns.std()
    ratio = float(returns.mean() / returns.std(ddof=1))
    moments = {"skewness": float((standard**3).mean()), "kurtosis": float((standard**4).mean())}
    assert found.deflated == pytest.approx(probabilistic_sharpe_ratio(ratio, 700, **moments))
    assert (found.best_of_chance, found.backtest_years, found.overfitting, found.compared) == (0.0, 0.0, None, 1)


def test_the_variance_is_that_across_groups_where_there_are_enough() -> None:
    random = np.random.default_rng(2)
    bets = random.normal(0.0, 0.01, (600, 12)) + np.linspace(0, 0.002, 12)
    returns = np.repeat(bets, 3, axis=1) + random.normal(0, 0.002, (600, 36))
    trials = [recorded(str(number), returns[:, number]) for number in range(36)]
    count = count_trials(trials)
    assert (count.trials, count.effective, count.groups) == (36, 12, 12)
    ratios = (returns.mean(axis=0) / returns.std(axis=0, ddof=1)).reshape(12, 3).mean(axis=1)
    assert count.variance == pytest.approx(ratios.var(ddof=1))
    found = judged(trials, returns[:, -1])
    standard = (returns[:, -1] - returns[:, -1].mean()) / returns[:, -1].std()
    expected = deflated_sharpe_ratio(
        float(returns[:, -1].mean() / returns[:, -1].std(ddof=1)),
        600,
        n_trials=12,
        variance=float(ratios.var(ddof=1)),
        skewness=float((standard**3).mean()),
        kurtosis=float((standard**4).mean()),
    )
    assert found.deflated == pytest.approx(expected)
    few = TrialCount(trials=3, backtests=3, effective=3, groups=3, variance=1e-9)
    assert variance_across(few, 600) == 1 / 600


def test_backtests_of_other_sessions_count_but_are_not_compared() -> None:
    random = np.random.default_rng(3)
    own, newer = random.normal(0, 0.01, 500), random.normal(0, 0.01, 480)
    trials = [
        recorded("own", own),
        recorded("a session less", newer, last=1499),
        recorded("of long ago", random.normal(0, 0.01, 500), last=700),
        recorded("again", own),
    ]
    found = judged(trials, own)
    assert (found.count.trials, found.count.effective, found.compared) == (4, 3, 2)
    assert found.overfitting is not None
    assert len(found.overfitting.logits) == math.comb(16, 8)


def test_what_has_no_ratio_has_no_figures() -> None:
    found = judged([recorded("a", np.zeros(300))], np.zeros(300))
    assert (found.sharpe, found.deflated, found.overfitting) == (None, None, None)
    assert judged([], np.random.default_rng(0).normal(-0.001, 0.01, 300)).backtest_years == math.inf


def test_what_never_moved_was_chosen_from_nothing() -> None:
    """The report said that overfitting has a probability of 0 where no backtest had a trade."""
    still = np.zeros(500)
    found = judged([recorded(str(number), still) for number in range(3)], still)
    assert (found.count.trials, found.sharpe, found.deflated, found.overfitting) == (0, None, None, None)


def test_a_backtest_that_traded_nothing_is_no_trial_but_its_models_and_one_under_way_are() -> None:
    """Nobody can have chosen it by returns of zero; each one made the deflated Sharpe ratio of the others smaller."""
    traded = recorded("traded", np.random.default_rng(4).normal(0.0, 0.01, 300))
    still, model, begun = (
        recorded("still", np.zeros(300), made_of=["m"]),
        recorded("m", np.full(300, 0.01), kind="fit"),
        recorded("begun", None),
    )
    assert count_trials([traded, still]).trials == 1
    assert count_trials([traded, still, model, begun]).trials == 3


def test_a_return_that_is_missing_is_left_out() -> None:
    """One at the beginning of the backtest stopped the report."""
    returns = np.random.default_rng(3).normal(0.001, 0.01, 500)
    found, whole = judged([], np.append(np.nan, returns)), judged([], returns)
    assert (found.sharpe, found.deflated, found.sessions) == (whole.sharpe, whole.deflated, 500)
