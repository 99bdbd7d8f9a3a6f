"""The features that a model learns from, chosen on the rows to train on alone, whatever the learner."""

from dataclasses import replace

import numpy as np

from ats_assets.evaluation.stability_selection import chosen_shares, feature_rank_ics, kept_features
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import SelectedFeatures


def with_selected(data: TrainingSet, settings: TrainingSettings) -> tuple[TrainingSet, SelectedFeatures | None]:
    """The training set of the features that are kept, and what is to be recorded of it; as it is, and None, where settings want none, or there is nothing to choose by."""
    how = settings.selection
    if how is None or not len(data.train.y):
        return data, None
    ics = feature_rank_ics(data.train.x, data.train.y, data.train.sizes)
    shares = chosen_shares(ics, resamples=how.resamples, block_sessions=how.block_sessions, chosen_share=how.chosen_share)
    kept = kept_features(shares, kept_share=how.kept_share, least=min(how.least_features, len(shares)))
    names = tuple(data.features[i] for i in kept)
    told = SelectedFeatures(
        offered=data.features, chosen_share={name: round(float(share), 4) for name, share in zip(data.features, shares, strict=True)}
    )
    return replace(data, features=names, train=_of_columns(data.train, kept), validation=_of_columns(data.validation, kept)), told


def _of_columns(rows: CrossSections, columns: np.ndarray) -> CrossSections:
    sequences = rows.sequences and rows.sequences.of_columns(columns)
    return replace(rows, x=np.ascontiguousarray(rows.x[:, columns]), sequences=sequences)
