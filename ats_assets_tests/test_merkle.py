"""One hash over all files: the same whatever the order in which partitions are made, and however many threads make them, each time in a fresh process."""

from datetime import date
from pathlib import Path

import pytest

from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, differences, files_of, make_history, merkle_root, run_elsewhere, small_market

LAST = date(2021, 1, 22)
RUNS = rounds(1, 20, "ATS_TEST_MERKLE_RUNS")
"""One, beside what this process makes with the threads that it has, is enough to notice that something has broken."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 150 * RUNS)]


def test_the_root_is_the_same_for_every_order_and_number_of_threads(tmp_path: Path) -> None:
    make_history(small_market(tmp_path / "whole", **EARLY_MODELS), FIRST, LAST)
    root = merkle_root(tmp_path / "whole")
    for seed in range(RUNS):
        threads = str(1 + seed % 2)
        other = tmp_path / str(seed)
        environment = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": str(seed)}
        run_elsewhere(other, "--seed", str(seed), "--to", LAST.isoformat(), command="shuffled", **environment)
        assert merkle_root(other) == root, differences(files_of(other), files_of(tmp_path / "whole"))
