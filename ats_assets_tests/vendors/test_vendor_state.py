"""What all processes share: budgets, breaker, kept answers, audit log; on a file that is locked, full, damaged, or another."""

import itertools
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.vendors import state_file
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.call_log import ANSWERED, CallOutcome, VendorCall
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.errors import VendorAnswerLostError, VendorPausedError, VendorRateLimitError
from ats_assets.vendors.vendor_limits import Limit, VendorLimits
from ats_assets.vendors.vendor_state import Keeping, Terms, VendorState
from ats_assets_tests.rounds import rounds

AT = datetime(2024, 3, 12, 21, 0, tzinfo=UTC)
OUTCOME = CallOutcome(outcome=ANSWERED, status=200, seconds=0.01, n_bytes=10)


def call(key: str = "k1", attempt: int = 1, path: str = "/v1/rows", vendor: str = "some") -> VendorCall:
    return VendorCall(vendor=vendor, host="api.example.com", key=key, method="GET", path=path, attempt=attempt)


class Time:
    """Clocks that stand still until somebody waits."""

    def __init__(self) -> None:
        self.steady = 1_000.0
        self.day = AT

    def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self.steady += seconds
        self.day += timedelta(seconds=seconds)

    def state(self, path: Path | None = None, keeping: Keeping | None = None) -> VendorState:
        return VendorState(path, keeping=keeping, clock=lambda: self.steady, now=lambda: self.day, sleep=self.sleep)


def most_within(times: list[float], seconds: float) -> int:
    """The most of sorted times within any stretch, by an independent count."""
    return max(sum(first <= at < first + seconds for at in times[n:]) for n, first in enumerate(times))


@settings(max_examples=rounds(40, 400))
@given(
    limits=st.lists(st.tuples(st.integers(1, 6), st.sampled_from([1.0, 7.0, 60.0])), min_size=1, max_size=3),
    asks=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3)), min_size=1, max_size=25),
)
def test_no_stretch_has_more_than_the_budget(limits: list[tuple[int, float]], asks: list[tuple[float, int]]):
    """A bucket of tokens that fills up again let twice its size through within one stretch."""
    clocks = Time()
    allowed = VendorLimits(tuple(Limit(units, seconds) for units, seconds in limits))
    times: list[float] = []
    with closing(clocks.state()) as state:
        for wait, weight in asks:
            clocks.pass_by(wait)
            units = min(weight, *(limit.units for limit in allowed.limits))
            before = clocks.steady
            state.begin(call(), Terms(limits=allowed, units=units))
            times += [clocks.steady] * units
            assert clocks.steady - before <= 2 * sum(limit.seconds * 1.05 + 1 for limit in allowed.limits)
    for limit in allowed.limits:
        assert most_within(times, limit.seconds) <= limit.units


def test_a_budget_is_of_a_key_and_what_waits_not_is_counted():
    clocks = Time()
    state, terms = clocks.state(), Terms(limits=VendorLimits.per_minute(2))
    for key in ("k1", "k2", "k1", "k2"):
        state.begin(call(key), terms)
    assert clocks.steady == 1_000
    for _ in range(3):
        state.begin(call("k1"), Terms(limits=terms.limits, waits=False))
    assert clocks.steady == 1_000
    assert [(use.key, use.units, use.most, use.seconds) for use in state.budget_use()] == [("k1", 5, 2, 60.0), ("k2", 2, 2, 60.0)]
    state.begin(call("k1"), terms)
    assert clocks.steady == 1_060.5
    with pytest.raises(VendorRateLimitError, match="weighs 3, and the budget is 2 in 60 seconds: raise vendors"):
        state.begin(call(), Terms(limits=terms.limits, units=3))


def test_a_clock_that_is_set_and_a_machine_that_is_started_again_change_no_budget(tmp_path: Path):
    clocks, terms = Time(), Terms(limits=VendorLimits.per_minute(2))
    with closing(clocks.state(tmp_path / "v.sqlite")) as state:
        state.begin(call(), terms)
        clocks.day -= timedelta(days=400)
        state.begin(call(), terms)
        clocks.day += timedelta(days=4000)
        assert clocks.steady == 1_000
        state.begin(call(), terms)
        assert clocks.steady == 1_060.5
    clocks.steady = 5.0  # the machine was started again
    with closing(clocks.state(tmp_path / "v.sqlite")) as state:
        state.begin(call(), terms)
        assert clocks.steady == pytest.approx(5.0)  # one was left
        state.begin(call(), terms)
        assert clocks.steady == pytest.approx(65.5)


