import base64
import json
import logging
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ats_assets.secrecy import HIDDEN, Redactor, hold_secret, is_distinct, redacted, secret_variables
from ats_assets.secrecy.guard import redacting_factory

SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cs", "Cc")), min_size=8, max_size=40).filter(
    lambda text: is_distinct(text) and text == text.strip()
)
AROUND = st.text("abc {}[]\"':=/&?", max_size=12)


@given(SECRET, AROUND, AROUND)
@example("P@ss/w0rd:%7F", "", "")
def test_a_secret_is_hidden_in_every_form(secret: str, before: str, after: str):
    assume("*" not in secret)
    redact = Redactor([secret])
    for form in (
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ):
        assert form not in redact(before + form + after)
        assert HIDDEN in redact(before + form + after)


@given(SECRET, st.text(string.ascii_letters, max_size=9), st.text(string.ascii_letters, max_size=9))
def test_no_base64_gives_a_secret_away(secret: str, user: str, after: str):
    coded = base64.b64encode(f"{user}:{secret}:{after}".encode()).decode()
    shown = Redactor([secret])(f"sent {coded} on")
    kept = "".join(c for c in shown[len("sent ") : -len(" on")] if c != "*")
    assert HIDDEN in shown
    assert len(kept) * 3 // 4 <= len(f"{user}::{after}".encode()) + 5  # of the secret, at most its first and last bytes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ats:hunter@db/ats", "postgresql://***:***@db/ats"),
        ("Authorization: Bearer abcdef12345", "Authorization: Bearer ***"),
        ("Basic " + base64.b64encode(b"me:you").decode(), "Basic ***"),
        ("Basic Materials and basic training", "Basic Materials and basic training"),
        ("{'APCA-API-SECRET-KEY': 'abc', 'x': 1}", "{'APCA-API-SECRET-KEY': '***', 'x': 1}"),
        ('{"token": 5, "password": null, "secret": "abc"}', '{"token": 5, "password": null, "secret": "***"}'),
        (r'"{\"password\": \"abc\"}"', r'"{\"password\": \"***\"}"'),
        ("GET /v2?api_key=abc&page=2", "GET /v2?api_key=***&page=2"),
        ("the key of the asset, a token of trust", "the key of the asset, a token of trust"),
        ("https://docs.example.com/a:b@c", "https://docs.example.com/a:b@c"),
    ],
)
def test_context_says_what_is_secret(text: str, shown: str):
    assert Redactor([])(text) == shown


def test_of_an_alert_address_every_part_is_hidden_but_not_the_host():
    redact = Redactor(["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "json://bot:p4ss%2FWord@127.0.0.1:8080/hook"])
    for part in ("T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ", "p4ss%2FWord", "p4ss/Word"):
        assert redact(f"<{part}>") == f"<{HIDDEN}>"
    assert redact("http://127.0.0.1:8080 says 500 at #general") == "http://127.0.0.1:8080 says 500 at #general"


def test_what_is_secret_in_the_environment(monkeypatch: pytest.MonkeyPatch):
    environment = {
        "APCA_API_KEY_ID": "PKabcdef123456",
        "SLACK_TOKEN": "xoxb-123456789",
        "HOME": "/home/someone1",
        "MONKEY": "banana-123456",
        "DB_CONNECTION_STR": "postgresql://ats:Sup3rSecret@db.example.com/trades",
        "ATS_MLFLOW__TRACKING_URI": "http://me:M1fl0wPass@mlflow:5000",
        "DESK": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    hold_secret("DESK")
    shown = redacted("\n".join(environment.values()) + " trades 4174216298 of ats")
    for secret in ("PKabcdef", "xoxb", "Sup3r", "M1fl0w", "JHMHI8", "4174216298"):
        assert secret not in shown
    for plain in ("/home/someone1", "banana-123456", "db.example.com/trades", "mlflow:5000"):
        assert plain in shown
    assert set(secret_variables()) >= {"APCA_API_KEY_ID", "SLACK_TOKEN", "DB_CONNECTION_STR", "DESK"}
    assert not {"HOME", "MONKEY"} & set(secret_variables())


def test_a_password_that_is_a_word_is_hidden_where_its_context_shows_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DB_CONNECTION_STR", "postgresql://dagster:dagster@db/ats")
    assert redacted("dagster/partition of postgresql://dagster:dagster@db/ats") == "dagster/partition of postgresql://***:***@db/ats"


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    )
)
def test_json_stays_json(value: object):
    text = json.dumps({"password": value, "secret": value, "text": "token=abc", "n": value})
    assert json.loads(Redactor(["S3cretValue"])(text)).keys() == {"password", "secret", "text", "n"}


def test_no_log_record_has_a_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_TOKEN", "S3cretValue")
    make = redacting_factory(logging.LogRecord)
    info = (ValueError, ValueError("refused: S3cretValue"), None)
    record = make("name", logging.INFO, "file", 1, "%s and %s%s", ("one S3cretValue", "S3cret", "Value"), info)
    text = logging.Formatter().format(record)
    assert "S3cretValue" not in text
    assert "one *** and ***" in text
    assert "ValueError: refused: ***" in text
    plain = make("name", logging.INFO, "file", 1, "%s of %s", (1, 2), None)
    assert plain.args == (1, 2)
    assert "S3cretValue" not in make("name", logging.INFO, "file", 1, "%d", ("S3cretValue",), None).getMessage()
