"""Gradient-boosted trees on the cross-section, by XGBoost (Chen and Guestrin, KDD 2016), with the objectives that LightGBM has.

XGBoost's sums of gradients are of float64 and in the order in which threads have parts of the rows, so that the last bits of a sum, and now and then a tree, depend on their
number. So that they can't, gradients and hessians of regression, classification and dollar profit are given by this module, times the rows' weights, and rounded to whole multiples of a
power of two: 2^-23 of the largest. A sum of up to 2^29 such numbers is exact in float64, and then its order is nothing. Lambdarank and quantile are XGBoost's own, and fitted by one
thread.

Scores begin at the objective's own best constant, which is set and not left to XGBoost (`base_score`).
"""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.objectives import LABEL_KINDS, Figure, Objective, ObjectiveSettings, stopping_figure, taught
from ats_assets.models.profit_objective import loss_steps, profit_unit
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.models.xgboost_trees import XgboostTrees
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, SearchRange

if TYPE_CHECKING:
    from collections.abc import Callable

    import xgboost as xgb

    Steps = Callable[[np.ndarray, xgb.DMatrix], tuple[np.ndarray, np.ndarray]]

BITS: Final = 23
"""Of a gradient, as a share of the largest: what float32 holds of that one."""

ITS_OWN: Final = {"lambdarank": "rank:ndcg", "quantile": "reg:quantileerror"}
"""Objectives whose gradients are XGBoost's."""


class XgboostSettings(ObjectiveSettings):
    """Gradient-boosted trees by XGBoost."""

    objective: Objective = Field(
        default="regression",
        description="squared error on the label, whether it is above the session's median, the order of the session's symbols, a quantile, or profit after costs",
    )
    max_bin: int = Field(default=63, ge=2, le=255, description="bins of a feature")
    max_depth: Positive = Field(default=6, description="levels of splits of a tree")
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_rounds: Positive = Field(default=30, description="trees that a model has at least")
    max_rounds: Positive = 200
    early_stopping_rounds: Positive = 30
    min_child_weight: float = Field(default=200.0, ge=0, description="rows of a leaf at least, each counted by its hessian and its weight")
    feature_fraction: float = Field(default=0.5, gt=0, le=1, description="of the features, drawn for each tree")
    bagging_fraction: float = Field(default=0.8, gt=0, le=1, description="of the rows, drawn for each tree")
    lambda_l2: float = Field(default=10.0, ge=0)
    seed: int = 7


class Xgboost:
    """Gradient-boosted trees on the cross-section."""

    file = "model.ubj"
    library = "xgboost-cpu"

    def __init__(self, settings: XgboostSettings) -> None:
        self.settings = settings
        self.log_odds = settings.objective == "classification"
        self.weighs_rows = settings.objective != "lambdarank"  # XGBoost's ranking has a weight a session, none a row

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Fit on `data.train`, stop on `data.validation`; `Unavailable` if no tree has a split."""
        import xgboost as xgb  # noqa: PLC0415 - an extra, and it takes a second

        settings, rows = self.settings, data.train
        own = settings.objective in ITS_OWN
        told = self._parameters(rows) | {"nthread": 1 if own else threads}
        made: dict[str, Any] = {"max_bin": settings.max_bin, "nthread": told["nthread"]}
        if own:
            made |= {"label": taught(rows, settings, settings.objective)}
            made |= {"group": rows.sizes} if settings.objective == "lambdarank" else {"weight": rows.weights}
        train = xgb.QuantileDMatrix(rows.x, **made)
        held_out = xgb.DMatrix(data.validation.x, data.validation.y, nthread=told["nthread"])
        booster = xgb.Booster(told, [train, held_out])
        best = _boosted(booster, train, held_out, figure=self._figure(data), steps=None if own else _steps(rows, settings), how=settings)
        model = booster[:best]
        gains = model.get_score(importance_type="total_gain")
        if not gains:
            return Unavailable(reason=_unsplit(data, settings))
        content = bytes(model.save_raw("ubj"))
        stopping = {name: getattr(settings, name) for name in ("min_rounds", "max_rounds", "early_stopping_rounds")}
        return Fitted(
            content=content,
            scores=self.load(content).predict(data.validation.x, threads=threads),
            rounds=best,
            importance={name: float(np.max(gains.get(f"f{at}", 0.0))) for at, name in enumerate(data.features)},
            parameters=self._parameters(rows) | settings.of_objective() | stopping,
            label_kind=LABEL_KINDS.get(settings.objective),
        )

    def load(self, content: bytes) -> XgboostTrees:
        """The model of XGBoost's universal binary JSON."""
        return XgboostTrees(content)

    def _figure(self, data: TrainingSet) -> Figure:
        return stopping_figure(data.validation, self.settings, self.settings.objective)

    def _parameters(self, rows: CrossSections) -> dict[str, Any]:
        """What XGBoost is told, less the number of threads."""
        settings = self.settings
        special = {"quantile_alpha": settings.quantile} if settings.objective == "quantile" else {}
        return special | {
            "objective": ITS_OWN.get(
                settings.objective, "reg:squarederror"
            ),  # of steps that are given, only what a score is: the sum of leaves
            "base_score": _constant(rows, settings),
            "tree_method": "hist",
            "max_depth": settings.max_depth,
            "learning_rate": settings.learning_rate,
            "min_child_weight": settings.min_child_weight,
            "colsample_bytree": settings.feature_fraction,
            "subsample": settings.bagging_fraction,
            "reg_lambda": settings.lambda_l2,
            "max_bin": settings.max_bin,
            "seed": settings.seed,
            "verbosity": 0,
        }


