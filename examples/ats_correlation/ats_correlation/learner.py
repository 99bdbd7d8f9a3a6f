"""A sum of features, each standardised and weighted by its correlation with the label: what a ridge regression with an infinite penalty comes to."""

import json
from typing import Self

import numpy as np
from pydantic import Field

from ats_assets.errors import ModelError
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.training_set import TrainingSet
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class CorrelationSettings(Section):
    """Which features count."""

    min_correlation: float = Field(default=0.0, ge=0, lt=1, description="a feature whose correlation is smaller does not count")


class Correlation:
    """A weighted sum of features.

    Parameters
    ----------
    mean, weights
        Of the features, float64 of shape (n_features,); of a loaded model.
    """

    file, library = "model.json.txt", "numpy"

    def __init__(self, settings: CorrelationSettings, mean: np.ndarray | None = None, weights: np.ndarray | None = None) -> None:
        self.settings = settings
        self._mean, self._weights = mean, weights

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:  # noqa: ARG002 - it takes a moment
        """Correlations over the training rows, missing features at their mean; no model where none counts."""
        x, known = data.train.x.astype(np.float64), ~np.isnan(data.train.x)
        rows = np.maximum(known.sum(axis=0), 1)
        mean = np.nan_to_num(x).sum(axis=0) / rows
        z = np.where(known, x - mean, 0.0)
        scale = np.sqrt((z**2).sum(axis=0) / rows)
        scale[scale == 0] = np.inf  # of a feature that tells nothing apart
        z = z / scale
        label = (data.train.y - data.train.y.mean()) / (data.train.y.std() or 1.0)
        correlation = (z * label[:, None]).mean(axis=0)
        correlation[np.abs(correlation) <= self.settings.min_correlation] = 0.0
        if not correlation.any():
            return Unavailable(
                reason=f"no feature is correlated with the label by more than {self.settings.min_correlation} as of {data.window.session}"
            )
        weights = correlation / scale
        content = json.dumps({"mean": mean.tolist(), "weights": weights.tolist()}).encode()
        looked_at = dict(zip(data.features, np.abs(correlation).tolist(), strict=True))
        return Fitted(content=content, scores=self.load(content).predict(data.validation.x), rounds=1, importance=looked_at)

    def load(self, content: bytes) -> Self:
        """The model of the bytes that `fit` gave."""
        try:
            stored = json.loads(content)
        except ValueError as error:
            raise ModelError(f"these bytes are no model of this kind: {error}") from None
        return type(self)(self.settings, np.array(stored["mean"]), np.array(stored["weights"]))

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:  # noqa: ARG002
        """The scores of rows."""
        return (np.nan_to_num(x - self._mean) * self._weights).sum(axis=1)


PLUGIN = Plugin(settings=CorrelationSettings, make=Correlation)
