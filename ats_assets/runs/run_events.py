"""Progress of a run from Dagster's events: seconds by step, partitions made, failed checks, and the time spent on the events themselves."""

import contextlib
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster import DagsterEvent, DagsterEventType

from ats_assets.orchestration.graph import asset_name

Clock = Callable[[], float]


class EventClock:
    """The seconds that an instance spends on its events: taking them, storing them, committing them.

    The instance's own method is wrapped, and the transaction of a batch where the storage has them; time within time is counted once.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        self._depth += 1
        started = time.perf_counter()
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.seconds += time.perf_counter() - started

    @contextlib.contextmanager
    def watching(self, instance: dg.DagsterInstance) -> Iterator[None]:
        """Count while open."""
        storage: Any = instance.event_log_storage
        handle, batch = instance.handle_new_event, getattr(storage, "batch", None)

        def counted_event(*args: Any, **kwargs: Any) -> None:
            with self._counted():
                handle(*args, **kwargs)

        @contextlib.contextmanager
        def counted_batch() -> Iterator[Any]:
            with contextlib.ExitStack() as stack:
                opened = stack.enter_context(batch())  # pyright: ignore[reportOptionalCall]
                yield opened
                with self._counted():  # the commit
                    stack.close()

        instance.handle_new_event = counted_event
        if batch is not None:
            storage.batch = counted_batch
        try:
            yield
        finally:
            del instance.handle_new_event
            if batch is not None:
                del storage.batch


def _nobody(step: str, told: bool | str) -> None:
    """Nobody listens."""


@dataclass(kw_only=True)
class RunEvents:
    """Listens to the events of Dagster runs, one run after another, and adds them up.

    Parameters
    ----------
    clock
        Of the events' own seconds, which are no step's.
    on_step
        Called with the step's key and True when a step starts, False when it has ended.
    on_line
        Called with the step's key and each line that it writes to the log, such as a fit that is done; those meant for debugging are not told.
    """

    clock: EventClock
    on_step: Callable[[str, bool], None] = _nobody
    on_line: Callable[[str, str], None] = _nobody
    step_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Less the seconds of events that were stored meanwhile."""
    partitions: Counter[str] = field(default_factory=Counter)
    """Materialisations by asset."""
    checks: dict[tuple[dg.AssetCheckKey, str | None], dg.AssetCheckEvaluation] = field(default_factory=dict)
    """The failed ones, by check and partition; what was judged again counts as it was judged last."""
    fallbacks: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By asset: what was said of sessions for which no book keeps all limits, a line each."""
    failures: list[DagsterEvent] = field(default_factory=list)
    events: int = 0
    _started: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, entry: dg.EventLogEntry) -> None:
        """Take one event."""
        self.events += 1
        event = entry.dagster_event
        if event is None:
            if int(entry.level) >= logging.INFO and entry.step_key:
                self.on_line(entry.step_key, entry.user_message)
            return
        kind, step = event.event_type, event.step_key or ""
        if kind == DagsterEventType.STEP_START:
            self._started[step] = (time.perf_counter(), self.clock.seconds)
            self.on_step(step, True)
        elif kind in {DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}:
            began, stored = self._started.pop(step, (time.perf_counter(), self.clock.seconds))
            self.step_seconds[step] += time.perf_counter() - began - (self.clock.seconds - stored)
            self.on_step(step, False)
        elif kind == DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None:
            self.partitions[asset_name(event.asset_key)] += 1
            told = event.step_materialization_data.materialization.metadata.get("fallbacks")
            if told is not None:  # one text for all sessions of the step
                self.fallbacks[asset_name(event.asset_key)].update(str(told.value).splitlines())
        elif kind == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._judged(event.asset_check_evaluation_data)
        if event.is_failure:
            self.failures.append(event)

    def _judged(self, check: dg.AssetCheckEvaluation) -> None:
        key = (check.asset_check_key, check.partition)
        self.checks.pop(key, None)
        if not check.passed:
            self.checks[key] = check
