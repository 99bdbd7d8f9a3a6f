"""What was told of topics, kept: one history whoever writes it, whatever becomes of the file."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.serving.stream.delta_store import FILE, DeltaStore, News, Renewed
from ats_assets.serving.stream.topic_log import MOST_DELTAS, RowChange, TopicLog, apply_change, change_of, row_difference, row_text
from ats_assets_tests.rounds import rounds

ROWS = st.dictionaries(
    st.text(max_size=3),
    st.one_of(st.integers(), st.floats(allow_nan=True), st.text(max_size=3)).map(lambda value: row_text({"value": value})),
    max_size=4,
)


def keyed(rows: dict[str, str]) -> dict[str, str]:
    """Rows with their keys in them."""
    return {key: row_text({"key": key, "row": text}) for key, text in rows.items()}


@given(before=ROWS.map(keyed), after=ROWS.map(keyed))
def test_a_difference_makes_the_one_of_the_other_also_by_way_of_its_text(before: dict[str, str], after: dict[str, str]) -> None:
    change = row_difference(before, after)
    made = dict(before)
    apply_change(made, change_of(change.body))
    assert made == after
    assert bool(change) is (before != after)


class Reader:
    """What a process has told, and what its clients hold by it."""

    def __init__(self, path: Path) -> None:
        self.store = DeltaStore(path)
        self.log = self.store.load("orders")

    def tell(self, rows: dict[str, str]) -> None:
        self.hear(self.store.tell({"orders": rows}))

    def hear(self, news: Iterable[News]) -> None:
        for one in news:
            if isinstance(one, Renewed):
                self.log = one.log
            else:
                self.log.take(one)  # which complains of a hole


@settings(max_examples=rounds(25, 500))
@given(steps=st.lists(st.tuples(st.sampled_from([0, 1, 0, 1, 2, 3]), ROWS.map(keyed)), max_size=14))
def test_two_processes_tell_one_history(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, dict[str, str]]]) -> None:
    """2 and 3: the first, or the second, is started anew."""
    path = tmp_path_factory.mktemp("store") / FILE
    both = [Reader(path), Reader(path)]
    cursors: dict[str, dict[str, str]] = {}
    try:
        for who, rows in steps:
            if who >= 2:
                both[who - 2].store.close()
                both[who - 2] = Reader(path)
            else:
                both[who].tell(rows)
                assert both[who].log.rows == rows
                cursors[both[who].log.cursor] = dict(rows)
        late = Reader(path)
        late.store.close()
        for cursor, rows in cursors.items():
            missed = late.log.since(cursor)
            assert missed is not None
            for delta in missed:
                apply_change(rows, delta.change)
            assert rows == late.log.rows
    finally:
        for one in both:
            one.store.close()


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    first = Reader(tmp_path / FILE)
    first.tell(keyed({"a": "1"}))
    cursor = first.log.cursor
    first.store.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / FILE).write_bytes(os.urandom(5000))
    second = Reader(tmp_path / FILE)
    assert second.log.sequence == 0
    second.tell(keyed({"a": "2"}))
    assert second.log.since(cursor) is None
    assert second.store.fault == ""
    second.store.close()
    third = Reader(tmp_path / FILE)
    assert third.log.rows == keyed({"a": "2"})
    third.store.close()


def test_while_it_cannot_be_written_it_goes_on_in_memory_and_catches_up(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "folder" / FILE)
    reader.tell(keyed({"a": "1"}))
    reader.store.close()
    (tmp_path / "folder").rename(tmp_path / "away")
    (tmp_path / "folder").write_text("a file where the folder was", encoding="utf-8")
    reader.tell(keyed({"a": "2"}))
    reader.tell(keyed({"a": "3"}))
    assert (reader.log.sequence, reader.log.rows) == (3, keyed({"a": "3"}))
    assert "can't be written" in reader.store.fault
    (tmp_path / "folder").unlink()
    (tmp_path / "away").rename(tmp_path / "folder")
    reader.tell(keyed({"a": "4"}))
    assert reader.store.fault == ""
    reader.store.close()
    again = Reader(tmp_path / "folder" / FILE)
    assert (again.log.cursor, again.log.rows) == (reader.log.cursor, reader.log.rows)
    again.store.close()


def test_what_is_too_old_is_let_go(tmp_path: Path) -> None:
    log, cursors = TopicLog(topic="orders"), ["0-"]
    for number in range(MOST_DELTAS + 5):
        log.take(log.next(RowChange(set=keyed({"a": str(number)}))))
        cursors.append(log.cursor)
    assert log.since(cursors[0]) is None
    assert log.since(cursors[5]) is None
    assert len(log.since(cursors[6]) or ()) == MOST_DELTAS - 1
    assert log.since(cursors[-1]) == []
