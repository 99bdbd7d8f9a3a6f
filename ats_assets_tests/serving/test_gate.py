"""What every request passes and every answer has: hosts, origins, limits, headers, cookies, the log."""

import asyncio
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app
from ats_assets.serving.browser_sessions import COOKIE
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.serving.conftest import Asking
from ats_assets_tests.serving.made_deployment import deployment_in

ME = "/api/v1/me"
JSON = {"content-type": "application/json"}


def kind(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    return told["type"].removeprefix("urn:ats:problem:")


def with_settings(deployment: Deployment, **serving: Any) -> Deployment:
    home = deployment.settings.storage.data.parent
    return deployment_in(home, serving=serving)


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("[::1]:8000", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_a_host_that_is_not_the_services_is_refused(client: TestClient, host: str, taken: bool) -> None:
    """So that no page elsewhere reaches it by a name of its own that points here."""
    answer = client.get("/api/v1/signals", headers={"host": host})
    assert (answer.status_code == 200) is taken, answer.text
    if not taken:
        assert kind(answer) == "unknown-host"


def test_a_name_of_the_settings_is_a_host(deployment: Deployment, asking: Asking) -> None:
    client = asking(with_settings(deployment, hosts=("desk.example.org",)))
    assert client.get(ME, headers={"host": "desk.example.org"}).status_code == 200


@pytest.mark.parametrize("path", ["/health", ME, "/nothing", "/api/v1/signals", "/api/v1/signals?session=x", "/api/v1/reports/backtest"])
def test_every_answer_has_the_headers_that_browsers_keep_to(client: TestClient, path: str) -> None:
    for _ in range(2):  # the second of some comes from memory
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] in {"DENY", "SAMEORIGIN"}
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] in {"private, no-cache", "no-store"}
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_over_https_browsers_keep_to_it(deployment: Deployment, asking: Asking) -> None:
    client = asking(with_settings(deployment, https=True))
    assert client.get("/health").headers["strict-transport-security"].startswith("max-age=")


def test_other_pages_may_not_read_unless_settings_say_so(deployment: Deployment, asking: Asking) -> None:
    origin = {"origin": "https://desk.example.org"}
    closed, opened = asking(deployment), asking(with_settings(deployment, origins=("https://desk.example.org",)))
    assert "access-control-allow-origin" not in closed.get(ME, headers=origin).headers
    assert opened.get(ME, headers=origin).headers["access-control-allow-origin"] == origin["origin"]
    assert "access-control-allow-origin" not in opened.get(ME, headers={"origin": "https://evil.example"}).headers
    asked = origin | {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    assert opened.options(ME, headers=asked).status_code == 200
    assert closed.options(ME, headers=asked).status_code == 405


def test_a_page_of_another_origin_writes_nothing(client: TestClient) -> None:
    answer = client.post("/login", json={"key": "x"}, headers={"origin": "https://evil.example"})
    assert (answer.status_code, kind(answer)) == (403, "other-origin")


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "via", "x-real-ip"])
def test_who_asks_through_a_proxy_does_not_read_openly(client: TestClient, header: str) -> None:
    answer = client.get(ME, headers={header: "192.0.2.1"})
    assert (answer.status_code, kind(answer)) == (401, "no-key")


def test_reading_is_open_to_this_machine_alone_and_until_there_is_a_key(own_deployment: Deployment, asking: Asking) -> None:
    here, elsewhere = asking(own_deployment), asking(own_deployment, address="192.0.2.1")
    assert here.get(ME).json()["name"] == "this machine"
    assert kind(elsewhere.get(ME)) == "no-key"
    key = KeyStore(own_deployment.settings.storage.data).add("laptop", Role.READ)
    assert kind(here.get(ME)) == "no-key"
    assert elsewhere.get(ME, headers={"authorization": f"bearer {key}"}).json()["name"] == "laptop"


def test_reading_is_not_open_where_settings_say_so(deployment: Deployment, asking: Asking) -> None:
    for closed in ({"open_reading": False}, {"host": "0.0.0.0"}):
        assert kind(asking(with_settings(deployment, **closed)).get(ME)) == "no-key"


