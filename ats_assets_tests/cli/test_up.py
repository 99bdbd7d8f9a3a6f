"""A trader's day by one command: an order is asked for, confirmed, taken up, filled and explained; then the same under `kill -9` of each process in turn."""

import random
import shutil
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from sqlalchemy import func, select

from ats_assets.brokers.paper import tables as paper_tables
from ats_assets.execution.trading import open_trading
from ats_assets.requests.manual_book import manual_shares
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.cli.up_day import Day
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.serving.made_deployment import deployment_in

NO_TRADE = {"no_bar", "no_volume"}
"""The market is made by chance: a symbol may be halted at the open."""


@pytest.fixture
def day(made: tuple[Path, CompletedProcess[str]], tmp_path: Path) -> Iterator[Day]:
    home = shutil.copytree(made[0], tmp_path / "home")
    with Day.begun(home) as day:
        yield day


def deliveries(explained: Any) -> set[str]:
    """The assets at the ends of what was explained."""
    if explained is None:
        return set()
    below = explained["made_from"]
    return set().union(*map(deliveries, below)) if below else {explained["asset"]}


@pytest.mark.slow
def test_a_traders_day_and_the_same_under_kill_9_of_each_process_in_turn(day: Day) -> None:
    first = day.ended(day.order("SYN0000", "3", "first"))
    assert (first["state"], first["order"]["state"], Decimal(first["order"]["filled_quantity"])) == ("done", "filled", 3), first
    lineage = day.call("GET", f"requests/{first['id']}/lineage")
    (fill,) = lineage["fills"]
    assert fill["session"] > lineage["decided"]["session"]
    assert deliveries(lineage["decided"]) >= {"raw_bars"}
    assert "raw_bars" in deliveries(fill["bars"])
    paid = Decimal(str(fill["bars"]["row"]["open"]))
    assert abs(Decimal(fill["price"]) / paid - 1) < Decimal("0.01")  # the open, and what it costs
    asked = [first["id"]]
    draw = random.Random(rounds(1, 7))
    for number in range(rounds(1, 6)):
        for name in ("desk", "sessions", "service", "up"):
            one = day.order("SYN0001", "2", f"{number}-{name}", then=(lambda name=name: day.kill(name)) if FULL else lambda: None)
            time.sleep(draw.uniform(0, 1.5))
            day.kill(name)
            asked.append(one)
            done = day.ended(one)
            order = done["order"]
            assert done["state"] == "done", done
            assert order["state"] == "filled" or order["reason"] in NO_TRADE, done
    assert day.end() == 0
    with open_trading(deployment_in(day.home), alert=lambda _: None) as trading:
        assert trading.executor.reconcile() == []  # a session that was being settled may have been told to stop
    assert_nothing_lost_and_nothing_twice(day, asked)


def assert_nothing_lost_and_nothing_twice(day: Day, asked: list[str]) -> None:
    with TradeState(f"sqlite:///{day.home / 'data' / 'trade_state.sqlite'}") as state, state.begin() as connection:
        requests = connection.execute(select(tables.requests)).all()
        assert sorted(row.id for row in requests) == sorted(asked)
        assert {row.state for row in requests} == {"done"}
        bought = Decimal(0)
        for row in requests:
            name = f"manual-{row.id}"
            (order,) = connection.execute(select(paper_tables.orders).where(paper_tables.orders.c.client_order_id == name))
            filled = connection.execute(select(tables.fills.c.quantity).where(tables.fills.c.client_order_id == name)).scalars().all()
            assert sum(filled, Decimal(0)) == order.filled_quantity
            bought += order.filled_quantity
            for what in ("request asked", "request confirmed", "request taken up", "request done"):
                told = select(func.count()).where(tables.audit.c.client_order_id == name, tables.audit.c.what == what)
                assert connection.execute(told).scalar_one() == 1, (what, row)
        assert sum(manual_shares(connection).values(), Decimal(0)) == bought  # plans have traded beside them, and sold none of it
        assert connection.execute(select(tables.halts)).all() == []
        held = dict(connection.execute(select(paper_tables.holdings.c.symbol, paper_tables.holdings.c.shares)).all())
        expected = dict.fromkeys(held, Decimal(0))
        for symbol, side, quantity in connection.execute(select(*(tables.fills.c[name] for name in ("symbol", "side", "quantity")))):
            expected[symbol] = expected.get(symbol, Decimal(0)) + (quantity if side == "buy" else -quantity)
        for symbol, quantity in connection.execute(select(tables.entries.c.symbol, tables.entries.c.quantity)):
            if symbol:
                expected[symbol] = expected.get(symbol, Decimal(0)) + quantity
        assert {symbol: shares for symbol, shares in expected.items() if shares} == held


@pytest.mark.slow
def test_a_second_one_is_refused_and_the_first_ends_its_children_in_order(day: Day) -> None:
    from ats_assets_tests.cli.market import ats  # noqa: PLC0415

    day.call("GET", "requests")
    second = ats(day.home, "up", "--port", "0")
    assert (second.returncode, "ats up runs already" in second.stderr) == (1, True), second.stderr
    day.wait(lambda: "the desk is open" in day.said)
    assert day.end() == 0
    ended = [line.split(":")[0] for line in day.said.splitlines() if ": ended with status" in line]
    assert ended[-2:] == ["desk", "service"]
    assert ended[:-2] in (["sessions"], [])  # by now the stored sessions may all be through, and their process with them
