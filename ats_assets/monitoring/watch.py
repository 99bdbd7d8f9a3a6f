"""A deployment watched for long: what was read of it is kept until it changes, so that looking at it costs next to nothing."""

import contextlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.dagster_storage import FILES, DagsterStorage, Part
from ats_assets.monitoring.stamped import Stamp, Stamped, stamp_of_database
from ats_assets.orchestration.dagster_home import dagster_home
from ats_assets.trade_state import TradeReader

SERVER_SECONDS = 5
"""How old what is known of a database on a server may be: it has no file whose time could be looked at."""
OF_DAGSTER: Mapping[str, Part] = {"beats": "runs", "active": "runs", "ended": "runs", "triggers": "schedules", "checks": "events"}
"""Part of what is observed -> where it is read."""


class Watch:
    """What collectors read a deployment by.

    Attributes
    ----------
    kept
        For whatever else a collector keeps.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.kept = Stamped()
        self.reader = TradeReader(deployment.settings, busy_seconds=0.5)
        self._stamps: dict[str, Stamp | None] = {}
        self._values: dict[str, object] = {}

    @property
    def storage(self) -> DagsterStorage:
        """Dagster's.

        Raises
        ------
        SettingsError
            If there is no DAGSTER_HOME.
        """
        home = dagster_home()
        return self.kept.get("dagster", home, lambda: DagsterStorage(home))

    def close(self) -> None:
        """Close the connections to the trade state; the next look opens others."""
        self.reader.close()

    def observe(self, now: datetime, market_now: datetime | None = None) -> Observed:
        """The deployment as it is now; what has not changed since it was last looked at is not read again."""
        self.deployment.refresh_calendar()
        found = Observed(self.deployment, now, market_now)
        with contextlib.suppress(AtsError):  # which whoever needs it is told again
            found.__dict__["storage"] = self.storage
        for name in (*OF_DAGSTER, "trading"):
            stamp = self.stamp(name, now)
            if stamp is not None and self._stamps.get(name) == stamp and name in self._values:
                found.__dict__[name] = self._values[name]
            self._stamps[name] = stamp
            self._values.pop(name, None)
        return found

    def keep(self, observed: Observed) -> None:
        """Keep what was read, for the next time."""
        for name in (*OF_DAGSTER, "trading"):
            if name in observed.__dict__ and self._stamps.get(name) is not None:
                self._values[name] = observed.__dict__[name]

    def stamp(self, name: str, now: datetime) -> Stamp | None:
        """Of the place that a part is read from; None: it has just changed, or is not known."""
        try:
            file = self._file(name)
        except AtsError:
            return None
        return int(now.timestamp() // SERVER_SECONDS) if file is None else stamp_of_database(file)

    def _file(self, name: str) -> Path | None:
        """The file of SQLite; None: a server has it."""
        if name == "trading":
            return self.reader.file
        storage = self.storage
        return None if storage.address else storage.folder / FILES[OF_DAGSTER[name]]
