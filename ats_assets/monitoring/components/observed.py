"""What the components are judged by: read once, each part on its own, so that one that can't be read hides none of the others."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.monitoring import dagster_state
from ats_assets.monitoring.dagster_state import ActiveRuns, CheckResult, DaemonBeat, EndedRun, TriggerState
from ats_assets.monitoring.dagster_storage import DagsterStorage
from ats_assets.monitoring.trading_facts import TradingFacts, trading_facts
from ats_assets.orchestration.dagster_home import dagster_home
from ats_assets.trade_state import TradeReader

PATIENCE_SECONDS = 0.5
"""For a trade state that is locked: whoever asks for the state of all components waits no longer."""


@dataclass
class Observed:
    """A deployment as it is at an instant; each part is read when it is first asked for.

    Attributes
    ----------
    now
        Of the machine: how old heartbeats, ticks and runs are.
    market_now
        Of the market, where it is another: which sessions are due. A replayed history has one of its own.
    """

    deployment: Deployment
    now: datetime
    market_now: datetime | None = None

    @property
    def market(self) -> datetime:
        """The time by which sessions are due."""
        return self.market_now or self.now

    @cached_property
    def storage(self) -> DagsterStorage:
        """Where Dagster keeps what it knows.

        Raises
        ------
        SettingsError
            If there is no such folder.
        """
        return DagsterStorage(dagster_home())

    @cached_property
    def beats(self) -> list[DaemonBeat]:
        """The daemon's heartbeats."""
        with self.storage.reading("runs") as ask:
            return dagster_state.daemon_beats(ask)

    @cached_property
    def triggers(self) -> dict[str, TriggerState]:
        """Schedules and sensors that were ever switched on, by name."""
        with self.storage.reading("schedules") as ask:
            return {one.name: one for one in dagster_state.trigger_states(ask)}

    @cached_property
    def active(self) -> list[ActiveRuns]:
        """Runs that are not through."""
        with self.storage.reading("runs") as ask:
            return dagster_state.active_runs(ask)

    @cached_property
    def ended(self) -> list[EndedRun]:
        """The run of each job that ended last."""
        with self.storage.reading("runs") as ask:
            return dagster_state.ended_runs(ask)

    @cached_property
    def checks(self) -> list[CheckResult]:
        """The newest result of each check."""
        with self.storage.reading("events") as ask:
            return dagster_state.check_results(ask)

    @cached_property
    def trading(self) -> TradingFacts:
        """What the trade state says.

        Raises
        ------
        TradeStateError
            If it can't be read.
        """
        with TradeReader(self.deployment.settings, busy_seconds=PATIENCE_SECONDS) as reader, reader.begin() as connection:
            return trading_facts(connection, self.now)

    @property
    def daemon_at(self) -> datetime | None:
        """The newest heartbeat of any thread of the daemon; None where none ever ran, or that is not known."""
        try:
            return max((beat.at for beat in self.beats), default=None)
        except AtsError:
            return None

    @property
    def daemon_lives(self) -> bool:
        """Whether the daemon has written a heartbeat lately."""
        at = self.daemon_at
        return at is not None and (self.now - at).total_seconds() <= dagster_state.SILENT_SECONDS
