import polars as pl
import pytest

from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.skill import skill
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets_tests.evaluation.outcomes import days, outcomes


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
