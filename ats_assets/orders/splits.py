"""Orders must not cross a split: what was decided in old shares would be for twice, or half, of what was meant, and a stop in old prices would sell at once.

As in the backtest and on paper, an order in old shares is not filled, where a ratio applies (`ats_assets.portfolio.actions`), and the next plan decides anew.
Payments change no order. The embedded paper broker sees to that by itself; for a broker with a market of its own the executor looks at what is announced for
the coming open: before a plan is sent, and again until that open, since announcements come late.

1. What is planned for a symbol that splits is withdrawn.
2. What was sent already is cancelled, exits as well, and no new exits are given.
3. After the open, exits are given in new shares, at the bracket's prices divided by the ratio.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

import polars as pl

from ats_assets.alerts import Severity
from ats_assets.bars.adjustment import by_ex_session
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.orders import state
from ats_assets.orders.order import BrokerOrder, exact
from ats_assets.orders.outcome import IntentState
from ats_assets.orders.room import Reducing, cancelled
from ats_assets.orders.rows import orders_of
from ats_assets.orders.shift import Shift
from ats_assets.portfolio import CANCELLED
from ats_assets.sources import upcoming_actions

_COLUMNS = ["session", "symbol", "kind", "ratio", "cash"]


class Splits(Protocol):
    """What is known of ratios: new shares for an old one."""

    def coming(self, session: date, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """Those that apply at the open after the close of `session`, as announced by now; nothing of other symbols.

        Raises
        ------
        AtsError
            If nobody can be asked.
        """
        ...

    def since(self, session: date, symbol: str, until: date) -> Decimal:
        """What an old share of `session` has become by the open of `until`; 1 where nothing happened.

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

    def coming(self, session: date, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """See `Splits`."""
        return self._announced(self._deployment.calendar.offset(session, 1), symbols)

    def since(self, session: date, symbol: str, until: date) -> Decimal:
        """See `Splits`."""
        warehouse, calendar = self._deployment.warehouse, self._deployment.calendar
        stored = [day for day in warehouse.sessions("corporate_actions") if session < day <= until]
        found = warehouse.read("corporate_actions", stored, _COLUMNS) if stored else pl.DataFrame()
        ratio = _ratios(found, [symbol]).get(symbol, Decimal(1))
        day = calendar.offset(stored[-1] if stored else session, 1)
        while day <= until:
            ratio *= self._announced(day, [symbol]).get(symbol, Decimal(1))
            day = calendar.offset(day, 1)
        return ratio

    def _announced(self, session: date, symbols: Collection[str]) -> Mapping[str, Decimal]:
        return _ratios(upcoming_actions(self._deployment.source, [session], sorted(symbols)), symbols)


def keep_from_crossing(shift: Shift, session: date, symbols: Collection[str]) -> frozenset[str]:
    """Withdraw and cancel what is for the open after the close of `session`, of symbols that split there; gives these symbols.

    Parameters
    ----------
    symbols
        Of what is planned and held; those of open orders are looked at, too.

    Raises
    ------
    BrokerError
    """
    if shift.splits is None or shift.session_of(shift.clock.now()) > session:
        return frozenset()
    with shift.state.begin() as connection:
        unfinished = orders_of(connection, unfinished=True)
    asked = {*symbols, *(order.symbol for _, order in unfinished)}
    try:
        ratios = shift.splits.coming(session, asked) if asked else {}
    except AtsError as error:
        text = f"{error}. Orders of a symbol that splits at the next open would be in old shares: they are looked at again by ats orders watch."
        shift.tell(Severity.WARNING, f"splits:{session}", f"The splits after {session} can't be looked up", text)
        return frozenset()
    for symbol, ratio in sorted(ratios.items()):
        _withdraw(shift, session, symbol, ratio)
        _cancel(shift, session, [(name, order) for name, order in unfinished if order.symbol == symbol], ratio)
    return frozenset(ratios)


def _withdraw(shift: Shift, session: date, symbol: str, ratio: Decimal) -> None:
    with shift.writing() as (connection, author):
        for row in state.of_session(connection, session, shift.settings.strategy):
            if row.intent.symbol == symbol and row.state is IntentState.PLANNED:
                state.withdraw(connection, author, row, f"{CANCELLED}: {ratio:f} new shares for an old one at the next open")


def _cancel(shift: Shift, session: date, unfinished: Sequence[tuple[str, BrokerOrder]], ratio: Decimal) -> None:
    grouped: dict[str, list[BrokerOrder]] = {}
    for name, order in unfinished:
        grouped.setdefault(name, []).append(order)
    with shift.state.begin() as connection:
        rows = {name: state.load(connection, name) for name in grouped}
    found = [
        Reducing(intent=row.intent, orders=tuple(grouped[name]), shares=grouped[name][0].quantity)
        for name, row in rows.items()
        if row is not None
    ]
    if not found:
        return
    symbol = found[0].intent.symbol
    reason = f"{CANCELLED}: {ratio:f} new shares for an old one of {symbol} at the open after {session}"
    ended = cancelled(shift, found, reason)
    names = ", ".join(one.intent.client_order_id for one in found)
    text = f"{reason}: {names} {'are cancelled' if ended else 'are to be cancelled, and pending still: see to them before the open'}; the next plan decides anew."
    shift.tell(Severity.WARNING, f"split:{session}:{symbol}:{ended}", f"Orders of {symbol} are in old shares", text)


def _ratios(actions: pl.DataFrame, symbols: Collection[str]) -> dict[str, Decimal]:
    """The ratio of each symbol that has one; rows that are no action are passed over, the stage `bars` quarantines them."""
    if actions.is_empty():
        return {}
    sound = actions.select(_COLUMNS).filter(pl.col("symbol").is_in(list(symbols)), pl.col("ratio").is_null() | (pl.col("ratio") > 0))
    found: dict[str, Decimal] = {}
    for symbol, ratio in by_ex_session(sound).select("symbol", "ratio").sort("symbol").iter_rows():
        found[symbol] = found.get(symbol, Decimal(1)) * exact(ratio)
    return {symbol: ratio for symbol, ratio in found.items() if ratio != 1}
