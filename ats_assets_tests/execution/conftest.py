from pathlib import Path

import pytest

from ats_assets_tests.execution.exchange import Bench


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Bench:
    """An empty database of each kind, an exchange, and no kill file."""
    return Bench.at(database_url, tmp_path / "KILL")


@pytest.fixture
def sqlite_bench(tmp_path: Path) -> Bench:
    """As `bench`, on SQLite alone."""
    return Bench.at(f"sqlite:///{tmp_path / 'trade_state.sqlite'}", tmp_path / "KILL")
