"""What trading costs in methods that weigh risk: each book is the one that another solver finds, and moves less the more it costs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ats_assets.plugins import METHODS
from ats_assets.portfolio.optimised_book import OptimisedMethod, RiskModel
from ats_assets_tests.portfolio.methods.test_risk_methods import seen

cp = pytest.importorskip("cvxpy", reason="cvxpy comes with skfolio, an extra: python3 dev.py installs it with the lock")
SYMBOLS, HORIZON, MOST = 12, 4, 0.3
OF_ITS_OWN = {"risk_parity": 5.0, "hierarchical_risk_parity": 5.0, "maximum_diversification": 5.0}
AVERSION = {"mean_variance": 5.0, "black_litterman": 2.5, "minimum_variance": 5.0, **OF_ITS_OWN}
METHODS_WITH_COSTS = (*AVERSION, "minimum_tail_risk")
HELD = np.random.default_rng(3).dirichlet(np.full(SYMBOLS, 2.0)) * np.where(np.arange(SYMBOLS) < 10, 1.02, 0.99)
"""Near even, as it has drifted since: it adds up to another number than 1."""


def made(kind: str, costs_bps: float, **options: Any) -> OptimisedMethod:
    return METHODS.made(kind, {"lookback_sessions": 60, "max_weight": MOST, "costs_bps": costs_bps, **options})


def book(kind: str, costs_bps: float, held: np.ndarray | None = HELD, **options: Any) -> np.ndarray:
    return made(kind, costs_bps, **options).book(replace(seen(SYMBOLS), held=held)).weights


def risk_seen(kind: str) -> RiskModel:
    """What the method is given, caught on its way."""
    found: list[RiskModel] = []
    method = made(kind, 10.0)
    method.solve = lambda risk: found.append(risk) or np.zeros(SYMBOLS)  # pyright: ignore[reportAttributeAccessIssue]
    method.book(replace(seen(SYMBOLS), held=HELD))
    return found[0]


def solved(kind: str, costs_bps: float, *, few: bool) -> tuple[np.ndarray, Any]:
    """The book by cvxpy, and the aim as a function of weights."""
    risk, own = risk_seen(kind), book(kind, 0.0, None)
    weights, traded = cp.Variable(SYMBOLS), costs_bps / 1e4
    if kind == "minimum_tail_risk":
        worst = 0.05 * len(risk.returns)
        losses = [*np.full(int(worst), 1.0), worst - int(worst)]

        def aim(w: Any) -> Any:
            return cp.sum(cp.multiply(0.0, w)) + HORIZON**0.5 * cp.dotsort(-risk.returns @ w, losses) / worst + traded * cp.norm1(w - HELD)
    else:
        centre = own if kind in OF_ITS_OWN else np.zeros(SYMBOLS)
        gain = gain_of(kind, risk)

        def aim(w: Any) -> Any:
            return AVERSION[kind] / 2 * HORIZON * cp.quad_form(w - centre, risk.matrix) - gain @ w + traded * cp.norm1(w - HELD)

    limits = [cp.sum(weights) == 1, weights >= 0, weights <= MOST, *([cp.sum(weights[:4]) <= 0.2] if few else [])]
    cp.Problem(cp.Minimize(aim(weights)), limits).solve(solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return np.asarray(weights.value), lambda w: float(aim(cp.Constant(w)).value)


def gain_of(kind: str, risk: RiskModel) -> np.ndarray:
    """Grinold's expected returns, and Black and Litterman's by their own formula, with inverses."""
    from scipy.stats import norm  # noqa: PLC0415

    matrix = risk.matrix * HORIZON
    alphas = 0.02 * np.sqrt(matrix.diagonal()) * norm.ppf((np.arange(SYMBOLS) + 0.5) / SYMBOLS)
    if kind == "mean_variance":
        return alphas
    if kind != "black_litterman":
        return np.zeros(SYMBOLS)
    prior = 2.5 * matrix @ np.full(SYMBOLS, 1 / SYMBOLS)
    precise, doubt = np.linalg.inv(0.05 * matrix), np.diag(1.0 / (0.05 * matrix.diagonal()))
    return np.linalg.solve(precise + doubt, precise @ prior + doubt @ (prior + alphas))


@pytest.mark.parametrize(
    ("kind", "few"),
    [*((kind, False) for kind in METHODS_WITH_COSTS), *((kind, True) for kind in METHODS_WITH_COSTS if kind not in OF_ITS_OWN)],
)
def test_the_book_is_the_one_that_another_solver_finds(kind: str, few: bool) -> None:
    """At costs where a part of the way is worth it; with the limit of a group, too, where the aim is known without it."""
    costs_bps = {"minimum_tail_risk": 40.0, "black_litterman": 1.0}.get(kind, 2.0)
    groups = {"groups": {"few": {"symbols": [f"S{i:02}" for i in range(4)], "most": 0.2}}} if few else {}
    theirs, aim = solved(kind, costs_bps, few=few)
    ours = book(kind, costs_bps, **groups)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)
    assert aim(ours) <= aim(theirs) + 1e-9
    moved = np.abs(ours - HELD).sum()
    assert 0.0 < moved < np.abs(book(kind, 0.0, None, **groups) - HELD).sum(), "a part of the way"


@pytest.mark.parametrize("kind", METHODS_WITH_COSTS)
def test_the_more_trading_costs_the_less_is_traded(kind: str) -> None:
    """Beyond any worth what is held stays, but for what makes it whole; without a book before there is nothing to pay for leaving."""
    moved = [np.abs(book(kind, costs) - HELD).sum() for costs in (0.01, 1.0, 5.0, 1000.0)]
    assert moved == sorted(moved, reverse=True)
    np.testing.assert_allclose(book(kind, 0.001), book(kind, 0.0), atol=2e-3)
    assert moved[-1] == pytest.approx(abs(1.0 - HELD.sum()), abs=1e-6)
    assert book(kind, 1000.0, None).tobytes() == book(kind, 0.0, None).tobytes()
    assert (made(kind, 1.0).follows, made(kind, 0.0).follows) == (True, False)
