"""The market that paper orders are filled in: the bars and corporate actions of the warehouse."""

from datetime import date
from typing import Protocol

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.deployment import Deployment
from ats_assets.orchestration.reading import of_whole


class MarketData(Protocol):
    """Bars by session, and the calendar that they follow."""

    @property
    def calendar(self) -> SessionCalendar:
        """Its sessions."""
        ...

    def bars(self, session: date) -> pl.DataFrame | None:
        """Columns symbol, open, high, low, close, volume of the session; None while they are not known."""
        ...

    def actions(self, session: date) -> pl.DataFrame:
        """The corporate actions of the session's open, with columns symbol, kind, ratio, cash, perhaps new_symbol.

        They name the ticker that the shares have from that open on; changes of name, which the last column is for, the one until then.
        """
        ...


class WarehouseMarket:
    """The stored bars of a deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    @property
    def calendar(self) -> SessionCalendar:
        """The deployment's."""
        return self._deployment.calendar

    def bars(self, session: date) -> pl.DataFrame | None:
        """The partition of `bars`; None where it is not stored."""
        warehouse = self._deployment.warehouse
        if not warehouse.exists("bars", session):
            return None
        return warehouse.read("bars", [session], ["symbol", "open", "high", "low", "close", "volume"])

    def actions(self, session: date) -> pl.DataFrame:
        """Of the partitions of `corporate_actions`, which are made together with the bars, as they are told by now: where sessions are settled late, more may be known."""
        warehouse = self._deployment.warehouse
        columns = ["symbol", "kind", "ratio", "cash"]
        if not self._deployment.tells_name_changes:
            return of_whole(self._deployment, "corporate_actions", [session])[0].select(columns)
        before = [day for day in self.calendar.window(session, REPEAT_DAYS + 1)[:-1] if warehouse.exists("corporate_actions", day)]
        told, _ = of_whole(self._deployment, "corporate_actions", [*before, session])
        actions = told.select("session", *columns, "new_symbol", "new_ratio")
        return identities_of(actions).actions_at_open(actions, session)
