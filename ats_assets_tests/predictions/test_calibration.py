from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from ats_assets.errors import CalendarError, LookAheadError
from ats_assets.predictions.calibration import calibrate
from ats_assets.predictions.calibration_curves import BINS, MIDDLES, fit_calibration
from ats_assets_tests.evaluation.outcomes import days, outcomes

SIGNALS = {"calibration_sessions": 20, "min_calibration_rows": 100}


def test_equals_scikit_learn_on_the_same_outcomes() -> None:
    predictions, returns = outcomes(60, 50, 0.4, horizons=(3,))
    day = days(60)[-1]
    made = calibrate(predictions, returns, days(60), [day], horizon_sessions=3, **SIGNALS)
    placed = predictions.with_columns(x=((pl.col("score").rank() - 0.5) / pl.len() - 0.5).over("session"))
    window = returns.filter(pl.col("session") > day - timedelta(days=20)).select("symbol", "forward_return", session="decision_session")
    both = window.join(placed, on=["symbol", "session"]).with_columns(
        won=pl.col("forward_return") > pl.col("forward_return").median().over("session")
    )
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(both.select("x").to_numpy(), both["won"].to_numpy())
    today = placed.filter(session=day).sort("symbol")
    expected = oracle.predict_proba(today.select("x").to_numpy())[:, 1]
    assert made["symbol"].to_list() == today["symbol"].to_list()
    assert np.abs(made["probability"].to_numpy() - expected).max() < 2e-3  # x is rounded to 100 bins for the fit
    assert made["probability"].max() > 0.6  # pyright: ignore[reportOptionalOperand]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=BINS, max_size=BINS))
def test_the_curve_is_the_maximum_of_the_likelihood(pairs: list[tuple[int, int]]) -> None:
    losses, wins = np.array(pairs).T
    curve = fit_calibration(losses, wins, min_rows=1)
    if curve is None:
        return
    x, y = np.concatenate([MIDDLES, MIDDLES])[:, None], np.repeat([0, 1], BINS)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(x, y, sample_weight=np.concatenate([losses, wins]))
    assert curve.slope == pytest.approx(oracle.coef_.item(), abs=1e-4)
    assert curve.intercept == pytest.approx(oracle.intercept_.item(), abs=1e-4)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.integers(0, 59))
def test_a_session_alone_has_the_bits_that_it_has_in_a_range(seed: int, at: int) -> None:
    predictions, returns = outcomes(60, 9, 0.2, seed=seed)
    day = days(60)[at]
    whole = calibrate(predictions, returns, days(60), days(60), horizon_sessions=3, **SIGNALS).filter(session=day)
    needed = [d for d in days(60) if day - timedelta(days=23) <= d <= day]
    window = needed[-20:]
    alone = calibrate(
        predictions.filter(pl.col("session").is_in(needed)).sample(fraction=1.0, shuffle=True, seed=seed),
        returns.filter(pl.col("session").is_in(window)).sample(fraction=1.0, shuffle=True, seed=seed),
        window,
        [day],
        horizon_sessions=3,
        **SIGNALS,
    )
    assert alone.equals(whole)
    assert whole.height == predictions.filter(session=day).height


def test_probabilities_come_true() -> None:
    predictions, returns = outcomes(300, 60, 0.3, horizons=(1,))
    made = calibrate(predictions, returns, days(300), days(300)[50:], horizon_sessions=1, **SIGNALS)
    came = returns.select("symbol", "forward_return", session="decision_session").join(made, on=["symbol", "session"])
    came = came.with_columns(won=pl.col("forward_return") > pl.col("forward_return").median().over("session"))
    buckets = came.group_by((pl.col("probability") * 10).floor().alias("tenth")).agg(
        pl.len(), pl.col("won").mean(), pl.col("probability").mean()
    )
    buckets = buckets.filter(pl.col("len") > 500)
    assert buckets.height >= 3
    assert ((buckets["won"] - buckets["probability"]).abs() < 0.03).all()


def test_too_few_outcomes_give_no_probability() -> None:
    predictions, returns = outcomes(30, 10, 0.3, horizons=(1,))
    made = calibrate(predictions, returns, days(30), days(30)[:5], horizon_sessions=1, **SIGNALS)
    assert made.height > 0
    assert made["probability"].null_count() == made.height
    nothing = calibrate(predictions.clear(), returns.clear(), days(30), days(30), horizon_sessions=1, **SIGNALS)
    assert nothing.schema == made.schema
    assert nothing.is_empty()


def test_perfectly_parted_outcomes_have_no_curve() -> None:
    split = np.where(MIDDLES < 0, 5, 0)
    assert fit_calibration(split, 5 - split, min_rows=1) is None
    assert fit_calibration(np.zeros(BINS, int), np.ones(BINS, int), min_rows=1) is None


def test_what_is_wrong_is_named() -> None:
    predictions, returns = outcomes(10, 10, 0.3)
    with pytest.raises(LookAheadError, match="not out of sample"):
        calibrate(predictions.with_columns(model_session=pl.col("session")), returns, days(10), days(10), horizon_sessions=1, **SIGNALS)
    with pytest.raises(CalendarError, match="2024-01-20 is not one of the 10 sessions"):
        calibrate(predictions, returns, days(10), [days(20)[-1]], horizon_sessions=1, **SIGNALS)
