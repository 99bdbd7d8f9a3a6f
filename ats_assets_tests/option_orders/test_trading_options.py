"""`ats trade` with strategies of options beside one of shares: records, decisions and orders session by session, and the same cash flows as the backtest over these sessions."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.brokers.paper import PaperBroker
from ats_assets.brokers.paper.option_tables import flows
from ats_assets.cli.orders.status import _status
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.contract_legs import is_contract
from ats_assets.execution.trading import open_trading
from ats_assets.option_backtests.session_loop import OptionBacktestInputs, trade_sessions
from ats_assets.option_backtests.traded_strategies import traded_strategies, trading_rules
from ats_assets.option_backtests.warehouse_options import ACTIONS, ANNOUNCED, WarehouseOptions
from ats_assets.runs.trade_sessions import told_session
from ats_assets_tests.small_market import ALL_ASSETS, EARLY_MODELS, FIRST, make_history, run_job, small_market

RECORDS = ("option_fills", "option_entries", "option_positions", "option_books", "option_decisions", "option_plan", "option_orders")
LAST = date(2021, 1, 29)
ASSETS = (*ALL_ASSETS, "raw_option_chains", "option_chains", "rejected_option_chains", "raw_announced_dividends", "greeks")
TRADED = 7
OWN = '''
"""Buys a hundred shares and sells a call against them, sells a put at every third session, and a spread; buys back what has lost half of its value."""

from ats_assets.option_strategies import Decision, OptionLeg
from ats_assets.options.contract import contract_of
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class MineSettings(Section):
    every: int = 3


class Mine:
    def __init__(self, settings):
        self.settings = settings

    def _order(self, view, action, legs, rule, limit=None):
        legs = tuple(OptionLeg(contract=one, quantity=n, open_or_close=way) for one, n, way in legs)
        return Decision(strategy=view.strategy, underlying=view.underlyings[0], action=action, legs=legs, limit_price=limit, reason="so it is", rule=rule)

    def decide(self, view):
        name, made = view.underlyings[0], []
        quoted = view.chain.filter(underlying=name).drop_nulls(["bid", "ask"]).sort("expiry", "strike")
        marks = dict(quoted.select("contract", "mark").iter_rows())
        for one in view.held:
            mark = marks.get(one.contract.symbol)
            if one.quantity < 0 and mark is not None and mark < 0.5 * float(one.average_price):
                made.append(self._order(view, "close", [(one.contract, -one.quantity, "close")], "half"))
        if view.session.day % self.settings.every == 0 and not quoted.is_empty():
            spot = view.spots[name]
            near = quoted.filter(days_left=quoted["days_left"].min()) if False else quoted.filter(quoted["days_left"] >= 4)
            first = near.filter(near["expiry"] == near["expiry"].min()) if not near.is_empty() else near
            puts = [contract_of(one) for one in first.filter(right="P")["contract"]]
            calls = [contract_of(one) for one in first.filter(right="C")["contract"]]
            below = [one for one in puts if float(one.strike) < spot]
            above = [one for one in calls if float(one.strike) > spot]
            if len(below) > 1 and above:
                made.append(self._order(view, "open", [(below[-1], -1, "open"), (below[-2], 1, "open")], "spread"))
                made.append(self._order(view, "open", [(None, 100, "open"), (above[0], -1, "open")], "covered"))
        return made or [Decision(strategy=view.strategy, underlying=name, action="skip", reason="nothing today", rule="quiet")]


PLUGIN = Plugin(settings=MineSettings, make=Mine)
'''


def deployment_of(root: Path, **more: Any) -> Deployment:
    folder = root / "plugins" / "option_strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(OWN)
    return small_market(
        root,
        plugins={"folder": root / "plugins"},
        options={"chains": {"kind": "synthetic"}},
        option_strategies={
            "mine": {"underlyings": ["SYN0000"], "capital": 0.6},
            "other": {"kind": "mine", "underlyings": ["SYN0001"], "every": 2, "capital": 0.4},
        },
        **EARLY_MODELS,
        **more,
    )


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, list[date]]:
    """Three weeks and more of history, of which the last sessions are traded."""
    deployment = deployment_of(tmp_path_factory.mktemp("options"))
    sessions = deployment.calendar.sessions(FIRST, LAST)
    assert make_history(deployment, FIRST, LAST, ASSETS).success
    for day in sessions[-TRADED:]:
        assert run_job(deployment, "trading", [day]).success
    return deployment, sessions[-TRADED:]


def read(traded: tuple[Deployment, list[date]], name: str) -> pl.DataFrame:
    deployment, sessions = traded
    return deployment.warehouse.read(name, sessions)


def test_the_cash_flows_are_those_of_the_backtest_over_the_same_sessions(traded: tuple[Deployment, list[date]]) -> None:
    deployment, sessions = traded
    stored = WarehouseOptions(deployment)
    rows = trade_sessions(
        OptionBacktestInputs(
            strategies=deployment.of(traded_strategies),
            sessions=sessions,
            chain_of=stored.chain,  # pyright: ignore[reportArgumentType]
            actions=deployment.warehouse.read(ACTIONS, sessions),
            announced=deployment.warehouse.read(ANNOUNCED, sessions),
            calendar=deployment.calendar,
            rules=trading_rules(deployment.settings),
        )
    )
    names = ("session", "strategy", "kind", "contract", "quantity", "shares", "cash")
    expected = [tuple(row[name] for name in names) for row in rows["cash_flows"]]
    with open_trading(deployment) as trading, trading.state.begin() as connection:
        found = [tuple(getattr(row, name) for name in names) for row in connection.execute(flows.select()).all()]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert {row[2] for row in expected} >= {"deposit", "premium", "fee", "shares"}
    told_of = read(traded, "option_decisions").select("session", "strategy", "action", "rule", "reason", "legs")
    of_backtest = pl.DataFrame(rows["decisions"]).select(told_of.columns)
    assert told_of.sort(told_of.columns).rows() == of_backtest.sort(told_of.columns).rows()


def test_every_record_is_there_and_agrees_with_the_others(traded: tuple[Deployment, list[date]]) -> None:
    deployment, sessions = traded
    for name in RECORDS:
        assert [*deployment.warehouse.stored_sessions(name)] == sessions, name
    sent, plan = read(traded, "option_orders"), read(traded, "option_plan")
    assert set(sent["client_order_id"]) == set(plan["client_order_id"].drop_nulls())
    assert set(sent["state"]) == {"accepted"}
    done = read(traded, "option_fills")
    assert set(done["client_order_id"]) <= set(sent["client_order_id"])
    assert (done["decision_session"] < done["session"]).all()
    assert set(done["strategy"]) == {"mine", "other"}
    assert set(done["rule"]) >= {"spread", "covered"}
    held = read(traded, "option_positions")
    assert held.filter(session=sessions[-1]).height > 0


def test_plans_of_shares_see_neither_contracts_nor_what_is_in_the_books(traded: tuple[Deployment, list[date]]) -> None:
    """The shares against which calls are sold stay, though no target names them; money of the books buys no shares for others."""
    deployment, _ = traded
    assert not any(is_contract(symbol) for name in ("positions", "fills") for symbol in read(traded, name)["symbol"])
    account, books = read(traded, "account"), read(traded, "option_books")
    assert account["equity"].max() < 1.3 * deployment.settings.backtest.initial_cash
    assert account["differences"].null_count() == account.height
    with open_trading(deployment) as trading:
        whole = trading.broker.account()
        last = account["session"].max()
        apart = account.filter(session=last)["equity"].item() + books.filter(session=last)["equity"].sum()
        assert float(whole.equity) == pytest.approx(apart, abs=0.005)
        assert isinstance(trading.broker, PaperBroker)
        in_books = sum(float(one.quantity) for book in trading.broker.option_books().values() for one in book.shares.values())
        held = {one.symbol: float(one.quantity) for one in trading.broker.positions()}
    told_of = {row["symbol"]: row["quantity"] for row in read(traded, "positions").filter(session=last).iter_rows(named=True)}
    assert in_books > 0
    assert sum(held[name] - told_of.get(name, 0.0) for name in held if not is_contract(name)) == pytest.approx(in_books)


def test_status_and_the_line_of_a_session_cover_options(traded: tuple[Deployment, list[date]]) -> None:
    deployment, sessions = traded
    line = told_session(deployment, sessions[-1])
    assert "; options: equity " in line
    with open_trading(deployment) as trading:
        shown = _status(deployment, trading)
    contracts = [one for one in shown["positions"] if is_contract(one["symbol"]) and one["price"] is not None]
    assert contracts
    assert all(one["value"] == pytest.approx(one["quantity"] * one["price"], abs=0.01) for one in contracts)
    ids = [one["client_order_id"] for one in shown["open_orders"]]
    assert len(ids) == len(set(ids))
    assert not any("/" in name for name in ids)


def test_a_record_of_books_that_have_moved_on_is_not_made_again(traded: tuple[Deployment, list[date]]) -> None:
    deployment, sessions = traded
    with pytest.raises(AtsError, match="books of options stand at"):
        run_job(deployment, "trading", [sessions[0]], ["option_fills", "option_entries", "option_positions", "option_books"])
