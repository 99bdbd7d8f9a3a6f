"""Random histories of a book against an independent ledger: every session's cash, equity and holdings are equal to the cent, and all rows add up."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar
from ats_assets.option_backtests.session_loop import Rows
from ats_assets.option_backtests.strategy_account import OptionTradingRules
from ats_assets.option_strategies import Decision, OptionView
from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.options.contract import OptionContract, Right, contract_of
from ats_assets_tests.option_backtests.independent_ledger import Costs, Market, add_up, exact, worth
from ats_assets_tests.option_backtests.option_market import Quoted, Scripted, actions, chain, dividend, order, split, traded

UNDERLYINGS = ("ABC", "XYZ")
CAPITAL = 25_000
Acts = dict[tuple[str, date], tuple[float, float]]


@dataclass
class History:
    """A random market, and what a random strategy made of it."""

    market: Market
    costs: Costs
    rows: Rows


def random_history(seed: int, until: int = 24) -> History:
    """Walks in cents, options at random time values above intrinsic ones, a part of them without quotes; dividends, splits, and decisions at random; `until` of 24 sessions are traded."""
    draw, calendar = random.Random(seed), SessionCalendar()
    days = calendar.sessions(date(2024, 1, 3), date(2024, 4, 30))[:24]
    acts: Acts = {}
    for name in UNDERLYINGS:
        for day in draw.sample(days[2:], 3):
            kind = draw.random()
            acts[name, day] = (1.0, draw.randint(1, 120) / 100) if kind < 0.6 else (draw.choice([2.0, 3.0, 1.5]), 0.0)
    spots = {name: draw.randint(8_000, 12_000) / 100 for name in UNDERLYINGS}
    market = Market(days, calendar.after(days[-1]), {}, {}, acts)
    chains, known = [], set[OptionContract]()
    for day in days:
        known = moved(draw, day, spots, acts, known)
        there = {name: spots[name] for name in UNDERLYINGS if draw.random() < 0.97}
        quoted = quoted_at_random(draw, known, there)
        market.closes[day] = there  # pyright: ignore[reportIndexIssue]
        market.quotes[day] = {one.symbol: (bid, ask) for one, bid, ask in quoted}  # pyright: ignore[reportIndexIssue]
        chains.append(chain(day, there, quoted))
    rates = {"debit_rate": Decimal("0.08"), "borrow_rate": Decimal("0.05")} if draw.random() < 0.5 else {}
    puts = 0.05 if draw.random() < 0.5 else None
    fills = OptionFillRules(fee_per_contract=Decimal("0.65"))
    rules = OptionTradingRules(
        fills=fills, fee_per_assignment=Decimal("1.5"), puts_at_rate=None if puts is None else lambda _: puts, **rates
    )
    borrowed = {"debit": Fraction(8, 100), "borrow": Fraction(5, 100)} if rates else {}
    costs = Costs(fee=Fraction(65, 100), assignment=Fraction(3, 2), put_rate=puts, **borrowed)
    frame = actions(*(dividend(name, day, cash) if cash else split(name, day, ratio) for (name, day), (ratio, cash) in acts.items()))
    script = Scripted(lambda view: whims(view, seed))
    rows = traded(script, chains[:until], frame, rules=rules, capital=str(CAPITAL), underlyings=UNDERLYINGS)
    return History(market=market, costs=costs, rows=rows)


def moved(draw: random.Random, day: date, spots: dict[str, float], acts: Acts, known: set[OptionContract]) -> set[OptionContract]:
    """The contracts that there are at a session, after its actions and with new ones; spots are moved on."""
    for name in UNDERLYINGS:
        ratio, cash = acts.get((name, day), (1.0, 0.0))
        spots[name] = max(round((spots[name] - cash) / ratio * (1 + draw.gauss(0, 0.03)), 2), 2.0)
        if ratio == int(ratio) > 1:
            old = {one for one in known if one.underlying == name}
            strikes = {one: Decimal(str(round(float(one.strike / int(ratio)) + 1e-9, 2))) for one in old}
            known = known - old | {OptionContract(name, one.expiry, strike, one.right) for one, strike in strikes.items()}
        friday = day + timedelta(days=(4 - day.weekday()) % 7)
        middle = round(spots[name] / 5) * 5
        for expiry in (friday, friday + timedelta(days=14)):
            near = {Decimal(max(middle + 5 * step, 5)) for step in (-1, 0, 1)}
            known = known | {OptionContract(name, expiry, strike, right) for strike in near for right in Right}
    return {one for one in known if one.expiry >= day}


def quoted_at_random(draw: random.Random, known: set[OptionContract], there: dict[str, float]) -> list[Quoted]:
    """Quotes of most of the contracts, some bid for at nothing, some without an ask."""
    quoted: list[Quoted] = []
    for one in sorted(known):
        if one.underlying not in there or draw.random() < 0.15:
            continue
        value = float(worth(one.symbol, exact(there[one.underlying])))
        bid = round(value + draw.choice([0.0, 0.01, 0.02, 0.3, 1.5]), 2)
        ask = round(bid + draw.choice([0.02, 0.05, 0.2]), 2)
        quoted.append((one, bid, None if draw.random() < 0.05 else ask))
    return quoted


def whims(view: OptionView, seed: int) -> list[Decision]:
    """Orders of one to three legs on what the chain has, closings of what is held, exercises: a function of the view and a seed."""
    draw = random.Random(f"{seed} {view.session}")
    symbols = view.chain["contract"].to_list()
    made = []
    for name in view.underlyings:
        own = [contract_of(one) for one in symbols if one.startswith(name)]
        if own and draw.random() < 0.6:
            legs = [(one, draw.choice([-3, -2, -1, 1, 2]), "open") for one in draw.sample(own, min(draw.randint(1, 3), len(own)))]
            shares = [(None, draw.choice([-100, 100, 200, 33]), "open")] if draw.random() < 0.3 else []
            limit = str(draw.randint(-300, 300) / 100) if draw.random() < 0.2 and not shares else None
            made.append(order(view, *legs, *shares, limit=limit))
    for one in view.held:
        chance = draw.random()
        if chance < 0.15:
            made.append(order(view, (one.contract, -one.quantity, "close"), action="close"))
        elif chance < 0.2 and one.quantity > 0:
            made.append(order(view, (one.contract, -1, "close"), action="exercise"))
    return made


def compare(history: History) -> None:
    rows = history.rows
    forced = {"adjusted_deliverable"}
    trades = [
        (row["session"], row["contract"], row["underlying"], row["quantity"], Fraction(str(row["price"])))
        for row in rows["option_fills"]
        if row["rule"] not in forced
    ]
    exercises = [
        (row["traded_session"], row["legs"].split()[1], -int(row["legs"].split()[0]))
        for row in rows["decisions"]
        if row["outcome"] == "exercised"
    ]
    told = add_up(CAPITAL, history.market, history.costs, trades, exercises)
    held: defaultdict[date, dict[str, float]] = defaultdict(dict)
    for row in rows["positions"]:
        held[row["session"]][row["contract"] or row["underlying"]] = row["quantity"]
    for row in rows["equity"]:
        cash, equity, options, shares = told[row["session"]]
        assert held[row["session"]] == options | shares, row["session"]
        assert int(row["cash"] * 100) == cash, row["session"]
        assert int(row["equity"] * 100) == equity, row["session"]


def conserved(history: History) -> None:
    """The rows of cash flows alone rebuild the book, and the parts of the P&L are the change of equity."""
    rows = history.rows
    cash, contracts, shares = Decimal(0), defaultdict(int), defaultdict(Decimal)
    for row in rows["cash_flows"]:
        cash += row["cash"]
        assert row["balance"] == cash
        contracts[row["contract"]] += row["quantity"]
        shares[row["underlying"]] += row["shares"]
    last = rows["equity"][-1]
    assert last["cash"] == cash
    at_end = {row["contract"]: row["quantity"] for row in rows["positions"] if row["session"] == last["session"] and row["contract"]}
    assert {one: number for one, number in contracts.items() if number} == at_end
    own = {row["underlying"]: row["quantity"] for row in rows["positions"] if row["session"] == last["session"] and not row["contract"]}
    assert {one: float(number) for one, number in shares.items() if number} == own
    before = Decimal(CAPITAL)
    for row in rows["equity"]:
        assert row["equity"] - before == row["pnl"]
        before = row["equity"]
        parts = [one for one in rows["attribution"] if one["session"] == row["session"]]
        assert sum((one["pnl"] for one in parts), Decimal(0)) == row["pnl"]
        for one in parts:
            names = ("delta", "gamma", "theta", "vega", "income", "spread", "fees", "carry", "rest")
            assert sum((one[name] for name in names), Decimal(0)) == one["pnl"]


@given(seed=st.integers(0, 10**9))
def test_an_independent_ledger_comes_to_the_same_cent_at_every_session(seed: int) -> None:
    history = random_history(seed)
    compare(history)
    conserved(history)


def test_the_histories_have_all_that_can_happen() -> None:
    """So that the ledger above is not compared over histories in which nothing does."""
    kinds, hows, reasons = set(), set(), set()
    for seed in range(24):
        rows = random_history(seed).rows
        kinds |= {row["kind"] for row in rows["cash_flows"]} | {"early" for row in rows["cash_flows"] if row["detail"].startswith("early")}
        hows |= {row["how"] for row in rows["closed_positions"]}
        reasons |= {row["reason"] for row in rows["unfilled"]}
    assert kinds == {
        *("deposit", "premium", "shares", "fee", "assignment", "exercise", "expiry", "dividend", "split", "in_lieu", "adjusted"),
        *("interest", "borrow", "early"),
    }
    assert hows == {"traded", "assigned", "exercised", "expired", "adjusted"}
    assert reasons >= {"no_quote", "no_ask", "limit", "position_gone", "corporate_action", "margin", "no_bid"}


def test_a_history_cut_short_is_the_beginning_of_the_longer_one() -> None:
    """Up to the last session, whose night is still to come: nothing of later is known."""
    for seed in range(6):
        long, short = random_history(seed).rows, random_history(seed, until=15).rows
        last = short["equity"][-1]["session"]
        for table in ("equity", "cash_flows", "attribution", "positions", "greeks_over_time"):
            assert [row for row in short[table] if row["session"] < last] == [row for row in long[table] if row["session"] < last], table
        told = ("session", "underlying", "action", "legs", "limit_price")
        assert [[row[name] for name in told] for row in short["decisions"]] == [
            [row[name] for name in told] for row in long["decisions"] if row["session"] <= last
        ]
