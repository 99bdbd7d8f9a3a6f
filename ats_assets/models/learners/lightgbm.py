"""Gradient-boosted trees on the cross-section, by LightGBM (Ke et al., NeurIPS 2017).

- regression: squared error on the label (by default its centred percentile in the session's cross-section), so that outliers do not rule.
- lambdarank (Burges, MSR-TR-2010-82): the sessions are the queries; the relevance of a symbol is the decile (0 to 9) of its return, with linear gains.
- classification: log loss on whether the label is above the session's median; a score is a log-odds.
- quantile: pinball loss on the label, each leaf at its rows' quantile.
- dollar_profit: see `models.profit_objective`.

Rounds stop when the objective's figure on the validation sessions (`models.objectives`; of the first two the information coefficient) has not risen
for `early_stopping_rounds`; the first `min_rounds` always stay, since that figure is noisy and would often leave a single tree. The active model is the one that was stopped: it is not fitted again on the validation sessions, so that the
figures in `model.json` are those of the very trees that trade.

The same rows, settings and LightGBM version give the same bytes with any number of threads: histograms are built by column, each by one thread in the order of the
rows, `deterministic` forbids parallel sums elsewhere, and the number of threads is left out of the text.
"""

import re
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pydantic import Field

from ats_assets.errors import ModelError
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.lightgbm_trees import LightgbmTrees
from ats_assets.models.objectives import GRADES, LABEL_KINDS, Figure, Objective, ObjectiveSettings, stopping_figure, taught
from ats_assets.models.profit_objective import loss_steps, profit_unit
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, SearchRange

if TYPE_CHECKING:
    import lightgbm as lgb

LARGEST_QUERY = 10_000
"""Rows of a query that LightGBM's ranking takes; its limit is part of its source."""

UNSTOPPED: Final = -1e9
"""Below any figure: what the rounds that always stay have, rising."""

THREADS_LINE = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)


class LightgbmSettings(ObjectiveSettings):
    """Gradient-boosted trees by LightGBM."""

    objective: Objective = Field(
        default="regression",
        description="squared error on the label, whether it is above the session's median, the order of the session's symbols, a quantile, or profit after costs",
    )
    max_bin: int = Field(default=63, ge=2, le=255, description="bins of a feature")
    bin_sample_rows: int = Field(default=20_000, ge=1_000, description="rows that the bins are made from")
    num_leaves: Positive = 31
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    min_rounds: Positive = Field(default=30, description="trees that a model has at least")
    max_rounds: Positive = 200
    early_stopping_rounds: Positive = 30
    min_data_in_leaf: Positive = 200
    feature_fraction: float = Field(default=0.5, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=10.0, ge=0)
    seed: int = 7


class Lightgbm:
    """Gradient-boosted trees on the cross-section."""

    file = "model.txt"
    library = "lightgbm"
    weighs_rows = True

    def __init__(self, settings: LightgbmSettings) -> None:
        self.settings = settings
        self.log_odds = settings.objective == "classification"

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Fit on `data.train`, stop on `data.validation`.

        Returns
        -------
        Fitted or Unavailable
            The latter if no tree has a split: every symbol would have the same score.

        Raises
        ------
        ModelError
            If a session has more symbols than LightGBM ranks at once.
        """
        settings = self.settings
        _refuse_large_queries(data, settings)
        import lightgbm as lgb  # noqa: PLC0415 - takes two seconds, and most who import this fit nothing

        own = parameters(settings) | {"num_threads": threads}
        train = lgb.Dataset(
            data.train.x,
            taught(data.train, settings, settings.objective),
            weight=data.train.weights,
            group=_group(data.train, settings),
            feature_name=list(data.features),
            params=own,
        )
        bins = [train.construct().feature_num_bin(at) for at in range(len(data.features))]
        if not any(bins):  # no feature can be split; by an objective of our own, training would end in an error
            return Unavailable(reason=_without_splits(data, settings))
        held_out = lgb.Dataset(
            data.validation.x,
            taught(data.validation, settings, settings.objective),
            group=_group(data.validation, settings),
            reference=train,
        )
        booster = lgb.train(
            own | _own_steps(data.train, settings),
            train,
            num_boost_round=settings.max_rounds,
            valid_sets=[held_out],
            feval=_figure(data.validation, settings),
            callbacks=[lgb.early_stopping(settings.early_stopping_rounds, first_metric_only=True, verbose=False)],
        )
        best = booster.best_iteration or booster.current_iteration()
        if not booster.feature_importance("split", iteration=best).any():
            return Unavailable(reason=_without_splits(data, settings))
        gains = booster.feature_importance("gain", iteration=best)
        stopping = {name: getattr(settings, name) for name in ("min_rounds", "max_rounds", "early_stopping_rounds")}
        return Fitted(
            content=THREADS_LINE.sub("[num_threads: 0]", booster.model_to_string(num_iteration=best)).encode(),
            scores=np.asarray(booster.predict(data.validation.x, raw_score=True, num_iteration=best, num_threads=threads)),
            rounds=best,
            importance={name: float(gain) for name, gain in zip(data.features, gains, strict=True)},
            parameters=parameters(settings) | stopping,
            label_kind=LABEL_KINDS.get(settings.objective),
        )

    def load(self, content: bytes) -> LightgbmTrees:
        """The model of LightGBM's own text."""
        return LightgbmTrees(content)


