"""Whether probabilities of events tell those that gained from those that did not."""

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ats_assets.errors import EvaluationError


@dataclass(frozen=True, kw_only=True)
class EventSkill:
    """Figures of probabilities beside what happened; None where there is nothing to divide by.

    Attributes
    ----------
    events, gained
        How many there were, and how many of them gained.
    true_positives, false_positives, false_negatives, true_negatives
        The confusion matrix: a positive is a probability above the threshold.
    accuracy, precision, recall, f1
        Of these.
    auc, auc_error
        Probability that an event that gained was given more than one that did not, equal ones counted half; and its standard error after Hanley and McNeil (Radiology 143, 1982), as if
        events did not overlap.
    brier, brier_of_base_rate
        Mean squared distance of probability and outcome, and that of saying the share that gained each time: less is better.
    """

    events: int
    gained: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    auc: float | None
    auc_error: float | None
    brier: float | None
    brier_of_base_rate: float | None

    def to_dict(self) -> dict[str, float | int | None]:
        """The figures by name."""
        return asdict(self)


def event_skill(probabilities: ArrayLike, gained: ArrayLike, *, threshold: float = 0.5) -> EventSkill:
    """The skill of probabilities.

    Parameters
    ----------
    probabilities
        In [0, 1], of shape (n_events,).
    gained
        Whether each event did, of shape (n_events,).
    threshold
        A probability above it says that the event gains.

    Raises
    ------
    EvaluationError
        If the shapes differ, or a probability is none.

    Examples
    --------
    >>> found = event_skill([0.9, 0.8, 0.4, 0.2], [True, False, True, False])
    >>> found.auc, found.accuracy, found.precision, round(found.brier, 4)
    (0.75, 0.5, 0.5, 0.2625)
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(gained, dtype=np.bool_)
    if p.shape != y.shape or p.ndim != 1:
        raise EvaluationError(f"probabilities have the shape {p.shape}, outcomes {y.shape}: give one outcome for each")
    if len(p) and not ((p >= 0) & (p <= 1)).all():
        raise EvaluationError("a probability lies outside [0, 1] or is missing: clip scores before they are judged")
    said = p > threshold
    tp, fp, fn, tn = (int((a & b).sum()) for a, b in ((said, y), (said, ~y), (~said, y), (~said, ~y)))
    precision, recall = _share(tp, tp + fp), _share(tp, tp + fn)
    auc = _auc(p, y)
    rate = float(y.mean()) if len(y) else 0.0
    return EventSkill(
        events=len(p),
        gained=tp + fn,
        true_positives=tp,
        false_positives=fp,
        false_negatives=fn,
        true_negatives=tn,
        accuracy=_share(tp + tn, len(p)),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if precision and recall else None,
        auc=auc,
        auc_error=None if auc is None else _auc_error(auc, tp + fn, fp + tn),
        brier=float(np.mean((p - y) ** 2)) if len(p) else None,
        brier_of_base_rate=rate * (1.0 - rate) if len(p) else None,
    )


def reliability(probabilities: ArrayLike, gained: ArrayLike, *, bins: int = 10) -> pl.DataFrame:
    """How often events gained of which about equal probabilities were said: mean_probability, share_gained and events of up to `bins` groups of about as many events each.

    Examples
    --------
    >>> reliability([0.1, 0.2, 0.7, 0.9], [False, False, True, True], bins=2).rows()
    [(0.15, 0.0, 2), (0.8, 1.0, 2)]
    """
    rows = pl.DataFrame({"p": np.asarray(probabilities, dtype=np.float64), "y": np.asarray(gained, dtype=np.float64)})
    rows = rows.with_columns(bin=((pl.col("p").rank("min") - 1) * bins / pl.len()).floor())
    grouped = rows.group_by("bin").agg(mean_probability=pl.col("p").mean().round(12), share_gained=pl.col("y").mean(), events=pl.len())
    return grouped.sort("bin").drop("bin")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _auc(p: np.ndarray, y: np.ndarray) -> float | None:
    positive, negative = int(y.sum()), int((~y).sum())
    if not positive or not negative:
        return None
    ranks = pl.Series(p).rank("average").to_numpy()
    return float((ranks[y].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _auc_error(auc: float, positive: int, negative: int) -> float:
    """Hanley and McNeil's, of scores that are exponentially distributed."""
    q1, q2 = auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc)
    variance = auc * (1.0 - auc) + (positive - 1) * (q1 - auc * auc) + (negative - 1) * (q2 - auc * auc)
    return sqrt(max(variance, 0.0) / (positive * negative))
