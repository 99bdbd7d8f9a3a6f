"""What `ats up` starts, what it refuses before anything is started, and the key that it makes, which stands in no log."""

import re
from pathlib import Path
from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.runs.bringing_up import KEY, UpCommand, _tell_key, bring_up, children
from ats_assets.serving.keys import KeyStore
from ats_assets.settings import load_settings

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
