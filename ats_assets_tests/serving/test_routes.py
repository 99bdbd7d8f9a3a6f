"""Each route: the role that it needs, what it answers to whom, and that the document says so."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.app import all_routes
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import KEY_ROLES, Role
from ats_assets.serving.routing import ROLE
from ats_assets_tests.serving.conftest import Asking
from ats_assets_tests.serving.made_deployment import REQUEST


def operations(client: TestClient) -> list[tuple[str, str, dict]]:
    document = client.get("/api/v1/openapi.json").json()
    return [(path, method, operation) for path, methods in document["paths"].items() for method, operation in methods.items()]


def test_each_route_says_which_role_it_needs() -> None:
    """It fails for a new one without a role."""
    routes = [route for found in all_routes() for route in found.router.routes]
    assert len(routes) >= 7
    without = [route.path for route in routes if (getattr(route, "openapi_extra", None) or {}).get(ROLE) not in set(Role)]
    assert not without


def test_each_route_is_in_the_document_with_an_example_of_its_schema(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    for path, method, operation in operations(client):
        told = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        assert operation["summary"], (path, method)
        for media, content in told["content"].items():
            if media == "application/json":
                assert "example" in content, f"{method} {path} has no example"
                schema = {**content.get("schema", {}), "components": document["components"]}
                jsonschema.validate(content["example"], schema)


PARTS = {
    "symbol": "SYN0000",
    "client_order_id": "main-20210324-SYN0000-open",
    "family": "alpha158",
    "session": "2021-03-30",
    "table": "trades",
    "analysis": "segments",
    "request_id": REQUEST,
}
"""Of a path, what stands in for each of its parts."""


NAMES = {"/api/v1/backtests": "backtest", "/api/v1/reports": "backtest", "/api/v1/models": "lightgbm"}
"""What `{name}` is, by what the path begins with."""
ALWAYS_NEW = {"/api/v1/status", "/metrics"}
"""Paths whose answer has the time in it."""


def filled(path: str) -> str:
    name = next((name for start, name in NAMES.items() if path.startswith(start)), "")
    return path.format(name=name, **PARTS)


def test_each_answer_is_of_its_schema(client: TestClient) -> None:
    """On the made deployment each route that reads answers 200, by the document, and has a tag with which it answers 304."""
    document = client.get("/api/v1/openapi.json").json()
    for path, method, operation in operations(client):
        if method != "get":
            continue
        answer = client.get(filled(path))
        assert answer.status_code == 200, (path, answer.text)
        for media, content in operation["responses"]["200"]["content"].items():
            assert answer.headers["content-type"].startswith(media)
            if media == "application/json":
                jsonschema.validate(answer.json(), {**content.get("schema", {}), "components": document["components"]})
        again = client.get(filled(path), headers={"if-none-match": answer.headers["etag"]})
        assert path in ALWAYS_NEW or (again.status_code, again.content) == (304, b""), path


def test_a_route_is_closed_to_who_lacks_its_role(own_deployment: Deployment, asking: Asking) -> None:
    """Each route is asked without a key, and with a key of each role."""
    keys = {role: KeyStore(own_deployment.settings.storage.data).add(role.value, role) for role in KEY_ROLES}
    clients = {Role.PUBLIC: asking(own_deployment)} | {role: asking(own_deployment, key=key) for role, key in keys.items()}
    for path, method, operation in operations(clients[Role.READ]):
        for role, client in clients.items():
            if not role.includes(Role(operation["x-role"])):
                answer = client.request(method, path.replace("{", "").replace("}", ""))
                kind = "no-key" if role is Role.PUBLIC else "not-allowed"
                assert answer.status_code == (401 if role is Role.PUBLIC else 403), (path, role, answer.text)
                assert json.loads(answer.content)["type"] == f"urn:ats:problem:{kind}"


def test_the_page_has_each_route_with_its_role(client: TestClient) -> None:
    """docs/api.md lists what there is, and nothing else."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    written = re.findall(r"^\| `(GET|POST) (/\S*)` \| (\w+) \|", page, re.MULTILINE)
    there = [(method.upper(), path, operation["x-role"]) for path, method, operation in operations(client)]
    assert sorted(written) == sorted(there)


def test_a_report_that_is_asked_for_again_keeps_its_policy(client: TestClient) -> None:
    """A browser takes the headers of a 304 for those of the page that it kept: under the policy of other answers its charts would be dead."""
    report = client.get("/api/v1/reports").json()["data"][0]["name"]
    first = client.get(f"/api/v1/reports/{report}")
    again = client.get(f"/api/v1/reports/{report}", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert "script-src" in first.headers["content-security-policy"]


def test_data_quality_has_what_the_checks_said(deployment: Deployment, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(deployment.settings.storage.data.parent))
    told = client.get("/api/v1/quality", params={"sessions": 260}).json()
    checks = {(one["asset"], one["check"]): one for one in told["checks"]}
    assert checks["bars", "completeness"]["session"] == "2021-03-31"
    assert checks["account", "reconciled"]["passed"]
    rejected = deployment.warehouse.read("rejected_bars", deployment.valid_sessions("rejected_bars"))
    assert sum(one["rows"] for one in told["quarantine"] if one["asset"] == "rejected_bars") == rejected["reasons"].list.len().sum()
    newest = {one["asset"]: one["newest"] for one in told["freshness"]}
    assert newest["signals"] == "2021-03-31"


def test_a_parameter_is_known_and_given_once(client: TestClient) -> None:
    for query, told in (
        ("symbols=SYN0000", "there is no parameter 'symbols'"),
        ("symbol=SYN0000&symbol=SYN0007", "the parameter 'symbol' is given 2 times: it has one value"),
        ("symbol=SYN0000&symbol=SYN0000", "the parameter 'symbol' is given 2 times"),
    ):
        found = client.get(f"/api/v1/targets?{query}")
        assert found.status_code == 422
        assert told in found.json()["detail"]
    assert client.get("/api/v1/targets?symbol=SYN0000").status_code == 200
