"""How much labels overlap, and what each is worth for that (López de Prado, Advances in Financial Machine Learning, 2018, sections 4.2 to 4.7).

A span is half-open, [decided, known): from the decision to where its label was known, in whatever whole numbers time is counted in (sessions, bars, nanoseconds). Labels whose
spans share a step of time share what happened in it. At each step the concurrency is the number of labels whose span holds it; a label's average uniqueness is the mean over its
span of 1 / concurrency. Labels of two groups, such as symbols, never overlap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.errors import ContractError
from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LabelSpans:
    """The spans of labels, each array of whole numbers of shape (n_labels,)."""

    decided: Places
    known: Places
    group: Places
    """Such as the codes of symbols; labels of two groups never overlap."""

    def take(self, rows: Places) -> "LabelSpans":
        """Those of some labels, by their places."""
        return LabelSpans(decided=self.decided[rows], known=self.known[rows], group=self.group[rows])


def uniqueness(decided: ArrayLike, known: ArrayLike, group: ArrayLike | None = None) -> Floats:
    """The average uniqueness of labels, in (0, 1].

    Each is added up over its own span alone, from the decision on: it has the same bits with any other labels beside it, as long as those that it overlaps are there.

    Parameters
    ----------
    decided, known
        Whole numbers of shape (n_labels,), in any order.
    group
        Whole numbers of shape (n_labels,), such as the codes of symbols. Default: all are of one.

    Raises
    ------
    ContractError
        If a label was known before a step of time had gone by, or the shapes differ.

    Examples
    --------
    >>> uniqueness([0, 2, 4], [3, 4, 6]).round(3).tolist()
    [0.833, 0.75, 1.0]
    """
    lengths, first, last = label_steps(decided, known, group)
    change = np.zeros(len(lengths) + 1, np.int64)
    np.add.at(change, first, 1)
    np.add.at(change, last, -1)
    found: Floats = _mean_shares.compiled(lengths, np.cumsum(change), first, last)
    return found


def concurrency(decided: ArrayLike, known: ArrayLike, steps: ArrayLike) -> Places:
    """How many labels' spans hold each of some steps of time, of shape (n_steps,).

    Examples
    --------
    >>> concurrency([0, 2, 4], [3, 4, 6], range(7)).tolist()
    [1, 1, 2, 1, 1, 1, 0]
    """
    begin, end, _ = _spans(decided, known, None)
    at = np.asarray(steps, dtype=np.int64)
    return np.searchsorted(np.sort(begin), at, side="right") - np.searchsorted(np.sort(end), at, side="right")


def return_weights(decided: ArrayLike, known: ArrayLike, log_returns: ArrayLike) -> Floats:
    """Weights by what labels can be given credit for: |sum of return / concurrency| over the span, scaled to a mean of 1 (section 4.6).

    Parameters
    ----------
    decided, known
        Places of bars of one series, of shape (n_labels,).
    log_returns
        Of shape (n_bars,): at k the return that was earned in step k, from bar k to bar k + 1. What is not finite counts as zero.

    Raises
    ------
    ContractError
        As `uniqueness`, and if a span reaches beyond the returns.

    Examples
    --------
    >>> return_weights([0, 1], [2, 3], [0.1, 0.1, -0.3]).round(6).tolist()
    [0.75, 1.25]
    """
    credit = credited_returns(decided, known, log_returns)
    total = np.abs(credit).sum()
    return np.abs(credit) * (len(credit) / total) if total > 0 else np.ones(len(credit))


def credited_returns(decided: ArrayLike, known: ArrayLike, log_returns: ArrayLike) -> Floats:
    """The sum of return / concurrency over each label's span, signed; see `return_weights`."""
    begin, end, _ = _spans(decided, known, None)
    returns = np.nan_to_num(np.asarray(log_returns, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if len(begin) and (begin.min() < 0 or end.max() > len(returns)):
        raise ContractError(
            f"there are returns of {len(returns)} steps, and labels from step {begin.min()} up to {end.max()}: hand over the returns of all spans"
        )
    counts = concurrency(begin, end, np.arange(len(returns)))
    found: Floats = _credited.compiled(returns, counts, begin, end)
    return found


def time_decay(weights: ArrayLike, oldest: float) -> Floats:
    """Factors that shrink with age, in a straight line over the cumulated uniqueness (section 4.7), of shape (n_labels,); the newest has 1.

    Parameters
    ----------
    weights
        The average uniqueness of labels, from the oldest to the newest.
    oldest
        What the line begins at: 1 is no decay, 0 lets the oldest fade to nothing, and below 0 the oldest share of that size has no weight at all.

    Raises
    ------
    ContractError
        If `oldest` is not in (-1, 1].

    Examples
    --------
    >>> time_decay([0.5, 0.5, 1.0], 0.5).tolist()
    [0.625, 0.75, 1.0]
    >>> time_decay([1.0, 1.0, 1.0, 1.0], -0.5).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    if not -1.0 < oldest <= 1.0:
        raise ContractError(f"time decay begins at {oldest}: give a number above -1 up to 1, where 1 is no decay")
    so_far = np.cumsum(np.asarray(weights, dtype=np.float64))
    if not len(so_far):
        return so_far
    whole = so_far[-1]
    slope = (1.0 - oldest) / whole if oldest >= 0 else 1.0 / ((oldest + 1.0) * whole)
    return np.maximum(1.0 - slope * (whole - so_far), 0.0)


def label_steps(decided: ArrayLike, known: ArrayLike, group: ArrayLike | None = None) -> tuple[Floats, Places, Places]:
    """Time cut at the ends of all spans, one group after the other: the lengths of the steps, and the first step of each label and the one after its last.

    A step between two groups belongs to no span.

    Raises
    ------
    ContractError
        As `uniqueness`.
    """
    begin, end, of = _spans(decided, known, group)
    ends = np.concatenate([begin, end])
    order = np.lexsort((ends, np.tile(of, 2)))
    times, groups = ends[order], np.tile(of, 2)[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (times[1:] != times[:-1]) | (groups[1:] != groups[:-1])
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(new) - 1
    lengths = np.diff(times[new]).astype(np.float64)
    return lengths, place[: len(begin)], place[len(begin) :]


def _spans(decided: ArrayLike, known: ArrayLike, group: ArrayLike | None) -> tuple[Places, Places, Places]:
    begin, end = (np.asarray(one, dtype=np.int64) for one in (decided, known))
    of = np.zeros(len(begin), np.int64) if group is None else np.asarray(group, dtype=np.int64)
    if not len(begin) == len(end) == len(of):
        raise ContractError(f"there are {len(begin)} decisions, {len(end)} ends and {len(of)} groups: one of each for each label")
    if (empty := np.flatnonzero(begin >= end)).size:
        at = empty[0]
        raise ContractError(
            f"label {at} is decided at {begin[at]} and known at {end[at]}: a span [decided, known) must hold a step of time at least"
        )
    return begin, end, of


@kernel
def _mean_shares(lengths: Floats, counts: Places, first: Places, last: Places) -> Floats:
    """The mean of 1 / count over the steps [first, last) of each span, weighed by their lengths."""
    found = np.empty(len(first))
    for i in range(len(first)):
        total, length = 0.0, 0.0
        for step in range(first[i], last[i]):
            total += lengths[step] / counts[step]
            length += lengths[step]
        found[i] = total / length
    return found


@kernel
def _credited(returns: Floats, counts: Places, first: Places, last: Places) -> Floats:
    """The sum of return / count over the steps [first, last) of each span."""
    found = np.empty(len(first))
    for i in range(len(first)):
        total = 0.0
        for step in range(first[i], last[i]):
            total += returns[step] / counts[step]
        found[i] = total
    return found
