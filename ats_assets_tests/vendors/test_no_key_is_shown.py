"""No key in anything that is shown, raised, logged or written, whatever a server repeats of what it was sent."""

import base64
import contextlib
import json
import logging
import sqlite3
import string
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.secrecy import redaction
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.errors import VendorError
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets.vendors.vendor_state import VendorState
from ats_assets_tests.rounds import rounds
from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

KEYS = st.text(string.ascii_letters + string.digits + "-_.~+/=%&?\"'\\<>{}", min_size=16, max_size=48).filter(
    lambda key: len(set(key)) >= 8
)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_key_of_a_test_stays_a_secret() -> Iterator[None]:
    before = set(redaction._held_texts)
    yield
    redaction._held_texts.clear()
    redaction._held_texts.update(before)


def escaped(key: str) -> str:
    """As JSON may write it, though no library does."""
    return "".join(f"\\u{ord(character):04X}" for character in key)


WAYS = {
    "plain": lambda key: json.dumps({"message": f"<{key}>", "rows": [{key: [key]}], "next": f"/v1/rows?apiKey={quote(key, safe='')}"}),
    "escaped": lambda key: f'{{"message": "{escaped(key)}", "rows": ["{escaped(key)}"]}}',
    "base64": lambda key: json.dumps({"message": base64.b64encode(f"user:{key}".encode()).decode(), "rows": []}),
    "text": lambda key: f"<html>{key}</html>",
    "cut": lambda key: json.dumps({"message": "x" * (495 - len(key) // 2) + key, "rows": []}),
    "address": lambda key: json.dumps({"message": f"https://user:{key}@api.example.com/?key={key}", "rows": []}),
}


def forms(key: str) -> set[str]:
    """How the key may be read off, made without the code under test."""
    whole = base64.b64encode(f"user:{key}".encode()).decode().rstrip("=")
    found = {key, quote(key, safe=""), json.dumps(key)[1:-1], escaped(key), whole[8 : len(whole) - 2]}
    return {form for form in found if len(form) >= 12}


def asked_in_all_ways(http: VendorHttp, folder: Path, said: list[str]) -> None:
    """Everything that a client can be asked; what comes of it, and all that its errors hold, is put into `said`."""
    for ask in (
        lambda: http.get("/v1/rows", {"symbol": "AAPL"}, ttl_seconds=60),
        lambda: http.get("/v1/rows", {"symbol": "AAPL"}, ttl_seconds=60),
        lambda: http.get("/v1/rows", form="bytes"),
        lambda: list(http.pages("/v1/rows", None, lambda page: page.body.get("next"))),
        lambda: http.save("/v1/rows", None, folder / "saved"),
    ):
        try:
            answer = ask()
        except VendorError as error:
            said += [repr(error), str(vars(error)), *traceback.TracebackException.from_exception(error, capture_locals=True).format()]
            context = error.__context__
            while context is not None:
                said.append(f"{context!r} {vars(context)}")
                context = context.__context__
        else:
            said += [repr(answer), str(answer)]


@settings(max_examples=rounds(40, 600), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, way=st.sampled_from(list(WAYS)), status=st.sampled_from([200, 201, 302, 400, 401, 403, 404, 429, 503]))
def test_no_key_is_shown_raised_logged_or_written(key: str, way: str, status: int, caplog: pytest.LogCaptureFixture):
    caplog.clear()
    caplog.set_level(logging.DEBUG)

    def echo(asked: Asked) -> Told:
        shown = asked.headers["authorization"].removeprefix("Bearer ")
        told = {
            "X-Request-Id": shown,
            "X-Next": f"/?apiKey={shown}",
            "X-Echo": json.dumps(asked.headers),
            "Location": f"http://localhost/?k={shown}",
        }
        return Told(WAYS[way](shown).encode(), status, {**told, "Content-Type": f"application/json; boundary={shown}"})

    said: list[str] = []
    with TemporaryDirectory() as name, VendorDouble(echo) as double, closing(VendorState(Path(name) / "v.sqlite")) as state:
        keys = VendorKeys("SOME_API_KEY", environment={"SOME_API_KEY": key})
        backoff = Backoff(max_seconds=1, sleep=lambda _: None)
        http = VendorHttp(
            "some",
            double.url,
            keys,
            VendorLimits(),
            state=state,
            backoff=backoff,
            timeout_seconds=5,
            max_attempts=2,
            breaker=Breaker(2, 60.0),
        )
        asked_in_all_ways(http, Path(name), said)
        said += [
            repr(keys),
            str(vars(keys)),
            repr(http),
            str(vars(http)),
            str(state.calls(LONG_AGO)),
            str(state.health()),
            str(state.budget_use()),
        ]
        with closing(sqlite3.connect(Path(name) / "v.sqlite")) as database:
            for headers, content in database.execute("SELECT headers, content FROM answers"):
                said.append(f"{headers} {_unpacked(content)}")
        files = [(file.name, file.read_bytes().decode(errors="replace")) for file in Path(name).rglob("*") if file.is_file()]
    assert len(double.journal) >= 2
    everything = [*((f"of {n}", text) for n, text in enumerate(said)), *files, ("log", caplog.text)]
    assert {(place, form) for place, text in everything for form in forms(key) if form in text} == set()


def _unpacked(content: bytes) -> str:
    import zlib  # noqa: PLC0415

    with contextlib.suppress(zlib.error):
        return zlib.decompress(content).decode(errors="replace")
    return content.decode(errors="replace")


def test_what_is_no_key_is_left_as_it_was():
    """Data that look a little like a key are data."""
    key = "kEyOfTheVendor0123456789"
    body = {
        "page_token": "abc",
        "token": "t0k3n-of-a-page-12345",
        "rows": ["kEyOfTheVendor", "\u00e9", "password=x"],
        "n": 12345678901234567890,
    }
    with VendorDouble(lambda _: Told(json.dumps(body).encode()), keys={key}) as double:
        keys = VendorKeys("SOME_API_KEY", environment={"SOME_API_KEY": key})
        assert VendorHttp("some", double.url, keys, VendorLimits()).get("/").body == body
