"""Requests over HTTP: off by default, by role, once, confirmed, audited; a browser needs its CSRF token."""

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.requests import KINDS
from ats_assets.serving.browser_sessions import CSRF_HEADER
from ats_assets.serving.roles import Role
from ats_assets.serving.served import Service
from ats_assets.settings import Settings
from ats_assets.trade_state import open_trade_state, tables

Asking = Callable[..., TestClient]
PATH = "/api/v1/requests"
BUY = {"kind": "place_order", "body": {"symbol": "AAA", "side": "buy", "quantity": "10"}}
HALT = {"kind": "halt", "body": {"reason": "odd prices"}}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """An empty deployment that takes requests."""
    where = {"warehouse": tmp_path / "warehouse", "models": tmp_path / "models", "data": tmp_path / "data"}
    return Service(Deployment(Settings(storage=where, serving={"writes": True, "busy_seconds": 0.3})))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def trader(service: Service, asking: Asking) -> TestClient:
    return asking(service.deployment, key=service.keys.add("laptop", Role.TRADE))


def audit(service: Service) -> list[tuple[str, str]]:
    with open_trade_state(service.deployment.settings) as state, state.begin() as connection:
        return [(row.who, row.what) for row in connection.execute(select(tables.audit).order_by(tables.audit.c.id))]


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:ats:problem:")


def test_an_order_is_asked_for_confirmed_and_told(service: Service, trader: TestClient) -> None:
    answer = trader.post(PATH, json=BUY)
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")
    made = answer.json()
    request, nonce = made["request"], made["nonce"]
    assert (request["state"], request["asked_by"], request["order"]) == ("asked", "laptop", None)
    confirmed = trader.post(f"{PATH}/{request['id']}/confirm", json={"nonce": nonce})
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "confirmed")
    again = trader.post(f"{PATH}/{request['id']}/confirm", json={"nonce": nonce})
    assert problem(again) == (409, "not-confirmed")
    told = trader.get(f"{PATH}/{request['id']}").json()
    assert (told["state"], told["body"]["quantity"], told["asked_at"][-1]) == ("confirmed", "10", "Z")
    assert "nonce" not in told
    assert audit(service) == [("laptop", "request asked"), ("laptop", "request confirmed")]


def test_off_by_default_nobody_writes_and_nothing_is_made(tmp_path: Path, asking: Asking) -> None:
    where = {"warehouse": tmp_path / "warehouse", "models": tmp_path / "models", "data": tmp_path / "data"}
    off = Service(Deployment(Settings(storage=where)))  # pyright: ignore[reportArgumentType]
    client = asking(off.deployment, key=off.keys.add("root", Role.ADMIN))
    assert problem(client.post(PATH, json=HALT)) == (403, "writes-off")
    assert problem(client.post(f"{PATH}/x/confirm", json={"nonce": "x"})) == (403, "writes-off")
    assert client.get("/api/v1/request-kinds").json()["writes"] is False
    assert not (tmp_path / "data" / "trade_state.sqlite").exists()


def test_each_kind_needs_its_role_and_without_a_key_nobody_writes(service: Service, asking: Asking) -> None:
    assert problem(asking(service.deployment).post(PATH, json=HALT)) == (
        403,
        "not-allowed",
    )  # reading is open to this machine, writing never
    bodies = {
        "halt": HALT["body"],
        "resume": {"note": "x"},
        "place_order": BUY["body"],
        "cancel_order": {"client_order_id": "main-1"},
        "promote": {"model": "forest", "reason": "x"},
        "rollback": {"reason": "x"},
    }
    clients = {role: asking(service.deployment, key=service.keys.add(role.value, role)) for role in (Role.READ, Role.TRADE, Role.ADMIN)}
    listed = {one["kind"]: one for one in clients[Role.READ].get("/api/v1/request-kinds").json()["data"]}
    assert set(listed) == set(bodies) == set(KINDS)
    for kind, body in bodies.items():
        for role, client in clients.items():
            answer = client.post(PATH, json={"kind": kind, "body": body})
            if role.includes(Role(listed[kind]["role"])):
                assert answer.status_code == 202
                assert (answer.json()["nonce"] is not None) is listed[kind]["confirmed"]
            else:
                assert problem(answer) == (403, "not-allowed")