PROCESS = """
import sys, time
from pathlib import Path
from ats_assets.vendors.call_log import VendorCall
from ats_assets.vendors.vendor_limits import Limit, VendorLimits
from ats_assets.vendors.vendor_state import Terms, VendorState

path, units, seconds, n, out = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])
state = VendorState(path)
terms = Terms(limits=VendorLimits((Limit(units, seconds),)))
with out.open("a") as file:
    for _ in range(n):
        state.begin(VendorCall(vendor="some", host="h", key="k", method="GET", path="/"), terms)
        file.write(f"{time.monotonic()!r}\\n")
        file.flush()
"""


def start(path: Path, out: Path, *, units: int, seconds: float, n: int) -> "subprocess.Popen[bytes]":
    arguments = [str(path), str(units), str(seconds), str(n), str(out)]
    return subprocess.Popen([sys.executable, "-c", PROCESS, *arguments], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def written(out: Path) -> list[float]:
    return [float(line) for line in out.read_text().splitlines()] if out.exists() else []


def test_several_processes_share_a_budget_and_nobody_starves(tmp_path: Path):
    path, outs = tmp_path / "v.sqlite", [tmp_path / f"{n}.txt" for n in range(4)]
    processes = [start(path, out, units=12, seconds=0.5, n=16) for out in outs]
    assert [process.wait(60) for process in processes] == [0] * 4
    times = [written(out) for out in outs]
    assert list(map(len, times)) == [16] * 4
    assert most_within(sorted(itertools.chain(*times)), 0.5) <= 12
    waits = [after - before for one in times for before, after in itertools.pairwise(one)]
    assert max(waits) < 3.0, "with four in the queue, and twelve units, each has its turn in the next stretch"


def test_a_process_that_is_killed_frees_nothing_and_holds_nobody_up(tmp_path: Path):
    path, outs = tmp_path / "v.sqlite", [tmp_path / f"{n}.txt" for n in range(3)]
    doomed = [start(path, out, units=6, seconds=0.7, n=1000) for out in outs[:2]]
    while min(len(written(out)) for out in outs[:2]) < 6:
        time.sleep(0.01)
    for process in doomed:  # while they wait in the queue, or as they are granted something
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    killed_at = time.monotonic()
    assert start(path, outs[2], units=6, seconds=0.7, n=8).wait(60) == 0
    times = sorted(itertools.chain.from_iterable(map(written, outs)))
    assert most_within(times, 0.7) <= 6
    assert written(outs[2])[0] - killed_at < 6


def test_a_pause_that_the_vendor_asks_for_is_for_all_processes_and_over_when_it_answers(tmp_path: Path):
    clocks = Time()
    with closing(clocks.state(tmp_path / "v.sqlite")) as mine, closing(clocks.state(tmp_path / "v.sqlite")) as other:
        mine.hold_off(call(), 30)
        other.begin(call("k2"), Terms())
        assert clocks.steady == 1_000
        other.begin(call(), Terms())
        assert clocks.steady == 1_030
        mine.hold_off(call(), 3_000)
        with pytest.raises(VendorRateLimitError, match="asked for a pause, which lasts another 3000 seconds"):
            other.begin(call(), Terms())
        again = call(attempt=2)
        mine.end(mine.begin(again, Terms()), again, OUTCOME)
        other.begin(call(), Terms())


def test_a_vendor_that_fails_again_and_again_is_left_alone_and_then_tried_once(tmp_path: Path):
    clocks, breaker = Time(), Breaker(3, 60.0)
    terms, lost = Terms(breaker=breaker), CallOutcome(outcome="lost", status=503)
    with closing(clocks.state(tmp_path / "v.sqlite")) as mine, closing(clocks.state(tmp_path / "v.sqlite")) as other:

        def fails() -> None:
            mine.end(mine.begin(call(), terms), call(), lost, VendorAnswerLostError("some: failed (503)"), breaker=breaker)

        fails()
        mine.end(mine.begin(call(), terms), call(), OUTCOME, breaker=breaker)
        for _ in range(3):
            assert other.health()[0].breaker == "closed"
            fails()
        with pytest.raises(VendorPausedError, match=r"some \(api.example.com\) failed 3 times in a row, .*503.* another 60 seconds"):
            other.begin(call(), terms)
        other.begin(call(vendor="else"), terms)
        other.begin(call(), Terms())  # who has no breaker asks
        clocks.pass_by(61)
        number = other.begin(call(), terms)
        with pytest.raises(VendorPausedError, match="Another request is trying it now"):
            mine.begin(call(), terms)
        other.end(number, call(), lost, VendorAnswerLostError("some: failed (503)"), breaker=breaker)
        with pytest.raises(VendorPausedError, match="another 60 seconds"):
            mine.begin(call(), terms)
        clocks.steady = 3.0  # the machine was started again
        number = mine.begin(call(), terms)
        mine.end(number, call(), OUTCOME, breaker=breaker)
        mine.begin(call(), terms)
        (found,) = [one for one in mine.health() if one.vendor == "some"]
        assert (found.breaker, found.failures_in_a_row, found.succeeded, found.failed) == ("closed", 0, 2, 5)
        assert found.failure == "some: failed (503)"


def answer(text: str, at: datetime = AT) -> Answer:
    return Answer("/v1/rows", 200, {"Content-Type": "application/json"}, text.encode(), None, False, at)


def test_answers_are_kept_by_every_clock_within_a_size_and_as_they_were(tmp_path: Path):
    clocks, path = Time(), tmp_path / "v.sqlite"
    with closing(clocks.state(path, Keeping(cache_megabytes=1))) as state:

        def kept(url: str = "u") -> Answer | None:
            return state.kept(call(), url, "json", 60)

        assert kept() is None
        state.keep("some", "u", "json", answer("[1]"))
        found = kept()
        assert found is not None
        assert (found.content, found.headers["content-type"], found.from_cache, found.asked_at) == (b"[1]", "application/json", True, AT)
        assert state.kept(call(), "u", "bytes", 60) is None
        clocks.day -= timedelta(seconds=1)  # set back: of tomorrow is not known how old it is
        assert kept() is None
        clocks.day += timedelta(seconds=1)
        clocks.pass_by(59)
        clocks.day -= timedelta(seconds=50)
        assert kept()
        clocks.pass_by(2)
        assert kept() is None
        assert state.cache_hit_rates() == {"some": 2 / 6}
        for n in range(40):
            clocks.pass_by(1)
            state.keep("some", f"u{n}", "json", answer(os.urandom(30_000).hex(), clocks.day))
            assert kept("u0"), "what is used stays"
        with closing(sqlite3.connect(path)) as database:
            assert 0.9e6 < database.execute("SELECT sum(size) FROM answers").fetchone()[0] <= 1e6
            database.execute("UPDATE answers SET content = replace(content, substr(content, 20, 4), 'abcd')")
            database.commit()
        assert kept("u0") is None
        state.keep("some", "large", "json", answer(os.urandom(300_000).hex(), clocks.day))
        assert kept("large") is None


def test_the_audit_log_has_each_request_before_it_is_sent_and_only_the_newest(tmp_path: Path):
    clocks = Time()
    with closing(clocks.state(tmp_path / "v.sqlite", Keeping(audit_days=2, audit_rows_max=700))) as state:
        number = state.begin(call(path="/v1/rows?symbol=AAPL"), Terms())
        assert [(one.outcome, one.status, one.process) for one in state.calls(AT)] == [("sent", None, os.getpid())]
        state.end(number, call(), CallOutcome(outcome="refused", status=404, seconds=0.25, n_bytes=7, request_id="r1"))
        (found,) = state.calls(AT, vendor="some")
        assert (found.at, found.key, found.path, found.outcome, found.status, found.seconds, found.n_bytes, found.request_id) == (
            *(AT, "k1", "/v1/rows?symbol=AAPL", "refused", 404, 0.25, 7, "r1"),
        )
        clocks.pass_by(86_400 * 3)
        for _ in range(499):
            state.begin(call(), Terms())
        assert len(state.calls(AT)) == 499
        for _ in range(500):
            state.begin(call(), Terms())
        assert len(state.calls(AT)) == 700
        assert len(state.calls(AT, limit=3)) == 3
        assert not state.calls(AT, vendor="other")


def test_lines_of_answers_from_the_cache_do_not_keep_the_log_from_being_cut(tmp_path: Path):
    """Every 500th line cuts it; where that one was of an answer from the cache, it was not."""
    with closing(Time().state(tmp_path / "v.sqlite", Keeping(audit_rows_max=400))) as state:
        state.begin(call(), Terms())
        state.keep("some", "u", "json", answer("[1]"))
        for _ in range(600):
            assert state.kept(call(), "u", "json", 1e9)
            state.begin(call(), Terms())
        assert len(state.calls(AT)) == 1201 - (1000 - 400)


DAMAGE = {
    "no database": lambda path: path.write_bytes(b"not a database at all" * 100),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:4096] + os.urandom(path.stat().st_size - 4096)),
    "other form": lambda path: _execute(path, "PRAGMA user_version = 99"),
    "table gone": lambda path: _execute(path, "DROP TABLE calls"),
    "deleted": lambda path: path.unlink(),
}


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_file_is_set_aside_and_stops_nobody(tmp_path: Path, damage: str, is_open: bool, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "v.sqlite"
    states = [VendorState(path) for _ in range(2)]
    for state in states:
        state.begin(call(), Terms())
    if not is_open:
        for state in states:
            state.close()
    else:
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    DAMAGE[damage](path)
    for state in states:
        state.begin(call(), Terms())
    assert {one.outcome for state in states for one in state.calls(datetime.min.replace(year=2000, tzinfo=UTC))} == {"sent"}
    aside = list(tmp_path.glob("v.sqlite.damaged-*[0-9]"))
    if damage not in {"empty", "deleted"} and not (is_open and damage != "table gone"):
        assert len(aside) == 1
        assert "it is kept as" in caplog.text
    with closing(VendorState(path)) as fresh:
        fresh.begin(call(), Terms())
    for state in states:
        state.close()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_file, "BUSY_SECONDS", 0.1)


