"""Short positions: what borrowing costs, when margin is called, what is cut then, and that nobody plans to sell a part of a share short."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import TradePlan, borrow_fees, borrow_rates, called_for_margin, debit_interest, plan_trades
from ats_assets.settings import MarginSettings, OrderLimitSettings, PortfolioSettings

MARGIN = MarginSettings()
FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=4, max_net=4)
SHORTS = OrderLimitSettings(
    allow_short=True, max_order_share=100, max_day_share=100, max_position_share=100, max_gross_share=100, min_trade_notional=0
)


def test_what_borrowing_costs_by_hand() -> None:
    """3,000.00 short over a weekend: at 50 basis points a year 0.125, at 3,600 of its own 9.00; a long pays nothing. A debit of 1,000.00 at 800: 0.67."""
    rates = borrow_rates(["A", "B", "C"], MarginSettings(borrow_bps_by_symbol={"B": 3_600.0}))
    assert borrow_fees(np.array([-300_000, -300_000, 300_000]), rates, 3).tolist() == [12, 900, 0]
    assert (debit_interest(-100_000, MARGIN, 3), debit_interest(100_000, MARGIN, 3)) == (67, 0)


@pytest.mark.parametrize(("equity", "called"), [(550_00, False), (549_99, True)])
def test_margin_is_called_below_a_quarter_of_the_longs_and_three_tenths_of_the_shorts(equity: int, called: bool) -> None:
    assert called_for_margin(np.array([1_000_00, -1_000_00]), equity, MARGIN) is called
    assert not called_for_margin(np.zeros(2, dtype=np.int64), -1, MARGIN)  # nothing is held that margin could be called for


def test_a_call_that_cutting_can_not_meet_is_no_setting() -> None:
    with pytest.raises(ValueError, match=r"maintenance_share_short is 0\.6, above initial_share"):
        MarginSettings(maintenance_share_short=0.6)


def plan(held: list[float], prices: list[float], cash: float, target: list[float] | None, **how: object) -> TradePlan:
    everywhere = np.ones(len(held), dtype=bool)
    given_ = {"quoted": everywhere, "traded": everywhere, "portfolio": FREE, "limits": SHORTS, "fractional": False, "margin": MARGIN} | how
    aim = None if target is None else np.array(target)
    return plan_trades(held=np.array(held), prices=np.array(prices), cash_cents=round(cash * 100), target=aim, **given_)  # pyright: ignore[reportArgumentType]


def test_a_short_sale_is_for_whole_shares_though_longs_have_fractions() -> None:
    """A tenth of 10,000 at 306.12 is 3.2666928 shares: 3 are sold short. Of 2.5 held, all are sold, and 3 beyond."""
    made = plan([0.0, 0.0, 2.5], [251.30, 306.12, 306.12], 10_000 - 2.5 * 306.12, [0.1, -0.1, -0.1], fractional=True)
    assert made.shares.tolist() == [3.9793076, -3.0, -5.5]
    assert made.closing.tolist() == [0.0, 0.0, 2.5]
    cut = SHORTS.model_copy(update={"max_order_notional": 700.0})
    assert plan([0.0], [306.12], 10_000, [-0.1], fractional=True, limits=cut).shares.tolist() == [-2.0]


def test_positions_are_opened_within_the_initial_margin() -> None:
    """Equity 1,000: 1,000 long and 1,000 short are 2,000, which half of it bears. At eight tenths, 1,250 in all may be opened."""
    made = plan([0.0, 0.0], [10.0, 10.0], 1_000, [1.0, -1.0])
    assert made.shares.tolist() == [100, -100]
    made = plan([0.0, 0.0], [10.0, 10.0], 1_000, [1.0, -1.0], margin=MarginSettings(initial_share=0.8))
    assert made.shares.tolist() == [62, -62]
    assert made.reasons.tolist() == ["limit_margin"] * 2


@pytest.mark.parametrize(
    ("target", "after", "reasons"),
    [
        (None, [-500, 200, 0], ["margin_call", "margin_call", ""]),
        ([0.0, 1.0, 0.5], [0, 300, 0], ["", "", "margin_call"]),
        ([0.0, 1.0, 0.0], [0, 300, 0], ["", "", ""]),
        ([-1.0, 0.0, 0.0], [-375, 0, 0], ["", "", ""]),
        ([0.4, 0.2, 0.0], [0, 60, 0], ["margin_call", "", ""]),
    ],
)
def test_a_call_cuts_what_is_held_and_opens_nothing(target: list[float] | None, after: list[int], reasons: list[str]) -> None:
    """Cash 3,500, 1,000 of A at 4 short, 400 of B at 5: equity is 1,500, and 0.25 * 2,000 + 0.3 * 4,000 = 1,700 are needed. 3,000 in all may be held then."""
    made = plan([-1_000.0, 400.0, 0.0], [4.0, 5.0, 5.0], 3_500, target)
    assert (np.array([-1_000, 400, 0]) + made.shares).tolist() == after
    assert made.reasons.tolist() == reasons


BOOKS = st.lists(st.tuples(st.integers(-2_000, 2_000), st.integers(100, 50_000), st.floats(-1, 1), st.booleans()), min_size=1, max_size=6)


@given(BOOKS, st.integers(-(10**7), 10**9), st.booleans(), st.booleans(), st.sampled_from([0.5, 0.7, 1.0]))
def test_plans_keep_to_the_rules_of_margin(
    rows: list[tuple[int, int, float, bool]], cash: int, fractional: bool, opinion: bool, initial: float
) -> None:
    held, cents, target = (np.array([float(row[i]) for row in rows]) for i in range(3))
    margin = MarginSettings(initial_share=initial)
    prices, open_there = cents / 100, np.array([row[3] for row in rows])
    made = plan_trades(
        held=held,
        prices=prices,
        cash_cents=cash,
        target=target if opinion else None,
        quoted=open_there,
        traded=open_there,
        portfolio=FREE,
        limits=None,
        fractional=fractional,
        margin=margin,
    )
    values = np.rint(held * cents).astype(np.int64)
    equity, after = cash + int(values.sum()), held + made.shares
    called = called_for_margin(values, equity, margin)
    opened = (np.abs(after) > np.abs(held) + 1e-9) | (np.sign(after) * np.sign(held) < 0)
    assert (after[after < 0] == np.trunc(after[after < 0])).all()
    if called:
        assert not opened.any()
        assert equity <= 0 or np.abs(after * cents).sum() <= equity / initial * (1 + 1e-9)
        assert equity > 0 or not after.any()
    elif not opinion:
        assert not made.shares.any()
    if opened.any():
        assert np.abs(after * cents).sum() <= equity / initial * (1 + 1e-9) + 1
