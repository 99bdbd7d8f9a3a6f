"""What a net is taught: of the scores of a batch, which holds whole sessions, by how much each is to change. Double precision, on the processor, in one order.

| objective | what the net gives | what its score is |
|---|---|---|
| regression, ic | the label in deviations from its mean | the label |
| quantile | the same of a quantile | the label's quantile |
| classification | log-odds of a label above the session's median | the probability |
| dollar_profit | what `profit_objective` makes a position of | the same |
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.models.cross_sections import mean_product, standardised
from ats_assets.models.nets.net_settings import NetSettings
from ats_assets.models.objectives import stopping_figure, taught
from ats_assets.models.profit_objective import profit_gradient, profit_unit
from ats_assets.models.training_set import CrossSections

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TaughtRows:
    """Rows of whole sessions: what is taught of each in the net's unit and what it counts, of shape (n_rows,), and the rows of each session."""

    y: Floats
    weights: Floats
    sizes: NDArray[np.int64]


Gradient = Callable[[Floats, TaughtRows], Floats]
"""Of the loss by what the net gives each row."""


@dataclass(frozen=True, kw_only=True)
class NetObjective:
    """An objective, for some rows to train on and to validate on.

    Parameters
    ----------
    middle, deviation
        What is taught is middle + deviation * what the net gives.
    train
        The rows to train on.
    gradient
        Of a batch of them.
    figure
        Of what the net gives the rows to validate on: training stops by it, and higher is better.
    """

    middle: float
    deviation: float
    train: TaughtRows
    gradient: Gradient
    figure: Callable[[Floats], float]


def net_objective(train: CrossSections, held_out: CrossSections, settings: NetSettings) -> NetObjective:
    """The objective that the settings name.

    Raises
    ------
    ModelError
        If it counts in returns, and the outcomes are none.
    """
    objective = "regression" if settings.objective == "ic" else settings.objective
    y = taught(train, settings, objective)
    middle, deviation = (0.0, 1.0) if objective in {"classification", "dollar_profit"} else (float(y.mean()), float(y.std()) or 1.0)
    weights = np.ones(len(y)) if train.weights is None else train.weights
    of_scores = (
        stopping_figure(held_out, settings, objective) if held_out.sizes.max() > 1 or objective != "regression" else _whole(held_out.y)
    )
    return NetObjective(
        middle=middle,
        deviation=deviation,
        train=TaughtRows(y=(y - middle) / deviation, weights=weights, sizes=train.sizes),
        gradient=_gradient(settings, y),
        figure=lambda given: of_scores(middle + deviation * given),
    )


def _gradient(settings: NetSettings, y: Floats) -> Gradient:
    if settings.objective == "dollar_profit":
        unit, terms = profit_unit(y), settings.profit_terms
        return lambda given, rows: -rows.weights * profit_gradient(given, rows.y, terms) / (unit * rows.weights.sum())
    if settings.objective == "quantile":
        return lambda given, rows: rows.weights * ((given > rows.y) - settings.quantile) / rows.weights.sum()
    return {"regression": squared_error, "ic": lost_correlation, "classification": log_loss}[settings.objective]


def log_loss(given: Floats, rows: TaughtRows) -> Floats:
    """Of the weighted mean log loss, of log-odds."""
    return rows.weights * (1.0 / (1.0 + np.exp(-given)) - rows.y) / rows.weights.sum()


def _whole(y: Floats) -> Callable[[Floats], float]:
    """The correlation over all rows, where each session has one."""
    whole = np.array([len(y)])
    outcomes = standardised(y, whole)
    return lambda scores: float(mean_product(standardised(scores, whole), outcomes, whole)[0])


def squared_error(given: Floats, rows: TaughtRows) -> Floats:
    """Of the weighted mean squared error."""
    return 2.0 * rows.weights * (given - rows.y) / rows.weights.sum()


def lost_correlation(given: Floats, rows: TaughtRows) -> Floats:
    """Of one minus the mean weighted correlation of score and label over the sessions; nothing of a session in which either is constant."""
    starts = np.concatenate([[0], np.cumsum(rows.sizes)[:-1]])

    def of_session(values: Floats) -> Floats:
        return np.repeat(np.add.reduceat(values, starts), rows.sizes)

    share = rows.weights / np.maximum(of_session(rows.weights), np.finfo(np.float64).tiny)
    s, y = (values - of_session(share * values) for values in (given, rows.y))
    of_s, of_y, both = of_session(share * s * s), of_session(share * y * y), of_session(share * s * y)
    defined = (of_s > 1e-12) & (of_y > 1e-12)
    of_s, of_y = np.where(defined, of_s, 1.0), np.where(defined, of_y, 1.0)
    root = np.sqrt(of_s * of_y)
    slope = share * (y / root - both / root * s / of_s)
    return np.where(defined, -slope / len(rows.sizes), 0.0)
