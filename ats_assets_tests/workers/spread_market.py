"""A small market whose features, labels, tuning and fits workers can make, a run of it on some workers, and someone who kills these meanwhile."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from ats_assets.definitions import build
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.run_events import EventClock, RunEvents
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.workers_at_hand import working_on
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, Files, files_of, small_market
from ats_assets_tests.tuning.tuned_market import CHANGES, MADE

LAST = date(2021, 2, 5)
SESSIONS_A_RUN = 12
TUNED: dict[str, Any] = CHANGES | {"tuning": CHANGES["tuning"] | {"trials": 4, "folds": 2}}
"""Trials, and fits with what they chose, which are made in the step."""
AHEAD: dict[str, Any] = EARLY_MODELS | {"training": EARLY_MODELS["training"] | {"families": ("trend",)}, "features": {"families": ()}}
"""Fits that are made ahead of the step that stores them."""


@dataclass
class ToldEvents(RunEvents):
    """Also keeps what was said of each partition, and how often it was made."""

    said: dict[tuple[str, str | None], dict[str, Any]] = field(default_factory=dict)
    times: Counter[tuple[str, str | None]] = field(default_factory=Counter)

    def __call__(self, entry: dg.EventLogEntry) -> None:
        super().__call__(entry)
        event = entry.dagster_event
        if event is not None and event.event_type == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
            key = (event.asset_key.path[-1], event.partition)
            self.times[key] += 1
            made = event.step_materialization_data.materialization
            self.said[key] = {name: one.value for name, one in made.metadata.items() if name not in {"path", "mlflow_run"}} | dict(
                made.tags or {}
            )


@dataclass(frozen=True)
class Run:
    """A run of the market: what was told of it, what it left, and the messages of what failed."""

    events: ToldEvents
    files: Files
    messages: list[str]


def run_on(root: Path, name: str | None, changes: dict[str, Any], **settings: Any) -> Run:
    """Run the market up to its models on the workers of a name."""
    deployment = small_market(root, **changes, workers={name: settings} if name else {})
    sessions = deployment.calendar.sessions(FIRST, LAST)
    assets = frozenset({*MADE, "lightgbm_model", *(["lightgbm_tuning"] if "tuning" in changes else [])})
    clock = EventClock()
    events = ToldEvents(clock=clock)
    outcome = Outcome(sessions=sessions, assets=sorted(assets), run_events=events, clock=clock)
    with working_on(deployment, name), listed_instance() as instance, RunProgress(len(sessions)) as progress:
        runner = Runner(deployment, build(deployment), instance)
        runner.run(runner.parts(sessions, assets, SESSIONS_A_RUN), outcome, progress, ahead=True)
    return Run(events=events, files=files_of(root), messages=outcome.messages)


def assert_same(found: Run, expected: Run) -> None:
    """The same bytes, and the same said of each partition, once."""
    assert found.messages == expected.messages == []
    assert found.files.keys() == expected.files.keys()
    assert [path for path, content in found.files.items() if content != expected.files[path]] == []
    assert found.events.said == expected.events.said
    assert found.events.times == expected.events.times
    assert set(found.events.times.values()) == {1}


@contextmanager
def killer(workers: Callable[[], list[int]], seed: int, *, most: int) -> Iterator[list[int]]:
    """While open, kill one of the workers that are busy now and then, so many at most; the ids of those that were."""
    choice, killed, over = random.Random(seed), list[int](), threading.Event()

    def kill() -> None:
        while len(killed) < most and not over.wait(choice.uniform(0.02, 0.5)):
            if found := workers():
                victim = choice.choice(sorted(found))
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()