def test_a_page_writes_with_its_token_only(service: Service, asking: Asking) -> None:
    key = service.keys.add("browser", Role.TRADE)
    page = asking(service.deployment)
    token = page.post("/login", json={"key": key}).json()["csrf_token"]
    assert problem(page.post(PATH, json=HALT)) == (403, "no-csrf-token")
    assert problem(page.post(PATH, json=HALT, headers={CSRF_HEADER: "0" * 64})) == (403, "no-csrf-token")
    assert problem(page.post(PATH, json=HALT, headers={CSRF_HEADER: token, "origin": "https://evil.example"})) == (403, "other-origin")
    assert page.post(PATH, json=HALT, headers={CSRF_HEADER: token}).status_code == 202


def test_asked_again_under_its_key_it_is_the_same_request(trader: TestClient) -> None:
    key = {"Idempotency-Key": "8c1f"}
    first, again = (trader.post(PATH, json=BUY, headers=key).json() for _ in range(2))
    assert first["request"]["id"] == again["request"]["id"]
    assert first["nonce"] != again["nonce"]
    assert problem(trader.post(PATH, json=HALT, headers=key)) == (409, "idempotency-conflict")
    assert problem(trader.post(f"{PATH}/{first['request']['id']}/confirm", json={"nonce": first["nonce"]})) == (409, "not-confirmed")
    assert len(trader.get(PATH).json()["data"]) == 1


def test_a_bot_says_for_whom_and_another_key_may_not(service: Service, trader: TestClient, asking: Asking) -> None:
    bot = asking(service.deployment, key=service.keys.add("bots", Role.TRADE, speaks_for_others=True))
    person = {"X-On-Behalf-Of": "telegram:7"}
    made = bot.post(PATH, json=BUY, headers=person).json()
    assert made["request"]["on_behalf_of"] == "telegram:7"
    confirm = f"{PATH}/{made['request']['id']}/confirm"
    for other in ({}, {"X-On-Behalf-Of": "telegram:8"}):
        assert problem(bot.post(confirm, json={"nonce": made["nonce"]}, headers=other)) == (403, "not-allowed")
    assert bot.post(confirm, json={"nonce": made["nonce"]}, headers=person).status_code == 202
    assert problem(trader.post(PATH, json=BUY, headers=person)) == (403, "not-allowed")
    assert audit(service)[0] == ("bots on behalf of telegram:7", "request asked")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"kind": "buy_everything", "body": {}}, 422, "wrong-parameters"),
        ({"kind": "place_order", "body": {}}, 422, "wrong-body"),
        ({"kind": "place_order", "body": BUY["body"] | {"quantity": 1.5}}, 422, "wrong-body"),
        ({"kind": "halt", "body": {"reason": "x", "\ud800": 1}}, 422, "wrong-body"),
        ({"kind": "halt"}, 422, "wrong-parameters"),
        ([], 422, "wrong-parameters"),
    ],
)
def test_what_is_wrong_is_told_with_the_field(trader: TestClient, body: Any, status: int, kind: str) -> None:
    assert problem(trader.post(PATH, content=json.dumps(body), headers={"content-type": "application/json"})) == (status, kind)
    assert trader.get(PATH).json()["data"] == []


def test_what_is_not_there_or_over_is_told(service: Service, trader: TestClient) -> None:
    assert problem(trader.get(f"{PATH}/nothing")) == (404, "not-found")
    assert problem(trader.post(f"{PATH}/nothing/confirm", json={"nonce": "x"})) == (404, "not-found")
    made = trader.post(PATH, json=BUY).json()
    with open_trade_state(service.deployment.settings) as state, state.begin() as connection:
        row = connection.execute(select(tables.requests)).one()
        connection.execute(tables.requests.update().values(expires_at=row.asked_at))
    assert problem(trader.post(f"{PATH}/{made['request']['id']}/confirm", json={"nonce": made["nonce"]})) == (410, "expired")


def test_a_locked_database_is_told_soon_and_nothing_is_written(service: Service, trader: TestClient) -> None:
    trader.post(PATH, json=HALT)
    other = sqlite3.connect(service.deployment.settings.storage.data / "trade_state.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    answer = trader.post(PATH, json=BUY)
    assert problem(answer) == (503, "busy")
    assert answer.headers["retry-after"]
    assert time.monotonic() - began < 20
    other.execute("ROLLBACK")
    other.close()
    assert trader.post(PATH, json=BUY).status_code == 202


def test_pages_of_requests(trader: TestClient) -> None:
    made = [trader.post(PATH, json=HALT).json()["request"]["id"] for _ in range(5)]
    found, cursor = list[str](), None
    while True:
        page = trader.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [one["id"] for one in page["data"]]
        if not (cursor := page["next"]):
            break
    assert found == made[::-1]
    assert [one["state"] for one in trader.get(PATH, params={"state": "asked"}).json()["data"]] == []
