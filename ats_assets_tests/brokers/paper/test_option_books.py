"""The paper account trades options as the backtest does: the same decisions over the same chains, through the executor, come to the same cash flows to the cent."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from ats_assets.brokers.paper import PaperBroker
from ats_assets.brokers.paper.option_market import PaperOptionTrading
from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import EntryKind
from ats_assets.option_backtests import session_loop
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.session_loop import Rows
from ats_assets.option_backtests.strategy_account import OptionTradingRules, StrategyAccount, TradedStrategy
from ats_assets.option_orders.decided_orders import planned_option_orders
from ats_assets.option_strategies import Decision, OptionView
from ats_assets.option_strategies.book.contract_actions import ShareAction, coming_actions, told_actions
from ats_assets.settings import BacktestSettings, OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.execution.exchange import TestClock
from ats_assets_tests.option_backtests.option_market import (
    COLUMNS,
    Scripted,
    actions,
    chain,
    contract,
    dividend,
    flows,
    on,
    order,
    split,
    traded,
)
from ats_assets_tests.option_backtests.test_random_histories import UNDERLYINGS, random_history
from ats_assets_tests.rounds import rounds

Script = Callable[[OptionView], list[Decision]]
BARS = {"symbol": pl.String, "open": pl.Float64, "high": pl.Float64, "low": pl.Float64, "close": pl.Float64, "volume": pl.Float64}


class Market:
    """Bars of nothing, and chains of some sessions."""

    def __init__(self, chains: Sequence[SessionChain], acts: pl.DataFrame, last: date) -> None:
        self.calendar = SessionCalendar()
        self.last = last
        self._chains = {one.session: one for one in chains}
        self._actions = acts

    def bars(self, session: date) -> pl.DataFrame | None:
        return pl.DataFrame(schema=BARS) if session <= self.last else None

    def actions(self, session: date) -> pl.DataFrame:
        return self._actions.filter(session=session).clear().select("symbol", "kind", "ratio", "cash")

    def chain(self, session: date) -> SessionChain | None:
        return self._chains.get(session, SessionChain(session, COLUMNS.to_frame())) if session <= self.last else None

    def share_actions(self, session: date) -> Mapping[str, ShareAction]:
        return coming_actions(self._actions.filter(session=session))


class Desk:
    """What `ats trade` does with options, on a paper account."""

    def __init__(
        self, state: TradeState, folder: Path, market: Market, strategies: Sequence[TradedStrategy], rules: OptionTradingRules
    ) -> None:
        self.market, self.strategies, self.rules = market, strategies, rules
        trading = PaperOptionTrading(market=market, strategies=strategies, rules=rules)
        orders = OrdersSettings(kill_file=folder / "KILL")
        self.broker = PaperBroker(state, market, BacktestSettings(), orders, trading)
        self.executor = Executor(
            self.broker,
            state,
            orders,
            alert=lambda _: None,
            clock=TestClock(market.calendar.closes_at(market.last)),
            session_of=self._session,
        )
        self.state = state

    def _session(self, at: object) -> date:
        return self.market.calendar.on_or_before(at.date())  # pyright: ignore[reportAttributeAccessIssue]

    def settle(self, session: date) -> None:
        settled = self.executor.settle(session)
        assert settled.differences == ()
        assert settled.waiting is None

    def trade(self, session: date) -> None:
        """Decide at the close of a session, and send."""
        calendar, market = self.market.calendar, self.market
        seen, following = market.chain(session), calendar.after(session)
        assert seen is not None
        intents = []
        for traded_one in self.strategies:
            book = self.broker.option_books()[traded_one.name]
            account = StrategyAccount.resumed(traded_one, self.rules, book, session)
            ahead = session_loop.expiries_ahead(calendar, session, seen)
            told = told_actions(market.share_actions(following), following)
            view = session_loop.account_view(account, session, ahead, seen, dividends=(), actions=told)
            decisions = session_loop.complete_decisions(view, traded_one.strategy.decide(view))
            multipliers = {one.contract: one.multiplier for one in view.held}
            planned = planned_option_orders(session, "main", decisions, seen.quote, seen.spots, multipliers=multipliers)
            intents += [one.intent for one in planned if one.intent is not None]
        execution = self.executor.execute(session, intents, options=True)
        assert execution.stopped is None, execution.stopped
        assert {str(one.state) for one in execution.outcomes} <= {"accepted"}

    def stored_flows(self) -> list[tuple]:
        from ats_assets.brokers.paper.option_tables import flows as table  # noqa: PLC0415

        with self.state.begin() as connection:
            rows = connection.execute(table.select().order_by(table.c.strategy, table.c.number)).all()
        return [
            (row.session, row.strategy, row.kind, row.underlying, row.contract, row.quantity, row.shares, row.price, row.cash)
            for row in rows
        ]


def without_exercises(script: Script) -> Script:
    """An exercise before expiry is no order."""
    return lambda view: [one for one in script(view) if one.action != "exercise"]


def on_paper(folder: Path, script: Script, chains: Sequence[SessionChain], acts: pl.DataFrame, **how: object) -> Desk:
    """All sessions, each settled, decided and sent; then one that is settled without orders is not looked at."""
    rules, capital, underlyings = how["rules"], how["capital"], how["underlyings"]
    sessions = SessionCalendar().sessions(chains[0].session, chains[-1].session)
    one = TradedStrategy(name="scripted", strategy=Scripted(script), underlyings=underlyings, capital=Decimal(str(capital)))  # pyright: ignore[reportArgumentType]
    state = TradeState(f"sqlite:///{folder / 'state.sqlite'}")
    desk = Desk(state, folder, Market(chains, acts, sessions[-1]), [one], rules)  # pyright: ignore[reportArgumentType]
    for session in sessions:
        desk.settle(session)
        desk.trade(session)
    return desk


def sorted_flows(rows: Rows) -> list[tuple]:
    names = ("session", "strategy", "kind", "underlying", "contract", "quantity", "shares", "price", "cash")
    return sorted((tuple(row[name] for name in names) for row in rows["cash_flows"]), key=repr)


def by_value(found: Sequence[tuple]) -> list[tuple]:
    """With decimal numbers as such, whatever their trailing zeros."""
    return sorted((tuple(one.normalize() if isinstance(one, Decimal) else one for one in row) for row in found), key=repr)


@pytest.mark.slow
@settings(max_examples=rounds(2, 60), phases=(Phase.explicit, Phase.generate))
@given(seed=st.integers(0, 10**9))
@example(seed=371805833)  # three contracts and a hundred shares in one order, which are no multiple of each other
def test_over_random_histories_each_cash_flow_is_that_of_the_backtest(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Splits, adjusted deliverables, early assignments, expiries in shares and cash, margin, limits: what an independent ledger has added up for the backtest."""
    asked: dict[str, object] = {}

    def spied(script: Scripted, chains: Sequence[SessionChain], acts: pl.DataFrame, **how: object) -> Rows:
        kept = without_exercises(script._decide)
        asked.update(script=kept, chains=chains, acts=acts, **how)
        return traded(Scripted(kept), chains, acts, **how)  # pyright: ignore[reportArgumentType]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ats_assets_tests.option_backtests.test_random_histories.traded", spied)
        rows = random_history(seed).rows
    desk = on_paper(
        tmp_path_factory.mktemp("paper"),
        asked["script"],  # pyright: ignore[reportArgumentType]
        asked["chains"],  # pyright: ignore[reportArgumentType]
        asked["acts"],  # pyright: ignore[reportArgumentType]
        rules=asked["rules"],
        capital=asked["capital"],
        underlyings=UNDERLYINGS,
    )
    assert by_value(desk.stored_flows()) == by_value(sorted_flows(rows))
    last = rows["equity"][-1]
    book = desk.broker.option_books()["scripted"]
    assert (book.cash, book.equity) == (last["cash"], last["equity"])
    told = Decimal(str(asked["capital"])) + sum(one.cash for one in desk.broker.entries(LONG_AGO))
    told += sum(one.cash_flow for one in desk.broker.fills(LONG_AGO))
    assert abs(told - book.cash) <= Decimal("0.01") * len(desk.broker.fills(LONG_AGO))
    desk.state.close()


