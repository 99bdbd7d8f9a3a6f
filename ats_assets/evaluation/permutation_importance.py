"""What a model owes to its features out of sample: permutation importance in purged folds, of single features and of clusters, and each feature alone.

Gain says what trees looked at, in sample. Here is what they would miss (López de Prado, Advances in Financial Machine Learning, 2018, chapter 8; Machine Learning for Asset Managers,
2020, section 6.5.2):

- **Mean decrease** (MDA): fit on a fold's training rows, score its test rows; permute a feature among the test rows, score again; what is lost is its importance. Two features that
  say the same stand in for each other, and both look worthless.
- **Clustered**: the features of a cluster are permuted together, by the same permutation, so that none can stand in for another.
- **Single feature** (SFI): a model of the feature alone. Nothing stands in for it, and nothing helps it.

In a panel values are permuted within their session: between sessions they would take the market's state with them, which the order of symbols is not about.

Random numbers are of the seed, the fold and the name alone: the importance of a feature is the same whichever others are asked for, and in any order.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.splits import Split

Rows = NDArray[np.int64]
Values = NDArray[np.float32]
Scores = NDArray[np.float64]
Predict = Callable[[Any], Scores]
"""Rows, such as an array of shape (n_rows, n_features), to scores of shape (n_rows,)."""
Fit = Callable[[Rows, Rows], Predict]
"""Training rows and the columns to learn from (positions) -> the fitted model of these columns."""
Judge = Callable[[Scores, Rows], float]
"""Scores of test rows, and which they are, to how good they are: higher is better; NaN where it can't be said."""


class FeatureRows(Protocol):
    """What a model scores: rows that can be chosen by position, with as many features as the last number of the shape says."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first, features last."""
        ...

    def __getitem__(self, rows: Any, /) -> Any:
        """Those rows."""
        ...


def deal_columns(rows: Values, columns: Sequence[int], order: Rows) -> Values:
    """A copy in which each row has the values of another one in some columns.

    Examples
    --------
    >>> deal_columns(np.array([[1, 10], [2, 20]], dtype=np.float32), [1], np.array([1, 0])).tolist()
    [[1.0, 20.0], [2.0, 10.0]]
    """
    dealt = rows.copy()
    at = np.asarray(columns, dtype=np.int64)
    dealt[:, at] = rows[np.ix_(order, at)]
    return dealt


def choose_columns(rows: Values, columns: Rows) -> Values:
    """Some columns of rows, in C order."""
    return np.ascontiguousarray(rows[:, columns])


@dataclass(frozen=True, kw_only=True)
class Importance:
    """What was found of one feature, or one cluster."""

    name: str
    mean: float
    """Over the folds, in the unit of the judge; NaN where no fold could be judged."""
    standard_error: float
    """Of this mean, from how the folds differ; NaN of fewer than two."""
    folds: tuple[float, ...]
    """Of each fold that could be judged."""


def mean_decreases(
    x: FeatureRows,
    splits: Sequence[Split],
    fit: Fit,
    judge: Judge,
    groups: Mapping[str, Sequence[int]],
    *,
    within: Rows | None = None,
    seed: int = 0,
    deal: Callable[[Any, Sequence[int], Rows], Any] = deal_columns,
) -> list[Importance]:
    """What a model loses out of sample when features tell nothing any more.

    Parameters
    ----------
    x
        ndarray of float32 of shape (n_rows, n_features).
    splits
        Purged ones, see `ats_assets.evaluation.splits`; one without training rows is left out.
    fit, judge
        One fit a split; one judgement a split and a group.
    groups
        Name -> the columns that are permuted together: one each for single features, those of a cluster for clusters.
    within
        ndarray of int64 of shape (n_rows,), the session of each row: values stay in it. Default: they are permuted among all test rows of a split.
    seed
        Of the permutations.
    deal
        Gives each of some rows the values of another one in some columns, for rows that are no array.

    Returns
    -------
    list of Importance
        In the order of the groups.

    Raises
    ------
    EvaluationError
        If a group has no column, or one that there is not.

    Examples
    --------
    The first feature is all that counts:

    >>> import numpy as np
    >>> from ats_assets.evaluation.splits import purged_kfold
    >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    >>> y, days = x[:, 0], np.arange(200)
    >>> def fit(train, columns):
    ...     return lambda rows: rows[:, 0].astype(np.float64)
    >>> def judge(scores, rows):
    ...     return -float(np.mean((scores - y[rows]) ** 2))
    >>> splits = list(purged_kfold(days, days + 1, 4))
    >>> [round(one.mean, 1) for one in mean_decreases(x, splits, fit, judge, {"a": [0], "b": [1]})]
    [1.9, 0.0]
    """
    _check(groups, x.shape[-1])
    lost: dict[str, list[float]] = {name: [] for name in groups}
    every = np.arange(x.shape[-1])
    for number, split in enumerate(splits):
        if len(split.train) == 0 or len(split.test) == 0:
            continue
        predict = fit(split.train, every)
        rows = x[split.test]
        whole = judge(predict(rows), split.test)
        sessions = None if within is None else within[split.test]
        for name, columns in groups.items():
            order = _permutation(len(split.test), sessions, np.random.Generator(np.random.Philox(key=[seed, _key(number, name)])))
            lost[name].append(whole - judge(predict(deal(rows, columns, order)), split.test))
    return [importance_of(name, folds) for name, folds in lost.items()]


def single_features(
    splits: Sequence[Split],
    x: FeatureRows,
    fit: Fit,
    judge: Judge,
    columns: Mapping[str, int],
    *,
    choose: Callable[[Any, Rows], Any] = choose_columns,
) -> list[Importance]:
    """How good a model of each feature alone is out of sample.

    Parameters
    ----------
    splits, x, fit, judge
        As `mean_decreases`; one fit a split and a feature.
    columns
        Name -> column.
    choose
        Gives some columns of rows, for rows that are no array.

    Raises
    ------
    EvaluationError
        If there is no such column.
    """
    _check({name: [column] for name, column in columns.items()}, x.shape[-1])
    usable = [split for split in splits if len(split.train) and len(split.test)]
    found = []
    for name, column in columns.items():
        of = np.array([column])
        folds = [judge(fit(split.train, of)(choose(x[split.test], of)), split.test) for split in usable]
        found.append(importance_of(name, folds))
    return found


def _check(groups: Mapping[str, Sequence[int]], n_features: int) -> None:
    for name, columns in groups.items():
        if not columns or min(columns) < 0 or max(columns) >= n_features:
            raise EvaluationError(
                f"{name} has the columns {[*columns]}, and there are {n_features}: name at least one, from 0 to {n_features - 1}"
            )


def _key(fold: int, name: str) -> int:
    return (fold << 32) | zlib.crc32(name.encode())


def _permutation(n_rows: int, sessions: Rows | None, random: np.random.Generator) -> Rows:
    """Which row each takes its values from."""
    if sessions is None:
        return random.permutation(n_rows)
    shuffled = np.lexsort((random.random(n_rows), sessions))  # by session, in random order inside it
    order = np.empty(n_rows, dtype=np.int64)
    order[np.argsort(sessions, kind="stable")] = shuffled
    return order


def importance_of(name: str, folds: Sequence[float]) -> Importance:
    """What the folds come to; one that is NaN could not be judged."""
    judged = np.array([value for value in folds if not np.isnan(value)])
    n = len(judged)
    return Importance(
        name=name,
        mean=float(judged.mean()) if n else float("nan"),
        standard_error=float(judged.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        folds=tuple(judged.tolist()),
    )