def parameters(settings: LightgbmSettings) -> dict[str, Any]:
    """What LightGBM is told, less the number of threads, which does not change the result."""
    special: dict[str, dict[str, Any]] = {
        "classification": {"objective": "binary"},
        "lambdarank": {"objective": "lambdarank", "label_gain": list(range(GRADES))},
        "quantile": {"objective": "quantile", "alpha": settings.quantile},
        "dollar_profit": {"objective": "dollar_profit"} | settings.of_objective(),
    }
    return special.get(settings.objective, {"objective": "regression"}) | {
        "metric": "None",
        "num_leaves": settings.num_leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "feature_fraction": settings.feature_fraction,
        "bagging_fraction": settings.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": settings.lambda_l2,
        "max_bin": settings.max_bin,
        "bin_construct_sample_cnt": settings.bin_sample_rows,
        "seed": settings.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }


def _refuse_large_queries(data: TrainingSet, settings: LightgbmSettings) -> None:
    if settings.objective != "lambdarank":
        return
    for rows in (data.train, data.validation):
        largest = int(rows.sizes.argmax())
        if rows.sizes[largest] > LARGEST_QUERY:
            raise ModelError(
                f"session {rows.decision_sessions[largest]} has {rows.sizes[largest]:,} symbols, and objective = lambdarank ranks at most {LARGEST_QUERY:,} at once: "
                f"set universe.size to {LARGEST_QUERY} or less, or the objective of the model to regression"
            )


def _without_splits(data: TrainingSet, settings: LightgbmSettings) -> str:
    rows = len(data.train.y)
    seen = int(rows * settings.bagging_fraction)
    why = (
        f"{seen:,} rows, which a tree is grown on, can't be split into leaves of {settings.min_data_in_leaf}: lower min_data_in_leaf, or train on more sessions or symbols"
        if seen < 2 * settings.min_data_in_leaf
        else f"no feature tells the labels of {rows:,} rows apart: look at the features with ats features show"
    )
    return f"no tree of the fit as of {data.window.session} has a split, so that every symbol would have the same score; {why}"


def _group(rows: CrossSections, settings: LightgbmSettings) -> np.ndarray | None:
    return rows.sizes if settings.objective == "lambdarank" else None


def _own_steps(rows: CrossSections, settings: LightgbmSettings) -> dict[str, Any]:
    """The objective as a function, where LightGBM has none; what that gives, weights are part of."""
    if settings.objective != "dollar_profit":
        return {}
    returns, terms = taught(rows, settings, settings.objective), settings.profit_terms
    weights, unit = 1.0 if rows.weights is None else rows.weights, profit_unit(returns)

    def steps(scores: np.ndarray, _: "lgb.Dataset") -> tuple[np.ndarray, np.ndarray]:
        gradient, hessian = loss_steps(scores, returns, terms, unit)
        return gradient * weights, hessian * weights

    return {"objective": steps}


def _figure(rows: CrossSections, settings: LightgbmSettings) -> Callable[[np.ndarray, "lgb.Dataset"], tuple[str, float, bool]]:
    """The figure that stops the rounds."""
    figure: Figure = stopping_figure(rows, settings, settings.objective)
    rounds = count(1)

    def evaluate(scores: np.ndarray, _: "lgb.Dataset") -> tuple[str, float, bool]:
        done = next(rounds)
        if done < settings.min_rounds:
            return "figure", UNSTOPPED + done, True  # never the best round, never a reason to stop
        if settings.objective == "classification":
            chance = np.clip(scores, 1e-15, 1 - 1e-15)  # LightGBM hands over probabilities
            scores = np.log(chance) - np.log1p(-chance)
        return "figure", figure(scores), True

    return evaluate


PLUGIN = Plugin(
    settings=LightgbmSettings,
    make=Lightgbm,
    quick={"min_rounds": 1, "max_rounds": 3, "early_stopping_rounds": 3, "min_data_in_leaf": 5, "num_leaves": 4},
    space={
        "num_leaves": SearchRange(low=7, high=127, log=True),
        "learning_rate": SearchRange(low=0.02, high=0.2, log=True),
        "min_data_in_leaf": SearchRange(low=50, high=2_000, log=True),
        "feature_fraction": SearchRange(low=0.2, high=1.0),
        "bagging_fraction": SearchRange(low=0.5, high=1.0),
        "lambda_l2": SearchRange(low=0.1, high=100.0, log=True),
    },
)
