"""The methods that weigh risk, by the kit that a user's own passes, too; and what is particular to each."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from ats_assets.errors import SettingsError
from ats_assets.plugins import METHODS
from ats_assets.portfolio.choosing import method_of
from ats_assets.portfolio.method import Candidates
from ats_assets.portfolio.methods import (
    black_litterman,
    fixed_risk,
    hierarchical_risk_parity,
    kelly,
    maximum_diversification,
    mean_variance,
    minimum_tail_risk,
    minimum_variance,
    risk_parity,
)
from ats_assets.settings import PortfolioSettings
from ats_assets_tests.kits.risk_methods import RiskMethodKit
from ats_assets_tests.portfolio.optimisation.panels import factor_returns

SMALL = {"lookback_sessions": 20, "candidates": 6}
DAY = date(2024, 3, 1)


class TestMinimumVariance(RiskMethodKit):
    plugin = minimum_variance.PLUGIN
    small: ClassVar[dict[str, Any]] = SMALL


class TestMeanVariance(RiskMethodKit):
    plugin = mean_variance.PLUGIN
    small: ClassVar[dict[str, Any]] = SMALL


class TestMeanVarianceWithCosts(RiskMethodKit):
    plugin = mean_variance.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "costs_bps": 10.0}


class TestRiskParity(RiskMethodKit):
    plugin = risk_parity.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "max_weight": 0.2}


class TestHierarchicalRiskParity(RiskMethodKit):
    plugin = hierarchical_risk_parity.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "costs_bps": 5.0}


class TestMaximumDiversification(RiskMethodKit):
    plugin = maximum_diversification.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "max_weight": 0.25}


class TestMinimumTailRisk(RiskMethodKit):
    plugin = minimum_tail_risk.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "costs_bps": 5.0}


class TestBlackLitterman(RiskMethodKit):
    plugin = black_litterman.PLUGIN
    small: ClassVar[dict[str, Any]] = SMALL


class TestOwnFactor(RiskMethodKit):
    plugin = minimum_variance.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "factors": {"size": {"expression": "Log($close * $volume)", "least": -0.1, "most": 0.1}}}


class TestKelly(RiskMethodKit):
    plugin = kelly.PLUGIN
    small: ClassVar[dict[str, Any]] = SMALL


class TestKellyTogether(RiskMethodKit):
    plugin = kelly.PLUGIN
    small: ClassVar[dict[str, Any]] = {**SMALL, "together": True, "fraction": 0.1}


class TestFixedRisk(RiskMethodKit):
    plugin = fixed_risk.PLUGIN
    small: ClassVar[dict[str, Any]] = {"top_k": 4, "atr_sessions": 5}


def seen(symbols: int = 12, *, scores: np.ndarray | None = None, probabilities: float = 0.55, **panels: np.ndarray) -> Candidates:
    return Candidates(
        session=DAY,
        symbols=tuple(f"S{i:02}" for i in range(symbols)),
        scores=np.arange(symbols, dtype=float) if scores is None else scores,
        probabilities=np.full(symbols, probabilities),
        values={"return": factor_returns(1, symbols, 60)} | panels,
        horizon_sessions=4,
    )


def made(kind: str, **options: Any) -> Any:
    return METHODS.made(kind, {"lookback_sessions": 60, **options})


def test_only_the_best_by_score_are_weighed() -> None:
    weights = made("risk_parity", candidates=5).book(seen()).weights
    assert np.flatnonzero(weights).tolist() == [7, 8, 9, 10, 11]
    assert not made("risk_parity", candidates=5).book(seen(scores=np.ones(12))).weights.any(), "equal scores say nothing"
    assert np.count_nonzero(made("risk_parity", candidates=12).book(seen(scores=np.ones(12))).weights) == 12


def test_missing_data_are_no_opinion_and_scores_that_say_nothing_are_cash_with_a_remark() -> None:
    """What is held stays where nobody knows; it is sold where scores, or probabilities, are known and choose nothing."""
    equal = made("risk_parity", candidates=5).book(seen(scores=np.ones(12)))
    assert (equal.has_opinion, equal.weights.any()) == (True, False)
    assert equal.remark == "the scores of 12 symbols are all equal, which chooses none for 5 places: the book is cash"
    returns, scores = factor_returns(1, 12, 60), np.arange(12.0)
    returns[20:, :6], returns[:, 6:9], scores[9:] = np.nan, 0.0, np.nan
    unknown = made("risk_parity").book(seen(scores=scores, **{"return": returns}))
    assert not unknown.has_opinion
    assert unknown.remark == "of 12 symbols 3 have no score, 6 fewer than 80% of 60 returns, and 3 have not moved"
    no_odds, low = (made("kelly").book(seen(probabilities=odds)) for odds in (np.nan, 0.4))
    assert (no_odds.has_opinion, no_odds.remark) == (False, "none of 12 symbols has a probability")
    assert (low.has_opinion, low.weights.any()) == (True, False)
    assert low.remark == "no probability of 12 candidates is above one half: the book is cash"
    fixed = METHODS.made("fixed_risk", {"top_k": 2})
    lacking, alike = fixed.book(seen(3, atr=np.full((1, 3), np.nan))), fixed.book(seen(3, scores=np.ones(3), atr=np.full((1, 3), 0.02)))
    assert (lacking.has_opinion, lacking.remark) == (False, "of 3 symbols 0 have no score, and 3 no range over 14 sessions")
    assert alike.has_opinion
    assert "all equal" in alike.remark


def test_a_symbol_with_too_short_a_past_is_left_out_and_a_gap_is_that_of_the_others() -> None:
    returns = factor_returns(1, 12, 60)
    returns[:30, 11], returns[5, 10] = np.nan, np.nan
    weights = made("risk_parity", candidates=12).book(seen(**{"return": returns})).weights
    assert weights[11] == 0.0
    filled = returns.copy()
    filled[5, 10] = np.nanmean(returns[5, :11])
    np.testing.assert_allclose(weights, made("risk_parity", candidates=12).book(seen(**{"return": filled})).weights, rtol=1e-12)


def test_where_groups_conflict_the_limits_are_named_and_a_fallback_that_is_asked_for_keeps_them() -> None:
    """Two sectors of a third each can't make a whole: nothing is ordered, unless another fallback is asked for."""
    groups = {
        "tech": {"symbols": [f"S{i:02}" for i in range(6)], "most": 0.3},
        "banks": {"symbols": [f"S{i:02}" for i in range(6, 12)], "most": 0.4},
    }
    conflict = "no weights keep all limits; these can't be kept together: weights add up to 1; banks at most 0.4; tech at most 0.3"
    held = made("minimum_variance", groups=groups).book(seen())
    assert (held.has_opinion, held.remark) == (False, conflict)
    book = made("minimum_variance", groups=groups, fallback="inverse_volatility").book(seen())
    assert book.remark == f"{conflict}. The book is the fallback, inverse_volatility"
    assert book.has_opinion
    assert book.weights[:6].sum() == pytest.approx(0.3)
    assert book.weights[6:].sum() == pytest.approx(0.4)
    assert not made("minimum_variance", groups=groups, fallback="cash").book(seen()).weights.any()


