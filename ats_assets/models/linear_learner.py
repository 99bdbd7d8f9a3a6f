"""Linear models on the cross-section: what ridge regression, the elastic net and logistic regression share.

They are the baselines: what a net or a forest finds beyond them is worth its work. Of the penalties that the settings name, from the strongest to the weakest, that one is kept whose
fit has the best figure on the validation sessions (`objectives`), as rounds of trees are.
"""

from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator

from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.linear_fit import LinearFit, LinearProblem, RowLoss
from ats_assets.models.linear_table import LinearScorer, distances, feature_scales, linear_scorer, linear_text
from ats_assets.models.objectives import LABEL_KINDS, ObjectiveSettings, stopping_figure, taught
from ats_assets.models.profit_objective import SMOOTHING, STEEPEST, profit_gradient, profit_unit
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.settings import Search, SearchRange

LinearObjective = Literal["regression", "classification", "quantile", "dollar_profit"]

BLUNT = 0.1
"""Deviations of the label over which the edge of the pinball loss is rounded off."""


class LinearSettings(ObjectiveSettings):
    """What linear models share."""

    clip_deviations: float = Field(
        default=5.0, gt=0, le=16, description="a feature's distance from its median, in spreads, is at most this"
    )
    penalties: tuple[float, ...] = Field(min_length=1, description="that are tried, the best on the validation sessions is kept")

    @field_validator("penalties")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(value > 0 for value in values):
            raise ValueError("each penalty must be above 0")
        return tuple(sorted(set(values), reverse=True))


LINEAR_SPACE: dict[str, Search] = {"clip_deviations": SearchRange(low=2.0, high=10.0)}
"""What tuning chooses from; the penalty is chosen by each fit itself."""


class LinearLearner:
    """A linear model on the cross-section.

    Parameters
    ----------
    settings
        Of the model.
    objective
        What is learnt.
    sizes_share
        0: penalties are on squares of weights, in units of the mean loss. Above it: that share is on their sizes, and penalties are shares of the one that leaves no weight.
    """

    file = "model.linear.json"
    library = "numpy"
    weighs_rows = True

    def __init__(self, settings: LinearSettings, objective: LinearObjective, sizes_share: float = 0.0) -> None:
        self.settings = settings
        self._objective: LinearObjective = objective
        self._sizes_share = sizes_share
        self.log_odds = objective == "classification"

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:  # noqa: ARG002 - NumPy's own threads; the bits are the same
        """Fit on `data.train`, choose the penalty on `data.validation`; `Unavailable` if all weights are 0."""
        clip = self.settings.clip_deviations
        centre, spread = feature_scales(data.train.x)
        problem = LinearProblem(distances(data.train.x, centre, spread, clip), self._loss(data.train))
        figure = stopping_figure(data.validation, self.settings, self._objective)
        held_out = distances(data.validation.x, centre, spread, clip)
        found, chosen, highest, steps = problem.start, 0.0, -np.inf, 0
        last: LinearFit = problem.start
        for penalty in self.settings.penalties:
            last = self._solved(problem, penalty, last)
            steps += last.steps
            value = figure(last.scores(held_out))
            if value > highest and last.weight.any():
                found, chosen, highest = last, penalty, value
        if not found.weight.any():
            return Unavailable(
                reason=f"all weights of the fit as of {data.window.session} are 0, so that every symbol would have the same score: "
                f"add weaker penalties to {list(self.settings.penalties)}, or look at the features with ats features show"
            )
        content = linear_text(data.features, centre, spread, found.weight, intercept=found.intercept, clip_deviations=clip)
        told = {"objective": self._objective, "penalty": chosen, "penalties": list(self.settings.penalties), "clip_deviations": clip}
        return Fitted(
            content=content,
            scores=self.load(content).predict(data.validation.x),
            rounds=steps,
            importance=dict(zip(data.features, np.abs(found.weight).tolist(), strict=True)),
            parameters=told | ({"sizes_share": self._sizes_share} if self._sizes_share else {}) | self.settings.of_objective(),
            label_kind=LABEL_KINDS.get(self._objective),
        )

    def load(self, content: bytes) -> LinearScorer:
        """The model of its table."""
        return linear_scorer(content)

    def _solved(self, problem: LinearProblem, penalty: float, start: LinearFit) -> LinearFit:
        if not self._sizes_share:
            return problem.solved(squares=penalty, start=start)
        strength = penalty * problem.largest_slope() / self._sizes_share
        return problem.solved(squares=strength * (1 - self._sizes_share), sizes=strength * self._sizes_share, start=start)

    def _loss(self, rows: CrossSections) -> RowLoss:
        target = taught(rows, self.settings, self._objective)
        weights: Any = np.ones(len(target)) if rows.weights is None else rows.weights
        mean = float(np.average(target, weights=weights))
        if self._objective == "classification":
            share = min(max(mean, 1e-6), 1 - 1e-6)
            return RowLoss(
                slopes=lambda s: weights * (_chance(s) - target), curvature=weights / 4, start=float(np.log(share / (1 - share)))
            )
        if self._objective == "quantile":
            width, below = BLUNT * float(target.std()), self.settings.quantile
            start = float(np.quantile(target, below))
            return RowLoss(slopes=lambda s: weights * (_chance((s - target) / width) - below), curvature=weights / (4 * width), start=start)
        if self._objective == "dollar_profit":
            terms, unit = self.settings.profit_terms, profit_unit(target)
            dearest = terms.cost + 2 * terms.impact
            bend = terms.cost / SMOOTHING + 2 * terms.impact + STEEPEST * (np.abs(target) + dearest)
            return RowLoss(
                slopes=lambda s: -weights * profit_gradient(s, target, terms) / unit, curvature=weights * (bend / unit + 1e-3), start=0.0
            )
        return RowLoss(slopes=lambda s: weights * (s - target), curvature=weights, start=mean)


def _chance(scores: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(scores, -500.0, 500.0)))
