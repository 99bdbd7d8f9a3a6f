"""A market to tune on, made once for all tests of tuning."""

from pathlib import Path

import pytest

from ats_assets_tests.sharing import made_for_all
from ats_assets_tests.small_market import FIRST, make_history
from ats_assets_tests.tuning.tuned_market import LAST, MADE, tuned_market


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market without its tuning, to be copied and not written to."""
    return made_for_all(tmp_path_factory, "tunable", lambda root: make_history(tuned_market(root), FIRST, LAST, MADE))
