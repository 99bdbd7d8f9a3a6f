"""The features that a model learns from, chosen on the rows to train on alone, whatever the learner."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.stability_selection import chosen_shares, feature_rank_ics, kept_features
from ats_assets.models.learner import ExplainingScorer, Scorer
from ats_assets.models.sequences import Sequences
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import SelectedFeatures

Columns = NDArray[np.int64]


def with_selected(data: TrainingSet, settings: TrainingSettings) -> tuple[TrainingSet, SelectedFeatures | None]:
    """The training set of the features that are kept, and what is to be recorded of it; as it is, and None, where settings want none, or there is nothing to choose by."""
    found = kept_columns(data.train, settings)
    if found is None:
        return data, None
    kept, shares = found
    told = SelectedFeatures(
        offered=data.features, chosen_share={name: round(float(share), 4) for name, share in zip(data.features, shares, strict=True)}
    )
    return of_columns(data, kept), told


def kept_columns(rows: CrossSections, settings: TrainingSettings) -> tuple[Columns, NDArray[np.float64]] | None:
    """The positions of the features that are kept of rows to train on, and in what share of the halves each was chosen; None where settings want none, or there is no row."""
    how = settings.selection
    if how is None or not len(rows.y):
        return None
    ics = feature_rank_ics(rows.x, rows.y, rows.sizes)
    shares = chosen_shares(ics, resamples=how.resamples, block_sessions=how.block_sessions, chosen_share=how.chosen_share)
    return np.asarray(kept_features(shares, kept_share=how.kept_share, least=min(how.least_features, len(shares)))), shares


def of_columns(data: TrainingSet, columns: Columns) -> TrainingSet:
    """The same with some of the features, by position."""
    names = tuple(data.features[i] for i in columns)
    return replace(data, features=names, train=_of_columns(data.train, columns), validation=_of_columns(data.validation, columns))


def _of_columns(rows: CrossSections, columns: Columns) -> CrossSections:
    sequences = rows.sequences and rows.sequences.of_columns(columns)
    return replace(rows, x=np.ascontiguousarray(rows.x[:, columns]), sequences=sequences)


class ChosenColumnsScorer:
    """A model of some features that scores rows of all of them."""

    def __init__(self, scorer: Scorer, columns: Columns) -> None:
        self._scorer, self._columns = scorer, columns

    def predict(self, x: Any, *, threads: int = 1) -> np.ndarray:
        """See `Scorer`."""
        return self._scorer.predict(self._of(x), threads=threads)

    def _of(self, x: Any) -> Any:
        return x.of_columns(self._columns) if isinstance(x, Sequences) else np.ascontiguousarray(x[:, self._columns])


class ExplainedColumnsScorer(ChosenColumnsScorer):
    """The same of a model that says which features made a score: those that it does not look at made none of it."""

    def __init__(self, scorer: ExplainingScorer, columns: Columns) -> None:
        super().__init__(scorer, columns)  # pyright: ignore[reportArgumentType] - what explains scores also scores
        self._explaining = scorer

    def contributions(self, x: Any, *, threads: int = 1) -> np.ndarray:
        """See `ExplainingScorer`."""
        found = self._explaining.contributions(self._of(x), threads=threads)
        whole = np.zeros((len(found), x.shape[-1] + 1))
        whole[:, [*self._columns, -1]] = found
        return whole


def of_all_columns(scorer: Scorer, columns: Columns) -> ChosenColumnsScorer:
    """A scorer of some features as one of rows of all of them; it explains scores where the other does."""
    return ExplainedColumnsScorer(scorer, columns) if isinstance(scorer, ExplainingScorer) else ChosenColumnsScorer(scorer, columns)
