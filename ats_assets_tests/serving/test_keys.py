"""API keys: only hashes are kept, and a key opens what its role says until it expires or is revoked."""

import json
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from ats_assets.cli import app
from ats_assets.deployment import Deployment
from ats_assets.serving.keys import KeyFileError, KeyStore, WrongKeyError
from ats_assets.serving.roles import KEY_ROLES, Role
from ats_assets_tests.serving.conftest import Asking


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path)


def test_a_key_shows_who_it_is_and_only_its_hash_is_kept(store: KeyStore) -> None:
    keys = {role: store.add(f"of {role}", role, speaks_for_others=role is Role.TRADE) for role in KEY_ROLES}
    for role, key in keys.items():
        caller = KeyStore(store.path.parent).caller(key)
        assert (caller.name, caller.role, caller.speaks_for_others) == (f"of {role}", role, role is Role.TRADE)
        assert key.split("_", 2)[2] not in store.path.read_text()
        assert len(key.split("_", 2)[2]) == 43, "256 bits"
    assert len(set(keys.values())) == 3
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_key_that_is_over_opens_nothing(store: KeyStore) -> None:
    short, ended = store.add("short", Role.READ, days=0.05 / 86_400), store.add("ended", Role.READ)
    time.sleep(0.1)
    store.revoke("ended")
    for key, why in (
        (short, "expired"),
        (ended, "revoked"),
        ("ats_000000000000_" + "x" * 43, "unknown"),
        ("", "unknown"),
        ("ats_", "unknown"),
    ):
        with pytest.raises(WrongKeyError) as wrong:
            store.caller(key)
        assert wrong.value.why == why
    store.add("ended", Role.ADMIN)  # the name is free again


def test_another_process_revokes_it(store: KeyStore) -> None:
    """The file is read again when it is another one."""
    key = store.add("laptop", Role.READ)
    assert store.caller(key)
    KeyStore(store.path.parent).revoke("laptop")
    with pytest.raises(WrongKeyError):
        store.caller(key)


@given(key=st.text() | st.from_regex(r"ats_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", fullmatch=True), near=st.integers(0, 59))
def test_no_other_text_is_a_key(tmp_path_factory: pytest.TempPathFactory, key: str, near: int) -> None:
    """Whatever is sent, and a key with one letter changed."""
    store = KeyStore(tmp_path_factory.getbasetemp() / "keys-at-random")
    mine = store.add("mine", Role.ADMIN) if not store.all() else None
    if mine is not None:
        changed = mine[:near] + ("A" if mine[near] != "A" else "B") + mine[near + 1 :]
        with pytest.raises(WrongKeyError):
            store.caller(changed)
    with pytest.raises(WrongKeyError):
        store.caller(key)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'[{"id": "x"}]'])
def test_a_damaged_file_lets_nobody_in(own_deployment: Deployment, asking: Asking, content: bytes) -> None:
    """Not even this machine, which could read openly if there were no key."""
    store = KeyStore(own_deployment.settings.storage.data)
    key = store.add("laptop", Role.ADMIN)
    store.path.write_bytes(content)
    with pytest.raises(KeyFileError, match="restore it"):
        KeyStore(store.path.parent).caller(key)
    for client in (asking(own_deployment), asking(own_deployment, key=key)):
        answer = client.get("/api/v1/me")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:ats:problem:no-keys")
        assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        for path in ("/api/v1/me", "/ready", "/health"):
            assert str(store.path.parent) not in client.get(path).text
        login = client.post("/api/v1/login", json={"key": key})
        assert login.status_code >= 400
        assert str(store.path.parent) not in login.text


@pytest.mark.parametrize("name", ["", " x", "a\nb", "é", "x" * 65])
def test_a_name_that_is_none_is_refused(store: KeyStore, name: str) -> None:
    with pytest.raises(KeyFileError, match="letter or digit"):
        store.add(name, Role.READ)


def test_the_commands_make_list_and_revoke_keys(home: Path) -> None:
    """The key is printed once, whole; the list has no hash."""

    def ats(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["serve", "key", *arguments])

    made = ats("add", "bot", "--role", "trade", "--days", "30", "--speaks-for-others")
    assert made.exit_code == 0, made.output
    assert KeyStore(home / "data").caller(made.stdout.strip()).role is Role.TRADE
    (listed,) = json.loads(ats("list", "--format", "json").stdout)
    assert (listed["name"], listed["role"], listed["state"], listed["speaks_for_others"]) == ("bot", "trade", "valid", True)
    assert "sha256" not in listed
    assert "valid" in ats("list").stdout
    assert ats("add", "bot").exit_code == 1
    assert ats("revoke", "bot").exit_code == 0
    assert ats("revoke", "bot").exit_code == 1
    assert json.loads(ats("list", "--format", "json").stdout)[0]["state"] == "revoked"
