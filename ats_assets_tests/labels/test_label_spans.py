"""Concurrency, uniqueness, weights and the sequential bootstrap, against the book's indicator matrix and its own numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ats_assets.errors import ContractError
from ats_assets.labels.label_spans import concurrency, credited_returns, return_weights, time_decay, uniqueness
from ats_assets.labels.sequential_bootstrap import next_draw, sequential_bootstrap
from ats_assets_tests.rounds import rounds

BOOK = [0, 2, 4], [3, 4, 6]
"""Section 4.5.3: y1 is made of the returns of three bars, y2 and y3 of two each."""
SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=25)
ROUNDS = rounds(40, 2_000)


def matrix(begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
    """The indicator matrix of section 4.5.1, of shape (n_steps, n_labels)."""
    steps = np.arange(end.max())[:, None]
    return ((steps >= begin) & (steps < end)).astype(float)


def mean_shares(of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Snippet 4.4: the mean of 1 / concurrency over the steps of each label."""
    shares = of / np.maximum(of.sum(axis=1, keepdims=True), 1)
    return shares.sum(axis=0) / of.sum(axis=0)


def arrays(spans: list[tuple[int, int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    begin, length, group = np.array(spans).T
    return begin, begin + length, group


@settings(max_examples=ROUNDS, deadline=None)
@given(spans=SPANS)
def test_uniqueness_is_that_of_the_indicator_matrix(spans: list[tuple[int, int, int]]) -> None:
    begin, end, group = arrays(spans)
    found = uniqueness(begin, end, group)
    for one in np.unique(group):
        of = matrix(begin[group == one], end[group == one])
        assert found[group == one] == pytest.approx(mean_shares(of), rel=1e-12)
        assert concurrency(begin[group == one], end[group == one], np.arange(len(of))).tolist() == of.sum(axis=1).tolist()


@settings(max_examples=ROUNDS, deadline=None)
@given(spans=SPANS, scale=st.sampled_from([1, 1_000_000_007]))
def test_a_label_has_the_same_bits_in_any_order_and_with_labels_that_it_does_not_overlap(
    spans: list[tuple[int, int, int]], scale: int
) -> None:
    begin, end, group = (one * scale for one in arrays(spans))
    whole = uniqueness(begin, end, group)
    order = np.random.default_rng(1).permutation(len(begin))
    assert np.array_equal(uniqueness(begin[order], end[order], group[order]), whole[order])
    near = (group == group[0]) & (begin < end[0]) & (end > begin[0])
    assert uniqueness(begin[near], end[near])[0] == whole[0]


def test_time_may_be_nanoseconds() -> None:
    """A step counts for how long it lasts: alone for an hour, together for three."""
    hour = 3_600_000_000_000
    start = 1_704_067_200_000_000_000
    assert uniqueness([start, start + hour], [start + 4 * hour, start + 4 * hour]).tolist() == [0.625, 0.5]


@settings(max_examples=ROUNDS, deadline=None)
@given(spans=SPANS, seed=st.integers(0, 99))
def test_returns_are_credited_as_the_books_snippet_does(spans: list[tuple[int, int, int]], seed: int) -> None:
    begin, end, _ = arrays(spans)
    returns = np.random.default_rng(seed).standard_normal(end.max() + 3)
    of = matrix(begin, end)
    shares = of / np.maximum(of.sum(axis=1, keepdims=True), 1)
    expected = (shares * returns[: len(of), None]).sum(axis=0)
    assert credited_returns(begin, end, returns) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert return_weights(begin, end, returns) == pytest.approx(np.abs(expected) * len(begin) / np.abs(expected).sum(), rel=1e-9)


def test_without_any_return_all_labels_weigh_the_same() -> None:
    assert return_weights([0, 1], [2, 3], np.zeros(3)).tolist() == [1.0, 1.0]
    assert return_weights([0, 1], [2, 3], [0.0, np.nan, 0.1]).tolist() == [0.0, 2.0]


def decayed(weights: NDArray[np.float64], oldest: float) -> NDArray[np.float64]:
    """Snippet 4.11."""
    cumulated = np.cumsum(weights)
    slope = (1.0 - oldest) / cumulated[-1] if oldest >= 0 else 1.0 / ((oldest + 1) * cumulated[-1])
    found = 1.0 - slope * cumulated[-1] + slope * cumulated
    found[found < 0] = 0
    return found


@given(weights=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=20), oldest=st.floats(-0.9, 1.0))
def test_time_decay_is_the_books_line(weights: list[float], oldest: float) -> None:
    found = time_decay(weights, oldest)
    assert found == pytest.approx(decayed(np.array(weights), oldest), abs=1e-12)
    assert found[-1] == 1.0
    assert (np.diff(found) >= 0).all()


def test_the_books_example_of_the_sequential_bootstrap() -> None:
    """Section 4.5.3: after the second label was drawn, the next is one of the three with probability 5/14, 3/14 and 6/14."""
    assert next_draw(*BOOK) == pytest.approx([1 / 3] * 3)
    assert next_draw(*BOOK, drawn=[1]) == pytest.approx([5 / 14, 3 / 14, 6 / 14], rel=1e-15)


def drawn_slowly(of: NDArray[np.float64], numbers: NDArray[np.float64]) -> list[int]:
    """Snippet 4.5, with given random numbers: the average uniqueness of each label among those drawn, made anew for each draw."""
    found: list[int] = []
    for number in numbers:
        chances = np.array([mean_shares(of[:, [*found, i]])[-1] for i in range(of.shape[1])])
        found.append(int(np.searchsorted(np.cumsum(chances / chances.sum()), number, side="right")))
    return found


@settings(max_examples=rounds(10, 300), deadline=None)
@given(spans=st.lists(st.tuples(st.integers(0, 15), st.integers(1, 6), st.just(0)), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_draws_are_those_of_the_books_snippet(spans: list[tuple[int, int, int]], seed: int) -> None:
    begin, end, _ = arrays(sorted(spans))
    numbers = np.random.default_rng(seed).random(len(begin))
    assert sequential_bootstrap(begin, end, seed=seed).tolist() == drawn_slowly(matrix(begin, end), numbers)


def test_sequential_draws_are_more_unique_than_plain_ones() -> None:
    """Section 4.5.4: the median of the mean uniqueness of a draw is about 0.6 by chance, 0.7 drawn one after the other."""
    plain, sequential = [], []
    for seed in range(rounds(200, 3_000)):
        random = np.random.default_rng(seed)
        begin = random.integers(0, 100, size=10)
        end = begin + random.integers(1, 5, size=10) + 1
        of = matrix(begin, end)
        plain.append(mean_shares(of[:, random.integers(0, 10, size=10)]).mean())
        sequential.append(mean_shares(of[:, sequential_bootstrap(begin, end, seed=seed)]).mean())
    assert np.median(plain) == pytest.approx(0.6, abs=0.03)
    assert np.median(sequential) == pytest.approx(0.7, abs=0.03)


def test_many_blocks_of_labels_are_drawn_from_as_one() -> None:
    """More than are kept as one sum, of two groups: frequencies are those of the probabilities."""
    random = np.random.default_rng(4)
    begin = random.integers(0, 400, size=1_000)
    end, group = begin + random.integers(1, 30, size=1_000), random.integers(0, 2, size=1_000)
    drawn = sequential_bootstrap(begin, end, seed=1, group=group)
    assert len(drawn) == 1_000
    chances = next_draw(begin, end, drawn, group)
    again = np.array([sequential_bootstrap(begin, end, seed=seed, draws=1, group=group)[0] for seed in range(400)])
    assert len(np.unique(again)) > 250, "the first draw is any"
    assert chances[np.isin(np.arange(1_000), drawn)].mean() < chances[~np.isin(np.arange(1_000), drawn)].mean()


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ContractError, match="label 1 is decided at 3 and known at 3"):
        uniqueness([0, 3], [1, 3])
    with pytest.raises(ContractError, match="2 decisions, 1 ends"):
        uniqueness([0, 3], [1])
    with pytest.raises(ContractError, match="returns of 2 steps, and labels from step 0 up to 3"):
        return_weights([0], [3], [0.1, 0.1])
    with pytest.raises(ContractError, match="time decay begins at -1"):
        time_decay([1.0], -1.0)
    with pytest.raises(ContractError, match="no label to draw"):
        sequential_bootstrap([], [], seed=1)
    assert not uniqueness([], []).size
    assert not return_weights([], [], []).size
    assert not time_decay([], 0.5).size
