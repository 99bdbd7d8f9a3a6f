from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import affordable_shares, limited_trades, notional_cents, shares_to_hold, trade_costs
from ats_assets.settings import BacktestSettings, OrderLimitSettings

ORDERS = st.lists(st.tuples(st.floats(0.001, 1e5), st.floats(0.01, 5e3)), max_size=12)


def test_shares_are_rounded_toward_zero() -> None:
    shares = shares_to_hold(np.array([0.55, -0.55]), 1000.0, np.array([100.0, 100.0]), fractional=False)
    assert shares.tolist() == [5.0, -5.0]
    assert shares_to_hold(np.array([1 / 3]), 1.0, np.array([1.0]), fractional=True).tolist() == [0.333333333]


@given(ORDERS, st.integers(-100, 10**10), st.booleans(), st.floats(0, 20), st.sampled_from([0.0, 1.0, 50.0]))
def test_bought_shares_are_paid_for(orders: list[tuple[float, float]], cash: int, fractional: bool, bps: float, least: float) -> None:
    settings = BacktestSettings(fractional_shares=fractional, commission_bps=bps, min_commission=least)
    shares, prices = (np.array([order[i] for order in orders]) for i in range(2))
    wanted = shares if fractional else np.ceil(shares)
    bought = affordable_shares(wanted, prices, cash, settings)
    notional = notional_cents(bought, prices)
    spent = int((notional + trade_costs(notional, settings).total).sum())
    assert spent <= max(cash, 0) or not bought.any()
    assert (bought >= 0).all()
    assert (bought <= wanted).all()
    if not fractional:
        assert (bought == np.trunc(bought)).all()


@given(ORDERS, st.integers(0, 10**8), st.randoms(use_true_random=False))
def test_what_is_bought_does_not_depend_on_the_order_of_the_symbols(orders: list[tuple[float, float]], cash: int, random: Random) -> None:
    """Where commissions made even scaled buys too dear, the last symbols of the alphabet were left out."""
    settings = BacktestSettings(fractional_shares=True, min_commission=1.0)
    shares, prices = (np.array([order[i] for order in orders]) for i in range(2))
    order = np.array(random.sample(range(len(orders)), len(orders)), dtype=int)
    bought = affordable_shares(shares, prices, cash, settings)
    assert affordable_shares(shares[order], prices[order], cash, settings).tolist() == bought[order].tolist()


def test_where_commissions_eat_the_cash_the_smallest_orders_are_left_out() -> None:
    settings = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, min_commission=10.0, fractional_shares=True)
    bought = affordable_shares(np.array([1.0, 3.0, 2.0, 1.0]), np.full(4, 10.0), 3_500, settings)
    assert (bought > 0).tolist() == [False, True, True, False]


def test_enough_cash_buys_everything() -> None:
    settings = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0)
    assert affordable_shares(np.array([3.0]), np.array([10.0]), 3000, settings).tolist() == [3.0]
    assert affordable_shares(np.array([3.0]), np.array([10.0]), 2999, settings).tolist() == [2.0]


@given(st.integers(1, 40), st.integers(1, 5_000), st.integers(1, 60_000), st.booleans(), st.booleans())
def test_what_divides_exactly_is_not_a_share_short_nor_is_what_lacks_a_cent(
    k: int, shares: int, cents: int, fractional: bool, short: bool
) -> None:
    """A k-th of an equity that pays for k times so many shares: 742,220.22 at 456.47 was 1,625 shares, not 1,626. With a cent less it is one share less."""
    sign = -1.0 if short else 1.0
    weight, price, equity = np.array([sign / k]), np.array([cents / 100]), k * shares * cents
    assert shares_to_hold(weight, equity / 100, price, fractional=fractional).tolist() == [sign * shares]
    less = shares_to_hold(weight, (equity - 1) / 100, price, fractional=fractional)[0]
    exactly = Fraction(equity - 1, k * cents)
    if fractional:  # the weight is a binary fraction: what is within its rounding of the next 10^-9 of a share is that
        assert 0 <= exactly - Fraction(abs(less)) + Fraction(2, 10**11) < Fraction(102, 10**11)
    else:
        assert less == sign * int(exactly)


@given(
    st.lists(st.tuples(st.integers(1, 3_000), st.integers(1, 60_000)), min_size=1, max_size=5), st.sampled_from([0.1, 0.29, 0.3, 0.7, 1.1])
)
def test_a_limit_that_is_met_exactly_cuts_nothing(orders: list[tuple[int, int]], share: float) -> None:
    """Equity such that each limit, a share of it, is just what the orders come to; and bought for exactly that cash."""
    shares, cents = (np.array([order[i] for order in orders], dtype=float) for i in range(2))
    total = int((shares * cents).sum())
    wide = OrderLimitSettings(allow_short=True, max_order_share=9e9, max_day_share=9e9, max_position_share=9e9, max_gross_share=9e9)
    equity = float(Fraction(total, 100) / Fraction(str(share)))
    for name in ("max_day_share", "max_gross_share", *["max_order_share", "max_position_share"][: 2 * (len(orders) == 1)]):
        limits = wide.model_copy(update={name: share, "min_trade_notional": 0.0})
        made = limited_trades(shares, held=np.zeros(len(shares)), prices=cents / 100, equity=equity, limits=limits, fractional=False)
        assert made.shares.tolist() == shares.tolist()
        assert set(made.cut_by) == {""}
    free = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0)
    assert affordable_shares(shares, cents / 100, total, free).tolist() == shares.tolist()
