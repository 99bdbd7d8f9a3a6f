"""Requests to any vendor, against a server that misbehaves."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.vendors.answer import Answer
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.errors import (
    VendorAnswerLostError,
    VendorError,
    VendorKeysError,
    VendorPagesError,
    VendorPausedError,
    VendorRateLimitError,
    VendorRefusedError,
    VendorUnreachableError,
)
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets.vendors.vendor_state import VendorState
from ats_assets_tests.rounds import rounds
from ats_assets_tests.vendors.doubles import Asked, Mishap, Told, VendorDouble, Wrong

KEY, OTHER = "kEyOfTheVendor0123456789", "nExTkEyOfTheVendor987654"
ROWS = 23
PAGE = 5


def listing(asked: Asked) -> Told:
    """Rows with ids, in pages that say how many rows they have and name the next one."""
    start = int(asked.query.get("cursor", "0"))
    rows = [{"id": n} for n in range(start, min(start + PAGE, ROWS))]
    more = {"next": str(start + PAGE)} if start + PAGE < ROWS else {}
    return Told({"results": rows, "count": len(rows), **more})


@pytest.fixture
def double() -> Iterator[VendorDouble]:
    with VendorDouble(listing, keys={KEY}) as served:
        yield served


def http(double: VendorDouble, waits: list[float] | None = None, **how: Any) -> VendorHttp:
    environment = how.pop("environment", {"SOME_API_KEY": KEY})
    sleep = (waits if waits is not None else []).append
    given = {"backoff": Backoff(max_seconds=60, sleep=sleep, draw=lambda: 0.5), "timeout_seconds": 5} | how
    return VendorHttp("some", double.url, VendorKeys("SOME_API_KEY", environment=environment), VendorLimits(), **given)


def ids(asking: VendorHttp) -> list[int]:
    pages = asking.pages(
        "/v1/rows", {"symbol": "AAPL"}, following, rows=lambda page: page.body["results"], said_rows=lambda page: page.body["count"]
    )
    return [row["id"] for page in pages for row in page.body["results"]]


def following(answer: Answer) -> dict[str, str] | None:
    return {"cursor": answer.body["next"]} if "next" in answer.body else None


PASSING = [Wrong.RATE_LIMIT, Wrong.ERROR, Wrong.NO_ANSWER, Wrong.CUT, Wrong.NOT_JSON, Wrong.TRUNCATED, Wrong.EMPTY, Wrong.HALF_PAGE]


@pytest.mark.parametrize("wrong", PASSING)
def test_a_page_that_is_spoilt_is_asked_for_again(double: VendorDouble, wrong: Wrong):
    double.script.append(Mishap(wrong, times=3, skip=2, retry_after="7"))
    waits: list[float] = []
    assert ids(http(double, waits)) == list(range(ROWS))
    assert len(double.journal) == 5 + 3
    assert waits == ([7.0, 7.0, 7.0] if wrong is Wrong.RATE_LIMIT else [0.5, 1.0, 2.0])


@pytest.mark.parametrize("wrong", [Wrong.REPEATED_PAGE, Wrong.LOOP])
def test_pages_that_contradict_each_other_are_an_error(double: VendorDouble, wrong: Wrong):
    double.script.append(Mishap(wrong, skip=2))
    with pytest.raises(VendorPagesError, match="already"):
        ids(http(double))


mishaps = st.builds(Mishap, st.sampled_from([*PASSING, Wrong.REPEATED_PAGE, Wrong.LOOP]), times=st.integers(1, 4), skip=st.integers(0, 6))


@settings(max_examples=rounds(15, 300))
@given(script=st.lists(mishaps, max_size=3))
def test_whatever_goes_wrong_rows_come_once_or_not_at_all(script: list[Mishap]):
    with VendorDouble(listing, keys={KEY}) as double:
        double.script = script
        found: list[int] = []
        with contextlib.suppress(VendorError):
            found = ids(http(double))
        assert found in ([], list(range(ROWS)))


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (Wrong.RATE_LIMIT, VendorRateLimitError, r"too many requests \(429\), 2 times: wait a minute"),
        (Wrong.ERROR, VendorAnswerLostError, r"the server failed \(503\), 2 times: wait until some is back"),
        (Wrong.CUT, VendorAnswerLostError, "broke off"),
        (Wrong.NO_ANSWER, VendorAnswerLostError, "the connection broke before an answer came"),
        (Wrong.NOT_JSON, VendorAnswerLostError, r"the answer \(200, text/html, \d+ bytes\) is not JSON"),
        (Wrong.HALF_PAGE, VendorAnswerLostError, r"the page says that it has 5 rows, and has 2"),
        (Wrong.REDIRECT, VendorRefusedError, r"refused \(302\)"),
    ],
)
def test_attempts_end_with_a_clear_error(double: VendorDouble, wrong: Wrong, error: type[VendorError], said: str):
    double.script.append(Mishap(wrong, times=None))
    with pytest.raises(error, match=said) as caught:
        ids(http(double, max_attempts=2))
    assert "some: GET /v1/rows?symbol=AAPL" in str(caught.value)


def test_a_late_answer(double: VendorDouble):
    double.script.append(Mishap(Wrong.LATE, seconds=0.5))
    with pytest.raises(VendorAnswerLostError, match=r"no answer within 0\.1 seconds"):
        http(double, timeout_seconds=0.1, max_attempts=1).get("/v1/rows")


def test_a_server_that_is_not_there():
    with VendorDouble(listing) as double:
        pass
    with pytest.raises(VendorUnreachableError, match="no connection"):
        http(double, max_attempts=2).get("/v1/rows")


def test_a_next_page_on_another_server_is_not_asked(double: VendorDouble):
    with VendorDouble(listing) as other, pytest.raises(VendorPagesError, match="the key is not meant for it"):
        list(http(double).pages("/v1/rows", None, lambda _: f"{other.url}/v1/rows?cursor=5"))
    assert not other.journal
    assert [row["id"] for page in http(double).pages("/v1/rows", None, link) for row in page.body["results"]] == list(range(ROWS))


def link(answer: Answer) -> str | None:
    return f"/v1/rows?cursor={answer.body['next']}" if "next" in answer.body else None


def test_the_next_key_is_asked_with_first_and_the_old_one_where_it_is_refused(double: VendorDouble):
    environment = {"SOME_API_KEY": KEY, "SOME_API_KEY_NEXT": OTHER}
    asking = http(double, environment=environment)
    assert ids(asking) == list(range(ROWS))
    assert [asked.key for asked in double.journal] == [OTHER] + [KEY] * 5
    double.keys = {OTHER}
    with pytest.raises(VendorKeysError, match=r"refused \(401, unknown API key\)\. SOME_API_KEY is missing, wrong or expired"):
        http(double).get("/v1/rows")
    assert http(double, environment={"SOME_API_KEY": OTHER}).get("/v1/rows").body["count"] == PAGE
    with pytest.raises(SettingsError, match=r"SOME_API_KEY is not set.*SOME_API_KEY_FILE"):
        http(double, environment={}).get("/v1/rows")


def test_a_page_counts_against_the_budget(double: VendorDouble):
    """A listing of five pages took one unit of a budget of two a second."""
    asking = VendorHttp("some", double.url, VendorKeys("SOME_API_KEY", environment={"SOME_API_KEY": KEY}), VendorLimits.per_second(2))
    assert ids(asking) == list(range(ROWS))
    times = [asked.at for asked in double.journal]
    assert all(third - first >= 0.99 for first, third in zip(times, times[2:], strict=False))


@pytest.mark.parametrize("wrong", [Wrong.ECHO, Wrong.REFUSED_ECHO])
def test_no_answer_shows_a_key(double: VendorDouble, wrong: Wrong, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    double.script.append(Mishap(wrong, times=None))
    try:
        shown = repr(http(double).get("/v1/rows", {"q": "a"}))
    except VendorRefusedError as error:
        shown = repr(error) + error.reason
    assert "bearer" in shown.lower()
    assert KEY not in shown + caplog.text


def test_each_request_is_in_the_audit_log_and_an_answer_that_may_be_kept_is_asked_for_once(double: VendorDouble, tmp_path: Path):
    state = VendorState(tmp_path / "v.sqlite")
    asking = http(double, state=state)
    double.script.append(Mishap(Wrong.ERROR, times=1))
    first = asking.get("/v1/rows", {"symbol": "AAPL"}, ttl_seconds=60)
    again = http(double, state=state).get("/v1/rows", {"symbol": "AAPL"}, ttl_seconds=60)
    assert (first.body, first.from_cache, again.from_cache) == (again.body, False, True)
    assert http(double, state=state, cache_seconds=0).get("/v1/rows", {"symbol": "AAPL"}, ttl_seconds=60).from_cache is False
    double.answer = lambda _: Told({"error": "no such symbol"}, status=404, headers={"X-Request-Id": "r17"})
    with pytest.raises(VendorRefusedError):
        asking.get("/v1/none")
    calls = state.calls(datetime(2020, 1, 1, tzinfo=UTC))
    assert [(one.path, one.outcome, one.status, one.attempt) for one in calls] == [
        ("/v1/rows?symbol=AAPL", "lost", 503, 1),
        ("/v1/rows?symbol=AAPL", "answered", 200, 2),
        ("/v1/rows?symbol=AAPL", "from cache", None, 1),
        ("/v1/rows?symbol=AAPL", "answered", 200, 1),
        ("/v1/none", "refused", 404, 1),
    ]
    assert calls[-1].request_id == "r17"
    assert [one.key == "-" for one in calls] == [False, False, True, False, False]
    assert all(one.seconds and one.n_bytes for one in calls if one.status == 200)
    (health,) = state.health()
    assert (health.succeeded, health.failed, health.failures_in_a_row) == (2, 1, 0)
    state.close()


def test_a_vendor_that_is_down_is_not_asked_for_a_while(double: VendorDouble):
    state = VendorState()
    asking = http(double, state=state, max_attempts=2, breaker=Breaker(2, 60.0))
    double.script.append(Mishap(Wrong.ERROR, times=None))
    for _ in range(2):
        with pytest.raises(VendorAnswerLostError):
            asking.get("/v1/rows")
    with pytest.raises(VendorPausedError, match="Nothing is asked of it"):
        asking.get("/v1/rows")
    assert len(double.journal) == 4


def test_a_pause_that_is_too_long_is_not_waited_for_and_all_others_keep_it(double: VendorDouble):
    state, waits = VendorState(), list[float]()
    double.script.append(Mishap(Wrong.RATE_LIMIT, retry_after="3600"))
    with pytest.raises(VendorRateLimitError, match="it asks for a pause of 3600 seconds: wait"):
        http(double, waits, state=state).get("/v1/rows")
    with pytest.raises(VendorRateLimitError, match="asked for a pause, which lasts another 3600"):
        http(double, state=state).get("/v1/rows")
    assert (len(double.journal), waits) == (1, [])


def test_a_key_is_exchanged_while_the_process_runs(double: VendorDouble, tmp_path: Path):
    """A key was read once, so that a process had to be started again for another one."""
    file, following_file = tmp_path / "key", tmp_path / "next"
    file.write_text(f"{KEY}\n")
    state = VendorState()
    asking = http(double, state=state, environment={"SOME_API_KEY_FILE": str(file), "SOME_API_KEY_NEXT_FILE": str(following_file)})
    asking.get("/v1/rows")
    following_file.write_text(OTHER)  # the vendor does not know it yet
    asking.get("/v1/rows")
    asking.get("/v1/rows")
    assert [asked.key for asked in double.journal] == [KEY, OTHER, KEY, KEY]
    assert double.keys is not None
    double.keys.add(OTHER)
    state = VendorState()  # five minutes later
    asking = http(double, state=state, environment={"SOME_API_KEY_FILE": str(file), "SOME_API_KEY_NEXT_FILE": str(following_file)})
    asking.get("/v1/rows")
    double.keys.remove(KEY)
    file.write_text(OTHER)
    following_file.unlink()
    asking.get("/v1/rows")
    assert [asked.key for asked in double.journal[4:]] == [OTHER, OTHER]
    assert len({one.key for one in state.calls(datetime(2020, 1, 1, tzinfo=UTC))}) == 1


BYTES = bytes(range(256)) * 4000


def test_a_large_file_is_there_once_it_is_whole(double: VendorDouble, tmp_path: Path):
    double.answer = lambda _: Told(BYTES)
    double.script.append(Mishap(Wrong.CUT, times=2))
    file = tmp_path / "day" / "trades.csv.gz"
    http(double).save("/flat/trades.csv.gz", None, file)
    assert file.read_bytes() == BYTES
    assert list(file.parent.iterdir()) == [file]
    double.script.append(Mishap(Wrong.CUT, times=None))
    with pytest.raises(VendorAnswerLostError, match="broke off"):
        http(double, max_attempts=2).save("/flat/trades.csv.gz", None, file)
    assert file.read_bytes() == BYTES
    double.script.clear()
    with pytest.raises(VendorAnswerLostError, match="its checksum differs, 2 times"):
        http(double, max_attempts=2).save("/flat/other.gz", None, file, is_whole=lambda _: "its checksum differs")
    assert not list(file.parent.iterdir())
    (tmp_path / "no folder").write_text("")
    with pytest.raises(VendorError, match="can't be written"):
        http(double).save("/flat/other.gz", None, tmp_path / "no folder" / "other.gz")
