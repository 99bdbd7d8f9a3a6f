"""The fixtures of tests that run on SQLite and on PostgreSQL."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

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
