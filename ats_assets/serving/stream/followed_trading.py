"""The topics of the trade state, read together in one snapshot: orders, fills, positions, account, alerts, requests and halts."""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import Connection

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.serving.queries.portfolio_now import account_now, newest_closes, positions_now
from ats_assets.serving.stream.followed_tables import (
    FollowedAlerts,
    dependence,
    followed_fills,
    followed_halts,
    followed_orders,
    followed_requests,
)
from ats_assets.serving.stream.newest_partition import NewestPartition
from ats_assets.serving.stream.topic_log import Rows, by_key, row_text
from ats_assets.trade_state import TradeReader
from ats_assets.trade_state.kill_switch import KillSwitch

TRADING = ("orders", "fills", "positions", "account", "alerts", "requests", "halts")
"""The topics."""


class FollowedTrading:
    """The trade state of a deployment."""

    def __init__(self, deployment: Deployment, reader: TradeReader) -> None:
        self._deployment, self._reader = deployment, reader
        self._switch = KillSwitch.of(deployment.settings.orders)
        self._orders, self._fills, self._halts = followed_orders(), followed_fills(), followed_halts()
        self._others = {"requests": followed_requests(), "alerts": FollowedAlerts()}
        self._bars = NewestPartition(deployment, "bars")
        self._priced: Hashable = ()
        self._closes: tuple[date | None, dict[str, float]] = (None, {})
        self._made_of: tuple[Any, ...] = ()
        self._account: Rows = {}
        self._positions: Rows = {}

    def beside(self) -> Hashable:
        """What it also depends on, and no commit tells: another value once it is another."""
        return self._bars.stamp(), self._switch.reason()

    def rows(self) -> Iterator[dict[str, Rows]]:
        """The rows of each topic, a few topics at a time, in one snapshot: what is short and urgent first.

        Raises
        ------
        TradeStateError
            If the database can't be read; what has not been given yet has not changed then.
        """
        bars, stopped = self._bars.stamp(), self._switch.reason()
        if bars != self._priced:
            self._closes, self._priced = _closes(self._deployment), bars
        with self._reader.begin() as connection:
            fills, halts = self._fills.rows(connection), self._halts.rows(connection)
            yield {"fills": fills, "halts": halts if stopped is None else {"kill_switch": _switch(stopped), **halts}}
            yield {topic: table.rows(connection) for topic, table in self._others.items()}
            self._value(connection, (dependence(connection), fills, halts, bars, stopped))
            yield {"account": self._account, "positions": self._positions}
            yield {"orders": self._orders.rows(connection)}

    def _value(self, connection: Connection, made_of: tuple[Any, ...]) -> None:
        """Account and positions, where something that they are made of has changed."""
        if made_of == self._made_of:
            return
        held = account_now(connection, self._deployment)
        self._account = {} if held is None else by_key([{"key": "account", **held}])
        _, rows = positions_now(connection, self._closes[1], self._closes[0])
        self._positions = by_key({"key": row["symbol"], **row} for row in rows)
        self._made_of = made_of


def _switch(reason: str) -> str:
    """The kill switch as a row of the topic `halts`."""
    return row_text({"key": "kill_switch", "id": None, "at": None, "reason": reason, "cleared_at": None})


def _closes(deployment: Deployment) -> tuple[date | None, dict[str, float]]:
    """The newest closes; none where they can't be read, which leaves values out and quantities in."""
    try:
        return newest_closes(deployment)
    except (AtsError, OSError):
        return None, {}
