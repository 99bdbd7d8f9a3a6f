"""Splits of labelled rows into training and test sets that share no knowledge: purged K-fold, walk-forward and combinatorial purged cross-validation.

A label looks into the future: that of a row covers the span from the decision that it judges to the moment at which it was known. A training row whose span overlaps that of a
test row has seen part of the test's outcome, so it is purged; one that was decided shortly after a test span still moves with it, so it may be embargoed (López de Prado, Advances
in Financial Machine Learning, 2018, chapters 7 and 12).

What all functions here share:

- A span is half-open, [decided, known): spans that touch do not overlap, and an empty one (known == decided) overlaps nothing. These are purgedcv's conventions.
- Rows may be of many symbols and timeframes and in any order; only their spans count, so a panel is purged across symbols. Spans may be of any lengths.
- The timeline is cut into blocks of consecutive decisions. With `cut = "times"` each block has the same number of different decision times (or one more), and rows that were
  decided together stay together; with `"rows"` it has the same number of rows, as in scikit-learn and purgedcv. Without equal times both are the same.
- Test blocks that are not neighbours are purged around each of them, not between the first and the last.

How it is done: rows are sorted by decision once. A row before a block overlaps it where it was known after the block's first decision, and one behind where it was decided before the
last of the block was known. So each block needs one pass to say which rows it excludes, and a split of several blocks excludes what any of them does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError, how_many

Times = NDArray[np.int64]
"""Nanoseconds, session numbers or any other whole numbers of one unit, of shape (n_rows,)."""
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Cut = Literal["times", "rows"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Positions of rows, ascending. `train` is empty where nothing is left after purging: a fold to be told as such, not to be fitted."""

    blocks: tuple[int, ...]
    """Which blocks of the timeline are tested, from 0."""
    train: Rows
    test: Rows
    purged: int
    """Rows that were left out of the training set because their span overlaps a test row's."""
    embargoed: int
    """Rows that were left out by the embargo alone."""


def purged_kfold(
    decided: Times, known: Times, n_folds: int, *, embargo: int = 0, embargo_rows: int = 0, cut: Cut = "times"
) -> Iterator[Split]:
    """K splits, each of which tests one block of the timeline and trains on all others, purged and embargoed.

    Parameters
    ----------
    decided, known
        ndarrays of int64 of shape (n_rows,), in any order of rows: when a label's decision was made, and when the label was known.
    n_folds
        Blocks of the timeline, at least 2.
    embargo
        In the unit of the times: a row that was decided within [known, known + embargo], both included, of a test row is not trained on. 0: none.
    embargo_rows
        So many rows behind each run of test blocks, in the order of decisions, are not trained on. At most one of the two can be given.
    cut
        See above.

    Yields
    ------
    Split
        In the order of time.

    Raises
    ------
    EvaluationError
        If a label was known before its decision, or if there are fewer decision times (or rows) than folds.

    Examples
    --------
    >>> import numpy as np
    >>> decided = np.arange(9)  # nine sessions, each label known two sessions later
    >>> for split in purged_kfold(decided, decided + 2, 3):
    ...     print(split.test, split.train, split.purged)
    [0 1 2] [4 5 6 7 8] 1
    [3 4 5] [0 1 7 8] 2
    [6 7 8] [0 1 2 3 4] 1
    """
    return combinatorial_purged(decided, known, n_folds, 1, embargo=embargo, embargo_rows=embargo_rows, cut=cut)