def test_a_body_that_is_too_large_is_refused(deployment: Deployment, asking: Asking) -> None:
    """Whether its length is said or not."""
    client = asking(with_settings(deployment, max_body_bytes=1_000))
    said = client.post("/api/v1/predict", content=b" " * 1_001, headers=JSON)
    assert (said.status_code, kind(said)) == (413, "too-large")
    unsaid = client.post("/api/v1/predict", content=(b" " * 100 for _ in range(11)), headers=JSON)
    assert (unsaid.status_code, kind(unsaid)) == (413, "too-large")
    assert client.post("/api/v1/predict", content=b"{}" + b" " * 998, headers=JSON).status_code == 200
    assert client.post("/api/v1/predict", content=b"{}", headers=JSON | {"content-length": "-1"}).status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"session": 1e400}', b'{"a": 1, "a": 2}'])
def test_a_body_that_is_none_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/predict", content=body, headers=JSON)
    assert answer.status_code in {400, 422}, answer.text
    assert kind(answer) in {"wrong-parameters", "wrong-request"}


def test_a_key_that_is_over_says_so(own_deployment: Deployment, asking: Asking) -> None:
    store = KeyStore(own_deployment.settings.storage.data)
    short, ended = store.add("short", Role.READ, days=0), store.add("ended", Role.READ)
    store.revoke("ended")
    for key, what in ((short, "expired-key"), (ended, "revoked-key")):
        answer = asking(own_deployment, key=key).get(ME)
        assert (answer.status_code, kind(answer)) == (401, what)
        assert what in answer.headers["www-authenticate"]
        assert "ats serve key add" in answer.json()["detail"]


def test_who_asks_too_often_waits(own_deployment: Deployment, asking: Asking) -> None:
    """Each key has a bucket of its own; one that is full again after the wait that the answer says."""
    keys = [KeyStore(own_deployment.settings.storage.data).add(name, Role.READ) for name in ("one", "two")]
    app = make_app(with_settings(own_deployment, requests_per_minute=60))
    one, two = (TestClient(app, base_url="http://127.0.0.1:8000", headers={"authorization": f"Bearer {key}"}) for key in keys)
    statuses = [one.get("/health").status_code for _ in range(12)]
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429
    answer = one.get(ME)
    assert (kind(answer), answer.headers["retry-after"]) == ("too-many-requests", "1")
    assert two.get(ME).status_code == 200


def test_who_tries_keys_waits_and_shuts_out_nobody_who_has_a_right_one(own_deployment: Deployment, asking: Asking) -> None:
    """A scraper with a key that has ended kept out all of its address, the bots and their halts among them."""
    key = KeyStore(own_deployment.settings.storage.data).add("laptop", Role.READ)
    client = asking(with_settings(own_deployment, wrong_keys_per_minute=30))
    for n in range(5):
        assert kind(client.get(ME, headers={"authorization": f"Bearer wrong{n}"})) == "wrong-key"
    assert kind(client.get(ME, headers={"authorization": "Bearer wrong"})) == "too-many-requests"
    assert kind(client.post("/login", json={"key": "wrong"})) == "too-many-requests"
    assert client.get(ME, headers={"authorization": f"Bearer {key}"}).status_code == 200
    assert client.post("/login", json={"key": key}).status_code == 200


@pytest.fixture
def browser(own_deployment: Deployment) -> Iterator[TestClient]:
    key = KeyStore(own_deployment.settings.storage.data).add("ada", Role.READ)
    client = TestClient(make_app(own_deployment), base_url="http://127.0.0.1:8000", client=("127.0.0.1", 1))
    client.key = key  # pyright: ignore[reportAttributeAccessIssue]
    yield client
    client.close()


def test_a_browser_logs_in_and_out(browser: TestClient, own_deployment: Deployment) -> None:
    answer = browser.post("/login", json={"key": browser.key})
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie, "it goes over plain HTTP to this machine"
    me = browser.get(ME).json()
    assert (me["name"], me["csrf_token"]) == ("ada", answer.json()["csrf_token"])
    token = browser.cookies[COOKIE]
    for file in own_deployment.settings.storage.data.glob("*.json"):
        assert token not in file.read_text(), "hashes alone are kept"
    assert kind(browser.post("/logout")) == "no-csrf-token"
    assert kind(browser.post("/logout", headers={"x-csrf-token": "wrong"})) == "no-csrf-token"
    assert browser.post("/logout", headers={"x-csrf-token": me["csrf_token"]}).status_code == 200
    browser.cookies.set(COOKIE, token)
    assert kind(browser.get(ME)) == "no-key", "the session is over, whoever has kept its cookie"


