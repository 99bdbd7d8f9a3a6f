"""What a source keeps of its files: after any change it says what reading all of them says, and it reads those alone that have changed."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files import placed_actions
from ats_assets.sources.adapters.files import source as files
from ats_assets.sources.adapters.files.day_digests import day_digests
from ats_assets.sources.adapters.files.file_state import SETTLED_SECONDS
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.storage.data_version import data_version
from ats_assets_tests.rounds import rounds

XNYS = session_calendar("XNYS", date(2018, 1, 2))
THURSDAY = date(2018, 1, 25)
HEADER = "symbol,date,open,high,low,close,volume,vwap"
NOON = datetime(2018, 2, 2, 12, tzinfo=UTC)
"""A Friday; its session has not closed."""


def written(path: Path, lines: list[str], at: datetime = datetime(2018, 2, 1, 23, tzinfo=UTC)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))


def source(root: Path, *, keep: bool, **settings_: Any) -> FileSource:
    return FileSource(FilesSettings(path=root / "delivered", **settings_), XNYS, now=lambda: NOON, keep=root / "kept" if keep else None)


def answers(of: FileSource, days: list[date]) -> list[Any]:
    """All that it says of bars: what can't be read is its error."""
    try:
        frames = [of.bars(days), of.bars(days[3:4]), of.bars(days[-1:], ["A", "B"])]
        said = [of.symbols(), of.first_session(), of.latest_session(), of.capabilities, of.clock_remark, of.describe(), of.vintage]
    except SourceError as error:
        return [str(error)]
    return [*said, *((data_version(frame), str(frame)) for frame in frames)]


DAYS = [
    "2017-12-29", "2018-01-25", "2018-01-26", "2018-01-27", "2018-01-28", "2018-01-29", "2018-01-30", "2018-01-31", "2018-02-01",
    "2018-02-02", "2018-03-01", "soon", "2018-01-29 10:00", "2018-01-29 11:00", "01/26/2018", "02/01/2018",
]  # fmt: skip
LINES = st.builds(
    lambda symbol, day, close, volume, vwap: f"{symbol},{day},{close},{close},{close},{close},{volume},{vwap}",
    st.sampled_from(["A", "B", "C", ""]),
    st.sampled_from(DAYS),
    st.sampled_from(["1", "2", "-0.0", "0.0", "nan", "x", ""]),
    st.sampled_from(["1", "1.5", ""]),
    st.sampled_from(["", "", "3"]),
)
NAMES = st.sampled_from(["a.csv", "b.csv", "c.csv", "deep/d.csv"])
TIMES = st.sampled_from([datetime(2018, 2, 1, 23, tzinfo=UTC), datetime(2018, 1, 29, 15, tzinfo=UTC), datetime(2018, 2, 2, 11, tzinfo=UTC)])
CHANGES = st.one_of(
    st.tuples(st.just("write"), NAMES, st.lists(LINES, max_size=6), TIMES),
    st.tuples(st.just("append"), NAMES, st.lists(LINES, min_size=1, max_size=2), TIMES),
    st.tuples(st.just("reverse"), NAMES, st.just([]), TIMES),
    st.tuples(st.just("touch"), NAMES, st.just([]), TIMES),
    st.tuples(st.just("remove"), NAMES, st.just([]), TIMES),
)


def change(root: Path, what: str, name: str, lines: list[str], at: datetime) -> None:
    path = root / "delivered" / name
    there = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
    if what == "write":
        written(path, lines, at)
    elif what == "append":
        written(path, [*there, *lines], at)
    elif what == "reverse" and there:
        written(path, there[::-1], at)
    elif what == "touch" and there:
        written(path, there, at)
    elif what == "remove":
        path.unlink(missing_ok=True)


@settings(max_examples=rounds(10, 100, "ATS_TEST_DELIVERIES"), deadline=None)
@given(st.lists(CHANGES, min_size=2, max_size=6))
def test_after_any_changes_it_says_what_reading_all_files_says(changes: list[Any]) -> None:
    """Rows come, go, are corrected, reordered and touched, on days before the calendar, without a session, still running, in the future and unreadable."""
    with TemporaryDirectory() as name:
        root = Path(name)
        written(root / "delivered" / "a.csv", ["A,2018-01-25,1,1,1,1,1,", "B,2018-01-26,1,1,1,1,1,"])
        days = XNYS.sessions(date(2018, 1, 2), date(2018, 2, 6))
        for one in changes:
            change(root, *one)
            assert answers(source(root, keep=True), days) == answers(source(root, keep=False), days)


