"""What `ats up` starts, and what it refuses before anything is started."""

from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.runs.bringing_up import UpCommand, bring_up, children
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
