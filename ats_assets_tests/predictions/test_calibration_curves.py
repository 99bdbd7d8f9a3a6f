"""Curves of calibration against scikit-learn's, and the choice among them by what was known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from ats_assets.predictions import calibration_curves
from ats_assets.predictions.calibration import CalibrationKind, calibrate
from ats_assets.predictions.calibration_curves import (
    BINS,
    CURVES,
    FOLDS,
    MIDDLES,
    Curve,
    CurveKind,
    best_kind,
    fit_beta,
    fit_curve,
    fit_isotonic,
    out_of_sample_losses,
)
from ats_assets_tests.evaluation.outcomes import days, outcomes

Counts = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=BINS, max_size=BINS)


def drawn(probability: np.ndarray, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and wins of so many outcomes a bin."""
    wins = np.random.default_rng(seed).binomial(rows, probability)
    return np.full(BINS, rows) - wins, wins


@settings(deadline=None, max_examples=25)
@given(Counts)
def test_the_isotonic_curve_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    losses, wins = np.array(pairs).T
    curve = fit_isotonic(losses, wins, min_rows=1)
    if curve is None:
        return
    n = losses + wins
    there = n > 0
    oracle = IsotonicRegression(out_of_bounds="clip").fit(MIDDLES[there], wins[there] / n[there], sample_weight=n[there])
    x = np.linspace(-0.5, 0.5, 501)
    least = 1.0 / (n.sum() + 2)
    levels = np.clip(oracle.predict(MIDDLES[there]), least, 1 - least)
    assert curve.probability(x) == pytest.approx(np.interp(x, MIDDLES[there], levels), abs=1e-6)
    assert (np.diff(curve.probability(x)) >= 0).all()
    assert 0 < curve.probability(x).min() <= curve.probability(x).max() < 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-1.0, 1.5), st.floats(-1.0, 1.5))
def test_the_beta_curve_is_a_logistic_regression_on_the_logarithms_without_negative_shapes(seed: int, low: float, high: float) -> None:
    s = MIDDLES + 0.5
    losses, wins = drawn(1 / (1 + np.exp(-(low * np.log(s) - high * np.log(1 - s)))), 40, seed)
    curve = fit_beta(losses, wins, min_rows=1)
    assert curve is not None
    columns = np.stack([np.log(s), -np.log(1 - s)], axis=1)
    assert min(curve.low, curve.high) >= 0
    taken = [i for i, shape in enumerate((curve.low, curve.high)) if shape > 0]
    if not taken:
        assert curve.probability(MIDDLES) == pytest.approx(np.full(BINS, wins.sum() / (40 * BINS)), abs=1e-6)
        return
    x, y = np.concatenate([columns, columns])[:, taken], np.repeat([0, 1], BINS)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000).fit(x, y, sample_weight=np.concatenate([losses, wins]))
    assert [(curve.low, curve.high)[i] for i in taken] == pytest.approx(oracle.coef_[0], abs=1e-4)
    assert curve.probability(MIDDLES) == pytest.approx(oracle.predict_proba(columns[:, taken])[:, 1], abs=1e-5)
    if len(taken) == 1:
        both = LogisticRegression(C=np.inf, tol=1e-10, max_iter=5000)
        both.fit(np.concatenate([columns, columns]), y, sample_weight=np.concatenate([losses, wins]))
        assert both.coef_.min() < 0, "a shape is left out only where it is negative with the other"


@pytest.mark.parametrize("kind", CURVES)
def test_too_few_outcomes_or_one_sided_ones_have_no_curve(kind: CurveKind) -> None:
    none, some = np.zeros(BINS, int), np.ones(BINS, int)
    assert fit_curve(kind, some, some, min_rows=2 * BINS + 1) is None
    assert fit_curve(kind, none, some, min_rows=1) is None
    assert fit_curve(kind, some, none, min_rows=1) is None
    assert fit_curve(kind, some, some, min_rows=2 * BINS) is not None


def test_the_losses_are_those_of_curves_that_were_known_at_the_decision() -> None:
    random = np.random.default_rng(3)
    counts = np.stack([random.binomial(3, 0.5, (40, BINS)), random.binomial(3, 0.5 + MIDDLES * 0.6, (40, BINS))], axis=1)
    found = out_of_sample_losses(counts, delay=4, min_rows=100)
    expected, rows = 0.0, 0
    for start, end in ((20, 25), (25, 30), (30, 35), (35, 40)):
        known, judged = counts[: start - 4 + 1].sum(axis=0), counts[start:end].sum(axis=0)
        x, y = np.concatenate([MIDDLES, MIDDLES])[:, None], np.repeat([0, 1], BINS)
        oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(x, y, sample_weight=known.ravel())
        expected += log_loss(y, oracle.predict_proba(x), sample_weight=judged.ravel(), normalize=False)
        rows += int(judged.sum())
    assert found["platt"] == pytest.approx(expected / rows, abs=1e-7)
    assert list(found) == list(CURVES)
    assert out_of_sample_losses(counts, delay=40, min_rows=100) == {}
    assert best_kind({}) == "platt"


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (lambda x: 1 / (1 + np.exp(-1.5 * x)), "platt"),
        (lambda x: np.where(x < 0.3, 0.42, 0.78), "isotonic"),
        (lambda x: 1 / (1 + np.exp(-0.6 * (np.log(x + 0.5) + 1.0))), "beta"),
    ],
)
def test_the_best_curve_is_that_of_the_shape_that_outcomes_have(shape, kind: CurveKind) -> None:
    random = np.random.default_rng(11)
    wins = random.binomial(40, shape(MIDDLES), (60, BINS))
    found = out_of_sample_losses(np.stack([40 - wins, wins], axis=1), delay=2, min_rows=100)
    assert best_kind(found) == kind


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic", "best"])
def test_probabilities_of_every_kind_come_true_and_a_session_alone_has_the_bits_of_a_range(kind: CalibrationKind) -> None:
    predictions, returns = outcomes(160, 60, 0.3, horizons=(1,))
    how = {"horizon_sessions": 1, "calibration_sessions": 60, "min_calibration_rows": 300, "kind": kind}
    made = calibrate(predictions, returns, days(160), days(160)[70:], **how)
    came = returns.select("symbol", "forward_return", session="decision_session").join(made, on=["symbol", "session"])
    came = came.with_columns(won=pl.col("forward_return") > pl.col("forward_return").median().over("session"))
    tenths = came.group_by((pl.col("probability") * 10).floor()).agg(pl.len(), pl.col("won").mean(), said=pl.col("probability").mean())
    assert ((tenths["won"] - tenths["said"]).abs() < 0.05).filter(tenths["len"] > 500).all()
    day = days(160)[100]
    alone = calibrate(predictions, returns, days(160)[39:101], [day], **how)
    assert alone.equals(made.filter(session=day))


def test_choosing_the_best_takes_four_fits_of_each_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[CurveKind] = []

    def counted(kind: CurveKind, losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> Curve | None:
        made.append(kind)
        return fit_curve(kind, losses, wins, min_rows=min_rows)

    monkeypatch.setattr(calibration_curves, "fit_curve", counted)
    counts = np.random.default_rng(1).integers(0, 20, (126, 2, BINS))
    assert set(out_of_sample_losses(counts, delay=6, min_rows=1)) == set(CURVES)
    assert sorted(made) == sorted(CURVES * FOLDS)
