from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.backtests.metrics import left_by_brake, wanted_and_held, wanted_figures
from ats_assets.portfolio import desired_weights
from ats_assets.settings import BrakeSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import MONDAY, signals_of

PORTFOLIO = PortfolioSettings(max_weight=0.4, max_turnover=0.3)
WEIGHTS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.101, 0.2]), st.sampled_from([0.0, 0.0, 0.1, 0.15, 0.2])), min_size=1, max_size=5)


def positions_of(rows: list[tuple[str, int, float]]) -> pl.DataFrame:
    days = [(symbol, MONDAY + timedelta(days=i), weight) for symbol, i, weight in rows]
    return pl.DataFrame(days, schema={"symbol": pl.String, "session": pl.Date, "weight": pl.Float64}, orient="row")


@given(WEIGHTS)
def test_the_limit_binds_where_planning_cuts_the_trades(pairs: list[tuple[float, float]]) -> None:
    """Against `desired_weights`, by which backtest and orders trade."""
    targets = signals_of([(f"S{i}", MONDAY, target) for i, (_, target) in enumerate(pairs)])
    positions = positions_of([(f"S{i}", 0, held) for i, (held, _) in enumerate(pairs) if held])
    [row] = wanted_and_held(targets, positions, PORTFOLIO).to_dicts()
    held, target = np.array([h for h, _ in pairs]), np.array([t for _, t in pairs])
    free = desired_weights(held, target, PORTFOLIO.model_copy(update={"max_turnover": 4.0}))
    made = desired_weights(held, target, PORTFOLIO)
    assert row["wanted_turnover"] == pytest.approx(np.abs(free - held).sum())
    assert row["limit_binds"] == (np.abs(made - free).sum() > 1e-9)
    assert (row["wanted_positions"], row["held_positions"]) == ((target != 0).sum(), (held != 0).sum())


def test_an_engine_that_keeps_no_limits_has_none_that_binds() -> None:
    """The engine `weights` trades all that is wanted, and was said to be cut in nine of ten sessions."""
    targets = signals_of([("A", MONDAY, 0.9), ("B", MONDAY, 0.101)])
    [row] = wanted_and_held(targets, positions_of([("B", 0, 0.1)]), PORTFOLIO, kept=False).to_dicts()
    assert (row["turnover_limit"], row["limit_binds"]) == (None, False)
    assert row["wanted_turnover"] == pytest.approx(0.9 + 0.001)


def test_what_the_brake_takes_is_not_wanted_and_no_limit_is_said_to_bind_by_it() -> None:
    """An account at half of its targets after its losses was told that the turnover limit kept it from them."""
    days = [MONDAY, MONDAY + timedelta(days=1)]
    targets = signals_of([(symbol, day, 0.4) for day in days for symbol in ("A", "B")])
    equity = pl.DataFrame({"session": days, "equity": [100.0, 75.0]})
    brake = BrakeSettings(brake_from=0.05, max_drawdown=0.2, floor=0.0)
    held = positions_of([("A", 0, 0.4), ("B", 0, 0.4)])
    found = wanted_and_held(left_by_brake(targets, equity, brake), held, PORTFOLIO)
    assert found.select("wanted_positions", "wanted_turnover", "limit_binds").rows() == [(2, 0.0, False), (0, 0.0, False)]
    assert wanted_and_held(targets, held, PORTFOLIO)["limit_binds"].to_list() == [False, True]
    assert left_by_brake(targets, equity, BrakeSettings()).equals(targets)


def test_what_is_held_and_has_no_target_is_to_leave_and_sessions_without_targets_say_nothing() -> None:
    targets = signals_of([("A", MONDAY, 0.2), ("B", MONDAY, 0.0)])
    found = wanted_and_held(targets, positions_of([("A", 0, 0.2), ("C", 0, 0.35), ("A", 1, 0.9)]), PORTFOLIO)
    assert found.select("session", "wanted_positions", "held_positions", "limit_binds").rows() == [(MONDAY, 1, 2, True)]
    assert found["wanted_turnover"][0] == pytest.approx(0.35)
    figures = wanted_figures(found)
    assert (figures.turnover_limit_share, figures.wanted_positions, figures.held_positions) == (1.0, 1.0, 2.0)
    assert wanted_figures(found.clear()) == wanted_figures(None)