class Counted:
    """The files that are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        for module, name in ((files, "read_delivery"), (placed_actions, "read_actions")):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name)))

    def _counting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def read(file: Any, *rest: Any, **named: Any) -> Any:
            self.read.append(file.path.name)
            return real(file, *rest, **named)

        return read

    def by(self, root: Path, session: date = THURSDAY, **settings_: Any) -> tuple[list[str], int]:
        """Those that a new look at one session reads, and how many rows the session has."""
        self.read.clear()
        of = source(root, keep=True, **settings_)
        rows = of.bars([session]).height + of.actions([session]).height
        return sorted(self.read), rows


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def delivery(root: Path, symbols: str = "ABCDE") -> list[date]:
    days = XNYS.sessions(date(2018, 1, 2), date(2018, 1, 31))
    for symbol in symbols:
        written(root / "delivered" / f"{symbol}.csv", [f"{symbol},{day},1,1,1,1,1," for day in days])
    return days


def test_a_change_costs_the_files_that_changed(tmp_path: Path, counted: Counted) -> None:
    """One more row in one file, and all of them were read."""
    delivery(tmp_path)
    assert counted.by(tmp_path) == ([f"{symbol}.csv" for symbol in "ABCDE"], 5)
    assert counted.by(tmp_path) == ([], 5)
    change(tmp_path, "append", "C.csv", ["C,2018-02-01,2,2,2,2,1,"], NOON)
    assert counted.by(tmp_path, date(2018, 2, 1)) == (["C.csv"], 1)
    written(tmp_path / "delivered" / "F.csv", ["F,2018-01-25,1,1,1,1,1,"])
    assert counted.by(tmp_path) == (["F.csv"], 6)
    (tmp_path / "delivered" / "A.csv").unlink()
    assert counted.by(tmp_path) == ([], 5)
    change(tmp_path, "touch", "B.csv", [], NOON)
    assert counted.by(tmp_path) == ([], 5), "the content is the same"


def test_one_more_row_writes_one_day(tmp_path: Path) -> None:
    delivery(tmp_path)
    assert source(tmp_path, keep=True).latest_session() == date(2018, 1, 31)
    before = {path.name for path in (tmp_path / "kept").rglob("*.arrow")}
    change(tmp_path, "append", "C.csv", ["C,2018-01-30,2,2,2,2,1,"], NOON)
    assert source(tmp_path, keep=True).bars([date(2018, 1, 30)]).height == 6
    new = {path.name for path in (tmp_path / "kept").rglob("*.arrow")} - before
    assert [name[:10] for name in new] == ["2018-01-30"]


def test_a_file_whose_size_and_time_are_the_same_is_read_when_it_has_just_been_written(tmp_path: Path) -> None:
    """Times are coarse: what was written within them may be written again."""
    path = tmp_path / "delivered" / "a.csv"
    written(path, ["A,2018-01-25,1,1,1,1,1,"])
    assert source(tmp_path, keep=True).bars([THURSDAY])["close"][0] == 1.0
    stat = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace(",1,1,1,1,1,", ",2,2,2,2,1,"), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_ctime - stat.st_ctime < SETTLED_SECONDS
    assert source(tmp_path, keep=True).bars([THURSDAY])["close"][0] == 2.0


def test_actions_are_read_from_the_files_that_changed(tmp_path: Path, counted: Counted) -> None:
    delivery(tmp_path, "A")
    for symbol in "ABC":
        path = tmp_path / "actions" / f"{symbol}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("ex_date,type,ratio\n2018-01-25,split,2\n", encoding="utf-8")
    setting: dict[str, Any] = {"actions": tmp_path / "actions"}
    assert counted.by(tmp_path, **setting) == (["A.csv", "A.csv", "B.csv", "C.csv"], 4)
    assert counted.by(tmp_path, **setting) == ([], 4)
    last = tmp_path / "actions" / "C.csv"
    last.write_text("ex_date,type,ratio\n2018-01-25,split,2\n2018-01-26,split,3\n", encoding="utf-8")
    assert counted.by(tmp_path, date(2018, 1, 26), **setting) == (["C.csv"], 2)
    expected = source(tmp_path, keep=False, **setting).actions(XNYS.sessions(THURSDAY, date(2018, 1, 26)))
    assert_frame_equal(source(tmp_path, keep=True, **setting).actions(XNYS.sessions(THURSDAY, date(2018, 1, 26))), expected)


def test_other_settings_and_another_calendar_read_all_again(tmp_path: Path, counted: Counted) -> None:
    delivery(tmp_path, "AB")
    assert counted.by(tmp_path)[0] == ["A.csv", "B.csv"]
    assert counted.by(tmp_path, stamp="close")[0] == ["A.csv", "B.csv"]
    counted.read.clear()
    keep = tmp_path / "kept"
    other = FileSource(FilesSettings(path=tmp_path / "delivered"), session_calendar("XNYS", date(2018, 1, 3)), now=lambda: NOON, keep=keep)
    assert (other.first_session(), counted.read) == (date(2018, 1, 3), ["A.csv", "B.csv"])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: [flip(path) for path in kept.rglob("*.arrow")],
        lambda kept: [path.unlink() for path in kept.rglob("*.arrow")],
        lambda kept: [path.write_bytes(b"no database, " * 100) for path in kept.rglob("kept.sqlite")],
        shutil.rmtree,
    ],
    ids=["a bit flipped", "rows gone", "database destroyed", "all gone"],
)
@pytest.mark.parametrize("changed", [False, True])
def test_what_was_kept_and_is_damaged_is_never_answered(tmp_path: Path, damage: Callable[[Path], object], *, changed: bool) -> None:
    days = delivery(tmp_path)
    expected = source(tmp_path, keep=True).bars(days)
    damage(tmp_path / "kept")
    if changed:
        change(tmp_path, "append", "C.csv", ["C,2018-01-25,2,2,2,2,1,"], NOON)
        expected = source(tmp_path, keep=False).bars(days)
    assert_frame_equal(source(tmp_path, keep=True).bars(days), expected)
    assert_frame_equal(source(tmp_path, keep=True).bars(days), expected)


def test_where_nothing_can_be_kept_all_files_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    days = delivery(tmp_path)
    (tmp_path / "kept").write_text("a file in the folder's place")
    assert source(tmp_path, keep=True).bars(days).height == 5 * len(days)
    assert "can't be kept" in caplog.text


def test_a_file_that_cannot_be_read_costs_itself_alone(tmp_path: Path, counted: Counted) -> None:
    delivery(tmp_path)
    (tmp_path / "delivered" / "B.csv").write_text("")
    for read in (list("ABCDE"), ["B"]):
        with pytest.raises(SourceError, match=r"B.csv is empty"):
            counted.by(tmp_path)
        assert sorted(counted.read) == [f"{symbol}.csv" for symbol in read]


def test_what_replaced_rows_were_goes_after_a_day_and_sources_that_nobody_reads_after_a_month(tmp_path: Path) -> None:
    days = delivery(tmp_path)
    assert source(tmp_path, keep=True).latest_session() == days[-1]
    unused = tmp_path / "kept" / "other"
    unused.mkdir()
    (unused / "kept.sqlite").touch()
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file():
            long_ago = (datetime.now(UTC) - timedelta(days=31)).timestamp()
            os.utime(path, (long_ago, long_ago))
    shutil.rmtree(tmp_path / "delivered")
    written(tmp_path / "delivered" / "A.csv", ["A,2018-01-25,1,1,1,1,1,"])
    assert source(tmp_path, keep=True).bars([THURSDAY]).height == 1
    assert len(list((tmp_path / "kept").rglob("*.arrow"))) == 1
    assert not unused.exists()


def test_digests_tell_every_bit_apart() -> None:
    schema = files.RAW_BARS_SCHEMA
    row = {"symbol": "A", "date": THURSDAY, "clock": None, "open": 0.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0, "vwap": None}
    variants = [
        {},
        {"open": -0.0},
        {"open": None},
        {"open": float("nan")},
        {"vwap": 0.0},
        {"symbol": "B"},
        {"symbol": None},
        {"defects": "x"},
        {"defects": ""},
        {"clock": datetime(2018, 1, 25)},  # noqa: DTZ001
        {"clock": datetime(1970, 1, 1)},  # noqa: DTZ001
        {"open": 1.0, "high": 0.0},
    ]
    types = {**{name: dtype for name, dtype in schema.items() if name != "session"}, "clock": pl.Datetime("us")}
    frames = [pl.DataFrame([row | {"defects": None} | one], schema=types) for one in variants]
    digests = [day_digests(frame)[str(THURSDAY)] for frame in frames]
    assert len(set(digests)) == len(variants)
    two = pl.concat(frames[:2])
    assert day_digests(two) != day_digests(two.reverse()), "the order counts"
