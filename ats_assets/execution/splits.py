"""Orders must not cross a split: what was decided in old shares would be for twice, or half, of what was meant, and a stop in old prices would sell at once.

Nor must they cross a change of name: from its ex-session on the ticker is nobody's, or another company's.

As in the backtest and on paper, an order in old shares is not filled, where a ratio applies (`ats_assets.portfolio.actions`), and the next plan decides anew.
Payments change no order. The embedded paper broker sees to that by itself; for a broker with a market of its own the executor looks at what is announced for
the coming open: before a plan is sent, and again until that open, since announcements come late.

1. What is planned for a symbol that splits, or is called otherwise from the open on, is withdrawn.
2. What was sent already is cancelled, exits as well, and no new exits are given.
3. After the open, exits are given in new shares and under the new ticker, at the bracket's prices divided by the ratio.

Of a split and a change of name on one day both count, under whichever ticker the split is announced.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

import polars as pl

from ats_assets.alerts import Severity
from ats_assets.corporate_actions.adjustment import by_ex_session
from ats_assets.corporate_actions.identity import INSTRUMENT, NAME_CHANGE, Identities
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.names import known_name_changes
from ats_assets.execution.order import BrokerOrder, exact
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.room import Reducing, cancelled
from ats_assets.execution.rows import orders_of
from ats_assets.portfolio import CANCELLED
from ats_assets.sources import upcoming_actions

_COLUMNS = ["session", "symbol", "kind", "ratio", "cash"]
_MAY_BE_FILLED = [str(state) for state in (IntentState.PLANNED, IntentState.SENDING, IntentState.ACCEPTED, IntentState.PARTIALLY_FILLED)]


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
        stored = [day for day in warehouse.sessions("corporate_actions") if session < day <= until]
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


def keep_from_crossing(context: ExecutionContext, session: date, symbols: Collection[str]) -> frozenset[str]:
    """Withdraw and cancel what is for the open after the close of `session`, of symbols that split there; gives these symbols.

    Parameters
    ----------
    symbols
        Of what is planned and held; those of open orders are looked at, too.

    Raises
    ------
    BrokerError
    """
    if context.splits is None or context.session_of(context.clock.now()) > session:
        return frozenset()
    with context.state.begin() as connection:
        unfinished = orders_of(connection, unfinished=True)
    asked = {*symbols, *(order.symbol for _, order in unfinished)}
    try:
        crossing = context.splits.coming(session, asked) if asked else {}
    except AtsError as error:
        text = f"{error}. Orders of a symbol that splits or changes its name at the next open would be in old shares, or under an old ticker: they are looked at again by ats orders watch, the trading sensor and each ats trade."
        context.tell(Severity.WARNING, f"splits:{session}", f"The splits after {session} can't be looked up", text)
        return frozenset()
    for symbol, one in sorted(crossing.items()):
        _withdraw(context, session, symbol, one)
        _cancel(context, session, [(name, order) for name, order in unfinished if order.symbol == symbol], one)
    return frozenset(crossing)


def _withdraw(context: ExecutionContext, session: date, symbol: str, crossing: Crossing) -> None:
    with context.writing() as (connection, author):
        for row in state.of_session(connection, session, context.settings.strategy):
            if row.intent.symbol == symbol and row.state is IntentState.PLANNED:
                state.withdraw(connection, author, row, f"{CANCELLED}: {crossing.reason} at the next open")


def _cancel(context: ExecutionContext, session: date, unfinished: Sequence[tuple[str, BrokerOrder]], crossing: Crossing) -> None:
    grouped: dict[str, list[BrokerOrder]] = {}
    for name, order in unfinished:
        grouped.setdefault(name, []).append(order)
    with context.state.begin() as connection:
        rows = {name: state.load(connection, name) for name in grouped}
    found = [
        Reducing(intent=row.intent, orders=tuple(grouped[name]), shares=grouped[name][0].quantity)
        for name, row in rows.items()
        if row is not None
    ]
    if not found:
        return
    symbol = unfinished[0][1].symbol
    reason = f"{CANCELLED}: {crossing.reason} of {symbol} at the open after {session}"
    ended = cancelled(context, found, reason)
    names = ", ".join(one.intent.client_order_id for one in found)
    text = f"{reason}: {names} {'are cancelled' if ended else 'are to be cancelled, and pending still: see to them before the open'}; the next plan decides anew."
    context.tell(
        Severity.WARNING,
        f"split:{session}:{symbol}:{ended}",
        f"Orders of {symbol} are {'under an old ticker' if crossing.ratio == 1 else 'in old shares'}",
        text,
    )


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
