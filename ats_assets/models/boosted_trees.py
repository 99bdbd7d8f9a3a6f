"""Gradient-boosted trees on the cross-section, by LightGBM (Ke et al., NeurIPS 2017).

- regression: squared error on the label (by default its centred percentile in the session's cross-section), so that outliers do not rule.
- lambdarank (Burges, MSR-TR-2010-82): the sessions are the queries; the relevance of a symbol is the decile (0 to 9) of its return, with linear gains.

Rounds stop when the information coefficient on the validation sessions (mean over sessions of the correlation of score and ranked label) has not risen
for `early_stopping_rounds`; the first `min_rounds` always stay, since that figure is noisy and would often leave a single tree. The model in force is the one that was stopped: it is not fitted again on the validation sessions, so that the
figures in `model.json` are those of the very trees that trade.

The same rows, settings and LightGBM version give the same bytes with any number of threads: histograms are built by column, each by one thread in the order of the
rows, `deterministic` forbids parallel sums elsewhere, and the number of threads is left out of the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ats_assets.errors import ModelError
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.settings import LightgbmSettings

if TYPE_CHECKING:
    import lightgbm as lgb

LARGEST_QUERY = 10_000
"""Rows of a query that LightGBM's ranking takes; its limit is part of its source."""

GRADES = 10
"""Relevance grades of lambdarank."""

