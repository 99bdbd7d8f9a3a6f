"""Results come in order, a few ahead of the caller and no more, and an error where the item is."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.storage.work_ahead import THREADS, worked_ahead


@given(st.lists(st.integers(0, 3) | st.none(), max_size=30))
def test_the_results_are_those_of_a_loop_in_its_order(items: list[int | None]) -> None:
    def slow(item: int | None) -> str:
        time.sleep((item or 0) / 5000)
        return repr(item)

    assert list(worked_ahead(slow, items)) == [repr(item) for item in items]


def test_items_are_taken_by_the_callers_thread_and_only_a_few_ahead() -> None:
    taken: list[int] = []
    takers: set[int] = set()
    workers: set[int] = set()

    def items() -> Iterator[int]:
        for i in range(100):
            taken.append(i)
            takers.add(threading.get_ident())
            yield i

    def work(item: int) -> int:
        workers.add(threading.get_ident())
        return item

    for i, result in enumerate(worked_ahead(work, items())):
        assert result == i
        assert len(taken) <= i + 2 * THREADS + 1
    assert takers == {threading.get_ident()}
    assert threading.get_ident() not in workers


def test_a_single_item_needs_no_thread() -> None:
    assert list(worked_ahead(lambda _item: threading.get_ident(), [1])) == [threading.get_ident()]


def test_an_error_comes_in_the_place_of_its_result() -> None:
    results = worked_ahead(lambda item: 6 // item, [1, 2, 0, 3])
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
