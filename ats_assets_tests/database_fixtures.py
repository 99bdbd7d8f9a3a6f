"""The fixtures of tests that run on SQLite and on PostgreSQL."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ats_assets.trade_state import TradeState
from ats_assets_tests.trade_state.databases import PostgresServer, create_database, postgresql_process

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_running() -> Iterator[PostgresServer]:
    """A PostgreSQL server for all tests of the process."""
    with postgresql_process() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql(postgresql_running: PostgresServer) -> str:
    """The URL of its databases, without their names."""
    return postgresql_running.url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trade_state.sqlite'}"
    return create_database(request.getfixturevalue("postgresql"), f"test{next(_numbers)}")


@pytest.fixture(scope="session")
def made_trade_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trade state of SQLite in which nothing is yet, to be copied: to make its tables takes longer than most of what is done with them."""
    file = tmp_path_factory.mktemp("made") / "trade_state.sqlite"
    TradeState(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def made_on_postgresql(postgresql: str) -> str:
    """The name of a database with the same, the template of others."""
    TradeState(create_database(postgresql, "made_trade_state")).close()
    return "made_trade_state"


@pytest.fixture(params=["sqlite", "postgresql"])
def trade_state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a trade state in which nothing is yet, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('made_trade_state'), tmp_path / 'trade_state.sqlite')}"
    template = request.getfixturevalue("made_on_postgresql")
    return create_database(request.getfixturevalue("postgresql"), f"test{next(_numbers)}", template)
