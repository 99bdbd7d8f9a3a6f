"""A home of one's own: settings and an instance, in a folder that ends with the test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.settings import load_settings
from ats_assets_tests.cli.market import make_home

Deploy = Callable[..., Deployment]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, which the environment names; nothing is stored in it yet."""
    folder = make_home(tmp_path / "home")
    monkeypatch.setenv("ATS_SETTINGS", str(folder / "ats.toml"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("DB_CONNECTION_STR", raising=False)
    return folder


@pytest.fixture
def deploy(home: Path) -> Deploy:
    """A deployment there, with further settings."""
    assert home.is_dir()
    return lambda **sections: Deployment(load_settings(**sections))
