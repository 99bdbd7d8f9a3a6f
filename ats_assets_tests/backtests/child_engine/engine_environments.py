"""The environments of engines of others, for the tests that need one: made before the tests (a test opens no network), or what needs them is skipped."""

import os
from pathlib import Path
from typing import Any

import pytest

from ats_assets.backtests.child_engine.engine_in_child import EngineInChild
from ats_assets.plugins import ENGINES

REQUIRED = frozenset(os.environ.get("ATS_TESTS_NEED_ENGINES", "").split(","))
"""Names of engines whose environments must be there, with commas, or `all`; read before any test takes the environment's settings away."""
ENVIRONMENTS = Path(os.environ.get("ATS_TESTS_ENGINES", Path(__file__).parents[3] / "data" / "engines"))
LEFT_OUT = ("backtest.margin",)


def engine_for_tests(name: str) -> EngineInChild:
    """An engine whose environment is there; else the test is skipped with the reason, or fails where it is required."""
    options: dict[str, Any] = {"environments": ENVIRONMENTS, "leave_out": LEFT_OUT}
    engine = ENGINES.made(name, options)
    assert isinstance(engine, EngineInChild)
    if not engine.environment.is_there(ENVIRONMENTS):
        what = f"no environment of {name} in {ENVIRONMENTS}: python -m ats_assets.backtests.child_engine {name}"
        if {name, "all"} & REQUIRED:
            pytest.fail(what)
        pytest.skip(what)
    return engine