def test_a_browsers_session_outlives_the_process_and_ends_with_its_key(
    browser: TestClient, own_deployment: Deployment, asking: Asking
) -> None:
    browser.post("/login", json={"key": browser.key})
    other = asking(own_deployment)
    other.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert other.get(ME).json()["name"] == "ada"
    KeyStore(own_deployment.settings.storage.data).revoke("ada")
    assert kind(other.get(ME)) == "no-key"


@pytest.mark.parametrize(
    "beside", ['layout={"left": 1}', "a b=1", "odd", 'x="open', "=1", '_xsrf=2|a|b; username-127-0-0-1-8888="2|1:0|10"']
)
def test_cookies_of_other_programs_do_not_hide_the_sessions(own_deployment: Deployment, asking: Asking, beside: str) -> None:
    """Browsers send the cookies of all programs on 127.0.0.1, whatever their port: one that is no cookie by the book left a browser logged out."""
    key = KeyStore(own_deployment.settings.storage.data).add("laptop", Role.READ)
    token = asking(own_deployment).post("/login", json={"key": key}).cookies[COOKIE]
    for cookies in (f"{beside}; {COOKIE}={token}", f"{COOKIE}={token}; {beside}"):
        answer = asking(own_deployment).get(ME, headers={"cookie": cookies})
        assert (answer.status_code, answer.json().get("name")) == (200, "laptop")
    assert kind(asking(own_deployment).get(ME, headers={"cookie": f"x{COOKIE}={token}; {beside}"})) == "no-key"


def test_over_https_the_cookie_is_secure(own_deployment: Deployment, asking: Asking) -> None:
    key = KeyStore(own_deployment.settings.storage.data).add("ada", Role.READ)
    answer = asking(with_settings(own_deployment, https=True)).post("/login", json={"key": key})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "ats_000000000000_" + "x" * 43, "é" * 50])
def test_no_browser_logs_in_with_a_wrong_key(client: TestClient, key: str) -> None:
    answer = client.post("/login", json={"key": key})
    assert (answer.status_code, kind(answer)) == (401, "wrong-key")
    assert "set-cookie" not in answer.headers


def test_no_answer_and_no_line_of_the_log_has_a_secret(
    own_deployment: Deployment, asking: Asking, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every path that there is, with a key in the header, in the query and in the path, and a secret in the environment and the settings."""
    monkeypatch.setenv("APCA_API_SECRET_KEY", "Zx81secretOfAlpaca42")
    monkeypatch.setenv("DB_CONNECTION_STR", "")
    key = KeyStore(own_deployment.settings.storage.data).add("laptop", Role.ADMIN)
    secret = key.split("_", 2)[2]
    client = asking(own_deployment, key=key)
    told = []
    with caplog.at_level(logging.DEBUG):
        for path in client.get("/api/v1/openapi.json").json()["paths"]:
            filled = re.sub(r"\{\w+\}", key, path)
            told += [client.get(filled), client.get(filled, params={"key": key}), client.post(filled, json={"key": key})]
    hashed = [one.sha256 for one in KeyStore(own_deployment.settings.storage.data).all()]
    for answer in told:
        assert not [hidden for hidden in ("Zx81secretOfAlpaca42", secret, *hashed) if hidden in answer.text], answer.request.url.path
    lines = [record.getMessage() for record in caplog.records if record.name == "ats_assets.serving.access"]
    assert len(lines) > 50
    assert not [line for line in lines if "?" in line or secret in line]


def test_a_fault_of_the_program_is_an_answer_with_a_reference(
    own_deployment: Deployment, asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    client = asking(own_deployment)

    def broken(*_: object) -> None:
        raise RuntimeError("secretly broken")

    own_deployment.valid_sessions = broken  # pyright: ignore[reportAttributeAccessIssue]
    answer = TestClient(client.app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 1), raise_server_exceptions=False).get(
        "/api/v1/sessions"
    )
    assert (answer.status_code, kind(answer)) == (500, "fault")
    reference = re.search(r"logged by the service as ([0-9a-f]{8})", answer.json()["detail"])
    assert reference
    assert "secretly broken" not in answer.text
    assert reference[1] in caplog.text
    assert "secretly broken" in caplog.text


def test_a_websocket_of_another_page_is_refused(client: TestClient) -> None:
    """A browser's cookie, or this machine's open reading, is not for a page elsewhere."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", b"https://evil.example")]
    scope = {"type": "websocket", "path": "/api/v1/stream", "headers": headers, "client": ("127.0.0.1", 1), "query_string": b""}
    asyncio.run(client.app(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "other-origin"}]
