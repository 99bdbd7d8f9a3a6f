"""Answers that are kept as bytes: never older than what is stored, the same to every reader, closed to who may not read."""

import gzip
import itertools
import threading
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.ready_answers import FilesSeen, ReadyAnswers
from ats_assets.serving.roles import Role
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.conftest import Asking

SIGNALS = "/api/v1/signals"
NEWEST, BEFORE = date(2021, 3, 31), date(2021, 3, 30)


def test_a_replaced_partition_is_told_at_once(own_deployment: Deployment, asking: Asking) -> None:
    client, warehouse = asking(own_deployment), own_deployment.warehouse
    before = [client.get(SIGNALS) for _ in range(3)]
    assert before[0].content == before[2].content
    assert client.app.state.service.ready.find(SIGNALS, b"") is not None, "it is kept"
    warehouse.write("signals", NEWEST, warehouse.read("signals", [NEWEST]).with_columns(score=pl.col("score") + 1))
    after = client.get(SIGNALS, headers={"if-none-match": before[0].headers["etag"]})
    assert after.status_code == 200
    assert after.json()["data"][0]["score"] == before[0].json()["data"][0]["score"] + 1
    assert after.json()["data_version"] != before[0].json()["data_version"]


def test_a_new_session_is_told_at_once(own_deployment: Deployment, asking: Asking) -> None:
    """The newest session is taken away, asked for, and put back."""
    client, folder = asking(own_deployment), own_deployment.warehouse.root / "signals"
    away = folder.rename(folder.with_name("signals-away"))
    folder.mkdir()
    for day in (BEFORE, NEWEST):
        (away / f"session={day}").rename(folder / f"session={day}")
        assert {client.get(SIGNALS).json()["session"] for _ in range(2)} == {str(day)}


def test_compressed_and_whole_are_the_same_content_with_tags_of_their_own(own_deployment: Deployment, asking: Asking) -> None:
    client = asking(own_deployment)
    client.get(SIGNALS)
    whole = client.get(SIGNALS, headers={"accept-encoding": "identity"})
    squeezed = client.get(SIGNALS, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in whole.headers
    assert squeezed.headers["content-encoding"] == "gzip"
    assert squeezed.content == whole.content, "the client unpacks it"
    assert whole.headers["etag"] != squeezed.headers["etag"]
    kept = client.app.state.service.ready.find(SIGNALS, b"")
    assert gzip.decompress(kept.compressed) == kept.body == whole.content
    for tag in (whole.headers["etag"], squeezed.headers["etag"], f'"other", W/{whole.headers["etag"]}', "*"):
        assert client.get(SIGNALS, headers={"if-none-match": tag}).status_code == 304
    assert client.get(SIGNALS, headers={"if-none-match": '"other"'}).status_code == 200


def test_what_is_kept_is_closed_to_who_may_not_read(own_deployment: Deployment) -> None:
    """One service: a reader has asked, and nobody else gets the bytes."""
    from starlette.testclient import TestClient  # noqa: PLC0415

    key = KeyStore(own_deployment.settings.storage.data).add("reader", Role.READ)
    client = TestClient(make_app(own_deployment), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 1))
    assert client.get(SIGNALS, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert client.app.state.service.ready.find(SIGNALS, b"") is not None
    assert client.get(SIGNALS).status_code == 401


@pytest.mark.parametrize("most", [0, 3_000, 10_000])
def test_no_more_is_kept_than_settings_say(tmp_path: Path, most: int) -> None:
    ready, files = ReadyAnswers(most), FilesSeen([tmp_path])
    for n in range(10):
        ready.keep("/x", str(n).encode(), route="/x", tag='"a"', body=b"x" * 1_000, files=files)
    kept = [n for n in range(10) if ready.find("/x", str(n).encode())]
    assert kept == list(range(10 - max(1, most // 1_000), 10)), "the newest"


def test_version_and_content_are_of_one_state_while_it_is_written(own_deployment: Deployment, asking: Asking) -> None:
    """Two states of the newest session take turns as fast as they are written, and each answer is one of them, whole; it failed when the version was read before the content alone."""
    client, warehouse = asking(own_deployment), own_deployment.warehouse
    rows = warehouse.read("signals", [NEWEST])
    states = [rows, rows.with_columns(score=pl.col("score") + 1)]
    told: dict[str, float] = {}
    for state in states:
        warehouse.write("signals", NEWEST, state)
        answer = client.get(SIGNALS).json()
        told[answer["data_version"]] = answer["data"][0]["score"]
    assert len(told) == 2
    done = threading.Event()

    def write() -> None:
        other = Warehouse(warehouse.root, fsync=False)
        for n in itertools.count():
            other.write("signals", NEWEST, states[n % 2])
            if done.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(rounds(20, 2_000)):
            answer = client.get(SIGNALS, params={"limit": n + 1})  # asked for the first time each, so that it is read
            if answer.status_code == 503:
                assert answer.json()["type"] == "urn:ats:problem:busy"
                continue
            said = answer.json()
            assert said["data"][0]["score"] == told[said["data_version"]]
    finally:
        done.set()
        writer.join()
