import numpy as np
import polars as pl
import pytest

from ats_assets.signals import SKILL_SCHEMA, newey_west_t, skill, skill_summary
from ats_assets_tests.signals.outcomes import days, outcomes


def naive_newey_west(x: list[float], lags: int) -> float:
    """The formula of 1987, term by term."""
    n, mean = len(x), sum(x) / len(x)
    total = sum((v - mean) ** 2 for v in x) / n
    for j in range(1, lags + 1):
        gamma = sum((x[t] - mean) * (x[t - j] - mean) for t in range(j, n)) / n
        total += 2 * (1 - j / (lags + 1)) * gamma
    return mean / (total / n) ** 0.5


@pytest.mark.parametrize("lags", [0, 1, 5, 20])
def test_the_t_statistic_is_newey_and_wests(lags: int) -> None:
    x = np.random.default_rng(lags).standard_normal(150) + 0.2
    assert newey_west_t(x, lags) == pytest.approx(naive_newey_west(x.tolist(), lags))


def test_without_lags_it_is_the_plain_one_and_overlap_lowers_it() -> None:
    x = np.random.default_rng(3).standard_normal(400) + 0.1
    assert newey_west_t(x, 0) == pytest.approx(x.mean() / (x.std() / 20))
    overlapping = np.convolve(x, np.ones(20), "valid")
    plain, honest = newey_west_t(overlapping, 0), newey_west_t(overlapping, 20)
    assert plain is not None
    assert honest is not None
    assert honest < plain / 2


def test_nothing_is_claimed_for_a_constant_or_a_single_value() -> None:
    assert newey_west_t(np.ones(50), 5) is None
    assert newey_west_t(np.array([0.1]), 1) is None


def test_a_planted_edge_is_found_and_decays() -> None:
    predictions, returns = outcomes(90, 60, 0.1, horizons=(1, 3))
    found = skill(predictions, returns, days(90))
    summary = skill_summary(found)
    assert summary.verdict == "edge"
    assert summary.text.startswith("Edge at a horizon of 1 sessions: t = ")
    one, three = summary.horizons
    assert (one.horizon_sessions, three.horizon_sessions) == (1, 3)
    assert one.mean_rank_ic is not None
    assert three.mean_rank_ic is not None
    assert one.mean_rank_ic == pytest.approx(found.filter(horizon_sessions=1)["rank_ic"].mean())
    assert one.mean_rank_ic > 1.3 * three.mean_rank_ic
    ics = found.filter(horizon_sessions=1)["rank_ic"].to_numpy()
    assert one.icir == pytest.approx(ics.mean() / ics.std(ddof=1))
    assert one.positive_share == (ics > 0).mean()
    assert one.spread == pytest.approx(one.quantile_returns[4] - one.quantile_returns[0])  # pyright: ignore[reportOptionalOperand]
    assert one.turnover == pytest.approx(0.8, abs=0.1)
    assert summary.horizon(3) is three
    assert summary.horizon(7) is None


@pytest.mark.parametrize("seed", range(5))
def test_chance_is_no_edge(seed: int) -> None:
    predictions, returns = outcomes(90, 40, 0.0, horizons=(1, 3), seed=seed)
    summary = skill_summary(skill(predictions, returns, days(90)))
    assert summary.verdict == "no edge"
    assert summary.text.startswith("No edge")


def test_a_wrong_sign_is_no_edge() -> None:
    predictions, returns = outcomes(90, 40, 0.3, horizons=(1,))
    summary = skill_summary(skill(predictions.with_columns(-pl.col("score")), returns, days(90)))
    assert summary.verdict == "no edge"
    assert "no better than chance" in summary.text


def test_too_few_sessions_are_said_to_be_too_few() -> None:
    predictions, returns = outcomes(40, 40, 0.5, horizons=(1,))
    found = skill(predictions, returns, days(40))
    assert skill_summary(found).text.startswith(
        "No edge at a horizon of 1 sessions: 38 sessions with an outcome are too few to judge, 60 are needed"
    )
    assert skill_summary(pl.DataFrame(schema=SKILL_SCHEMA)).text == "No edge: no predictions have outcomes yet."


def test_the_verdict_is_that_of_the_models_horizon() -> None:
    predictions, returns = outcomes(90, 40, 0.3, horizons=(1, 30))
    found = skill(predictions, returns, days(90))
    assert skill_summary(found).verdict == "edge"
    assert skill_summary(found, horizon_sessions=30).verdict == "no edge"
    assert skill_summary(found, horizon_sessions=2).text == "No edge: no predictions have outcomes over 2 sessions yet."
