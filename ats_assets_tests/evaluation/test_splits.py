"""Splits against every pair of spans, one by one, and against purgedcv."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from purgedcv import CombinatorialPurgedCV, PurgedKFold, WalkForwardSplit

from ats_assets.errors import EvaluationError
from ats_assets.evaluation import Split, combinatorial_purged, purged_kfold, walk_forward
from ats_assets_tests.rounds import rounds

SETS = rounds(400, 10_000)
"""Random sets of label spans."""


@dataclass(frozen=True, kw_only=True)
class Spans:
    """A random set: lengths from none to the whole timeline, equal decisions, gaps; sometimes of several symbols and timeframes."""

    decided: np.ndarray
    known: np.ndarray
    n_blocks: int
    n_test_blocks: int
    embargo: int
    embargo_rows: int

    @property
    def cut_as(self) -> dict[str, int]:
        return {"embargo": self.embargo, "embargo_rows": self.embargo_rows}


def random_spans(seed: int) -> Spans:
    random = np.random.default_rng(seed)
    n = int(random.integers(10, 60))
    decided = random.integers(0, int(random.choice([20, 60, 1000])), n)
    lengths = np.where(random.random(n) < 0.15, random.integers(0, 200, n), random.integers(0, int(random.choice([2, 6, 40])), n))
    n_blocks = int(random.integers(2, 8))
    kind = random.integers(3)
    return Spans(
        decided=decided,
        known=decided + lengths,
        n_blocks=n_blocks,
        n_test_blocks=int(random.integers(1, n_blocks)),
        embargo=int(random.integers(1, 40)) if kind == 1 else 0,
        embargo_rows=int(random.integers(1, 15)) if kind == 2 else 0,
    )


def overlaps(spans: Spans, split: Split) -> np.ndarray:
    """Which rows overlap any test row, pair by pair: max of the starts before min of the ends."""
    first = np.maximum(spans.decided[:, None], spans.decided[split.test])
    last = np.minimum(spans.known[:, None], spans.known[split.test])
    return (first < last).any(axis=1)


def embargoed(spans: Spans, split: Split) -> np.ndarray:
    if spans.embargo:
        since = spans.decided[:, None] - spans.known[split.test]
        return ((since >= 0) & (since <= spans.embargo)).any(axis=1)
    place = np.empty(len(spans.decided), dtype=np.int64)
    place[np.argsort(spans.decided, kind="stable")] = np.arange(len(place))
    tested = np.isin(np.arange(len(place)), place[split.test])
    behind = {
        at + step
        for at in np.flatnonzero(tested)
        if at + 1 == len(place) or not tested[at + 1]
        for step in range(1, spans.embargo_rows + 1)
    }
    return np.isin(place, list(behind))


def test_no_training_label_overlaps_a_test_label_or_its_embargo_and_no_other_is_left_out() -> None:
    for seed in range(SETS):
        spans = random_spans(seed)
        if len(np.unique(spans.decided)) < spans.n_blocks:
            continue
        tested = np.zeros(len(spans.decided), dtype=np.int64)
        for split in combinatorial_purged(spans.decided, spans.known, spans.n_blocks, spans.n_test_blocks, **spans.cut_as):
            overlap, embargo = overlaps(spans, split), embargoed(spans, split)
            others = ~np.isin(np.arange(len(tested)), split.test)
            assert np.flatnonzero(others & ~overlap & ~embargo).tolist() == split.train.tolist(), seed
            assert (split.purged, split.embargoed) == ((others & overlap).sum(), (others & embargo & ~overlap).sum()), seed
            assert not set(spans.decided[split.test]) & set(spans.decided[others]), seed  # what was decided together is tested together
            tested[split.test] += 1
        assert len(set(tested)) == 1, seed  # each row is tested as often as any other


def by_purgedcv(splitter: CombinatorialPurgedCV | PurgedKFold | WalkForwardSplit, n_rows: int) -> Iterator[tuple[list[int], list[int]]]:
    for train, test in splitter.split(np.zeros((n_rows, 1))):
        yield train.tolist(), test.tolist()


def times(values: np.ndarray) -> pd.Series:
    return pd.Series(pd.to_datetime(values.astype("datetime64[s]")))


@pytest.mark.parametrize("cut", ["rows", "times"])
def test_splits_are_those_of_purgedcv(cut: Literal["rows", "times"]) -> None:
    for seed in range(rounds(60, 10_000)):
        spans = random_spans(seed)
        decided = np.sort(spans.decided) if cut == "rows" else np.sort(spans.decided) * 100 + np.arange(len(spans.decided))
        known = decided + spans.known - spans.decided
        named = {"prediction_times": times(decided), "evaluation_times": times(known), "embargo_observations": spans.embargo_rows or None}
        named["embargo"] = pd.Timedelta(seconds=spans.embargo) if spans.embargo else None
        cases = (
            (
                combinatorial_purged(decided, known, spans.n_blocks, spans.n_test_blocks, cut=cut, **spans.cut_as),
                CombinatorialPurgedCV(spans.n_blocks, spans.n_test_blocks, **named),
            ),
            (purged_kfold(decided, known, spans.n_blocks, cut=cut, **spans.cut_as), PurgedKFold(spans.n_blocks, **named)),
        )
        for ours, theirs in cases:
            assert [(split.train.tolist(), split.test.tolist()) for split in ours] == list(by_purgedcv(theirs, len(decided))), seed


@pytest.mark.parametrize("window", ["expanding", "sliding"])
def test_walking_forward_is_that_of_purgedcv(window: Literal["expanding", "sliding"]) -> None:
    for seed in range(rounds(60, 10_000)):
        spans = random_spans(seed)
        decided = np.sort(spans.decided)
        known = decided + np.maximum(1, spans.known - spans.decided)
        size = 3 if window == "sliding" else None
        ours = walk_forward(decided, known, 2, test_size=4, train_size=size, gap=spans.embargo, cut="rows")
        theirs = WalkForwardSplit(
            2,
            4,
            window=window,
            train_size=size,
            prediction_times=times(decided),
            evaluation_times=times(known),
            purge_horizon=pd.Timedelta(seconds=spans.embargo),
        )
        assert [(split.train.tolist(), split.test.tolist()) for split in ours] == list(by_purgedcv(theirs, len(decided))), seed


def test_walking_forward_trains_on_what_was_known_at_the_first_decision() -> None:
    for seed in range(rounds(50, 2000)):
        spans = random_spans(seed)
        if len(np.unique(spans.decided)) < 7:
            continue
        for split in walk_forward(spans.decided, spans.known, 3, test_size=2, gap=spans.embargo):
            first = spans.decided[split.test].min()
            assert split.train.tolist() == np.flatnonzero((spans.decided < first) & (spans.known <= first - spans.embargo)).tolist(), seed
            rolling = list(walk_forward(spans.decided, spans.known, 3, test_size=2, train_size=2, gap=spans.embargo))[split.blocks[0]]
            newest = np.unique(spans.decided[split.train])[-2:]
            assert rolling.train.tolist() == [row for row in split.train.tolist() if spans.decided[row] in newest], seed


def test_walk_forward_without_a_size_has_tests_and_first_training_set_of_one_size() -> None:
    decided = np.arange(12)
    assert [split.test.tolist() for split in walk_forward(decided, decided, 3)] == [[3, 4, 5], [6, 7, 8], [9, 10, 11]]


def test_blocks_that_are_not_neighbours_are_purged_around_each_and_not_in_between() -> None:
    decided = np.arange(40)
    split = next(one for one in combinatorial_purged(decided, decided + 2, 4, 2) if one.blocks == (0, 2))
    assert split.train.tolist() == [*range(11, 19), *range(31, 40)]  # 10 and 19, 30 overlap; what lies between stays


def test_a_fold_that_leaves_nothing_to_train_on_is_empty_and_counts_why() -> None:
    decided = np.arange(6)
    splits = list(purged_kfold(decided, decided + 100, 2))
    assert [(split.train.tolist(), split.purged) for split in splits] == [([], 3), ([], 3)]


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("no labelled rows", lambda: purged_kfold(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 2)),
        ("3 decision times can't be cut into 4 blocks", lambda: purged_kfold(np.array([1, 1, 2, 3]), np.array([2, 2, 3, 4]), 4)),
        ("label of row 1 was known at 3, before its decision at 4", lambda: purged_kfold(np.array([1, 4]), np.array([2, 3]), 2)),
        ("whole numbers of one shape", lambda: purged_kfold(np.array([1.0, 2.0]), np.array([2.0, 3.0]), 2)),
        ("whole numbers of one shape", lambda: purged_kfold(np.arange(4), np.arange(3), 2)),
        ("a time or a number of rows, not both", lambda: purged_kfold(np.arange(4), np.arange(4), 2, embargo=1, embargo_rows=1)),
        ("4 of 4 blocks can't be tested", lambda: combinatorial_purged(np.arange(9), np.arange(9), 4, 4)),
        ("leave nothing to train on before 3 tests of 3", lambda: walk_forward(np.arange(9), np.arange(9), 3, test_size=3)),
        ("at least 1 fold", lambda: walk_forward(np.arange(9), np.arange(9), 0)),
    ],
)
def test_what_can_not_be_split_is_said(message: str, make: object) -> None:
    with pytest.raises(EvaluationError, match=message):
        make()  # pyright: ignore[reportCallIssue]
