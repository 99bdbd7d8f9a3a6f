"""Portfolios of many symbols beside skfolio, on the same returns, in one process and on one thread of our own.

Usage: python benchmarks/portfolio_optimisers.py [--symbols 500] [--sessions 756] [--rounds 3]

Risk budgeting is weights from a covariance that is there; skfolio's time includes its own sample covariance, and ours is shown with it and without. The least variance has a cap of 2 % a symbol:
once from nothing, and once more with the next session's returns, from the weights of the session before. Contributions and costs of both are compared.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from skfolio.optimization import MeanRisk, RiskBudgeting

from ats_assets.portfolio.optimisation.clusters import hierarchical_weights
from ats_assets.portfolio.optimisation.covariance import covariance
from ats_assets.portfolio.optimisation.quadratic import box_weights
from ats_assets.portfolio.optimisation.risk_budgeting import risk_budget_weights, risk_contributions


def timed(work: Callable[[], object], rounds: int) -> tuple[float, object]:
    """Seconds of the quickest of several rounds, and what it gave."""
    best, found = np.inf, None
    for _ in range(rounds):
        started = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - started)
    return best, found


def main() -> None:
    """Print ratios, and how far both are from what they aim at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=756)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    n, random = given.symbols, np.random.default_rng(1)
    factors = random.normal(size=(given.sessions + 1, 5)) * 0.008
    panel = factors @ random.normal(0.6, 0.4, (5, n)) + random.normal(size=(given.sessions + 1, n)) * random.uniform(0.008, 0.03, n)
    returns, later = panel[:-1], panel[1:]
    lower, upper, none = np.zeros(n), np.full(n, 0.02), np.zeros(n)
    covariance(returns[:5, :2])
    risk_budget_weights(np.eye(2))
    box_weights(np.eye(2), np.zeros(2), np.zeros(2), np.ones(2))  # compiled before anything is timed

    of_covariance, (matrix, _) = timed(lambda: covariance(returns, shrinkage="none"), given.rounds)
    ours, weights = timed(lambda: risk_budget_weights(matrix), given.rounds)
    theirs, fitted = timed(lambda: RiskBudgeting().fit(returns), 1)
    off, off_theirs = (np.abs(risk_contributions(matrix, each) - 1 / n).max() for each in (weights, fitted.weights_))
    print(
        f"risk budgeting of {n}: {ours * 1e3:.2f} ms, skfolio {theirs:.2f} s: {theirs / ours:,.0f} times ({theirs / (ours + of_covariance):.0f} with our covariance)"
    )
    print(f"    contributions differ from their budgets by {off:.1e} at most, skfolio's by {off_theirs:.1e}")

    cold, weights = timed(lambda: box_weights(matrix, none, lower, upper), given.rounds)
    next_matrix, _ = covariance(later, shrinkage="none")
    warm, again = timed(lambda: box_weights(next_matrix, none, lower, upper, start=weights), given.rounds)
    model = MeanRisk(max_weights=0.02)
    theirs, _ = timed(lambda: model.fit(returns), 1)
    theirs_again, _ = timed(lambda: model.fit(later), 1)
    gap = (again @ next_matrix @ again) / (model.weights_ @ next_matrix @ model.weights_) - 1.0
    print(
        f"least variance of {n} with caps: {cold * 1e3:.2f} ms, skfolio {theirs:.2f} s: {theirs / cold:,.0f} times ({theirs / (cold + of_covariance):.0f} with our covariance)"
    )
    print(
        f"    the next session: {warm * 1e3:.2f} ms, skfolio {theirs_again:.2f} s: {theirs_again / warm:,.0f} times ({theirs_again / (warm + of_covariance):.0f}); our variance is {gap:+.1e} of theirs"
    )
    clusters, _ = timed(lambda: hierarchical_weights(matrix), given.rounds)
    shrunk, _ = timed(lambda: covariance(returns), given.rounds)
    print(f"covariance {of_covariance * 1e3:.0f} ms, shrunk {shrunk * 1e3:.0f} ms; hierarchical risk parity {clusters * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
