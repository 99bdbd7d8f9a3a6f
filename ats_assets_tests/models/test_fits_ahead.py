"""Fits that workers make: in pieces of neighbours, handed back as bytes."""

from itertools import chain
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.models.fit_answers import answer_at, joined_answers
from ats_assets.models.fits_ahead import PIECE_FITS, PIECE_ROWS, neighbours


@given(rows=st.lists(st.integers(0, 3 * PIECE_ROWS), max_size=40), workers=st.integers(1, 9))
def test_pieces_are_neighbours_with_about_as_many_rows_for_each_worker(rows: list[int], workers: int) -> None:
    fits = cast("Any", list(range(len(rows))))
    pieces = neighbours(fits, rows, workers)
    assert list(chain.from_iterable(pieces)) == fits
    assert all(pieces)
    counted = [max(own, PIECE_ROWS // PIECE_FITS) if own else PIECE_ROWS // PIECE_FITS // 100 for own in rows]
    most, share = max(counted, default=0), sum(counted) / workers
    for piece in pieces:
        assert sum(counted[one] for one in piece) <= min(share, PIECE_ROWS) + most, "a fit is not cut"


def test_of_small_fits_few_go_together_for_their_learner_may_be_a_slow_one() -> None:
    fits = cast("Any", list(range(400)))
    assert max(map(len, neighbours(fits, [100] * 400, 2))) == PIECE_FITS
    assert [len(piece) for piece in neighbours(fits[:10], [100] * 10, 2)] == [4, 4, 1, 1]


def test_fits_whose_history_is_too_short_are_no_work_to_share() -> None:
    pieces = neighbours(cast("Any", list(range(20))), [0] * 10 + [PIECE_ROWS // 10] * 10, 2)
    assert [[one for one in piece if one >= 10] for piece in pieces] == [[10, 11, 12, 13], [14, 15, 16, 17], [18], [19]]


@given(st.lists(st.binary()))
def test_fits_of_one_answer_are_told_apart(answers: list[bytes]) -> None:
    joined = joined_answers(answers)
    assert [answer_at(joined, place) for place in range(len(answers))] == answers
