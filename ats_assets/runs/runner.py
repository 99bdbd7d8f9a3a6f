"""The graph run part by part in this process."""

import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import dagster as dg
from dagster._core.utils import make_new_run_id
from sqlalchemy.exc import OperationalError

from ats_assets.automation.requests import range_tags
from ats_assets.deployment import Deployment
from ats_assets.errors import EventLogError
from ats_assets.exports.schema import EXPORTS
from ats_assets.models.fits_ahead import fits_ahead
from ats_assets.orchestration.graph import asset_key, asset_name, prefixed
from ats_assets.orchestration.made_so_far import made_so_far
from ats_assets.orchestration.spreading import spreading
from ats_assets.runs.abandoned import PROCESS, process_tag
from ats_assets.runs.failures import failure_messages, was_interrupted
from ats_assets.runs.planned_runs import PlannedRun, Turn, turns
from ats_assets.runs.requests_so_far import requests_since
from ats_assets.runs.run_events import EventClock, RunEvents
from ats_assets.runs.run_origin import with_origin
from ats_assets.runs.run_progress import RunProgress
from ats_assets.storage.quick_end import collect_new

OWN_TAGS = {"dagster/max_retries": "0"}
"""Such a run is not retried automatically: the user sees it fail."""
HISTORY, REPORTS = "history", "backtest_reports"


@dataclass(kw_only=True)
class Outcome:
    """The state of a run so far."""

    sessions: list[date]
    assets: list[str]
    run_events: RunEvents
    clock: EventClock
    done: list[PlannedRun] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    """When the command began, by `time.perf_counter`."""
    start_seconds: float = 0.0
    """From then until the first part: imports, settings, source, instance."""
    messages: list[str] = field(default_factory=list)
    not_exported: list[str] = field(default_factory=list)
    """What exports say that failed beside assets that were made: a store that is gone stops nothing, and fails no run."""
    interrupted: bool = False

    @classmethod
    def of(cls, sessions: Sequence[date], assets: Iterable[str]) -> "Outcome":
        """Of a run that begins now."""
        clock = EventClock()
        return cls(sessions=list(sessions), assets=sorted(assets), clock=clock, run_events=RunEvents(clock=clock))

    @property
    def total_seconds(self) -> float:
        """Since the run began."""
        return time.perf_counter() - self.started


