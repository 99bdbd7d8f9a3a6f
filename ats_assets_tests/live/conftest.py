from pathlib import Path
from typing import Any

import pytest

from ats_assets.live.day_market import StoredMarket
from ats_assets_tests.live.day import MINUTES, Day, Make, market


@pytest.fixture(scope="session")
def stored() -> StoredMarket:
    """Minutes of BAC and IBM on 2013-10-08."""
    if not MINUTES.is_dir():
        pytest.skip(f"{MINUTES} is not there: real minute bars are needed")
    return market("BAC", "IBM")


@pytest.fixture
def day(tmp_path: Path, stored: StoredMarket) -> Make:
    """A day on a database of its own."""

    def make(**how: Any) -> Day:
        return Day(url=f"sqlite:///{tmp_path / 'trade_state.sqlite'}", kill_file=tmp_path / "KILL", stored=stored, **how)

    return make
