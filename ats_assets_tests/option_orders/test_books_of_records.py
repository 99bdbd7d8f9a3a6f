"""Books that follow from a broker's records are those that the paper broker keeps, where no dividend, split or interest is the account's alone."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ats_assets.execution.order import AccountEntry, AccountState, EntryKind, Position
from ats_assets.option_backtests.strategy_account import TradedStrategy
from ats_assets.option_orders.books_of_records import books_at_broker, books_of
from ats_assets.option_orders.shares_apart import account_apart, shares_apart
from ats_assets.option_strategies import Decision, OptionView
from ats_assets.option_strategies.book import OptionBook
from ats_assets.option_strategies.fills import LegFill
from ats_assets_tests.brokers.paper.test_option_books import CALL, FRI, MON, NEXT, PUT, THU, WED, simple
from ats_assets_tests.option_backtests.option_market import Scripted, actions, dividend, on, order

AT = datetime(2024, 3, 8, 21, tzinfo=UTC)


def later(view: OptionView) -> list[Decision]:
    """A covered call, a put, a spread; some of it bought back."""
    if view.session == WED:
        return [order(view, (CALL, 1, "close"), action="close")]
    return on(MON, (None, 300, "open"), (CALL, -3, "open"), (PUT, -2, "open"))(view)


@pytest.mark.parametrize("paid", [0.0, 0.5])
def test_executions_assignments_and_expiries_rebuild_the_book(tmp_path: Path, paid: float) -> None:
    """With the dividend the calls are assigned in the night before, and the put that was sold is assigned at its expiry either way."""
    desk = simple(tmp_path, later, actions(dividend("XYZ", THU, paid)) if paid else None)
    kept = desk.broker.option_books()["scripted"]
    with desk.state.begin() as connection:
        made = books_at_broker(connection, desk.strategies, MON, desk.market.calendar.closes_at(NEXT))["scripted"]
    assert {one: position.quantity for one, position in made.options.items()} == {one: p.quantity for one, p in kept.options.items()}
    assert {name: held.quantity for name, held in made.shares.items()} == {name: held.quantity for name, held in kept.shares.items()}
    assert made.cash == kept.cash
    averages = {one: position.average_price for one, position in kept.options.items()}
    assert {one: position.average_price for one, position in made.options.items()} == averages
    assert bool(averages) is (paid == 0.0)


def test_an_assignment_is_shared_out_in_the_order_of_the_names() -> None:
    books = {}
    strategies = [TradedStrategy(name=name, strategy=Scripted(lambda _: []), underlyings=("XYZ",), capital=Decimal(1000)) for name in "ba"]
    entry = AccountEntry(
        entry_id="e", kind=EntryKind.ASSIGNMENT, at=AT, symbol=PUT.symbol, quantity=Decimal(3), cash=Decimal(0), description=""
    )
    books = books_of(strategies, MON, [], [])
    for name, number in (("a", -2), ("b", -2)):
        leg = LegFill(contract=PUT, underlying="XYZ", quantity=number, open_or_close="open", price=Decimal(5), multiplier=100)
        books[name].apply_fills(MON, (leg,))
    from ats_assets.option_orders.books_of_records import _end  # noqa: PLC0415 - the step alone

    _end(books, entry, FRI)
    assert {name: [one.quantity for one in book.options.values()] for name, book in books.items()} == {"a": [], "b": [-1]}
    assert {name: book.shares_of("XYZ") for name, book in books.items()} == {"a": 200, "b": 100}


class TestApart:
    def book(self) -> OptionBook:
        book = OptionBook.opened("wheel", Decimal(50_000), MON)
        leg = LegFill(contract=None, underlying="BRKB", quantity=200, open_or_close="open", price=Decimal(100))
        book.apply_fills(MON, (leg,))
        return book

    def test_shares_of_the_books_are_left_out_under_the_symbol_of_the_bars(self) -> None:
        held = [
            Position(symbol="BRK.B", quantity=Decimal(300), cost=Decimal(30_000), price=Decimal(100)),
            Position(symbol="AAPL", quantity=Decimal(5), cost=None, price=Decimal(10)),
            Position(symbol=PUT.symbol, quantity=Decimal(-1), cost=Decimal(-500), price=Decimal(5), multiplier=Decimal(100)),
        ]
        left = shares_apart(held, {"wheel": self.book()}, {"BRKB": "BRK.B"})
        assert [(one.symbol, one.quantity, one.cost) for one in left] == [("BRK.B", 100, 10_000), ("AAPL", 5, None)]
        whole = [Position(symbol="BRK.B", quantity=Decimal(200), cost=Decimal(20_000), price=Decimal(100))]
        assert shares_apart(whole, {"wheel": self.book()}, {"BRKB": "BRK.B"}) == []

    def test_cash_and_equity_of_the_books_are_left_out(self) -> None:
        account = AccountState(account_id="x", at=AT, cash=Decimal(80_000), equity=Decimal(150_000), buying_power=Decimal(150_000))
        left = account_apart(account, {"wheel": self.book()})
        assert (left.cash, left.equity, left.buying_power) == (50_000, 100_000, 100_000)
        assert account_apart(account, {}) is account
