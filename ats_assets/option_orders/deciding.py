"""What the strategies of options decide at a close, of what they really hold: the same function, told of the same things, as in the backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.broker import KeepsOptionBooks
from ats_assets.execution.trading import TradingServices
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.session_loop import account_view, complete_decisions, expiries_ahead
from ats_assets.option_backtests.strategy_account import StrategyAccount
from ats_assets.option_backtests.traded_strategies import traded_strategies, trading_rules
from ats_assets.option_backtests.warehouse_options import WarehouseOptions
from ats_assets.option_orders.books_of_records import books_at_broker
from ats_assets.option_orders.decided_orders import PlannedOptionOrder, planned_option_orders
from ats_assets.option_strategies import Decision
from ats_assets.option_strategies.book import OptionBook
from ats_assets.option_strategies.book.contract_actions import told_actions


@dataclass(frozen=True, kw_only=True)
class OptionsDecided:
    """Of one session: the decisions by strategy, and the orders that follow, in the order in which they are sent."""

    decisions: Mapping[str, list[Decision]]
    planned: list[PlannedOptionOrder]


def books_at_close(deployment: Deployment, trading: TradingServices, session: date) -> dict[str, OptionBook]:
    """The books of the strategies of options at the close of `session`; none where settings name no such strategy.

    Raises
    ------
    AtsError
        If the broker keeps the books, and they stand at another session by now.
    """
    strategies = deployment.of(traded_strategies)
    if not strategies:
        return {}
    closes_at = deployment.calendar.closes_at(session)
    if not isinstance(trading.broker, KeepsOptionBooks):
        following = deployment.calendar.opens_at(deployment.calendar.after(session))
        with trading.state.begin() as connection:
            books = books_at_broker(connection, strategies, session, following)
        return {name: _marked(deployment, book, session) for name, book in books.items()}
    at = trading.broker.account().at
    if at != closes_at:
        raise AtsError(
            f"the books of options stand at {at:%Y-%m-%d %H:%M} UTC, not at the close of {session}: this record can't be reproduced"
        )
    return dict(trading.broker.option_books())


def _marked(deployment: Deployment, book: OptionBook, session: date) -> OptionBook:
    """A book that follows from records, as the close leaves it: contracts at their end are settled, the rest is marked."""
    chain = WarehouseOptions(deployment).chain(session)
    if chain is not None:
        account = _account(deployment, book, session)
        account.close(session, deployment.calendar.after(session), chain)
    return book


def _account(deployment: Deployment, book: OptionBook, session: date) -> StrategyAccount:
    traded = next(one for one in deployment.of(traded_strategies) if one.name == book.strategy)
    return StrategyAccount.resumed(traded, trading_rules(deployment.settings), book, session)


def decide_options(deployment: Deployment, books: Mapping[str, OptionBook], session: date) -> OptionsDecided:
    """The decisions at the close of `session`.

    Raises
    ------
    AtsError
        If the chains of the session are not stored.
    """
    stored = WarehouseOptions(deployment)
    chain = stored.chain(session)
    if chain is None:
        raise AtsError(f"the option chains of {session} are not stored: make them with ats run --from {session} --to {session}")
    decisions: dict[str, list[Decision]] = {}
    planned: list[PlannedOptionOrder] = []
    for traded in deployment.of(traded_strategies):
        made = _decided(deployment, books[traded.name], session, chain, stored)
        decisions[traded.name] = made
        planned += planned_option_orders(
            session,
            deployment.settings.orders.strategy,
            made,
            chain.quote,
            chain.spots,
            multipliers={one.contract: one.multiplier for one in books[traded.name].held()},
            symbols=stored.symbols,
        )
    return OptionsDecided(decisions=decisions, planned=planned)


def _decided(deployment: Deployment, book: OptionBook, session: date, chain: SessionChain, stored: WarehouseOptions) -> list[Decision]:
    account = _account(deployment, book, session)
    following = deployment.calendar.after(session)
    view = account_view(
        account,
        session,
        expiries_ahead(deployment.calendar, session, chain),
        chain,
        dividends=stored.dividends(session),
        actions=told_actions(stored.share_actions(following), following),
        earnings=stored.earnings(session),
    )
    return complete_decisions(view, account.traded.strategy.decide(view))