def _boosted(
    booster: "xgb.Booster",
    train: "xgb.DMatrix",
    held_out: "xgb.DMatrix",
    *,
    figure: Figure,
    steps: "Steps | None",
    how: XgboostSettings,
) -> int:
    """Grow trees until the figure of the rows that are held out has not risen for a while; the number of rounds at its highest."""
    best, highest = how.min_rounds, -np.inf
    for done in range(1, how.max_rounds + 1):
        booster.update(train, done - 1, fobj=steps)
        if done < how.min_rounds:
            continue
        found = figure(booster.predict(held_out, output_margin=True).astype(np.float64))
        if found > highest:
            best, highest = done, found
        elif done - best >= how.early_stopping_rounds:
            break
    return min(best, booster.num_boosted_rounds())


def _steps(rows: CrossSections, settings: XgboostSettings) -> "Steps":
    """Scores to gradient and hessian of the rows, float32 of shape (n_rows,), which add up to the same in any order."""
    target = taught(rows, settings, settings.objective)
    weights = 1.0 if rows.weights is None else rows.weights
    terms, unit = settings.profit_terms, profit_unit(target)

    def steps(found: np.ndarray, _: "xgb.DMatrix") -> tuple[np.ndarray, np.ndarray]:
        scores = found.astype(np.float64)
        if settings.objective == "classification":
            chance = 1.0 / (1.0 + np.exp(-scores))
            gradient, hessian = chance - target, np.maximum(chance * (1.0 - chance), 1e-6)
        elif settings.objective == "dollar_profit":
            gradient, hessian = loss_steps(scores, target, terms, unit)
        else:
            gradient, hessian = scores - target, np.ones_like(scores)
        return summable(gradient * weights), summable(hessian * weights)

    return steps


def summable(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values as whole multiples of 2^-23 of the largest, or of a little more: any sum of up to 2^29 of them is exact in float64, in any order.

    Examples
    --------
    >>> summable(np.array([1.0, 1e-9, 0.25])).tolist()
    [1.0, 0.0, 0.25]
    """
    largest = np.abs(values).max(initial=0.0)
    if not largest:
        return values.astype(np.float32)
    step = 2.0 ** (np.ceil(np.log2(largest)) - BITS)
    return (np.round(values / step) * step).astype(np.float32)


def _constant(rows: CrossSections, settings: XgboostSettings) -> float:
    """The best score that is the same for all rows, rounded so that the order of the rows does not show."""
    if settings.objective in {"lambdarank", "dollar_profit"}:
        return 0.0
    target = taught(rows, settings, settings.objective)
    if settings.objective == "quantile":
        return float(np.quantile(target, settings.quantile))
    mean = float(np.average(target, weights=rows.weights))
    if settings.objective == "regression":
        return mean
    share = min(max(mean, 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def _unsplit(data: TrainingSet, settings: XgboostSettings) -> str:
    return (
        f"no tree of the fit as of {data.window.session} has a split, so that every symbol would have the same score; lower min_child_weight "
        f"({settings.min_child_weight:g}), or train on more sessions or symbols than {len(data.train.y):,} rows"
    )


PLUGIN = Plugin(
    settings=XgboostSettings,
    make=Xgboost,
    needs=("xgboost", "xgboost"),
    quick={"min_rounds": 1, "max_rounds": 3, "early_stopping_rounds": 3, "min_child_weight": 1.0, "max_depth": 2},
    space={
        "max_depth": SearchRange(low=2, high=10),
        "learning_rate": SearchRange(low=0.02, high=0.2, log=True),
        "min_child_weight": SearchRange(low=50.0, high=2_000.0, log=True),
        "feature_fraction": SearchRange(low=0.2, high=1.0),
        "bagging_fraction": SearchRange(low=0.5, high=1.0),
        "lambda_l2": SearchRange(low=0.1, high=100.0, log=True),
    },
)
