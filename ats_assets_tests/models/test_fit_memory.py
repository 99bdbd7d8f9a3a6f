"""What fits take in memory: fewer at once where they are bounded, and a refusal before what can't fit is read."""

from pathlib import Path

import pytest

from ats_assets.errors import MemoryLimitError
from ats_assets.models.fit_memory import ROWS_AT_ONCE, fit_row_bytes, require_fit, rows_at_once
from ats_assets.models.fitting import fits_at_once
from ats_assets.settings import TrainingSettings
from ats_assets_tests.small_market import small_market


def test_without_a_bound_nothing_is_refused(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    assert rows_at_once(deployment) == ROWS_AT_ONCE
    require_fit(deployment, "a fit", 10**12)


def test_fewer_fits_are_made_at_once_where_their_rows_must_fit(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, runs={"max_memory_mb": 2_000})
    rows = rows_at_once(deployment)
    assert rows == int(deployment.settings.runs.fit_bytes / fit_row_bytes(deployment)) < ROWS_AT_ONCE
    how = {"refits": 8, "symbols": rows // 2_000}
    training = TrainingSettings(threads=4, train_sessions=1_000)
    assert fits_at_once(training, **how, rows=rows) == 2
    assert fits_at_once(training, **how) > 2


def test_a_fit_that_does_not_fit_is_refused_with_what_it_needs_and_what_makes_it_smaller(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, runs={"max_memory_mb": 2_000})
    most = rows_at_once(deployment)
    require_fit(deployment, "a fit", most)
    with pytest.raises(MemoryLimitError, match="a fit of lightgbm_model at 2024-03-01 takes about") as refused:
        require_fit(deployment, "a fit of lightgbm_model at 2024-03-01", 2 * most)
    assert "set it to 3200 or more" in str(refused.value)
    assert "universe.size (now 10), training.train_sessions (now 40)" in str(refused.value)
    enough = small_market(tmp_path, runs={"max_memory_mb": 3_200})
    require_fit(enough, "a fit", 2 * most)
