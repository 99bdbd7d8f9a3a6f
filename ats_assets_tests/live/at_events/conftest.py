import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ats_assets.deployment import Deployment
from ats_assets_tests.live.at_events.trade_lane import DAY, DAYS, deliver, lane_of_trades, made

TICKS = ("tick_bars", {"kind": "tick", "bars_per_session": 40, "estimated_on_sessions": 2})


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the graph has made all sessions but the last, of which the delivery is there."""
    root = tmp_path_factory.mktemp("lane_of_trades")
    deployment = lane_of_trades(root, *TICKS)
    deliver(deployment, DAYS[:-1])
    made(deployment, DAYS[:-1])
    deliver(deployment, [DAY])
    return root


@pytest.fixture
def lane(history: Path, tmp_path: Path) -> Callable[..., Deployment]:
    """The lane of ticks on a copy of it, with other settings; what they change is not made again."""

    def of(**changes: Any) -> Deployment:
        for name in ("warehouse", "models"):
            if not (tmp_path / name).exists():
                shutil.copytree(history / name, tmp_path / name)
        return lane_of_trades(tmp_path, *TICKS, **changes)

    return of
