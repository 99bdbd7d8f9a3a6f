"""The market that paper orders are filled in: the bars and corporate actions of the warehouse."""

from datetime import date
from typing import Protocol

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment


class Market(Protocol):
    """Bars by session, and the calendar that they follow."""

    @property
    def calendar(self) -> SessionCalendar:
        """Its sessions."""
        ...

    def bars(self, session: date) -> pl.DataFrame | None:
        """Columns symbol, open, high, low, close, volume of the session; None while they are not known."""
        ...

    def actions(self, session: date) -> pl.DataFrame:
        """The corporate actions of the session's open, with columns symbol, kind, ratio, cash."""
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
        """The partition of `corporate_actions`, which is made together with the bars."""
        return self._deployment.warehouse.read("corporate_actions", [session], ["symbol", "kind", "ratio", "cash"])
