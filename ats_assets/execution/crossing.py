"""Orders must not cross a split: what was decided in old shares would be for twice, or half, of what was meant, and a stop in old prices would sell at once.

Nor must they cross a change of name: from its ex-session on the ticker is nobody's, or another company's.

As in the backtest and on paper, an order in old shares is not filled, where a ratio applies (`ats_assets.portfolio.actions`), and the next plan decides again.
Payments change no order. The embedded paper broker sees to that by itself; for a broker with a market of its own the executor looks at what is announced for
the coming open: before a plan is sent, and again until that open, since announcements come late.

1. What is planned for a symbol that splits, or is called otherwise from the open on, is withdrawn.
2. What was sent already is cancelled, exits as well, and no new exits are given.
3. After the open, exits are given in new shares and under the new ticker, at the bracket's prices divided by the ratio.

Orders for option contracts are those of their underlying: its split makes other contracts of them, with another strike or another number.

Of a split and a change of name on one day both count, under whichever ticker the split is announced.
"""

from collections.abc import Collection, Sequence
from datetime import date

from ats_assets.alerts import Severity
from ats_assets.errors import AtsError
from ats_assets.execution import state
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.contract_legs import underlying_of
from ats_assets.execution.order import BrokerOrder
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.room import Reducing, cancelled
from ats_assets.execution.rows import orders_of
from ats_assets.execution.share_splits import Crossing
from ats_assets.portfolio import CANCELLED


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
    asked = {underlying_of(symbol) for symbol in (*symbols, *(order.symbol for _, order in unfinished))}
    try:
        crossing = context.splits.coming(session, asked) if asked else {}
    except AtsError as error:
        text = f"{error}. Orders of a symbol that splits or changes its name at the next open would be in old shares, or under an old ticker: they are looked at again by ats orders watch, the trading sensor and each ats trade."
        context.tell(Severity.WARNING, f"splits:{session}", f"The splits after {session} can't be looked up", text)
        return frozenset()
    for symbol, one in sorted(crossing.items()):
        _withdraw(context, session, symbol, one)
        _cancel(context, session, [(name, order) for name, order in unfinished if underlying_of(order.symbol) == symbol], one)
    return frozenset(crossing)


def _withdraw(context: ExecutionContext, session: date, symbol: str, crossing: Crossing) -> None:
    with context.writing() as (connection, author):
        for row in state.of_session(connection, session, context.settings.strategy):
            if underlying_of(row.intent.symbol) == symbol and row.state in (IntentState.PLANNED, IntentState.WORKING):
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
    symbol = underlying_of(unfinished[0][1].symbol)
    reason = f"{CANCELLED}: {crossing.reason} of {symbol} at the open after {session}"
    ended = cancelled(context, found, reason)
    names = ", ".join(one.intent.client_order_id for one in found)
    text = f"{reason}: {names} {'are cancelled' if ended else 'are to be cancelled, and pending still: see to them before the open'}; the next plan decides again."
    context.tell(
        Severity.WARNING,
        f"split:{session}:{symbol}:{ended}",
        f"Orders of {symbol} are {'under an old ticker' if crossing.ratio == 1 else 'in old shares'}",
        text,
    )
