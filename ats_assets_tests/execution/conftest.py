import shutil
from pathlib import Path

import pytest

from ats_assets_tests.execution.exchange import Bench


@pytest.fixture
def bench(trade_state_url: str, tmp_path: Path) -> Bench:
    """An empty trade state in a database of each kind, an exchange, and no kill file."""
    return Bench.at(trade_state_url, tmp_path / "KILL")


@pytest.fixture
def sqlite_bench(made_trade_state: Path, tmp_path: Path) -> Bench:
    """As `bench`, on SQLite alone."""
    return Bench.at(f"sqlite:///{shutil.copy(made_trade_state, tmp_path / 'trade_state.sqlite')}", tmp_path / "KILL")
