"""What a model must be able to do, whatever library it is of.

A learner is made of its own settings. It fits a training set, and gives back the model as bytes in the library's own format, never a pickle, with the scores of the
validation rows and what it looks at; and it loads such bytes into something that scores rows. Everything else (which rows, when, how a fit is stored, tracked, carried
forward and judged) is the same for all, in `models.assets`.

A learner that looks at more sessions than one says how many: `sequence_sessions`. Its rows then have `sequences` (see `models.sequences`), and what it loads scores these.

The same rows, settings and library versions must give the same bytes, with any number of threads.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from pydantic import BaseModel

from ats_assets.models.training_set import TrainingSet
from ats_assets.storage.artefacts import Unavailable

__all__ = ["ExplainingScorer", "Fitted", "Learner", "Scorer", "Unavailable"]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted model.

    Parameters
    ----------
    content
        The model in the library's own format.
    scores
        Of the validation rows, float64 of shape (n_rows,).
    rounds
        Trees, epochs or whatever it is made of; 1 where there is no such thing.
    importance
        How much it looks at each feature, in the learner's own unit, never negative.
    parameters
        What the library was told, less what does not change the result.
    label_kind
        What it was taught, where that is not the label of the settings.
    """

    content: bytes
    scores: np.ndarray
    rounds: int
    importance: dict[str, float]
    parameters: dict[str, Any] = field(default_factory=dict)
    label_kind: str | None = None


class Scorer(Protocol):
    """A loaded model."""

    def predict(self, x: Any, *, threads: int = 1) -> np.ndarray:
        """The scores of rows: float64 of shape (n_rows,).

        Parameters
        ----------
        x
            float32 of shape (n_rows, n_features), NaN = missing; of a learner with `sequence_sessions` above 1 the `Sequences` of the rows. `Model.inputs` gives the one or
            the other. A row's score depends on that row, or its sequence, alone: to the bit, whatever is beside it.
        threads
            Changes the time, not the result.
        """
        ...


@runtime_checkable
class ExplainingScorer(Protocol):
    """What a loaded model can be beside a scorer: one that says which features made a score. A model that has no `contributions` is none."""

    def contributions(self, x: Any, *, threads: int = 1) -> np.ndarray:
        """What each feature adds to the score of rows: float64 of shape (n_rows, n_features + 1), for rows as `Scorer.predict` takes them.

        The last column is what a row scores before anything is known of it. Each row adds up to its score.
        """
        ...


class Learner(Protocol):
    """One kind of model, with its settings."""

    settings: BaseModel
    file: str
    """The name of the model's file: `model.txt`."""
    library: str
    """The distribution whose version is recorded."""
    weighs_rows: bool
    """Whether rows count by `data.train.weights`. A learner that does not say so is refused where settings give rows weights."""
    # log_odds: bool, True where scores are log-odds of being above the median, or of a class; see `says_log_odds`
    # row_is_sequence: bool, True where the features of a row are themselves a sequence, of which none can be left out; see `row_is_sequence`
    # sequence_sessions: int, where it looks at more sessions of features than the decision's own: how many, that one included; see `sequence_sessions`

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted | Unavailable:
        """Fit on `data.train`, stop or choose on `data.validation`; `Unavailable`, with the reason, where nothing can be learnt from the rows.

        Raises
        ------
        ModelError
            If the settings can't be met by these rows.
        """
        ...

    def load(self, content: bytes) -> Scorer:
        """The model of the bytes that `fit` gave."""
        ...


def says_log_odds(learner: Learner) -> bool:
    """Whether a learner's scores are log-odds: where a probability is wanted, that is one over one plus e to the minus score."""
    return bool(getattr(learner, "log_odds", False))


def sequence_sessions(learner: Learner) -> int:
    """How many sessions of features a learner looks at for a decision; 1, the decision's own, where it does not say."""
    return int(getattr(learner, "sequence_sessions", 1))


def row_is_sequence(learner: Learner) -> bool:
    """Whether the features of a row are the sessions of a sequence, as those of alpha360 are, so that none can be left out."""
    return bool(getattr(learner, "row_is_sequence", False))
