"""What tests of runs share."""

import pytest

from ats_assets.runs import progress
from ats_assets_tests.runs.stopped_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of all progress, stopped."""
    made = Clock()
    monkeypatch.setattr(progress.time, "monotonic", made.monotonic)
    return made
