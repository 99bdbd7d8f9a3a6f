"""The order of a command's runs, and fits that are made by other threads before the step that stores them: the same bytes as without."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError
from ats_assets.features import assets as features
from ats_assets.models import training_run
from ats_assets.models.fits_ahead import FitsAhead, Made
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.planned_runs import PlannedRun, turns
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, differences, files_of, small_market

LAST = date(2021, 2, 12)
HISTORY = frozenset({"raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions"})
LEARNT = frozenset({"universe", "alpha158", "trend", "forward_returns"})
MADE = HISTORY | LEARNT | {"lightgbm_model", "predictions"}


def made(root: Path, *, ahead: bool) -> tuple[Deployment, Outcome]:
    deployment = small_market(root, **EARLY_MODELS)
    sessions = deployment.calendar.sessions(FIRST, LAST)
    outcome = Outcome.of(sessions, MADE)
    with listed_instance() as instance, RunProgress(len(sessions)) as progress:
        runner = Runner(deployment, build(deployment), instance)
        runner.run(runner.parts(sessions, MADE, 10), outcome, progress, ahead=ahead)
    return deployment, outcome


def days(parts: list[PlannedRun]) -> list[tuple[date, int]]:
    return [(part.sessions[0], len(part.sessions)) for part in parts]


def test_fits_made_ahead_are_taken_and_nothing_else_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    take = FitsAhead.take

    def counted(self: FitsAhead, asset: str, wanted: Any) -> Made | None:
        found = take(self, asset, wanted)
        taken.append(found is not None)
        return found

    _, plain = made(tmp_path / "plain", ahead=False)
    monkeypatch.setattr(FitsAhead, "take", counted)
    _, ahead = made(tmp_path / "ahead", ahead=True)
    assert plain.messages == ahead.messages == []
    assert days(ahead.done) == days(plain.done)
    assert len(plain.done) == 3
    assert len(taken) > 4
    assert all(taken)
    assert differences(files_of(tmp_path / "ahead"), files_of(tmp_path / "plain")) == []
    assert ahead.run_events.partitions == plain.run_events.partitions


def test_a_fit_that_fails_ahead_fails_in_its_own_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = training_run.fit

    def fails_late(model: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        if data.window.session >= date(2021, 2, 1):
            raise ModelError("no luck")
        return fit(model, data, *args, **kwargs)

    monkeypatch.setattr(training_run, "fit", fails_late)
    deployment, outcome = made(tmp_path, ahead=True)
    assert "no luck" in outcome.messages[0]
    assert days(outcome.done) == [(FIRST, 10)]
    assert max(deployment.model_store("lightgbm_model").stored_sessions()) < date(2021, 2, 1)


def test_what_fails_before_models_leaves_the_part_before_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = features.features_of

    def fails_late(*args: Any, sessions: Sequence[date], **kwargs: Any) -> Any:
        if sessions[0] != FIRST:
            raise ModelError("no luck")
        return compute(*args, sessions=sessions, **kwargs)

    monkeypatch.setattr(features, "features_of", fails_late)
    deployment, outcome = made(tmp_path, ahead=True)
    assert "no luck" in outcome.messages[0]
    assert days(outcome.done) == [(FIRST, 10)]
    assert len(deployment.warehouse.stored_sessions("predictions")) == 10


def test_turns_make_what_models_read_of_the_next_part_first(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, bars={"profile": True})
    definitions = build(deployment)
    names = ("bars", "lightgbm_model", "predictions", "raw_bars")
    parts = [PlannedRun(job="history", assets=names, sessions=(date(2021, 1, day),)) for day in (4, 5, 6)]
    report = PlannedRun(job="backtest_reports", assets=("backtest",))
    planned = turns([*parts, report], definitions, deployment)
    told = [(turn.now.name, turn.now.assets) for turn in planned]
    before, after = ("bars", "raw_bars"), ("lightgbm_model", "predictions")
    first, second, third = "2021-01-04", "2021-01-05", "2021-01-06"
    halves = [(first, before), (second, before), (first, after), (third, before), (second, after), (third, after)]
    assert told == [*halves, ("backtest", ("backtest",))]
    for turn in planned[:-1]:
        checks = {f"{key.asset_key.path[-1]}.{key.name}" for key in turn.now.checks or ()}
        assert ("raw_bars.profile" in checks) == (turn.after is not None)  # which waits for a second process
        assert ("bars.contract" in checks) == (turn.before is not None)
    whole = [[turn.now for turn in turns(some, definitions, deployment)] for some in ([parts[0], report], [parts[0]], [])]
    assert whole == [[parts[0], report], [parts[0]], []]
    without = [PlannedRun(job="history", assets=before, sessions=part.sessions) for part in parts]
    assert [turn.now for turn in turns(without, definitions, deployment)] == without