THREADS_LINE = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """There is no model, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class FittedTrees:
    """A fitted model and the figures of its fit.

    `text` is LightGBM's own format; `validation` has one row a validation session: decision_session, rank_ic (Spearman correlation of score and label,
    null where undefined); `importance` is the total gain by feature.
    """

    text: str
    best_iteration: int
    validation: pl.DataFrame
    importance: dict[str, float]
    parameters: dict[str, Any]


def fit_boosted_trees(data: TrainingSet, settings: LightgbmSettings) -> FittedTrees | Unavailable:
    """Fit on `data.train`, stop on `data.validation`.

    Returns
    -------
    FittedTrees or Unavailable
        The latter if fewer than `min_train_sessions` sessions are there to train on, or none to validate on, or no tree has a split: every symbol would
        have the same score.

    Raises
    ------
    ModelError
        If a session has more symbols than LightGBM ranks at once.
    """
    labelled = len(data.train.sizes)
    if labelled < settings.min_train_sessions:
        return Unavailable(
            reason=f"{labelled} labelled sessions to train on as of {data.window.session}; lightgbm.min_train_sessions is {settings.min_train_sessions}"
        )
    if not len(data.validation.sizes):
        return Unavailable(reason=f"no labelled validation sessions as of {data.window.session}")
    _refuse_large_queries(data, settings)
    import lightgbm as lgb  # noqa: PLC0415 - takes two seconds, and most who import this fit nothing

    own = lightgbm_parameters(settings) | {"num_threads": settings.threads}
    train = lgb.Dataset(
        data.train.x, _target(data.train, settings), group=_group(data.train, settings), feature_name=list(data.features), params=own
    )
    booster = lgb.train(
        own,
        train,
        num_boost_round=settings.max_rounds,
        valid_sets=[
            lgb.Dataset(data.validation.x, _target(data.validation, settings), group=_group(data.validation, settings), reference=train)
        ],
        feval=_information_coefficient(data.validation, settings.min_rounds),
        callbacks=[lgb.early_stopping(settings.early_stopping_rounds, first_metric_only=True, verbose=False)],
    )
    best = booster.best_iteration or booster.current_iteration()
    if not booster.feature_importance("split", iteration=best).any():
        return Unavailable(reason=_without_splits(data, settings))
    scores = np.asarray(booster.predict(data.validation.x, num_iteration=best, num_threads=settings.threads))
    gains = booster.feature_importance("gain", iteration=best)
    stopping = {
        "min_rounds": settings.min_rounds,
        "max_rounds": settings.max_rounds,
        "early_stopping_rounds": settings.early_stopping_rounds,
    }
    return FittedTrees(
        text=THREADS_LINE.sub("[num_threads: 0]", booster.model_to_string(num_iteration=best)),
        best_iteration=best,
        validation=rank_ic_by_session(data.validation, scores),
        importance={name: float(gain) for name, gain in zip(data.features, gains, strict=True)},
        parameters=lightgbm_parameters(settings) | stopping,
    )


def lightgbm_parameters(settings: LightgbmSettings) -> dict[str, Any]:
    """What LightGBM is told, less the number of threads, which does not change the result."""
    special = {"objective": "regression"}
    if settings.objective == "lambdarank":
        special = {"objective": "lambdarank", "label_gain": list(range(GRADES))}
    return special | {
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


def rank_ic_by_session(rows: CrossSections, scores: np.ndarray) -> pl.DataFrame:
    """Spearman correlation of `scores` and labels: decision_session, rank_ic (null where either is constant)."""
    ranked = _standardised(_ranks(scores, rows.sizes), rows.sizes)
    ics = _mean_product(ranked, _standardised(_ranks(rows.y, rows.sizes), rows.sizes), rows.sizes)
    defined = _mean_product(ranked, ranked, rows.sizes) > 0
    return pl.DataFrame({"decision_session": rows.sessions, "rank_ic": ics}).with_columns(
        pl.when(pl.Series(defined)).then("rank_ic").alias("rank_ic")
    )


def _refuse_large_queries(data: TrainingSet, settings: LightgbmSettings) -> None:
    if settings.objective != "lambdarank":
        return
    for rows in (data.train, data.validation):
        largest = int(rows.sizes.argmax())
        if rows.sizes[largest] > LARGEST_QUERY:
            raise ModelError(
                f"session {rows.sessions[largest]} has {rows.sizes[largest]:,} symbols, and lightgbm.objective = lambdarank ranks at most {LARGEST_QUERY:,} at once: "
                f"set universe.size to {LARGEST_QUERY} or less, or lightgbm.objective to regression"
            )


def _without_splits(data: TrainingSet, settings: LightgbmSettings) -> str:
    rows = len(data.train.y)
    seen = int(rows * settings.bagging_fraction)
    why = (
        f"{seen:,} rows, which a tree is grown on, can't be split into leaves of {settings.min_data_in_leaf}: lower lightgbm.min_data_in_leaf, or train on more sessions or symbols"
        if seen < 2 * settings.min_data_in_leaf
        else f"no feature tells the labels of {rows:,} rows apart: look at the features with ats features show"
    )
    return f"no tree of the fit as of {data.window.session} has a split, so that every symbol would have the same score; {why}"


def _target(rows: CrossSections, settings: LightgbmSettings) -> np.ndarray:
    """The label, or its grade 0 to 9 within the session."""
    if settings.objective == "regression":
        return rows.y
    share = (_ranks(rows.y, rows.sizes) - 0.5) / np.repeat(rows.sizes, rows.sizes)
    return np.minimum((share * GRADES).astype(np.int32), GRADES - 1)


def _group(rows: CrossSections, settings: LightgbmSettings) -> np.ndarray | None:
    return rows.sizes if settings.objective == "lambdarank" else None


def _information_coefficient(rows: CrossSections, min_rounds: int) -> Callable[[np.ndarray, "lgb.Dataset"], tuple[str, float, bool]]:
    """The figure that stops the rounds."""
    outcomes = _standardised(_ranks(rows.y, rows.sizes), rows.sizes)
    rounds = count(1)

    def evaluate(scores: np.ndarray, _: "lgb.Dataset") -> tuple[str, float, bool]:
        done = next(rounds)
        if done < min_rounds:
            return "ic", done / min_rounds - 3.0, True  # below any correlation and rising: never the best round, never a reason to stop
        return "ic", float(_mean_product(_standardised(scores, rows.sizes), outcomes, rows.sizes).mean()), True

    return evaluate


def _ranks(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Average ranks (from 1) within each session."""
    frame = pl.DataFrame({"v": values, "s": np.repeat(np.arange(len(sizes)), sizes)})
    return frame.select(pl.col("v").rank("average").over("s")).to_series().to_numpy()


def _standardised(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 within each session; 0 where constant. Sums run over the sorted rows of a session, in one order."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    centred = values - np.repeat(np.add.reduceat(values, starts) / sizes, sizes)
    deviation = np.sqrt(np.add.reduceat(centred * centred, starts) / sizes)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-12)
    return centred * np.repeat(scale, sizes)


def _mean_product(a: np.ndarray, b: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The mean of a * b within each session."""
    return np.add.reduceat(a * b, np.concatenate([[0], np.cumsum(sizes)[:-1]])) / sizes
