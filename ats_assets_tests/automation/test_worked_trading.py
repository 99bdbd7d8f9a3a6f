"""Trading on paper by an algorithm, through the graph: the plan says how each order is worked, its parts are recorded, and the account is the backtest's."""

from datetime import date
from pathlib import Path

import pytest

from ats_assets.automation.jobs import JOB
from ats_assets.backtests import run_backtest
from ats_assets.portfolio.working_rules import working_rules
from ats_assets.trade_state import open_trade_state, tables
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market


@pytest.mark.slow
def test_sessions_worked_at_the_close_come_to_the_backtest_of_their_targets(tmp_path: Path) -> None:
    last = date(2021, 1, 29)
    how = {"orders": {"algorithm": "at_close"}, **EARLY_MODELS, "features": {"families": ("alpha158",)}}
    deployment = small_market(tmp_path, last_session=last, **how)
    assert make_history(deployment, FIRST, last).success
    days = deployment.calendar.window(last, 3)
    for day in days:
        assert run_job(deployment, JOB, [day]).success
    plan = deployment.warehouse.read("order_plan", [days[0]])
    sent = plan.filter(plan["quantity"] > 0)
    assert set(sent["kind"]) == {"worked"}
    assert sent["work"].str.contains('"algorithm":"at_close"').all()
    fills = deployment.warehouse.read("fills", [days[1]])
    closes = dict(deployment.warehouse.read("bars", [days[1]], ["symbol", "close"]).iter_rows())
    costs = deployment.settings.backtest
    adverse = (costs.spread_bps / 2 + costs.slippage_bps) / 1e4
    assert fills.height == sent.height
    for symbol, side, price, name in fills.select("symbol", "side", "price", "client_order_id").iter_rows():
        assert price == pytest.approx(closes[symbol] * (1 + adverse if side == "buy" else 1 - adverse), rel=1e-4)
        assert name.endswith("-01")
    assert fills["decision_price"].null_count() == 0
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        parts = connection.execute(tables.intents.select().where(tables.intents.c.parent.is_not(None))).all()
    assert {(part.kind, part.number) for part in parts} == {("market_on_close", 1)}
    targets, bars = (deployment.warehouse.read(name, days) for name in ("targets", "bars"))
    expected = run_backtest(
        targets,
        bars,
        days,
        portfolio=deployment.settings.portfolio,
        settings=costs,
        limits=deployment.settings.orders.limits,
        actions=deployment.warehouse.read("corporate_actions", days),
        working=working_rules(deployment),
    )
    account = deployment.warehouse.read("account", days)
    assert account.select("cash", "equity").rows() == expected.equity.select("cash", "equity").rows()
