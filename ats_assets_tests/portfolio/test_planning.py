from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import TRADE_REASONS, TradePlan, limited_trades, plan_trades, round_down
from ats_assets.settings import MarginSettings, OrderLimitSettings, PortfolioSettings

FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=2, max_net=2)
WIDE = OrderLimitSettings(
    allow_short=True, max_order_share=100, max_day_share=100, max_position_share=100, max_gross_share=100, min_trade_notional=0
)


def plan(held: list[float], prices: list[float], cash: float, target: list[float], **how: object) -> TradePlan:
    everywhere = np.ones(len(held), dtype=bool)
    given = {"quoted": everywhere, "traded": everywhere, "portfolio": FREE, "limits": None, "fractional": False} | how
    arrays = {"held": np.array(held, dtype=float), "prices": np.array(prices, dtype=float), "target": np.array(target, dtype=float)}
    return plan_trades(**arrays, cash_cents=round(cash * 100), **given)  # pyright: ignore[reportArgumentType]


def test_sizes_come_from_the_close() -> None:
    """Equity 1,000 + 10 * 50 = 1,500: 60% of it at 45 is 20 shares; the 10 held are to leave."""
    planned = plan([10, 0], [50, 45], 1_000, [0, 0.6])
    assert planned.shares.tolist() == [-10, 20]
    assert planned.current.tolist() == [500 / 1500, 0]
    assert planned.closing.tolist() == [10, 0]
    assert set(planned.reasons) == {""}


def test_a_symbol_without_a_bar_may_only_leave() -> None:
    none = np.zeros(3, dtype=bool)
    planned = plan([10, 10, 0], [50, 50, 50], 1_000, [0, 0.9, 0.1], quoted=none)
    assert planned.shares.tolist() == [-10, 0, 0]
    assert planned.reasons.tolist() == ["", "no_bar", "no_bar"]
    planned = plan([10, 10, 0], [50, 50, 50], 1_000, [0, 0.9, 0.1], traded=none)
    assert planned.reasons.tolist() == ["", "no_volume", "no_volume"]


def test_without_a_price_nothing_is_sized() -> None:
    planned = plan([0, 0], [np.nan, 10], 1_000, [0.5, 0.5], quoted=np.array([False, True]))
    assert planned.shares.tolist() == [0, 50]
    assert planned.reasons.tolist() == ["no_bar", ""]
    assert np.isnan(planned.wanted[0])


@pytest.mark.parametrize("price", [0.0, float("nan"), -5.0])
def test_what_is_held_without_a_price_and_is_to_leave_is_told(price: float) -> None:
    """It stayed without a word: what has no price has no weight, and so seemed to be where it should be."""
    nobody = np.array([False, True])
    planned = plan([100, 0], [price, 10], 10_000, [0, 0.5], quoted=nobody)
    assert (planned.shares.tolist(), planned.wanted.tolist(), planned.reasons.tolist()) == ([0, 500], [-100, 500], ["no_bar", ""])
    called = plan([100, -1_000], [price, 16], 20_000, [0, 0], quoted=nobody, margin=MarginSettings())
    assert (called.shares.tolist(), called.reasons.tolist()) == ([0, 1_000], ["no_bar", ""])


def test_a_margin_call_does_not_wait_for_what_is_halted() -> None:
    """Equity 1,000; 900 halted longs at 10 alone are more than twice that, so all 66 shorts at 20 are covered. They were cut in proportion, 54 now and 10 the next time."""
    there = np.array([False, True])
    planned = plan([900, -66], [10, 20], 1_000 - 9_000 + 1_320, [10, -10], quoted=there, margin=MarginSettings())
    assert planned.shares.tolist() == [-726, 66], "the longs' own cut, to 2,000 of all 10,320, is ordered in case they trade"


def test_what_the_broker_does_not_take_stays() -> None:
    planned = plan([10, 0], [50, 50], 500, [0, 0.5], tradable=np.array([False, True]))
    assert planned.shares.tolist() == [0, 10]
    assert planned.reasons.tolist() == ["not_tradable", ""]


def test_without_equity_nothing_is_planned() -> None:
    planned = plan([-100], [50], 1_000, [0.5])
    assert planned.shares.tolist() == [0]
    assert planned.reasons.tolist() == ["no_equity"]


@pytest.mark.parametrize(
    ("limit", "shares", "reason"),
    [
        ({"max_order_share": 0.2}, [-10, 40, -20], "limit_order"),
        ({"max_order_notional": 150.0}, [-10, 30, -20], "limit_order"),
        ({"max_day_share": 0.5}, [-10, 66, -13], "limit_day"),  # 500 - 100 of the exit for 500 and 100: two thirds, rounded down
        ({"max_position_share": 0.25}, [-10, 50, -20], "limit_position"),
        ({"max_position_notional": 240.0}, [-10, 48, -20], "limit_position"),
        ({"lot_shares": 15}, [-10, 90, -15], "limit_lot"),  # what leaves is no whole lot
        ({"max_gross_share": 0.3}, [-10, 50, -10], "limit_gross"),
        ({"allow_short": False}, [-10, 100, 0], "limit_short"),
        ({"min_trade_notional": 120.0}, [-10, 100, 0], "limit_min_trade"),  # the exit of 100 goes all the same
    ],
)
def test_limits_cut_what_opens_and_never_what_leaves(limit: dict[str, object], shares: list[float], reason: str) -> None:
    """Equity 1,000: 10 shares at 10 leave, 100 at 5 and -20 at 5 (short) are opened."""
    planned = plan([10, 0, 0], [10, 5, 5], 900, [0, 0.5, -0.1], limits=WIDE.model_copy(update=limit))
    assert planned.shares.tolist() == shares
    assert reason in planned.reasons
    assert set(planned.reasons) <= {"", reason}