def combinatorial_purged(
    decided: Times, known: Times, n_blocks: int, n_test_blocks: int, *, embargo: int = 0, embargo_rows: int = 0, cut: Cut = "times"
) -> Iterator[Split]:
    """A split for each choice of `n_test_blocks` of `n_blocks` blocks, purged and embargoed (López de Prado 2018, section 12.4).

    There are C(n_blocks, n_test_blocks) splits; `reconstruct_paths` makes C(n_blocks - 1, n_test_blocks - 1) histories of what they predict.

    Parameters
    ----------
    decided, known, embargo, embargo_rows, cut
        As those of `purged_kfold`.
    n_blocks
        Blocks of the timeline, at least 2.
    n_test_blocks
        How many are tested at a time, from 1 to n_blocks - 1.

    Yields
    ------
    Split
        In lexicographic order of their blocks.

    Raises
    ------
    EvaluationError
        As `purged_kfold`, and for numbers of blocks out of range.

    Examples
    --------
    >>> import numpy as np
    >>> decided = np.arange(60)
    >>> len(list(combinatorial_purged(decided, decided + 5, 6, 2)))
    15
    """
    if n_blocks < 2 or not 1 <= n_test_blocks < n_blocks:
        raise EvaluationError(
            f"{n_test_blocks} of {how_many(n_blocks, 'block')} can't be tested: give at least 2 blocks, and test from 1 to one less than there are"
        )
    timeline = _Timeline(decided, known, embargo=embargo, embargo_rows=embargo_rows)
    bounds = timeline.bounds(n_blocks, cut)
    excluded = [timeline.excluded(int(bounds[b]), int(bounds[b + 1])) for b in range(n_blocks)]
    return (timeline.split(chosen, bounds, excluded) for chosen in combinations(range(n_blocks), n_test_blocks))


def walk_forward(
    decided: Times,
    known: Times,
    n_folds: int,
    *,
    test_size: int | None = None,
    train_size: int | None = None,
    gap: int = 0,
    cut: Cut = "times",
) -> Iterator[Split]:
    """Splits that train only on what was known before the first decision of their test: expanding, or rolling over the newest `train_size`.

    Parameters
    ----------
    decided, known
        As those of `purged_kfold`.
    n_folds
        Tests, at least 1; together they are the end of the timeline.
    test_size
        Different decision times of each test (rows with `cut = "rows"`). None: as many as make all folds and the first training set of one size.
    train_size
        Of the decision times (or rows) whose labels were known, the newest so many: a rolling window. None: all, an expanding one.
    gap
        In the unit of the times: a label must have been known so long before the test's first decision. (An embargo needs what comes after a test; nothing of that is trained on here.)

    Yields
    ------
    Split
        In the order of time; `blocks` counts the tests.

    Raises
    ------
    EvaluationError
        As `purged_kfold`, and where nothing is left before the first test.

    Examples
    --------
    >>> import numpy as np
    >>> decided = np.arange(10)
    >>> for split in walk_forward(decided, decided + 1, 2, test_size=2, train_size=4):
    ...     print(split.train, split.test)
    [2 3 4 5] [6 7]
    [4 5 6 7] [8 9]
    """
    if n_folds < 1 or gap < 0 or (test_size is not None and test_size < 1) or (train_size is not None and train_size < 1):
        raise EvaluationError("a walk-forward needs at least 1 fold, test and training sizes of at least 1, and no negative gap")
    timeline = _Timeline(decided, known)
    starts = timeline.starts(cut)
    size = test_size if test_size is not None else len(starts) // (n_folds + 1)
    first = len(starts) - n_folds * size
    if size < 1 or first < 1:
        unit = "decision time" if cut == "times" else "row"
        raise EvaluationError(
            f"{how_many(len(starts), unit)} leave nothing to train on before {how_many(n_folds, 'test')} of {max(size, 1)}: ask for fewer or shorter tests"
        )
    edges = np.append(starts, len(timeline.decided))
    return (
        timeline.walked(
            fold, int(edges[first + fold * size]), int(edges[first + (fold + 1) * size]), train_size=train_size, gap=gap, cut=cut
        )
        for fold in range(n_folds)
    )


