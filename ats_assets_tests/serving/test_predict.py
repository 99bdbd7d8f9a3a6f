"""`/predict`: the bits of the asset, whether the session is named or its features are sent back and forth as JSON."""

import struct
from typing import Any

import polars as pl
import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment

SESSIONS = ("2021-03-02", "2021-03-31")


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def stored(deployment: Deployment, session: str) -> dict[str, bytes]:
    day = pl.Series([session]).str.to_date()[0]
    rows = deployment.warehouse.read("predictions", [day])
    assert rows.height > 5
    return {symbol: bits(score) for symbol, score in rows.select("symbol", "score").iter_rows()}


def scores(answer: Any) -> dict[str, bytes]:
    assert answer.status_code == 200, answer.text
    return {row["symbol"]: bits(row["score"]) for row in answer.json()["data"]}


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_is_predicted_with_the_bits_of_its_asset(client: TestClient, deployment: Deployment, session: str) -> None:
    assert scores(client.post("/api/v1/predict", json={"session": session})) == stored(deployment, session)


def test_features_that_are_sent_back_give_the_same_bits(client: TestClient, deployment: Deployment) -> None:
    """All features of a session go out as JSON and come in as JSON; no bit of any score changes on the way."""
    told = client.get("/api/v1/features/alpha158", params={"session": SESSIONS[1]}).json()["data"]
    wanted = stored(deployment, SESSIONS[1])
    rows = [row for row in told if row["symbol"] in wanted]
    assert scores(client.post("/api/v1/predict", json={"rows": rows})) == wanted


def test_what_it_read_and_which_model_it_was_is_told(client: TestClient, deployment: Deployment) -> None:
    told = client.post("/api/v1/predict", json={"session": SESSIONS[1]}).json()
    versions = deployment.warehouse.data_versions("alpha158", [pl.Series([SESSIONS[1]]).str.to_date()[0]])
    assert told["read"]["alpha158"] == versions
    model = client.get("/api/v1/models/lightgbm").json()
    assert told["model"]["sha256"] == model["sha256"]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"model": "oracle"}, 404, "not-found"),
        ({"session": "2021-03-06"}, 404, "no-session"),
        ({"session": "2021-01-05"}, 422, "no-prediction"),
        ({"rows": [{"symbol": "A", "values": {"KMID": 0.1}}]}, 422, "no-prediction"),
        ({"rows": [{"symbol": "A", "values": {"KMID": "high"}}]}, 422, "wrong-parameters"),
        ({"rows": [{"symbol": "A", "values": {"score": 1.0}}]}, 422, "wrong-parameters"),
        ({"rows": []}, 422, "wrong-parameters"),
        ({"sesion": "2021-03-31"}, 422, "wrong-parameters"),
    ],
)
def test_what_is_wrong_is_said(client: TestClient, body: dict[str, Any], status: int, kind: str) -> None:
    answer = client.post("/api/v1/predict", json=body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:ats:problem:{kind}"), answer.text


def test_a_number_that_is_none_is_refused(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/predict", content='{"rows": [{"symbol": "A", "values": {"KMID": NaN}}]}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