def test_buying_power_is_shared_by_what_opens() -> None:
    planned = plan([10, 0, 0], [10, 5, 5], 900, [0, 0.4, 0.2], limits=WIDE, buying_power=300.0)
    assert planned.shares.tolist() == [-10, 40, 20]
    assert planned.reasons.tolist() == ["", "limit_buying_power", "limit_buying_power"]
    assert plan([10, 0], [10, 5], 900, [0, 0.4], limits=WIDE, buying_power=-1.0).shares.tolist() == [-10, 0]


SIZES = st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0.01, 1e3), st.booleans()), min_size=1, max_size=8)


@given(
    SIZES,
    st.floats(1.0, 1e7),
    st.booleans(),
    st.builds(
        OrderLimitSettings,
        allow_short=st.booleans(),
        max_order_share=st.floats(0.01, 2),
        max_day_share=st.floats(0.01, 4),
        max_order_notional=st.none() | st.floats(1, 1e6),
        max_day_notional=st.none() | st.floats(1, 1e6),
        max_position_share=st.floats(0.01, 2),
        max_position_notional=st.none() | st.floats(1, 1e6),
        max_gross_share=st.floats(0.01, 4),
        lot_shares=st.sampled_from([1, 1, 10, 100]),
        min_trade_notional=st.floats(0, 1e3),
    ),
    st.none() | st.floats(-1e5, 1e6),
)
def test_no_limit_is_ever_exceeded(
    rows: list[tuple[float, float, float, bool]], equity: float, fractional: bool, limits: OrderLimitSettings, power: float | None
) -> None:
    held, shares, prices = (np.array([row[i] for row in rows]) for i in range(3))
    lent = np.array([row[3] for row in rows])
    held, shares = (round_down(values, fractional=fractional) for values in (held, shares))
    made = limited_trades(
        shares, held=held, prices=prices, equity=equity, limits=limits, fractional=fractional, buying_power=power, shortable=lent
    )
    after, traded = held + made.shares, np.abs(made.shares) * prices
    closing = np.where(held * made.shares < 0, np.minimum(np.abs(held), np.abs(made.shares)), 0) * prices
    opening = traded - closing
    slack = 1e-6 * (1 + np.abs(traded).sum())
    assert ((made.shares == 0) | (np.sign(made.shares) == np.sign(shares))).all()
    assert (np.abs(made.shares) <= np.abs(shares)).all()
    assert (opening <= min(limits.max_order_share * equity, limits.max_order_notional or np.inf) + slack).all()
    assert (
        opening.sum() <= max(0, min(limits.max_day_share * equity, limits.max_day_notional or np.inf) - closing.sum()) + slack
        or not opening.any()
    )
    grew = opening > slack
    assert (np.abs(after * prices)[grew] <= min(limits.max_position_share * equity, limits.max_position_notional or np.inf) + slack).all()
    assert not grew.any() or np.abs(after * prices).sum() <= limits.max_gross_share * equity + slack
    assert power is None or opening.sum() <= max(0.0, power) + slack
    short = (after < -1e-12) & (after < held)
    assert not (short & ~lent).any()
    assert limits.allow_short or not short.any()
    leaves = np.abs(after) <= 1e-12
    assert (traded >= limits.min_trade_notional)[(made.shares != 0) & ~leaves].all()
    if limits.lot_shares > 1:
        lots = np.where(closing > 0, np.abs(made.shares) - np.minimum(np.abs(held), np.abs(made.shares)), np.abs(made.shares))
        assert (lots[~leaves].round(9) % limits.lot_shares == 0).all()  # shares have nine digits, their difference has more
    cut = made.shares != shares
    assert (made.cut_by[cut] != "").all()
    assert {f"limit_{name}" for name in made.cut_by[made.cut_by != ""]} <= set(TRADE_REASONS)


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([7.0, 10.1, 33.3]), st.sampled_from([-0.1, 0.0, 0.1, 0.3])), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_plan_does_not_depend_on_the_order_of_the_symbols(rows: list[tuple[int, float, float]], random: Random) -> None:
    """To the bit: a share more or less may hang on the last one of a sum."""
    held, prices, target = ([row[i] for row in rows] for i in range(3))
    order = random.sample(range(len(rows)), len(rows))
    limited = PortfolioSettings(max_weight=0.3, max_turnover=0.4, max_gross=1.1, max_net=0.5)
    how = {"portfolio": limited, "limits": WIDE.model_copy(update={"max_day_share": 0.3}), "fractional": True}
    direct = plan(held, prices, 100, target, **how)
    permuted = plan(*([values[i] for i in order] for values in (held, prices)), 100, [target[i] for i in order], **how)
    for name in ("shares", "wanted", "closing", "current", "reasons"):
        np.testing.assert_array_equal(getattr(permuted, name), getattr(direct, name)[order])
