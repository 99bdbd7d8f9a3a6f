"""One small deployment for all tests of the service, made once: the market of the command line's tests, traded on paper for some sessions.

- `deployment`: signals, models, backtest and report of 62 sessions of ten symbols, and a trade state with orders, fills and positions. It is shared: don't write to it.
- `own_deployment`: a copy of it for one test, which may do with it what it likes.
- `client`: an HTTP client of the shared one, on the service itself, with no socket between them; no key is made, so reading is open.
- `asking(deployment)`: a client of another one.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.app import make_app
from ats_assets_tests.serving.made_deployment import deployment_in, make_traded
from ats_assets_tests.sharing import made_once

Asking = Callable[..., TestClient]


@pytest.fixture(scope="session")
def traded_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the shared deployment."""
    return made_once(tmp_path_factory, "served", lambda home: make_traded(home, tmp_path_factory))


@pytest.fixture(scope="session")
def deployment(traded_home: Path) -> Deployment:
    """The shared deployment; not to be written to."""
    return deployment_in(traded_home)


@pytest.fixture
def own_deployment(traded_home: Path, tmp_path: Path) -> Deployment:
    """A copy of the shared deployment, for one test."""
    return deployment_in(shutil.copytree(traded_home, tmp_path / "home"))


@pytest.fixture(scope="session")
def asking() -> Iterator[Asking]:
    """Makes clients: `asking(deployment, key="ats_…")`."""
    opened: list[TestClient] = []

    def client(deployment: Deployment, *, key: str | None = None, address: str = "127.0.0.1") -> TestClient:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        opened.append(TestClient(make_app(deployment), base_url="http://127.0.0.1:8000", headers=headers, client=(address, 50_000)))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def client(deployment: Deployment, asking: Asking) -> TestClient:
    """A client of the shared deployment."""
    return asking(deployment)
