"""A tuning that is killed after any trial comes to the same end when it is started again: the same bytes, the same trials in the ledger, nothing left behind."""

import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ats_assets.trials import ledger_of
from ats_assets_tests.forking import ForkServer, fork_server
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import Files, differences, files_of
from ats_assets_tests.tuning.tuned_market import TRIALS, TUNED, copied, tuned_market

pytest.importorskip("optuna")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")]
ONE_OF_EACH = [(3, "before"), (8, "after"), (13, "torn")]
"""In the first tuning, at its last trial, and in the second one, by two processes."""
KILLS = rounds(len(ONE_OF_EACH), 2 * 3 * TRIALS, "ATS_TEST_KILLS")
NEVER = "-1 never"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with fork_server("ats_assets_tests.tuning.serve_tunings", log=tmp_path_factory.mktemp("server") / "log") as server:
        yield server


def tunings(root: Path) -> Files:
    return {path: content for path, content in files_of(root).items() if "lightgbm_tuning" in path}


def tried(root: Path) -> list[tuple[str, str]]:
    """The trials of the ledger with what came of them; in no order, since a run that is killed may have begun others first."""
    found = tuned_market(root).of(ledger_of).trials()
    return sorted(
        (one.trial.tried, "" if one.series is None else json.dumps(one.series.to_dict(as_series=False), default=str)) for one in found
    )


@pytest.fixture(scope="module")
def undisturbed(server: ForkServer, made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copied(made, tmp_path_factory.mktemp("undisturbed") / "world")
    server.start(f"{root} 1 {NEVER}")
    assert server.status() == 0
    return root


def moments() -> list[tuple[int, str]]:
    """A trial, counted over both tunings, and what of it had been done: one of each, more of them, or all."""
    if len(ONE_OF_EACH) == KILLS:
        return ONE_OF_EACH
    every = [(number, moment) for number in range(len(TUNED) * TRIALS) for moment in ("before", "after", "torn")]
    return random.Random(7).sample(every, min(KILLS, len(every)))


@pytest.mark.parametrize(("number", "moment"), moments())
def test_killed_at_a_trial_it_goes_on_to_the_same_end(
    server: ForkServer, made: Path, undisturbed: Path, tmp_path: Path, number: int, moment: str
) -> None:
    root, processes = copied(made, tmp_path / "world"), 2 if number % 9 == 4 else 1
    server.start(f"{root} {processes} {number} {moment}")
    assert server.status() == -signal.SIGKILL
    expected = tunings(undisturbed)
    left = {path: content for path, content in tunings(root).items() if not Path(path).name.startswith(".")}
    assert differences(left, {path: expected[path] for path in left}) == [], "what it had stored is whole"
    kept = list((root / "data" / "tuning").rglob("trial-*.json"))
    assert len(kept) == (number % TRIALS) + (moment != "before")
    server.start(f"{root} 1 {NEVER}")
    assert server.status() == 0
    assert differences(tunings(root), expected) == []
    assert tried(root) == tried(undisturbed)
    assert not [*(root / "data" / "tuning").rglob("*.json")]
