"""The brake by hand and against its definition written out; in a backtest it halves a book."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.backtests import run_backtest
from ats_assets.portfolio.drawdown_brake import exposure_factor
from ats_assets.portfolio.kernel_settings import brake_rules
from ats_assets.settings import BacktestSettings, BrakeSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import bars_of, signals_of, weekdays

RETURNS = st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=30)
BRAKES = st.builds(
    BrakeSettings,
    max_drawdown=st.sampled_from([None, 0.1, 0.3]),
    brake_from=st.sampled_from([0.0, 0.05]),
    floor=st.sampled_from([0.0, 0.25]),
    peak_sessions=st.sampled_from([8, 100]),
    max_session_loss=st.sampled_from([None, 0.05, 0.2]),
    after_loss=st.sampled_from([0.0, 0.5]),
    cooldown_sessions=st.sampled_from([1, 3]),
)


def written_out(returns: list[float], rules: BrakeSettings) -> float:
    """From the returns themselves: the first one of a window leads to its second session."""
    seen = returns[-(rules.peak_sessions - 1) :] if rules.peak_sessions > 1 else []
    levels = [1.0]
    for earned in seen:
        levels.append(levels[-1] * (1.0 + earned))
    drawdown = 1.0 - levels[-1] / max(levels)
    found = [1.0]
    if rules.max_drawdown is not None:
        share = np.clip((drawdown - rules.brake_from) / (rules.max_drawdown - rules.brake_from), 0.0, 1.0)
        found.append(1.0 - share * (1.0 - rules.floor))
    if rules.max_session_loss is not None and any(earned <= -rules.max_session_loss for earned in seen[-rules.cooldown_sessions :]):
        found.append(rules.after_loss)
    return min(found)


@given(RETURNS, BRAKES, st.data())
@settings(max_examples=300)
def test_it_is_what_the_returns_say_whatever_is_paid_in(returns: list[float], rules: BrakeSettings, data: st.DataObject) -> None:
    equity, paid_in = [1_000.0], [0.0]
    for earned in returns:
        paid = data.draw(st.sampled_from([0.0, 0.0, 500.0, -100.0]))
        equity.append(equity[-1] * (1.0 + earned) + paid)
        paid_in.append(paid)
        if equity[-1] < 200.0:
            return
    factor = exposure_factor(np.array(equity), np.array(paid_in), brake_rules(rules))
    assert factor == pytest.approx(written_out(returns, rules), abs=1e-9)
    assert factor == exposure_factor.compiled(np.array(equity), np.array(paid_in), brake_rules(rules))


def test_at_just_the_largest_drawdown_nothing_is_left_of_it() -> None:
    """1 - 0.8 is a little below 0.2, so that 3e-16 of the targets were held."""
    assert exposure_factor(np.array([100.0, 80.0]), np.zeros(2), brake_rules(BrakeSettings(max_drawdown=0.2))) == 0.0


def test_without_settings_nothing_brakes() -> None:
    assert exposure_factor(np.array([100.0, 1.0]), np.zeros(2), brake_rules(None)) == 1.0
    assert not BrakeSettings().is_on


def test_a_backtest_holds_half_after_a_loss_until_the_cooldown_is_over() -> None:
    """All of it in one symbol; a fall of 10 % at the third session, then two sessions at half the weight."""
    days = weekdays(8)
    closes = [100.0, 100.0, 90.0, 90.0, 90.0, 90.0, 90.0, 90.0]
    bars = bars_of([("A", day, close, close) for day, close in zip(days, closes, strict=True)])
    targets = signals_of([("A", day, 1.0) for day in days])
    brake = BrakeSettings(max_session_loss=0.05, after_loss=0.5, cooldown_sessions=2)
    costless = BacktestSettings(initial_cash=1e6, commission_bps=0, slippage_bps=0, spread_bps=0, fractional_shares=True)
    free = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0)
    made = run_backtest(targets, bars, days, portfolio=free, settings=costless, brake=brake)
    held = dict(made.positions.select("session", "weight").iter_rows())
    assert [round(held.get(day, 0.0), 2) for day in days] == [0.0, 1.0, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0]


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be less than max_drawdown"):
        BrakeSettings(max_drawdown=0.1, brake_from=0.2)
    with pytest.raises(ValidationError, match="must be less than peak_sessions"):
        BrakeSettings(peak_sessions=5, cooldown_sessions=5)
