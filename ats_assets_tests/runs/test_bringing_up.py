"""What `ats up` starts, what it refuses before anything is started, and the key that it makes, which stands in no log."""

import re
from pathlib import Path
from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, SettingsError
from ats_assets.runs.bringing_up import KEY, UpCommand, _tell_key, bring_up, children
from ats_assets.serving.keys import KeyStore
from ats_assets.settings import load_settings
from ats_assets_tests.docs.commands import refused

ASKED: dict[str, Any] = {
    "port": None,
    "every": 30,
    "back": 20,
    "beyond": False,
    "no_sessions": False,
    "read_only": False,
    "replay": None,
    "session": None,
    "speed": 60,
    "live": False,
    "bots": True,
}
SHOWN = re.compile(r"ats_[0-9a-f]{12}_\S+")


def test_bots_of_which_none_is_on_are_refused_before_anything_is_started() -> None:
    """The child ended at once, and was started again for ever."""
    with pytest.raises(SettingsError, match=r"no bot is on: set bots\.telegram\.enabled"):
        bring_up(UpCommand(**ASKED))


@pytest.mark.parametrize(
    ("variables", "port", "service"),
    [
        ({}, 8791, "http://127.0.0.1:8791"),
        ({"ATS_SERVING__PORT": "9000"}, None, "http://127.0.0.1:9000"),
        ({"ATS_SERVING__HOST": "0.0.0.0"}, 8791, "http://127.0.0.1:8791"),
        ({"ATS_BOTS__SERVICE": "http://api:8000"}, 8791, None),
    ],
)
def test_bots_ask_the_service_beside_them(
    variables: dict[str, str], port: int | None, service: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --port they asked at port 8000, where nobody was."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bots = children(Deployment(load_settings()), UpCommand(**ASKED | {"port": port}))[-1]
    assert (bots.name, bots.environment.get("ATS_BOTS__SERVICE")) == ("bots", service)


@pytest.mark.parametrize(
    ("asked", "names", "arguments"),
    [
        ({}, ["service", "desk", "sessions"], ("trade", "paced", "--every", "30", "--back", "20")),
        ({"beyond": True}, ["service", "desk", "sessions"], ("trade", "paced", "--every", "30", "--back", "20", "--beyond")),
        ({"read_only": True, "no_sessions": True, "port": 9001}, ["service"], ("serve", "--port", "9001")),
        (
            {"replay": "stored", "session": "2024-03-04", "speed": 0, "no_sessions": True},
            ["service", "desk", "replay"],
            ("trade", "live", "--replay", "stored", "--speed", "0", "--keep", "data/replay", "--session", "2024-03-04"),
        ),
    ],
)
def test_each_child_is_a_command_of_the_real_command_line(asked: dict[str, Any], names: list[str], arguments: tuple[str, ...]) -> None:
    deployment = Deployment(load_settings())
    data = deployment.settings.storage.data
    found = children(deployment, UpCommand(**ASKED | {"bots": False} | asked))
    assert [child.name for child in found] == names
    assert tuple(one.replace(f"{data}/", "data/") for one in found[-1].arguments) == arguments
    assert [refused(tuple(child.arguments)) for child in found] == [None] * len(found)
    assert [child.name for child in found if child.once] == [name for name in names if name == "replay"]


def test_a_market_that_is_followed_has_a_session_that_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_ORDERS__BROKER", "alpaca")
    found = children(Deployment(load_settings()), UpCommand(**ASKED | {"bots": False, "live": True}))
    assert [(child.name, child.arguments[:2], child.once) for child in found] == [
        ("service", ("serve",), False),
        ("desk", ("orders", "watch"), False),
        ("session", ("trade", "live"), False),
    ]
    assert "ATS_SERVING__WRITES" not in found[0].environment, "only on paper that is embedded it takes requests by itself"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"live": True}, "broker fills orders by the stored bars"),
        ({"session": "2024-03-04"}, "--session says which session --replay plays"),
    ],
)
def test_what_would_end_at_once_and_for_ever_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        bring_up(UpCommand(**ASKED | {"bots": False} | asked))


def test_a_day_of_which_no_session_is_stored_is_refused_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a new folder the child that trades ended at once, and was started again every half minute."""
    for name in ("WAREHOUSE", "MODELS", "DATA"):
        monkeypatch.setenv(f"ATS_STORAGE__{name}", str(tmp_path / name.lower()))
    with pytest.raises(AtsError, match=r"no session with targets is stored.*ats run.*--no-sessions"):
        bring_up(UpCommand(**ASKED | {"bots": False}))
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_the_first_key_is_made_and_shown_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _tell_key(tmp_path)
    (key,) = SHOWN.findall(capsys.readouterr().out)
    assert KeyStore(tmp_path).caller(key).name == KEY
    _tell_key(tmp_path)
    assert not capsys.readouterr().out


def test_where_its_lines_are_kept_no_key_is_among_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under systemd, in a container or behind `> file` the key of a trader stood in the journal for ever."""
    _tell_key(tmp_path)
    said = capsys.readouterr().out
    assert "ats serve key add NAME --role trade" in said
    assert not SHOWN.findall(said)
    assert not KeyStore(tmp_path).all()
