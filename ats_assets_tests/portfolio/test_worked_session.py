"""What parts of one order cost together: as much as the order, by a model of impact."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from ats_assets.algorithms.algorithm import Parent
from ats_assets.algorithms.matching import ChildFill
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.impact.impact_terms import ImpactTerms
from ats_assets.portfolio.account import Account
from ats_assets.portfolio.kernel_settings import cost_rules
from ats_assets.portfolio.worked_session import SessionAccount
from ats_assets.settings import BacktestSettings

AT = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
PRICE, DAY_DOLLARS, SIGMA_BPS = 50.0, 5_000_000.0, 200.0
RULES = cost_rules(BacktestSettings(commission_bps=0.0, min_commission=0.0))


def account(cash: float = 1e6, shares: float = 0.0) -> SessionAccount:
    """A square-root law of a coefficient of one, and a spread of four basis points."""
    one = np.ones(1)
    terms = ImpactTerms(4.0 * one, 0.0 * one, 0.0 * one, SIGMA_BPS * one, DAY_DOLLARS * one, np.inf * one, 1.0, 0.5)
    holdings = Account.opened(cash, 1).holdings
    holdings.shares[0] = shares
    return SessionAccount(holdings=holdings, rows={"S": 0}, marks=np.array([PRICE]), costs=RULES, terms=terms)


def parent(name: str = "S-open", side: Side = Side.BUY, leg: Leg = Leg.OPEN) -> Parent:
    return Parent(
        client_order_id=name,
        symbol="S",
        side=side,
        leg=leg,
        quantity=Decimal(100_000),
        decision_price=Decimal(50),
        starts_at=AT,
        ends_at=AT,
    )


def fill(order: Parent, quantity: int, *, takes: bool = True, part: str = "c") -> ChildFill:
    return ChildFill(
        parent_id=order.client_order_id,
        client_order_id=part,
        number=1,
        side=order.side,
        quantity=Decimal(quantity),
        price=Decimal(str(PRICE)),
        at=AT,
        takes=takes,
        kind=OrderKind.MARKET,
    )


def slippage(made: SessionAccount) -> int:
    return sum(int(one.ledger.slippage[0]) for one in made.trades)


def by_the_law(shares: int) -> int:
    """In cents, by hand."""
    value = shares * PRICE
    return round(value * SIGMA_BPS / 1e4 * (value / DAY_DOLLARS) ** 0.5 * 100)


@pytest.mark.parametrize("parts", [1, 10, 75])
@pytest.mark.parametrize(("side", "leg", "held"), [(Side.BUY, Leg.OPEN, 0.0), (Side.SELL, Leg.CLOSE, 7_500.0)])
def test_what_an_order_pays_of_impact_does_not_depend_on_its_parts(parts: int, side: Side, leg: Leg, held: float) -> None:
    """Each part paid for its own size alone: by the square-root law 75 parts cost a ninth of the order."""
    made, order = account(shares=held), parent(side=side, leg=leg)
    for _ in range(parts):
        assert made.take(order, fill(order, 7_500 // parts)) == 7_500 // parts
    assert slippage(made) == by_the_law(7_500)


def test_two_orders_pay_each_for_its_own_size_and_what_has_waited_pays_nothing() -> None:
    made = account(shares=1_000.0)
    closing, opening = parent("S-close", Side.SELL, Leg.CLOSE), parent("S-open", Side.SELL)
    made.take(closing, fill(closing, 1_000))
    made.take(opening, fill(opening, 500, takes=False))
    made.take(opening, fill(opening, 1_500))
    assert slippage(made) == by_the_law(1_000) + by_the_law(1_500)


@pytest.mark.parametrize("cash", [1_000.0, 77_777.77, 250_000.0])
def test_the_last_part_is_cut_to_the_cash_at_what_it_costs_in_the_order(cash: float) -> None:
    made, order = account(cash=cash), parent()
    bought = [made.take(order, fill(order, 1_000)) for _ in range(8)]
    left = int(made.holdings.cash[0])
    assert 0 <= left < 3 * 5_100, "no more is spent than there is, and nothing is left that pays for some shares"
    assert slippage(made) == by_the_law(int(sum(bought)))


@pytest.mark.parametrize(("bps", "least"), [(0.0, 100), (2.0, 100), (50.0, 0), (50.0, 1_999)])
def test_the_least_commission_is_paid_once_for_a_part_in_however_many_executions_it_is_filled(bps: float, least: int) -> None:
    """Each execution paid it: a part that three minutes filled cost three of them, where a broker takes one for an order."""
    made, order = account(), parent()
    made.costs = cost_rules(BacktestSettings(commission_bps=bps, min_commission=least / 100))
    for part, quantities in {"c": (10, 1, 7, 30), "d": (48,)}.items():
        for quantity in quantities:
            assert made.take(order, fill(order, quantity, part=part)) == quantity
    paid = [int(one.ledger.commission[0]) for one in made.trades]
    of_part = max(least, round(48 * PRICE * 100 * bps / 1e4))
    assert (sum(paid[:-1]), paid[-1]) == (of_part, of_part)
    assert min(paid) >= 0
    assert made.holdings.cash[0] == 10**8 - 2 * 48 * int(PRICE) * 100 - 2 * of_part - sum(
        int(one.ledger.spread[0] + one.ledger.slippage[0]) for one in made.trades
    )
