"""The topic `signals`: of each strategy the newest session's signals, as the API tells them, the best with their rows; the rest is asked for by the data version."""

from collections.abc import Hashable
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.intervals.schema import INTERVALS
from ats_assets.serving.queries.stored_signals import signals_answer, signals_version
from ats_assets.serving.stream.newest_partition import NewestPartition
from ats_assets.serving.stream.topic_log import Rows, by_key

SHOWN = 100
"""Rows of a strategy, by rank."""


class FollowedSignals:
    """The signals of a deployment's strategies."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._signals = [NewestPartition(deployment, asset) for asset in deployment.signals.values()]
        self._added = [NewestPartition(deployment, asset) for asset in ("targets", "champion", INTERVALS)]

    def stamp(self) -> Hashable:
        """Another value once there is something to read."""
        return tuple(newest.stamp() for newest in (*self._signals, *self._added))

    def rows(self) -> Rows:
        """The rows as JSON, by strategy, of the newest session that all strategies have; none where there is none.

        Raises
        ------
        AtsError
            If a partition can't be read.
        """
        sessions = [newest.session() for newest in self._signals]
        if not sessions or None in sessions:
            return {}
        session = min(day for day in sessions if day is not None)
        try:
            return self._of(session)
        except OSError as error:
            raise AtsError(f"the signals of {session} can't be read ({error.strerror})") from None

    def _of(self, session: date) -> Rows:
        version = signals_version(self._deployment, session)
        told = []
        for strategy in self._deployment.signals:
            rows = signals_answer(self._deployment, session, strategy)["signals"]
            head = {"key": strategy, "strategy": strategy, "session": session, "data_version": version, "count": len(rows)}
            told.append(head | {"rows": rows[:SHOWN]})
        return by_key(told)