@pytest.mark.usefixtures("brief")
def test_a_file_that_is_locked_or_can_not_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    clocks, path, terms = Time(), tmp_path / "v.sqlite", Terms(limits=VendorLimits((Limit(2, 10.0),)))
    state = clocks.state(path)
    state.begin(call(), terms)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):  # in memory there is a budget, too
            number = state.begin(call(), terms)
            state.end(number, call(), OUTCOME)
        assert caplog.text.count("SQLITE_BUSY") == 1
        assert "this process counts requests alone" in caplog.text
        assert clocks.steady == 1_010.5
    clocks.pass_by(60)
    state.begin(call(), terms)
    assert len(VendorState(path).calls(AT)) == 2
    state.close()
    folder = tmp_path / "a file"
    folder.write_text("")
    clocks.state(folder / "v.sqlite").begin(call(), terms)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "v.sqlite"
    with closing(VendorState(path)) as state:
        state.begin(call(), Terms())
        (pages,) = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()
        connection = state._file._opened()  # pyright: ignore[reportPrivateUsage]
        connection.execute(f"PRAGMA max_page_count = {pages}")  # what SQLite says of a disk without room
        for _ in range(300):
            number = state.begin(call(path="/" + "x" * 290), Terms())
            state.end(number, call(), OUTCOME)
        assert caplog.text.count("SQLITE_FULL") == 1