class _Timeline:
    """Rows in the order of their decisions."""

    def __init__(self, decided: Times, known: Times, *, embargo: int = 0, embargo_rows: int = 0) -> None:
        decided, known = np.asarray(decided), np.asarray(known)
        if decided.ndim != 1 or decided.shape != known.shape or decided.dtype.kind not in "iu" or known.dtype.kind not in "iu":
            raise EvaluationError(
                f"decided and known must be whole numbers of one shape (n_rows,), not {decided.dtype} of {decided.shape} and {known.dtype} of {known.shape}"
            )
        if not len(decided):
            raise EvaluationError("there are no labelled rows to split: materialise labels of these sessions first")
        if (early := np.flatnonzero(known < decided)).size:
            row = int(early[0])
            raise EvaluationError(f"the label of row {row} was known at {known[row]}, before its decision at {decided[row]}")
        if embargo < 0 or embargo_rows < 0 or (embargo and embargo_rows):
            raise EvaluationError("an embargo is a time or a number of rows, not both, and not below 0")
        self.order = np.argsort(decided, kind="stable")
        self.in_order = bool((np.diff(self.order) > 0).all())
        self.decided, self.known = decided[self.order].astype(np.int64), known[self.order].astype(np.int64)
        self.empty = self.known == self.decided
        self.embargo, self.embargo_rows = embargo, embargo_rows

    def starts(self, cut: Cut) -> Rows:
        """Where a new decision time begins, or each row."""
        if cut == "rows":
            return np.arange(len(self.decided), dtype=np.int64)
        return np.flatnonzero(np.diff(self.decided, prepend=self.decided[0] - 1))

    def bounds(self, n_blocks: int, cut: Cut) -> Rows:
        """The first row of each block, and the end: shape (n_blocks + 1,). The first blocks have one more where it does not come out even."""
        starts = self.starts(cut)
        if len(starts) < n_blocks:
            unit = "decision time" if cut == "times" else "row"
            raise EvaluationError(f"{how_many(len(starts), unit)} can't be cut into {how_many(n_blocks, 'block')}: ask for fewer")
        size, more = divmod(len(starts), n_blocks)
        firsts = np.arange(n_blocks) * size + np.minimum(np.arange(n_blocks), more)
        return np.append(starts[firsts], len(self.decided))

    def excluded(self, first: int, end: int) -> tuple[Mask, Mask]:
        """What can't be trained on where rows `first` to `end` are tested: by overlap, and by embargo. Both of shape (n_rows,); rows inside are False."""
        overlap, embargo = np.zeros(len(self.decided), dtype=np.bool_), np.zeros(len(self.decided), dtype=np.bool_)
        spans = first + np.flatnonzero(~self.empty[first:end])
        if len(spans):
            overlap[:first] = self.known[:first] > self.decided[spans[0]]
            behind = end + int(np.searchsorted(self.decided[end:], self.known[spans].max()))
            overlap[end:behind] = ~self.empty[end:behind]
        if self.embargo:
            ends = np.sort(self.known[first:end])
            last = np.searchsorted(ends, self.decided, side="right") - 1  # the newest test label that was known by then
            embargo = (last >= 0) & (self.decided - ends[last] <= self.embargo)
            embargo[first:end] = False
        embargo[end : end + self.embargo_rows] = True
        return overlap, embargo

    def split(self, chosen: tuple[int, ...], bounds: Rows, excluded: list[tuple[Mask, Mask]]) -> Split:
        """The split that tests the chosen blocks."""
        tested = np.zeros(len(self.decided), dtype=np.bool_)
        overlap, embargo = tested.copy(), tested.copy()
        for block in chosen:
            tested[bounds[block] : bounds[block + 1]] = True
            overlap |= excluded[block][0]
            embargo |= excluded[block][1]
        overlap &= ~tested
        embargo &= ~(tested | overlap)
        return Split(
            blocks=chosen,
            train=self._rows(~(tested | overlap | embargo)),
            test=self._rows(tested),
            purged=int(np.count_nonzero(overlap)),
            embargoed=int(np.count_nonzero(embargo)),
        )

    def walked(self, fold: int, first: int, end: int, *, train_size: int | None, gap: int, cut: Cut) -> Split:
        """The split that tests rows `first` to `end` and trains before them."""
        usable, tested = np.zeros(len(self.decided), dtype=np.bool_), np.zeros(len(self.decided), dtype=np.bool_)
        usable[:first] = self.known[:first] <= self.decided[first] - gap
        tested[first:end] = True
        purged = first - int(np.count_nonzero(usable))
        if train_size is not None:
            at = np.flatnonzero(usable)
            times = self.decided[at] if cut == "times" else at
            different = np.unique(times)
            if len(different) > train_size:
                usable[at[times < different[-train_size]]] = False
        return Split(blocks=(fold,), train=self._rows(usable), test=self._rows(tested), purged=purged, embargoed=0)

    def _rows(self, which: Mask) -> Rows:
        """Positions among the rows as they were given, ascending."""
        if self.in_order:
            return np.flatnonzero(which)
        given = np.empty_like(which)
        given[self.order] = which
        return np.flatnonzero(given)
