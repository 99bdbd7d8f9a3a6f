"""What a rule of ensembles must be able to do: from what was known of several models to their weights.

The rule sees the models as their skill and their resemblance, decision by decision, and no scores: what `ensemble` hands it became known at the refit session or
before, and was predicted before that. So a rule can't look ahead, and what it sees of a session is the same whatever range is computed.
"""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was known of models that were all judged at the same decisions.

    Ranks of scores and outcomes within a session, standardised, have the normal equations that `correlation` and `rank_ic` hold: their means over the sessions are all that a
    regression of outcomes on scores depends on, in which each session counts the same.

    Parameters
    ----------
    models
        Their names, in the order of the settings.
    decided
        The decision sessions, ascending.
    rank_ic
        Spearman correlation of scores and outcomes, of shape (n_sessions, n_models), each in [-1, 1].
    correlation
        Of the ranks of scores with each other, of shape (n_sessions, n_models, n_models).
    horizon_sessions
        Over which the outcomes of neighbouring decisions overlap.
    """

    models: tuple[str, ...]
    decided: tuple[date, ...]
    rank_ic: Floats
    correlation: Floats
    horizon_sessions: int


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """Weights of shape (n_models,), none negative, with a sum of 1; and why each is what it is."""

    weights: Floats
    reasons: tuple[str, ...]


class EnsembleRule(Protocol):
    """One way from evidence to weights, with its settings."""

    settings: BaseModel
    needs_evidence: bool
    """Whether a model that has not been judged often enough is left out; else `weights` is asked about all models, without any sessions."""

    def weights(self, evidence: Evidence) -> Weighed:
        """The weights of two models or more; a function of the evidence alone."""
        ...


def equal_weights(n: int) -> Floats:
    """The same for each of so many models."""
    return np.full(n, 1.0 / n)
