from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, rankdata, spearmanr

from ats_assets.corporate_actions.identity import Identities
from ats_assets.errors import LookAheadError
from ats_assets.evaluation.schema import SKILL_SCHEMA, Skill
from ats_assets.evaluation.skill import average_ranks, skill
from ats_assets_tests.evaluation.outcomes import days, outcomes


@pytest.mark.parametrize("ties", [False, True])
def test_equals_scipy_and_a_hand_loop(ties: bool) -> None:
    predictions, returns = outcomes(12, 23, 0.3, ties=ties)
    found = Skill.validate(skill(predictions, returns, days(12)), lazy=True)
    assert found.height == (12 - 2) + (12 - 4)
    for row in found.iter_rows(named=True):
        made = predictions.filter(session=row["decision_session"])
        came = returns.filter(session=row["session"], horizon_sessions=row["horizon_sessions"])
        both = made.join(came, on="symbol")
        assert row["n_symbols"] == both.height
        assert row["ic"] == pytest.approx(pearsonr(both["score"], both["forward_return"]).statistic)
        assert row["rank_ic"] == pytest.approx(spearmanr(both["score"], both["forward_return"]).statistic)
        assert row["session"] == row["decision_session"] + timedelta(days=row["horizon_sessions"] + 1)
        if not ties:
            fifths = [[] for _ in range(5)]
            for k, r in enumerate(both.sort("score")["forward_return"]):
                fifths[int((k + 0.5) * 5 / both.height)].append(r)
            assert row["quantile_returns"] == pytest.approx([np.mean(fifth) for fifth in fifths])


def test_turnover_is_the_share_of_newcomers_in_the_top_quantile() -> None:
    predictions, returns = outcomes(6, 10, 0.0, horizons=(1,))
    full = predictions.select("session").unique().join(predictions.select("symbol").unique(), how="cross").sort("session", "symbol")
    day = full["session"].rank("dense")
    score = (pl.col("symbol").str.slice(1).cast(pl.Int64) + pl.Series(day.cast(pl.Int64)) // 2) % 10
    made = full.with_columns(score=score.cast(pl.Float64), model_session=pl.col("session") - pl.duration(days=1)).select(
        "symbol", "session", "score", "model_session"
    )
    found = skill(made, returns, days(6))
    assert found["turnover"].to_list() == [None, 0.5, 0.0, 0.5]  # two of ten are at the top; every other day each score moves up by one
    assert skill(made.filter(pl.col("session") != days(6)[1]), returns, days(6))["turnover"].to_list() == [None, None, 0.5]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(4, 14))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range(seed: int, at: int) -> None:
    predictions, returns = outcomes(15, 9, 0.2, seed=seed)
    day = days(15)[at]
    whole = skill(predictions, returns, days(15)).filter(session=day)
    needed = [d for d in days(15) if day - timedelta(days=5) <= d <= day]
    alone = skill(
        predictions.filter(pl.col("session").is_in(needed)).sample(fraction=1.0, shuffle=True, seed=seed),
        returns.filter(session=day),
        needed,
    )
    assert alone.equals(whole)


def test_where_nothing_can_be_said_there_is_null_or_no_row() -> None:
    predictions, returns = outcomes(4, 6, 0.5, horizons=(1,))
    assert skill(predictions.clear(), returns, days(4)).equals(pl.DataFrame(schema=SKILL_SCHEMA))
    assert skill(predictions, returns.clear(), days(4)).schema == SKILL_SCHEMA
    constant = skill(predictions.with_columns(score=pl.lit(1.0)), returns, days(4))
    assert constant["rank_ic"].null_count() == constant.height == 2
    assert [q is None for q in constant["quantile_returns"][0]] == [True, True, False, True, True]
    two = skill(predictions.group_by("session", maintain_order=True).head(2), returns, days(4))
    assert two["ic"].null_count() == two.height
    Skill.validate(two, lazy=True)


def test_predictions_of_a_model_that_saw_the_session_are_refused() -> None:
    predictions, returns = outcomes(4, 6, 0.5)
    with pytest.raises(LookAheadError, match="not out of sample"):
        skill(predictions.with_columns(model_session=pl.col("session")), returns, days(4))


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 5e-324]) | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60).map(
        np.array
    )
)
def test_average_ranks_are_those_of_scipy(values: np.ndarray):
    np.testing.assert_array_equal(average_ranks(values), rankdata(values))


def test_a_change_of_name_is_no_turnover() -> None:
    """The top two of ten stay the top two; one of them is called otherwise from the third session on."""
    predictions, returns = outcomes(6, 10, 0.0, horizons=(1,))
    steady = predictions.select("session").unique().join(predictions.select("symbol").unique(), how="cross")
    steady = steady.with_columns(score=pl.col("symbol").str.slice(1).cast(pl.Float64), model_session=pl.lit(days(6)[0] - timedelta(days=1)))
    top = steady.sort("score")["symbol"][-1]
    change = pl.DataFrame({"session": [days(6)[2]], "symbol": [top], "new_symbol": ["NEW"]})
    late = (pl.col("session") >= days(6)[2]) & (pl.col("symbol") == top)
    renamed = steady.with_columns(pl.when(late).then(pl.lit("NEW")).otherwise("symbol").alias("symbol"))
    followed = skill(Identities(change).named(renamed), returns, days(6))["turnover"]
    assert followed.to_list() == [None, 0.0, 0.0, 0.0]
    assert skill(renamed, returns, days(6))["turnover"].to_list() == [None, 0.0, 0.5, 0.0]