class Runner:
    """Runs parts on one instance.

    Parameters
    ----------
    verbose
        Whether Dagster's own log goes to the console.
    checks
        Whether the assets' checks are run, too: they may look at partitions beyond those that an asset reads.
    """

    def __init__(
        self,
        deployment: Deployment,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        *,
        verbose: bool = False,
        checks: bool = True,
    ) -> None:
        self._deployment = deployment
        self._definitions = definitions
        self._instance = instance
        self._verbose = verbose
        self._checks = None if checks else frozenset[dg.AssetCheckKey]()

    def parts(self, sessions: Sequence[date], assets: frozenset[str], chunk: int) -> list[PlannedRun]:
        """The runs that make `assets` over `sessions`: `chunk` sessions each, then what has no partitions, then each export."""
        history = tuple(sorted(assets & self._assets_of(HISTORY)))
        reports = tuple(sorted(assets & self._assets_of(REPORTS)))
        parts = [
            PlannedRun(job=HISTORY, assets=history, sessions=tuple(sessions[i : i + chunk]))
            for i in range(0, len(sessions), chunk)
            if history
        ]
        exported = sorted(assets & self._assets_of(EXPORTS)) if self._deployment.settings.exports else []
        copies = [PlannedRun(job=EXPORTS, assets=(name,), sessions=tuple(sessions)) for name in exported]
        return parts + ([PlannedRun(job=REPORTS, assets=reports)] if reports else []) + copies

    def run(self, parts: Sequence[PlannedRun], outcome: Outcome, progress: RunProgress, *, ahead: bool = False) -> None:
        """Run the parts in order, until one fails; exports fail alone.

        Parameters
        ----------
        ahead
            Run what the models of a part read before all that is made of them in the part before, so that fits are made meanwhile (`turns`).
        """
        planned = turns(parts, self._definitions, self._deployment) if ahead else [Turn(part=part) for part in parts]
        outcome.run_events.on_step, outcome.run_events.on_line = progress.step, progress.note
        self._deployment.of(spreading).pieces.on_done = progress.within
        self._deployment.of(made_so_far).on_written = partial(progress.within, unit="sessions")
        progress.beside = requests_since(self._deployment.settings)
        progress.expect(
            [self._steps(turn.now) * max(len(turn.now.sessions), 1) for turn in planned], sum(len(part.sessions) for part in parts)
        )
        with outcome.clock.watching(self._instance), closing(self._deployment.of(fits_ahead)):
            for i, turn in enumerate(planned):
                if not self._turn(turn, outcome, progress):
                    if turn.part.job == EXPORTS and not outcome.interrupted:
                        continue
                    left = planned[i + 1 : i + 2] if turn.before is not None and not outcome.interrupted else []
                    if left and left[0].before is None and left[0].part.sessions != turn.part.sessions:
                        self._turn(left[0], outcome, progress)  # all that the earlier part needs is there
                    return

    def _turn(self, turn: Turn, outcome: Outcome, progress: RunProgress) -> bool:
        part = turn.now
        progress.begin(f"{part.name}, before models" if turn.before else part.name, steps=self._steps(part))
        succeeded = self._execute(self._job(part.job), part, outcome)
        collect_new()
        if not succeeded:
            return False
        if turn.before:
            self._deployment.of(fits_ahead).begin(turn.part.assets, part.sessions)
        else:
            outcome.done.append(turn.part)
        progress.end(0 if turn.before else len(part.sessions))
        return True

    def _execute(self, job: dg.JobDefinition, part: PlannedRun, outcome: Outcome) -> bool:
        failed_before = len(outcome.run_events.failures)
        run_id = make_new_run_id()
        self._instance.add_event_listener(run_id, outcome.run_events)
        subset = job.get_subset(
            asset_selection=self._keys(part), asset_check_selection=part.checks if self._checks is None else self._checks
        )
        with with_origin(self._instance, job.name), sigterm_as_before(), _events_are_stored(part):
            result = subset.execute_in_process(
                run_config={} if self._verbose else {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                instance=self._instance,
                raise_on_error=False,
                run_id=run_id,
                tags=OWN_TAGS | {PROCESS: process_tag()} | (range_tags(part.sessions) if len(part.sessions) > 1 else {}),
                partition_key=part.sessions[0].isoformat() if len(part.sessions) == 1 else None,
            )
        if result.success:
            return True
        outcome.interrupted = was_interrupted(outcome.run_events.failures[failed_before:])
        if not outcome.interrupted:
            beside = part.job == EXPORTS and bool(set(outcome.assets) - self._assets_of(EXPORTS))
            told = outcome.not_exported if beside else outcome.messages
            told += failure_messages(outcome.run_events, part.name, failed_before)
        return False

    def _assets_of(self, job: str) -> set[str]:
        return {asset_name(key) for key in self._job(job).asset_layer.executable_asset_keys}

    def _job(self, name: str) -> dg.JobDefinition:
        return self._definitions.resolve_job_def(prefixed(self._deployment, name))

    def _keys(self, part: PlannedRun) -> frozenset[dg.AssetKey]:
        return frozenset(asset_key(self._deployment, name) for name in part.assets)

    def _steps(self, part: PlannedRun) -> int:
        return len(self._job(part.job).get_subset(asset_selection=self._keys(part)).graph.nodes)


@contextmanager
def sigterm_as_before() -> Iterator[None]:
    """Have SIGTERM do after a run of Dagster what it did before, where SIGINT is ignored.

    Dagster leaves SIGTERM with what SIGINT has. A command that a script starts in its background ignores SIGINT, and could be ended by SIGKILL alone.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) == signal.SIG_IGN != before:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _events_are_stored(part: PlannedRun) -> Iterator[None]:
    """Say what to do where the database of runs and events is restarted meanwhile, or gone."""
    try:
        yield
    except OperationalError as error:
        why = (str(error.orig or error).strip() or type(error).__name__).splitlines()[0]
        again = f" with --from {part.sessions[0]}" if part.sessions else ""
        raise EventLogError(
            f"Dagster's database of runs and events failed during {part.name} ({why}): see that it is there, then run the same command again{again}. What is "
            "stored is kept; partitions whose events are missing are rebuilt, to the same bytes"
        ) from error
