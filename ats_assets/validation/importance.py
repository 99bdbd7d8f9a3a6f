"""What the models owe to their features, on the newest window that they learn from: out of sample, in folds that share no knowledge.

The unit is the rank IC: how much of the mean over a fold's sessions is lost when a feature, or a cluster of features, tells nothing any more; or how much a feature has alone.
Contributions are another thing: what moves the scores, right or wrong, as a share of all that does.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.evaluation import Split, purged_kfold
from ats_assets.evaluation.feature_clusters import feature_clusters
from ats_assets.evaluation.permutation_importance import (
    Importance,
    Predict,
    Scores,
    choose_columns,
    deal_columns,
    importance_of,
    mean_decreases,
    single_features,
)
from ats_assets.models import Model
from ats_assets.models.cross_sections import ranks
from ats_assets.models.dealt_sequences import DealtSequences
from ats_assets.models.labelled_rows import LabelledRows, fitted_on, rank_ics
from ats_assets.models.learner import ExplainingScorer, Scorer
from ats_assets.models.sequences import Sequences
from ats_assets.settings import ImportanceSettings, TrainingSettings
from ats_assets.validation.schema import IMPORTANCE_SCHEMA

Rows = NDArray[np.int64]
Inputs = NDArray[np.float32] | Sequences | DealtSequences


def feature_importance(models: Sequence[Model], data: LabelledRows, how: ImportanceSettings, training: TrainingSettings) -> pl.DataFrame:
    """The contract `FeatureImportance`: of each model and way the features, or clusters, with the largest importance first.

    A feature of a model of sequences is its whole history in the sequence: where it is to tell nothing, all its sessions come from another symbol.

    Raises
    ------
    EvaluationError
        If the window has fewer decision sessions than folds.
    """
    splits = list(purged_kfold(data.decided, data.known, how.folds, embargo=training.embargo_sessions))
    clusters = clusters_of(data) if "clusters" in how.ways else {}
    columns = {name: column for column, name in enumerate(data.features)}
    members = {"features": {name: [column] for name, column in columns.items()}, "clusters": clusters, "alone": {}, "contributions": {}}
    sessions = np.repeat(np.arange(len(data.rows.sizes)), data.rows.sizes)
    parts = [IMPORTANCE_SCHEMA.to_frame()]
    for model in models:
        fit, inputs = _Fits(model, data, training), model.inputs(data.rows)
        together = {f"{way} {name}": group for way in how.ways for name, group in members[way].items()}  # of one fit a fold
        how_dealt = {"within": sessions, "seed": how.seed, "deal": dealt_rows}
        found = mean_decreases(inputs, splits, fit, fit.judge, together, **how_dealt) if together else []
        lost = dict(zip(together, found, strict=True))
        for way in how.ways:
            if way == "contributions":
                parts.append(_rows(model, way, fit.contributions(splits), {}))
            elif way == "alone":
                parts.append(_rows(model, way, single_features(splits, inputs, fit, fit.judge, columns, choose=chosen_columns), {}))
            else:
                of_way = [lost[f"{way} {name}"] for name in members[way]]
                named = [Importance(**(vars(one) | {"name": name})) for name, one in zip(members[way], of_way, strict=True)]
                parts.append(_rows(model, way, named, {name: [data.features[i] for i in group] for name, group in members[way].items()}))
    return pl.concat(parts)


def clusters_of(data: LabelledRows) -> dict[str, list[int]]:
    """The clusters of the features, by the correlation of their ranks within each session; what is missing counts as the middle of its session."""
    centred = np.empty(data.rows.x.shape)
    counts = np.repeat(data.rows.sizes, data.rows.sizes)
    for column in range(data.rows.x.shape[1]):
        values = data.rows.x[:, column].astype(np.float64)
        missing = np.isnan(values)
        ranked = ranks(np.where(missing, np.inf, values), data.rows.sizes)
        there = counts - _sums(missing, data.rows.sizes)
        centred[:, column] = np.where(missing | (there == 0), np.nan, (ranked - 0.5) / np.maximum(there, 1) - 0.5)
    return feature_clusters(data.features, centred)


def _sums(values: NDArray[np.bool_], sizes: Rows) -> Rows:
    """Of each session, for each of its rows."""
    return np.repeat(np.add.reduceat(values.astype(np.int64), np.concatenate([[0], np.cumsum(sizes)[:-1]])), sizes)


def dealt_rows(rows: NDArray[np.float32] | Sequences, columns: Sequence[int], order: Rows) -> Inputs:
    """Rows, or their sequences, with the values of others in some columns."""
    if isinstance(rows, Sequences):
        return DealtSequences(sequences=rows, columns=columns, order=order)
    return deal_columns(rows, columns, order)


def chosen_columns(rows: NDArray[np.float32] | Sequences, columns: Rows) -> Inputs:
    """Rows, or their sequences, of some columns."""
    return rows.of_columns(columns) if isinstance(rows, Sequences) else choose_columns(rows, columns)


class _Fits:
    """A model's fits on parts of the rows, and how good their scores are."""

    def __init__(self, model: Model, data: LabelledRows, training: TrainingSettings) -> None:
        self._model, self._data, self._training = model, data, training
        self._whole: dict[bytes, Scorer | str] = {}

    def __call__(self, train: Rows, columns: Rows) -> Predict:
        """The scores of the model of these rows and columns; NaN where nothing could be fitted."""
        every = len(columns) == len(self._data.features)
        found = self._of_all(train) if every else fitted_on(self._model, self._data, train, self._training, columns=columns)
        if isinstance(found, str):
            return lambda x: np.full(len(x), np.nan)
        threads = self._training.threads

        def predict(rows: Inputs) -> Scores:
            if isinstance(rows, DealtSequences):
                return np.concatenate([found.predict(part, threads=threads) for part in rows.parts()])
            return found.predict(rows, threads=threads)

        return predict

    def contributions(self, splits: Sequence[Split]) -> list[Importance]:
        """The share that each feature has in the size of all contributions to the scores of the tested rows; without folds where the model does not tell them."""
        shares: list[NDArray[np.float64]] = []
        for split in splits:
            found = self._of_all(split.train)
            if isinstance(found, ExplainingScorer) and len(split.test):
                sizes = np.abs(found.contributions(self._data.rows.x[split.test], threads=self._training.threads)[:, :-1]).mean(axis=0)
                shares.append(sizes / sizes.sum() if sizes.sum() > 0 else np.full(len(sizes), np.nan))
        return [importance_of(name, [float(one[column]) for one in shares]) for column, name in enumerate(self._data.features)]

    def _of_all(self, train: Rows) -> Scorer | str:
        """The model of all features, fitted once for each set of rows."""
        key = train.tobytes()
        if key not in self._whole:
            self._whole[key] = fitted_on(self._model, self._data, train, self._training)
        return self._whole[key]

    def judge(self, scores: Scores, rows: Rows) -> float:
        """The mean rank IC of the sessions of some rows; 0 where all scores are the same, which orders nothing, and NaN where there are none."""
        if np.isnan(scores).any():
            return float("nan")
        whole = np.full(len(self._data.rows.y), np.nan)
        whole[rows] = scores
        ics = [*rank_ics(self._data.rows, rows, whole).values()]
        return float(np.mean(ics)) if ics else 0.0


def _rows(model: Model, way: str, found: Sequence[Importance], members: dict[str, list[str]]) -> pl.DataFrame:
    def known(value: float) -> float | None:
        return None if np.isnan(value) else value

    rows = [
        (model.name, way, one.name, members.get(one.name, [one.name]), known(one.mean), known(one.standard_error), len(one.folds))
        for one in found
    ]
    return pl.DataFrame(rows, schema=IMPORTANCE_SCHEMA, orient="row").sort("importance", "name", descending=[True, False], nulls_last=True)
