"""What is asked for is not there, can't be read, or makes no sense: each has an answer that says what to do, and none is a fault of the service."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.pages import encoded_cursor
from ats_assets.trade_state import open_trade_state
from ats_assets_tests.serving.conftest import Asking
from ats_assets_tests.serving.made_deployment import deployment_in
from ats_assets_tests.serving.test_gate import kind
from ats_assets_tests.serving.test_routes import filled

V1 = "/api/v1"


@pytest.mark.parametrize(
    ("path", "status", "what", "names"),
    [
        ("/signals?session=2021-03-06", 404, "no-session", "2021-03-08"),
        ("/signals?session=2030-01-02", 404, "no-session", "2030-01-02"),
        ("/signals?strategy=momentum", 404, "not-found", "model_scores"),
        ("/signals/NOPE", 404, "not-found", "/api/v1/symbols"),
        ("/bars/NOPE", 404, "not-found", "/api/v1/symbols"),
        ("/bars/SYN0000?from=2021-03-05&to=2021-03-01", 422, "wrong-parameters", "swap"),
        ("/predictions?session=2022-03-01", 404, "not-stored", "Make it:"),
        ("/predictions?model=oracle", 404, "not-found", "lightgbm"),
        ("/targets?session=yesterday", 422, "wrong-parameters", "query.session"),
        ("/features/alpha999", 404, "not-found", "alpha158"),
        ("/execution?session=2021-02-01", 404, "not-stored", "execution_quality"),
        ("/portfolio/orders/nothing", 404, "not-found", "/api/v1/portfolio/orders"),
        ("/portfolio/profit?from=2022-01-03&to=2021-01-04", 422, "wrong-parameters", "swap"),
        ("/portfolio/profit?to=2021-01-04", 404, "not-found", "/api/v1/portfolio/equity"),
        ("/lineage/NOPE/2021-03-30", 404, "not-stored", "ats signals"),
        ("/lineage/SYN0000/2021-03-06", 404, "no-session", "2021-03-08"),
        ("/models/oracle", 404, "not-found", "lightgbm"),
        ("/models/lightgbm?session=2021-03-06", 404, "no-session", "2021-03-08"),
        ("/backtests/nothing", 404, "not-found", "/api/v1/backtests"),
        ("/backtests/backtest/nothing", 404, "not-stored", "equity"),
        ("/backtests/..%2f..%2fdata/equity", 404, "not-found", ""),
        ("/reports/..%2f..%2f..%2fats", 404, "not-found", ""),
        ("/settings?section=passwords", 404, "not-found", "serving"),
        ("/signals?limit=0", 422, "wrong-parameters", "query.limit"),
        ("/signals?sesion=2021-03-31", 422, "wrong-parameters", "session"),
        ("/signals?cursor=eyJuIjotMX0", 422, "wrong-cursor", "begin again"),
        ("/signals?cursor=%F0%9F%92%A5", 422, "wrong-cursor", "begin again"),
        ("/portfolio/fills?cursor=eyJuIjoyfQ", 422, "wrong-cursor", "begin again"),
        ("/bars/SYN0000?cursor=eyJuIjoyfQ", 422, "wrong-cursor", "begin again"),
        ("/alerts?cursor=eyJpZCI6IngifQ", 422, "wrong-cursor", "begin again"),
        ("/nothing", 404, "not-found", "openapi.json"),
    ],
)
def test_what_is_not_there_is_said_with_what_to_do(client: TestClient, path: str, status: int, what: str, names: str) -> None:
    answer = client.get(V1 + path)
    assert (answer.status_code, kind(answer)) == (status, what), answer.text
    assert names in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/portfolio/orders", "/portfolio/fills", "/requests"])
@pytest.mark.parametrize(
    ("at", "key"),
    [
        ("0001-01-01T00:00:00+23:59", "x"),
        ("9999-12-31T23:59:59-23:59", "x"),
        ("2021-01-01T00:00:00Z", "\ud800"),
        ("2021-01-01T00:00:00Z", "\x00"),
        ("2021-01-01T00:00:00Z", 5),
        ("2021-01-01T00:00:00", "x"),
    ],
)
def test_a_cursor_that_somebody_made_up_is_no_fault(client: TestClient, path: str, at: str, key: object) -> None:
    """Times that have no UTC, and ids that no text can hold, were answered with 500."""
    answer = client.get(V1 + path, params={"cursor": encoded_cursor(at=at, id=key)})
    assert (answer.status_code, kind(answer)) == (422, "wrong-cursor"), answer.text


def test_a_wrong_method_says_which_are_right(client: TestClient) -> None:
    answer = client.delete(f"{V1}/signals")
    assert (answer.status_code, kind(answer), answer.headers["allow"]) == (405, "wrong-method", "GET")


def test_pages_have_every_row_once_and_say_when_the_data_have_changed(own_deployment: Deployment, asking: Asking) -> None:
    client = asking(own_deployment)
    whole = client.get(f"{V1}/signals").json()["data"]
    rows, cursor = [], None
    for _ in range(20):
        page = client.get(f"{V1}/signals", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        rows += page["data"]
        cursor = page["next"]
        if cursor is None:
            break
    assert rows == whole
    first = client.get(f"{V1}/signals", params={"limit": 3}).json()["next"]
    warehouse, day = own_deployment.warehouse, date(2021, 3, 31)
    warehouse.write("signals", day, warehouse.read("signals", [day]).reverse())
    answer = client.get(f"{V1}/signals", params={"limit": 3, "cursor": first})
    assert (answer.status_code, kind(answer)) == (409, "data-changed")


@pytest.mark.parametrize(
    "path",
    ["/portfolio/fills", "/portfolio/orders", "/bars/SYN0000", "/signals/SYN0000", "/sessions", "/symbols", "/backtests/backtest/trades"],
)
@pytest.mark.parametrize("limit", [1, 7, 5_000])
def test_other_lists_have_every_row_once_in_order(client: TestClient, path: str, limit: int) -> None:
    def pages(size: int) -> list[Any]:
        found, cursor = [], None
        while True:
            page = client.get(V1 + path, params={"limit": size} | ({"cursor": cursor} if cursor else {})).json()
            found.append(page["data"])
            if (cursor := page["next"]) is None:
                return found

    back_in_time = path.startswith("/bars")
    many, one = pages(limit), pages(10_000)
    rows = [row for page in (reversed(many) if back_in_time else many) for row in page]
    assert rows == [row for page in one for row in page]
    assert len(rows) > 7
    assert all(len(page) <= limit for page in many[:-1])


@pytest.fixture
def locked(own_deployment: Deployment) -> Iterator[None]:
    """Another program holds the whole database: not even readers get in."""
    connection = sqlite3.connect(own_deployment.settings.storage.data / "trade_state.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.close()


@pytest.mark.usefixtures("locked")
def test_a_locked_database_is_an_answer_that_says_to_ask_again(own_deployment: Deployment, asking: Asking) -> None:
    client = asking(deployment_in(own_deployment.settings.storage.data.parent, serving={"busy_seconds": 0.05}))
    for path in (
        "/portfolio/account",
        "/portfolio/positions",
        "/portfolio/orders",
        "/portfolio/fills",
        "/portfolio/equity",
        "/portfolio/profit",
    ):
        answer = client.get(V1 + path)
        assert (answer.status_code, kind(answer), answer.headers["retry-after"]) == (503, "busy", "2"), path
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200
    assert client.get(f"{V1}/signals").status_code == 200, "the warehouse is no database"


def test_who_reads_does_not_hold_up_who_trades(own_deployment: Deployment, asking: Asking) -> None:
    """While an executor is inside a transaction, with the write lock, everything can be read; it failed when a reader took the lock, too."""
    client = asking(own_deployment)
    with open_trade_state(own_deployment.settings) as state, state.begin():
        assert client.get(f"{V1}/portfolio/positions").status_code == 200


def test_an_older_or_newer_schema_says_what_to_do(own_deployment: Deployment, asking: Asking) -> None:
    file, client = own_deployment.settings.storage.data / "trade_state.sqlite", asking(own_deployment)
    for version, told in ((1, "ats orders status"), (99, "newer one")):
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE schema_version SET version = ?", (version,))
        connection.close()
        answer = client.get(f"{V1}/portfolio/account")
        assert (answer.status_code, kind(answer)) == (503, "unavailable")
        assert told in answer.json()["detail"]


def test_a_damaged_partition_is_said(own_deployment: Deployment, asking: Asking) -> None:
    path = own_deployment.warehouse.path("signals", date(2021, 3, 31))
    path.write_bytes(path.read_bytes()[:-20])
    answer = asking(own_deployment).get(f"{V1}/signals")
    assert (answer.status_code, kind(answer)) == (503, "damaged")
    assert "delete it" in answer.json()["detail"] or "make it again" in answer.json()["detail"].lower()


def test_where_nothing_was_made_every_route_says_so(home: Path, asking: Asking) -> None:
    """An empty folder: lists are empty, what is one thing is not found, and nothing is a fault."""
    client = asking(deployment_in(home))
    for path in client.get(f"{V1}/openapi.json").json()["paths"]:
        answer = client.get(filled(path))
        assert answer.status_code in {200, 404, 405}, (path, answer.text)
        if answer.status_code == 404:
            assert kind(answer) in {"not-found", "not-stored", "no-session"}, path
    assert client.get(f"{V1}/portfolio/positions").json()["data"] == []
    assert client.get("/ready").json() == {"status": "ready", "newest_session": None}
    assert not (home / "data" / "trade_state.sqlite").exists(), "who reads makes no database"


def test_a_backup_that_takes_the_databases_place_is_read(own_deployment: Deployment, asking: Asking, tmp_path: Path) -> None:
    """No connection stays open on the file that was there before."""
    client, file = asking(own_deployment), own_deployment.settings.storage.data / "trade_state.sqlite"
    assert client.get(f"{V1}/portfolio/fills").json()["data"]
    emptied = shutil.copy(file, tmp_path / "backup.sqlite")
    with sqlite3.connect(emptied) as connection:
        connection.execute("DELETE FROM fills")
    connection.close()
    for name in ("-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    Path(emptied).replace(file)
    assert client.get(f"{V1}/portfolio/fills").json()["data"] == []