LONG_AGO = SessionCalendar().closes_at(date(2010, 1, 4))
MON, TUE, WED, THU, FRI, NEXT = (date(2024, 3, one) for one in (4, 5, 6, 7, 8, 11))
CALL, PUT = contract("XYZ", date(2024, 3, 15), "95", "C"), contract("XYZ", FRI, "105", "P")
RULES = OptionTradingRules()


def quiet(days: Sequence[date] = (MON, TUE, WED, THU, FRI, NEXT), spot: float = 100.0) -> list[SessionChain]:
    return [chain(one, {"XYZ": spot}, [(CALL, 5.10, 5.30), (PUT, 5.10, 5.30)]) for one in days]


def simple(folder: Path, script: Script, acts: pl.DataFrame | None = None, chains: Sequence[SessionChain] | None = None) -> Desk:
    empty = CORPORATE_ACTIONS_SCHEMA.to_frame()
    how = {"rules": RULES, "capital": "100000", "underlyings": ("XYZ",)}
    return on_paper(folder, script, chains or quiet(), empty if acts is None else acts, **how)


class TestOneAccount:
    def test_contracts_are_held_beside_shares_and_in_one_account(self, tmp_path: Path) -> None:
        desk = simple(tmp_path, on(MON, (None, 200, "open"), (CALL, -2, "open")), chains=quiet((MON, TUE)))
        held = {one.symbol: (one.quantity, one.multiplier) for one in desk.broker.positions()}
        assert held == {"XYZ": (200, 1), CALL.symbol: (-2, 100)}
        account = desk.broker.account()
        book = desk.broker.option_books()["scripted"]
        assert (account.cash, account.equity) == (
            Decimal(str(BacktestSettings().initial_cash)) + book.cash,
            Decimal(str(BacktestSettings().initial_cash)) + book.equity,
        )
        assert {(one.symbol, one.quantity, one.multiplier) for one in desk.broker.fills(LONG_AGO)} == {
            ("XYZ", 200, 1),
            (CALL.symbol, 2, 100),
        }

    def test_assigned_before_the_ex_session_and_exercised_at_expiry_are_entries_of_their_kinds(self, tmp_path: Path) -> None:
        script = on(MON, (None, 100, "open"), (CALL, -1, "open"), (PUT, 1, "open"))
        desk = simple(tmp_path, script, actions(dividend("XYZ", THU, 0.5)))
        told = defaultdict(list)
        for one in desk.broker.entries(LONG_AGO):
            told[one.kind].append((one.symbol, one.quantity, one.cash))
        assert told[EntryKind.ASSIGNMENT] == [(CALL.symbol, 1, 0)]
        assert told[EntryKind.EXERCISE] == [(PUT.symbol, -1, 0)]
        assert told[EntryKind.OPTION_SHARES] == [("XYZ", -100, 9500), ("XYZ", -100, 10500)]
        assert told[EntryKind.DIVIDEND] == []

    def test_a_split_makes_more_contracts_at_a_lower_strike(self, tmp_path: Path) -> None:
        acts = actions(split("XYZ", WED, 5.0))
        desk = simple(tmp_path, on(MON, (CALL, -1, "open")), acts, chains=[*quiet((MON, TUE)), chain(WED, {"XYZ": 20.0}, [])])
        new = contract("XYZ", CALL.expiry, "19", "C")
        assert [(one.symbol, one.quantity) for one in desk.broker.positions()] == [(new.symbol, -5)]

    def test_an_order_that_is_not_filled_has_expired_with_the_reason_of_the_backtest(self, tmp_path: Path) -> None:
        script: Script = lambda view: [order(view, (CALL, 1, "open"), limit="5.00")] if view.session == MON else []  # noqa: E731
        desk = simple(tmp_path, script, chains=quiet((MON, TUE)))
        found = desk.broker.find(f"main-20240304-scripted-{CALL.symbol}-open")
        assert found is not None
        assert (str(found.status), found.filled_quantity) == ("expired", 0)
        assert "limit: a unit costs 5.3000, the limit is 5.0000" in str(found.reason)

    def test_a_session_waits_for_its_chains(self, tmp_path: Path) -> None:
        desk = simple(tmp_path, lambda _: [], chains=quiet((MON, TUE)))
        assert "bars of 2024-03-06" in str(desk.broker.settle(WED))
        desk.market.bars = lambda _session: pl.DataFrame(schema=BARS)
        assert "the option chains of 2024-03-06 are not stored: the paper account stands at the close of 2024-03-05" in str(
            desk.broker.settle(WED)
        )

    def test_a_strategy_that_is_added_later_begins_with_a_transfer(self, tmp_path: Path) -> None:
        desk = simple(tmp_path, lambda _: [], chains=quiet((MON, TUE)))
        other = TradedStrategy(name="second", strategy=Scripted(lambda _: []), underlyings=("XYZ",), capital=Decimal(5000))
        more = Desk(desk.state, tmp_path, desk.market, [*desk.strategies, other], RULES)
        more.market.last = WED
        more.settle(WED)
        assert {name: book.cash for name, book in more.broker.option_books().items()} == {"scripted": 100_000, "second": 5_000}
        assert [(one.kind, one.cash) for one in more.broker.entries(LONG_AGO)] == [
            (EntryKind.TRANSFER, 5_000),
        ]

    def test_without_strategies_of_options_their_orders_are_refused(self, tmp_path: Path) -> None:
        with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
            broker = PaperBroker(state, Market(quiet(), CORPORATE_ACTIONS_SCHEMA.to_frame(), NEXT), BacktestSettings(), OrdersSettings())
            assert broker.settle(MON) is None
            view_order = planned_option_orders(MON, "main", [], lambda _: None, {}, multipliers={}, symbols={})
            assert view_order == []
            assert broker.option_books() == {}


def test_the_flows_of_the_backtest_are_looked_at_at_all() -> None:
    rows = traded(Scripted(on(MON, (CALL, 2, "open"))), quiet((MON, TUE)), rules=RULES)
    assert [row[1] for row in flows(rows)] == ["premium"]
    assert sorted_flows(rows)[0][0] <= MON + timedelta(days=1)
