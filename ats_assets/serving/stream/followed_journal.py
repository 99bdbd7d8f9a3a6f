"""Which database has the journal of the session that is followed: that of the trade state, or the newest replay's."""

from collections.abc import Hashable
from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.serving.stream.change_probe import ChangeProbe, probe_of
from ats_assets.serving.stream.delta_store import News, Renewed
from ats_assets.serving.stream.followed_session import FollowedSession, newest_replay
from ats_assets.trade_state import CONNECTION_VARIABLE, TradeReader

Wanted = frozenset[tuple[str, int]]
"""Topics of symbols that somebody hears, each with a number: another one asks for the topic anew."""


class FollowedJournal:
    """The journal, wherever it is.

    Parameters
    ----------
    reader, probe
        Of the trade state.
    """

    def __init__(self, deployment: Deployment, reader: TradeReader, probe: ChangeProbe) -> None:
        self._deployment, self._reader, self._probe = deployment, reader, probe
        self._own_probe: ChangeProbe | None = None
        self._replay: Path | None = None
        self.followed = FollowedSession(deployment.settings.orders.strategy)

    def look(self) -> None:
        """Look for a newer replay, where settings name a folder of them."""
        folder = self._deployment.settings.serving.stream.replay_folder
        newest = None if folder is None else newest_replay(folder)
        if newest is not None and newest != self._replay:
            self.close()
            settings = self._deployment.settings
            address = {CONNECTION_VARIABLE: f"sqlite:///{newest.absolute()}"}
            self._reader = TradeReader(settings, address, busy_seconds=settings.serving.busy_seconds)
            self._probe = self._own_probe = probe_of(self._reader.url)
            self._replay = newest
            self.followed = FollowedSession(settings.orders.strategy)

    def stamp(self, wanted: Wanted, trading: Hashable) -> Hashable:
        """Another value once there is something to read.

        Parameters
        ----------
        trading
            The stamp of the trade state, if it was just asked.
        """
        return self._replay, wanted, self._own_probe.stamp() if self._own_probe is not None else trading

    def read(self, wanted: Wanted) -> list[News]:
        """What is new in it."""
        with self._reader.begin() as connection:
            begun, deltas = self.followed.read(connection, dict(wanted))
        return [*deltas, *(Renewed(log=log) for log in begun)]

    def close(self) -> None:
        """Close its own connection."""
        if self._own_probe is not None:
            self._own_probe.close()
            self._own_probe = None
            self._reader.close()