def test_fewer_symbols_than_the_cap_allows_leave_cash_and_are_no_conflict() -> None:
    book = made("minimum_variance", candidates=4, max_weight=0.15).book(seen())
    assert book.remark == ""
    assert book.weights[book.weights > 0].tolist() == pytest.approx([0.15] * 4)


def test_the_beta_and_the_styles_of_a_book_are_limited() -> None:
    returns = factor_returns(1, 12, 60)
    market = returns.mean(axis=1)
    betas = np.array([np.cov(column, market)[0, 1] / market.var(ddof=1) for column in returns.T])
    low = made("minimum_variance").book(seen()).weights
    high = made("minimum_variance", min_beta=1.1).book(seen()).weights
    assert low @ betas < 1.1 <= high @ betas + 1e-6
    momentum = returns.sum(axis=0)
    exposures = (momentum - momentum.mean()) / momentum.std()
    assert abs(made("mean_variance", skill=0.3, max_momentum=0.1).book(seen()).weights @ exposures) <= 0.1 + 1e-6


def test_factors_of_ones_own_are_limited_in_deviations_or_as_they_are() -> None:
    """By an expression over bars and by a column of a stored asset, side by side; a symbol whose exposure nobody knows is left out."""
    random = np.random.default_rng(7)
    size, value = random.normal(10.0, 2.0, (60, 12)), random.normal(size=12)
    value[11] = np.nan
    known = np.arange(11)
    factors = {
        "size": {"expression": "Log($close * $volume)", "least": -0.2, "most": 0.2},
        "value": {"asset": "trend", "column": "UP10", "least": 0.0, "unit": "value"},
    }
    method = made("minimum_variance", factors=factors)
    assert method.expressions()["factor_0"] == "Log($close * $volume)"
    assert dict(method.exposures) == {"value": ("trend", "UP10")}
    given_values = replace(seen(), exposures={"value": value}, values={**seen().values, "factor_0": size})
    book = method.book(given_values)
    assert book.remark == ""
    assert book.weights[11] == 0.0
    now = size[-1, known]
    assert abs(book.weights[known] @ ((now - now.mean()) / now.std())) <= 0.2 + 1e-6
    assert book.weights[known] @ value[known] >= -1e-6
    free = made("minimum_variance").book(seen()).weights
    assert free[known] @ value[known] < -0.5, "without the limit it is another book"
    unknown = method.book(replace(given_values, exposures={"value": np.full(12, np.nan)}))
    assert not unknown.has_opinion
    assert "no symbol has a value of the factor value" in unknown.remark
    halves = {"size": np.where(np.arange(12) < 6, size, np.nan), "value": np.where(np.arange(12) < 6, np.nan, np.arange(12.0))}
    apart = method.book(replace(seen(), exposures={"value": halves["value"]}, values={**seen().values, "factor_0": halves["size"]}))
    assert not apart.has_opinion, "who lacks the one has the other: all would be sold"
    assert "no symbol has a value of each of the factors size, value" in apart.remark
    far = {"value": {**factors["value"], "least": 9.0}}
    beyond = made("minimum_variance", factors=far, fallback="inverse_volatility").book(given_values)
    assert not beyond.has_opinion
    assert "value at least 9" in beyond.remark
    assert beyond.remark.endswith("The fallback, inverse_volatility, does not keep these either: value at least 9")


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        ({"most": 1.0}, "say whose exposure it is"),
        ({"asset": "trend", "most": 1.0}, "say whose exposure it is"),
        ({"asset": "trend", "column": "UP10", "expression": "$close", "most": 1.0}, "say whose exposure it is"),
        ({"expression": "$close"}, "least and most are both missing"),
        ({"expression": "$close", "least": 2.0, "most": 1.0}, r"least \(2\) is above most \(1\)"),
    ],
)
def test_a_factor_that_can_not_be_meant_is_refused(factor: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        minimum_variance.MinimumVarianceSettings.model_validate({"factors": {"mine": factor}})


def test_what_did_not_move_and_what_moves_as_another_does() -> None:
    """A constant price has no known risk and is left out; of two equal columns the covariance is singular unless it is shrunk."""
    returns = factor_returns(1, 12, 60)
    returns[:, 11], returns[:, 9] = 0.0, returns[:, 8]
    given_returns = seen(**{"return": returns})
    held = made("minimum_variance", shrinkage="none").book(given_returns)
    assert not held.has_opinion
    assert "the covariance is not positive definite" in held.remark
    plain = made("minimum_variance", shrinkage="none", fallback="inverse_volatility").book(given_returns)
    assert "fallback, inverse_volatility" in plain.remark
    assert plain.weights[11] == 0.0
    assert plain.weights[8] == plain.weights[9] > 0.0
    shrunk = made("minimum_variance").book(given_returns)
    assert (shrunk.remark, shrunk.weights[11]) == ("", 0.0)


def test_skill_moves_mean_variance_from_the_least_risk_to_the_best_scores() -> None:
    least = made("minimum_variance").book(seen()).weights
    assert made("mean_variance", skill=0.0).book(seen()).weights.tolist() == pytest.approx(least.tolist(), abs=1e-8)
    sure = made("mean_variance", skill=0.5, aversion=1.0).book(seen()).weights
    assert sure @ np.arange(12.0) > least @ np.arange(12.0) + 1.0


def test_a_bet_is_a_fraction_of_kellys_by_hand() -> None:
    """One symbol, p = 0.55 over 4 sessions: mean 0.12566 deviations, so that the full bet is 0.12566 / deviation over the horizon."""
    returns = factor_returns(1, 1, 60)
    book = made("kelly", fraction=0.1, shrinkage="none").book(seen(1, **{"return": returns}))
    assert book.weights[0] == pytest.approx(min(1.0, 0.1 * 0.1256613 / (returns.std() * 2.0)), rel=1e-6)
    assert not made("kelly").book(seen(probabilities=0.5)).weights.any(), "a coin is no bet"
    assert not made("kelly").book(seen(probabilities=float("nan"))).weights.any(), "nor is a score without a probability"


def test_a_position_loses_its_share_at_the_stop() -> None:
    """2 % of equity, a stop at twice a range of 4 %: a weight of a quarter; calmer ones would need more than there is, and all shrink together."""
    book = METHODS.made("fixed_risk", {"top_k": 2}).book(seen(3, atr=np.array([[0.04, 0.04, 0.08]])))
    assert book.weights.tolist() == pytest.approx([0.0, 0.25, 0.125])
    crowded = METHODS.made("fixed_risk", {"top_k": 3}).book(seen(3, atr=np.full((1, 3), 0.01)))
    assert crowded.weights.tolist() == pytest.approx([1 / 3] * 3)


def test_costs_make_a_book_stay_where_it_is() -> None:
    held = np.full(12, 1 / 12)
    method = made("mean_variance", costs_bps=300.0)
    stayed = method.book(Candidates(**{**seen().__dict__, "held": held})).weights
    np.testing.assert_allclose(stayed, held, atol=1e-6)
    assert not np.allclose(method.book(seen()).weights, held, atol=0.02)


def test_limits_of_the_portfolio_are_the_methods_own() -> None:
    method = method_of(PortfolioSettings(method="minimum_variance", max_weight=0.05, max_gross=0.5))
    assert (method.settings.max_weight, method.settings.max_gross) == (0.05, 0.5)
    with pytest.raises(SettingsError, match="max_weight is given twice"):
        method_of(PortfolioSettings(method="minimum_variance", max_weight=0.05, options={"max_weight": 0.1}))


def test_a_limit_is_of_those_who_are_in_the_group_at_the_session(tmp_path: Path) -> None:
    """S00 moves from tech to media: weights with limits keep to the groups of their day."""
    file = tmp_path / "sectors.csv"
    file.write_text(f"symbol,group,from\nS00,tech,\nS01,tech,\nS02,media,\nS00,media,{DAY}\n")
    method = made("minimum_variance", groups_file=file, max_group=0.1, max_weight=0.5)
    of_day = {day: method.book(replace(seen(), session=day)).weights for day in (DAY - timedelta(days=1), DAY)}
    for (first, second), day in (((0, 1), DAY - timedelta(days=1)), ((0, 2), DAY)):
        assert of_day[day][[first, second]].sum() <= 0.1 + 1e-9, day
    assert not np.allclose(*of_day.values())


def test_groups_come_from_a_file_and_wrong_ones_say_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "sectors.csv"
    file.write_text("symbol,group\nS01,tech\nS00,tech\nS02,banks\n")
    own = minimum_variance.MinimumVarianceSettings.model_validate({"groups_file": file, "max_group": 0.25})
    assert own.groups["tech"].symbols == ("S00", "S01")
    assert own.groups["banks"].most == 0.25
    with pytest.raises(ValidationError, match="max_group must say"):
        minimum_variance.MinimumVarianceSettings.model_validate({"groups_file": file})
    with pytest.raises(ValidationError, match="which is not a file"):
        minimum_variance.MinimumVarianceSettings.model_validate({"groups_file": tmp_path / "none.csv"})
    with pytest.raises(ValidationError, match=r"least .* is above most"):
        minimum_variance.MinimumVarianceSettings.model_validate({"groups": {"a": {"symbols": ["X"], "least": 0.5, "most": 0.1}}})
