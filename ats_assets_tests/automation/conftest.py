"""A history with models and signals, made once, and an instance of Dagster in memory."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.automation.ticks import LAST, market
from ats_assets_tests.small_market import FIRST, copy_until, make_history


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("history")
    assert make_history(market(root), FIRST, LAST).success
    return root


@pytest.fixture
def root(history: Path, tmp_path: Path) -> Path:
    """A copy of the history."""
    copy_until(history, tmp_path, LAST)
    return tmp_path


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with asked_instance() as found:
        yield found