SMALL_QUOTA = """
import logging, resource, sys
from pathlib import Path
from ats_assets.vendors.call_log import ANSWERED, CallOutcome, VendorCall
from ats_assets.vendors.vendor_state import Terms, VendorState

logging.basicConfig(level=logging.WARNING)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
state = VendorState(Path(sys.argv[1]))
call = VendorCall(vendor="some", host="h", key="k", method="GET", path="/" + "x" * 290)
for _ in range(400):
    state.end(state.begin(call, Terms()), call, CallOutcome(outcome=ANSWERED, status=200))
print("all were sent")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a quota of files is set as on Linux")
def test_a_quota_that_is_used_up_stops_nobody(tmp_path: Path):
    arguments = [sys.executable, "-c", SMALL_QUOTA, str(tmp_path / "v.sqlite")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    made = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert made.stdout == "all were sent\n", made.stderr
    assert "can't be used now (SQLITE_" in made.stderr
    with closing(VendorState(tmp_path / "v.sqlite")) as state:
        state.begin(call(), Terms())
        assert len(state.calls(datetime(2000, 1, 1, tzinfo=UTC))) > 10, "what was written before is there"


def _asks_in_a_child(state: VendorState) -> None:
    state.begin(call(key="child"), Terms())


@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's")
def test_a_fork_has_a_connection_of_its_own(tmp_path: Path):
    with closing(VendorState(tmp_path / "v.sqlite")) as state:
        state.begin(call(key="parent"), Terms())
        child = multiprocessing.get_context("fork").Process(target=_asks_in_a_child, args=(state,))
        child.start()
        child.join(20)
        assert child.exitcode == 0
        state.begin(call(key="parent"), Terms())
        assert [one.key for one in state.calls(datetime(2000, 1, 1, tzinfo=UTC))] == ["parent", "child", "parent"]
