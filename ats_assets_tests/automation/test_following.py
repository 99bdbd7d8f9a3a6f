"""The sensor of the session loop: there only where it is asked for, tells of a silent session, and starts the loop only where settings say so."""

from datetime import timedelta
from pathlib import Path

import pytest

from ats_assets.automation.following import look_after
from ats_assets.deployment import Deployment
from ats_assets.settings import LiveSettings, Settings, StorageSettings
from ats_assets_tests.live.day import CALENDAR, DAY, OPENS


@pytest.mark.parametrize("start", [False, True])
def test_a_session_that_nobody_follows_is_told_of_and_the_loop_started_where_settings_say_so(tmp_path: Path, start: bool) -> None:
    storage = StorageSettings(warehouse=tmp_path / "w", data=tmp_path / "d", models=tmp_path / "m")
    deployment = Deployment(Settings(storage=storage, live=LiveSettings(enabled=True, start=start)))
    started: list[bool] = []

    def told(minutes: float) -> str:
        return look_after(deployment, OPENS + timedelta(minutes=minutes), start=lambda: started.append(True))

    assert told(-5) == "no session is open"
    assert told(2).startswith("the session loop has heard something")
    assert not started
    assert f"heard nothing of {DAY}" in told(10)
    assert started == [True] * start
    assert look_after(deployment, CALENDAR.closes_at(DAY), start=lambda: started.append(True)) == "no session is open"
