"""Fits that workers make: in pieces of neighbours, handed back as bytes."""

from itertools import chain
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.models.fit_answers import answer_at, joined_answers
from ats_assets.models.fits_ahead import PIECE_ROWS, neighbours


@given(rows=st.lists(st.integers(0, 3 * PIECE_ROWS), max_size=40), workers=st.integers(1, 9))
def test_pieces_are_neighbours_with_about_as_many_rows_for_each_worker(rows: list[int], workers: int) -> None:
    fits = cast("Any", list(range(len(rows))))
    pieces = neighbours(fits, rows, workers)
    assert list(chain.from_iterable(pieces)) == fits
    assert all(pieces)
    most, share = max(rows, default=0), sum(rows) / workers
    for piece in pieces:
        assert sum(rows[one] for one in piece) <= min(share, PIECE_ROWS) + most, "a fit is not cut"


@given(st.lists(st.binary()))
def test_fits_of_one_answer_are_told_apart(answers: list[bytes]) -> None:
    joined = joined_answers(answers)
    assert [answer_at(joined, place) for place in range(len(answers))] == answers
