"""The servers that the tests of exports write to."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ats_assets_tests.exports.exported_market import LAST, make
from ats_assets_tests.exports.redis_servers import RedisServer, redis_server
from ats_assets_tests.small_market import copy_until
from ats_assets_tests.trade_state.databases import create_database

_NUMBERS = count()


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    """One server for all tests of the process."""
    with redis_server() as server:
        yield server


@pytest.fixture
def online(redis_process: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """That server, emptied, named by the environment."""
    with redis_process.client() as client:
        client.flushall()
    monkeypatch.setenv("REDIS_URL", redis_process.url)
    return redis_process


@pytest.fixture
def database(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database, named by the environment."""
    address = create_database(postgresql, f"exports{next(_NUMBERS)}")
    monkeypatch.setenv("TIMESCALE_DSN", address)
    return address


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small market, made once."""
    root = tmp_path_factory.mktemp("exported")
    make(root)
    return root


@pytest.fixture
def root(history: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy_until(history, tmp_path, LAST)
    return tmp_path
