"""Stacking: the weights, none negative, with which the models' scores would have fitted the outcomes of past decisions best (Wolpert 1992; Breiman, Machine Learning 24, 1996).

Percentiles of outcomes are regressed on the percentiles that the models gave out of sample, each session counting the same, by a ridge that pulls the coefficients to a common one:

    min over b >= 0 of    b' C b - 2 b' r + q |b - c|^2,      weights = b / sum b

with C the mean correlation of the models' scores and r their mean rank IC, the normal equations; c the coefficient that all would have in common. The penalty is
q = (1 - mean correlation) (1 / kept - 1), `kept` as in `predictions.shrunk_skill`: of models that resemble each other alike it leaves the share of their differences that the rule `skill`
leaves; where differences are within chance it is infinite, and weights are equal. Outcomes that are not known at the refit session are not there, so nothing is left to purge.
"""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.predictions.ensemble_rule import Evidence, Floats, Weighed, equal_weights
from ats_assets.predictions.shrunk_skill import shrunk_skill
from ats_assets.settings import Section

SWEEPS, CLOSE = 20_000, 1e-13
"""How often the coefficients are gone through at most, and the change below which they stand."""


class StackedSettings(Section):
    """How far differences are trusted."""

    shrinkage: float = Field(default=2.0, ge=0, description="of `predictions.shrunk_skill`")


class Stacked:
    """Weights of a non-negative ridge."""

    needs_evidence = True

    def __init__(self, settings: StackedSettings) -> None:
        self.settings = settings

    def weights(self, evidence: Evidence) -> Weighed:
        """The coefficients' shares; equal, where all are zero or the models differ by no more than chance makes them."""
        found, n = shrunk_skill(evidence, self.settings.shrinkage), len(evidence.models)
        kept = float(found.kept.mean())
        if kept <= 0.0:
            told = [f"rank IC {own:+.4f}: the models differ by no more than chance makes them" for own in found.mean]
            return Weighed(weights=equal_weights(n), reasons=tuple(told))
        alike = evidence.correlation.mean(axis=0)
        apart = 1.0 - float(alike.sum() - np.trace(alike)) / (n * (n - 1))
        penalty = max(0.0, apart * (1.0 / kept - 1.0))
        common = found.level * n / max(float(alike.sum()), 1.0)
        level = found.mean + (found.level - float(found.mean.mean()))
        coefficients = np.array(non_negative_ridge(alike, level, penalty, max(common, 0.0)))
        total = float(coefficients.sum())
        if total <= 0.0:
            return Weighed(weights=equal_weights(n), reasons=("no model adds to the fit of past outcomes: equal weights",) * n)
        told = [f"rank IC {own:+.4f}, coefficient {b:.4f}" for own, b in zip(found.mean, coefficients, strict=True)]
        return Weighed(weights=coefficients / total, reasons=tuple(told))


def non_negative_ridge(matrix: Floats, target: Sequence[float] | Floats, penalty: float, centre: float) -> list[float]:
    """The minimum over b >= 0 of b' matrix b - 2 b' target + penalty |b - centre|^2, by going through the coefficients until none moves.

    Plain sums of few numbers: the same bits on every processor, whatever library of linear algebra is there.

    Parameters
    ----------
    matrix
        Symmetric and not negative, of shape (n, n), with a diagonal above zero.

    Examples
    --------
    >>> [round(b, 6) for b in non_negative_ridge(np.array([[1.0, 0.5], [0.5, 1.0]]), [0.04, 0.01], 0.0, 0.0)]
    [0.04, 0.0]
    """
    rows, wanted = [[float(value) for value in row] for row in matrix], [float(value) for value in target]
    found = [centre] * len(wanted)
    scale = max(*map(abs, wanted), abs(centre))
    for _ in range(SWEEPS):
        moved = 0.0
        for i, row in enumerate(rows):
            others = math.fsum(row[j] * b for j, b in enumerate(found) if j != i)
            best = max(0.0, (wanted[i] - others + penalty * centre) / (row[i] + penalty))
            moved, found[i] = max(moved, abs(best - found[i])), best
        if moved <= CLOSE * scale:
            break
    return found


PLUGIN = Plugin(settings=StackedSettings, make=Stacked)
