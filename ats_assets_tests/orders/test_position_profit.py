"""The profit of positions against a ledger that goes through the trades one by one, and the cases that it does not know."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.orders.position_profit import HeldBefore, PositionProfit, entries_of, position_profits, summed

DAY = date(2024, 3, 1)
FLOWS = {"session": pl.Date, "symbol": pl.String, "instrument": pl.String, "cash_flow": pl.Float64}
HELD = {"symbol": pl.String, "instrument": pl.String, "quantity": pl.Float64, "cost": pl.Float64, "price": pl.Float64}


@dataclass
class Ledger:
    """Average cost, trade by trade: what brokers do."""

    quantity: int = 0
    cost: float = 0.0
    realised: float = 0.0
    entered: date | None = None
    flows: list[tuple[date, float]] = field(default_factory=list)

    def trade(self, day: date, shares: int, price: float) -> None:
        if self.quantity * shares < 0:
            released = self.cost * (-shares / self.quantity)
            self.realised += -shares * price - released
            self.cost -= released
        else:
            if not self.quantity:
                self.entered, self.realised = day, 0.0
            self.cost += shares * price
        self.quantity += shares
        self.flows.append((day, -shares * price))


def fills_of(flows: Sequence[tuple[date, float]], name: str = "A") -> pl.DataFrame:
    return pl.DataFrame([(day, name, f"x:{name}", flow) for day, flow in flows], schema=FLOWS, orient="row")


Trades = st.lists(st.tuples(st.integers(-30, 30), st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(trades=Trades, short=st.booleans())
def test_profits_are_those_of_a_ledger(trades: list[tuple[int, int, int]], short: bool) -> None:
    """Each session trades at one price and closes at another; a position changes its side over a close only."""
    ledger, closes, rows = Ledger(), [], []
    before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    realised_before, entered_before = ledger.realised, ledger.entered
    for n, (wanted, price, _) in enumerate(trades):
        day = DAY + timedelta(days=n)
        if n and ledger.quantity:
            rows.append((closes[-1], "x:A"))
        signed = -wanted if short else wanted
        crosses = ledger.quantity * signed < 0 and abs(signed) > abs(ledger.quantity)
        shares = -ledger.quantity if crosses else signed
        before = (ledger.cost, ledger.quantity * (trades[n - 1][2] if n else 0), sum(flow for _, flow in ledger.flows))
        realised_before, entered_before = ledger.realised, ledger.entered
        if shares:
            ledger.trade(day, shares, price)
        closes.append(day)
    today, price = closes[-1], trades[-1][2]
    held = pl.DataFrame([("A", "x:A", ledger.quantity, ledger.cost, price)] if ledger.quantity else [], schema=HELD, orient="row")
    fills = fills_of(ledger.flows)
    stored = pl.DataFrame(rows, schema={"session": pl.Date, "instrument": pl.String}, orient="row")
    known = [DAY - timedelta(days=1), *closes[:-1]]
    entered = entries_of(held["instrument"].to_list(), known, stored, fills)
    was = {"x:A": HeldBefore(symbol="A", cost=before[0], value=before[1])} if rows and rows[-1][0] == known[-1] else {}
    found = position_profits(held, was, fills, entered, equity=1e4, session=today)
    traded_today = sum(flow for day, flow in ledger.flows if day == today)
    if not ledger.quantity:
        assert [one.quantity for one in found] == ([0.0] if traded_today else [])
        return
    (one,) = found
    value = ledger.quantity * price
    assert one.entered == ledger.entered
    assert one.unrealised == pytest.approx(value - ledger.cost)
    assert one.realised == pytest.approx(ledger.realised, abs=1e-6)
    assert one.session_profit == pytest.approx(value - before[1] + traded_today)
    same = ledger.entered == entered_before
    assert one.session_realised == pytest.approx(ledger.realised - (realised_before if same else 0.0), abs=1e-6)
    assert one.weight == pytest.approx(value / 1e4)


def one_held(**changes: float | None) -> pl.DataFrame:
    return pl.DataFrame([{"symbol": "A", "instrument": "x:A", "quantity": 10.0, "cost": 100.0, "price": 12.0} | changes], schema=HELD)


def test_what_was_closed_in_the_session_is_there_with_its_profit() -> None:
    before = {"x:A": HeldBefore(symbol="A", cost=100.0, value=110.0)}
    (one,) = position_profits(one_held().clear(), before, fills_of([(DAY, 125.0)]), {}, equity=1e3, session=DAY)
    assert one == PositionProfit(
        symbol="A",
        instrument="x:A",
        quantity=0.0,
        cost=0.0,
        value=0.0,
        weight=0.0,
        unrealised=0.0,
        session_profit=15.0,
        session_realised=25.0,
    )


def test_a_split_is_no_profit() -> None:
    before = {"x:A": HeldBefore(symbol="A", cost=100.0, value=120.0)}
    (one,) = position_profits(one_held(quantity=20.0, price=6.0), before, fills_of([]), {}, equity=1e3, session=DAY)
    assert (one.session_profit, one.unrealised) == (0.0, 20.0)


def test_what_is_not_known_is_no_number() -> None:
    """No close is stored, the broker has no price, and the entry was before the records: a sum with such a part is not known either."""
    (unpriced,) = position_profits(one_held(price=None), None, fills_of([]), {}, equity=1e3, session=DAY)
    assert (unpriced.value, unpriced.weight, unpriced.unrealised, unpriced.session_profit, unpriced.realised) == (None,) * 5
    (priced,) = position_profits(one_held(), {}, fills_of([(DAY, -100.0)]), {"x:A": DAY}, equity=1e3, session=DAY)
    assert summed([priced])["unrealised"] == 20.0
    assert summed([priced, unpriced])["unrealised"] is None
    assert summed([priced, unpriced])["cost"] == 200.0


def test_without_equity_nothing_is_a_share_of_it() -> None:
    """A short of -400 in an account of -100 had been shown as +400% of it."""
    for equity in (0.0, -100.0):
        (one,) = position_profits(one_held(quantity=-10.0, cost=-500.0, price=40.0), {}, fills_of([]), {}, equity=equity, session=DAY)
        assert (one.value, one.weight) == (-400.0, None)


def test_what_came_without_a_fill_has_no_entry() -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    held = pl.DataFrame({"session": days[1:3], "instrument": ["x:A"] * 2})
    assert entries_of(["x:A"], days[:3], held, fills_of([(days[1], -5.0)])) == {"x:A": days[1]}
    assert entries_of(["x:A"], days[:3], held, fills_of([(days[2], -5.0)])) == {}, "it was there before it was bought"
    assert entries_of(["x:A"], days[1:3], held, fills_of([(days[1], -5.0)])) == {}, "it was held at all closes that are known"
