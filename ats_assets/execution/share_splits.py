"""What is known of the splits and changes of name that apply at an open: as stored, and as announced for what is not stored yet. What follows for orders is in `crossing`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

import polars as pl

from ats_assets.corporate_actions.adjustment import by_ex_session
from ats_assets.corporate_actions.identity import INSTRUMENT, NAME_CHANGE, Identities
from ats_assets.deployment import Deployment
from ats_assets.execution.names import known_name_changes
from ats_assets.execution.order import exact
from ats_assets.execution.outcome import IntentState
from ats_assets.sources import upcoming_actions

_COLUMNS = ["session", "symbol", "kind", "ratio", "cash"]
_MAY_BE_FILLED = [
    str(state)
    for state in (IntentState.PLANNED, IntentState.SENDING, IntentState.WORKING, IntentState.ACCEPTED, IntentState.PARTIALLY_FILLED)
]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """What keeps orders from crossing an open."""

    ratio: Decimal = Decimal(1)
    """New shares for an old one."""
    renamed: bool = False
    """Whether the ticker is given up, or taken over by another company."""

    @property
    def reason(self) -> str:
        """For a person."""
        told = f"{self.ratio:f} new shares for an old one"
        return "a change of name" if self.ratio == 1 else f"{told} and a change of name" if self.renamed else told


class Splits(Protocol):
    """What is known of ratios, and of changes of name."""

    def coming(self, session: date, symbols: Collection[str]) -> Mapping[str, Crossing]:
        """What applies at the open after the close of `session`, as announced by now; nothing of other symbols.

        Raises
        ------
        AtsError
            If nobody can be asked.
        """
        ...

    def since(self, session: date, symbol: str, until: date) -> Decimal:
        """What an old share of `session` has become by the open of `until`; 1 where nothing happened. `symbol` is its ticker at `until`.

        Raises
        ------
        AtsError
            If nobody can be asked.
        """
        ...


class DeployedSplits:
    """By the stored actions of a deployment, and by its source for what is not stored yet."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._name_changes = known_name_changes(deployment)

    def coming(self, session: date, symbols: Collection[str]) -> Mapping[str, Crossing]:
        """See `Splits`."""
        day = self._deployment.calendar.offset(session, 1)
        announced = self._announced(day)
        known = Identities(self._name_changes(day).filter(pl.col("session") == day))
        ratios, renamed = _ratios(announced, known), known.renamed(day)
        tickers = {*renamed, *renamed.values()}
        found = {
            symbol: Crossing(ratio=ratios.get(_holder(known, symbol, day), Decimal(1)), renamed=symbol in tickers) for symbol in symbols
        }
        return {symbol: one for symbol, one in found.items() if one != Crossing()}

    def since(self, session: date, symbol: str, until: date) -> Decimal:
        """See `Splits`."""
        warehouse, calendar = self._deployment.warehouse, self._deployment.calendar
        stored = [day for day in warehouse.stored_sessions("corporate_actions") if session < day <= until]
        actions = [warehouse.read("corporate_actions", stored, _COLUMNS)] if stored else []
        day = calendar.offset(stored[-1] if stored else session, 1)
        while day <= until:
            actions.append(self._announced(day))
            day = calendar.offset(day, 1)
        known = Identities(self._name_changes(session + timedelta(days=1)).filter(pl.col("session") <= until))
        instrument, ratio = known.of(symbol, until), Decimal(1)
        for some in actions:
            ratio *= _ratios(some, known).get(instrument, Decimal(1))
        return ratio

    def _announced(self, day: date) -> pl.DataFrame:
        """Of all symbols: an action may be told under the old ticker or the new one."""
        return upcoming_actions(self._deployment.source_now(), [day])


def announced_since(deployment: Deployment, session: date) -> Mapping[str, Crossing]:
    """What applies at the open after the close of `session`, as announced by now, of the symbols that were held then or have an order that is not final; nothing is sent or cancelled.

    Raises
    ------
    AtsError
        If nobody can be asked.
    """
    warehouse = deployment.warehouse
    held = warehouse.read("positions", [session], ["symbol"])["symbol"]
    sent = warehouse.read("orders", [session], ["symbol", "state"]).filter(pl.col("state").is_in(_MAY_BE_FILLED))["symbol"]
    symbols = {*held, *sent}
    return DeployedSplits(deployment).coming(session, symbols) if symbols else {}


def _holder(known: Identities, symbol: str, day: date) -> str:
    """Who bears a ticker before an open; of one that is taken up there, who takes it up: a broker may use it some hours early."""
    renamed = known.renamed(day)
    return known.of(symbol, day) if symbol in renamed.values() and symbol not in renamed else known.before(symbol, day)


def _ratios(actions: pl.DataFrame, known: Identities) -> dict[str, Decimal]:
    """The ratio of each instrument that has one; rows that are no action are passed over, the stage `bars` quarantines them, and so it does what tells of a split again."""
    if actions.is_empty():
        return {}
    sound = actions.select(_COLUMNS).filter(pl.col("kind") != NAME_CHANGE, pl.col("ratio").is_null() | (pl.col("ratio") > 0))
    by_holder = known.of_actions(sound.unique()).with_columns(symbol=INSTRUMENT).select(_COLUMNS)
    found: dict[str, Decimal] = {}
    for holder, ratio in by_ex_session(by_holder).select("symbol", "ratio").sort("symbol").iter_rows():
        found[holder] = found.get(holder, Decimal(1)) * exact(ratio)
    return {holder: ratio for holder, ratio in found.items() if ratio != 1}
