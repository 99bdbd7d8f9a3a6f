"""Market impact in the graph: only where settings ask, made of what was known, judged by the leak check, paid in the backtest and on paper, estimated before and fitted after."""

import json
from datetime import date
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

from ats_assets.automation.jobs import JOB
from ats_assets.cli.orders.report import report
from ats_assets.cli.orders.status import status
from ats_assets.deployment import Deployment
from ats_assets.impact.assets import assets
from ats_assets.impact.contracts import ImpactFit, ImpactMarketRows
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.leakcheck import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets.orders.trading_costs.contracts import CostEstimate, TransactionCosts
from ats_assets.orders.trading_costs.stored_estimate import expected_costs
from ats_assets.orders.trading_costs.traded_fit import fit_row
from ats_assets.reports.execution_report import execution_report
from ats_assets.reports.impact_blocks import OrderCosts
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market, without_the_future

LAST = date(2021, 2, 26)
IMPACT = {
    "model": "almgren",
    "volume_sessions": 5,
    "volatility_sessions": 8,
    "spread_sessions": 5,
    "min_sessions": 4,
    "min_fills": 10,
    "spread": "corwin_schultz",
}
TRADED = {**EARLY_MODELS, "impact": {**IMPACT, "max_participation": 0.01}, "backtest": {"slippage_bps": 2.0}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("impact")
    deployment = small_market(folder, last_session=LAST, **TRADED)
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports", assets=["backtest", "backtest_report"])
    return folder


def test_there_is_none_while_costs_are_fixed_rates(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert assets(small_market(tmp_path, impact={"max_participation": 0.1})) == []
    assert {key.to_user_string() for one in assets(small_market(tmp_path, impact=IMPACT)) for key in one.keys} >= {"impact_inputs"}


def test_partitions_are_made_of_what_was_known_and_the_backtest_pays(root: Path, tmp_path: Path) -> None:
    deployment = small_market(root, last_session=LAST, **TRADED)
    warehouse = deployment.warehouse
    rows = ImpactMarketRows.validate(warehouse.read("impact_inputs", warehouse.stored_sessions("impact_inputs")))
    late = rows.filter(pl.col("session") > date(2021, 1, 20))
    assert late.null_count().sum_horizontal().item() < late.height
    assert without_the_future(root, date(2021, 2, 22), tmp_path, **TRADED) == []
    trades = warehouse.read_part("backtest", "trades").filter(pl.col("notional") > 1_000.0)
    paid = trades.with_columns(bps=pl.col("slippage_cost") / pl.col("notional") * 1e4)
    assert paid["bps"].n_unique() > paid.height // 2, "each trade has a cost of its own"


def test_the_leak_check_judges_it(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **TRADED)
    bars, days = stored_bars(deployment, 20, 12)
    subjects = {one.name: one for one in of_deployment(deployment, bars, days)}
    assert subjects["impact_inputs"].result()["volatility"].is_not_null().any()
    for name in ("impact_inputs", "backtest"):
        assert find_leaks(subjects[name], days) == []


@pytest.fixture(scope="module")
def traded(root: Path) -> tuple[Deployment, list[date]]:
    """Four weeks of paper orders, after the history."""
    deployment = small_market(root, last_session=LAST, **TRADED)
    days = deployment.calendar.sessions(date(2021, 2, 1), LAST)
    for day in days:
        assert run_job(deployment, JOB, [day]).success
    return deployment, days


def test_what_the_paper_broker_charges_is_what_the_model_expects(traded: tuple[Deployment, list[date]]) -> None:
    """Paper fills are the model's own, so that nothing is left between them but the rounding of cents and the closings beside the openings of one symbol."""
    deployment, days = traded
    costs = TransactionCosts.validate(deployment.warehouse.read("transaction_costs", days[1:]))
    large = costs.filter(pl.col("filled") * pl.col("average_price") > 10_000.0)
    assert large.height > 20
    assert large["expected_bps"].n_unique() > 20
    assert large["difference_bps"].abs().max() < 0.02  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert large["slippage_close_bps"].is_not_null().all()
    assert (large["recorded_at"] > large["last_at"]).all()
    assert large["latency_seconds"].is_null().all(), "of stored history the embedded broker had told years from the stamp to the record"
    assert set(large["reason"]) == {"no_shares_outstanding"}


def test_the_estimate_before_is_what_is_paid_after(traded: tuple[Deployment, list[date]]) -> None:
    """To what the market moved overnight: the notional is that of the close, the trade that of the open."""
    deployment, days = traded
    estimate = CostEstimate.validate(deployment.warehouse.read("cost_estimate", days[:-1])).select(
        "client_order_id", "expected_bps", "quantity"
    )
    costs = deployment.warehouse.read("transaction_costs", days[1:])
    both = costs.join(estimate, on="client_order_id", suffix="_before").filter(pl.col("filled") == pl.col("quantity"))
    assert both.height > 20
    commission = deployment.settings.backtest.commission_bps
    apart = (both["expected_bps_before"] - commission - both["expected_bps"]).abs()
    assert apart.max() < 0.1 * both["expected_bps"].max()  # pyright: ignore[reportOperatorIssue, reportOptionalOperand, reportArgumentType]


def test_the_fit_finds_the_law_that_the_fills_follow(traded: tuple[Deployment, list[date]]) -> None:
    deployment, days = traded
    fits = ImpactFit.validate(deployment.warehouse.read("impact_fit", days))
    first, last = fits.row(1, named=True), fits.row(-1, named=True)
    assert "of at least" in first["reason"]
    assert first["scale"] == 1.0
    assert last["reason"] is None
    assert last["fitted"] == pytest.approx(1.0, abs=0.02)
    assert last["standard_error"] < 0.05
    assert last["fills"] == deployment.warehouse.read("transaction_costs", days)["participation"].is_not_null().sum()


def test_a_fit_as_of_a_session_knows_no_later_fill(traded: tuple[Deployment, list[date]]) -> None:
    """Made again after the whole history was traded, a fit of a session in the middle is the same."""
    deployment, days = traded
    middle = days[12]
    before = deployment.warehouse.read("impact_fit", [middle])
    known = [day for day in days if day <= middle]
    assert fit_row(deployment, middle, deployment.warehouse.read("transaction_costs", known)).equals(before)
    run_job(deployment, JOB, [middle], assets=["impact_fit"])
    assert deployment.warehouse.read("impact_fit", [middle]).equals(before)


def test_fits_scale_the_backtest_from_the_session_after_on(traded: tuple[Deployment, list[date]]) -> None:
    deployment, days = traded
    fitted = small_market(
        deployment.settings.storage.warehouse.parent, last_session=LAST, **(TRADED | {"impact": TRADED["impact"] | {"fitted": True}})
    )
    impact = stored_impact(fitted, days)
    assert impact is not None
    stored = dict(deployment.warehouse.read("impact_fit", days).select("session", "scale").iter_rows())
    assert impact.scale_before(days[0]) == 1.0
    assert [impact.scale_before(day) for day in days[1:]] == [stored[day] for day in days[:-1]]
    run_job(fitted, "backtest_reports", assets=["backtest"])
    read = deployment.warehouse.footer_of(deployment.warehouse.part("backtest", "equity")).upstream
    assert set(read["impact_fit"]) == {str(day) for day in days[:-1]}


def test_reports_and_status_tell_of_it(traded: tuple[Deployment, list[date]], tmp_path: Path) -> None:
    deployment, days = traded
    backtest = deployment.settings.storage.warehouse / "backtest_report" / "report.html"
    page = backtest.read_text(encoding="utf-8")
    assert "Costs by the model almgren." in page
    assert "impact that stays" in page
    assert "No order was filled with more than 1.0% of a session" in page
    told = expected_costs(deployment)["expected_costs"]
    assert told["session"] == days[-1]
    estimate = deployment.warehouse.read("cost_estimate", days[-1:])
    assert (told["orders"], told["expected"]) == (estimate.height, round(estimate["expected"].sum(), 2))
    costs = OrderCosts(
        costs=deployment.warehouse.read("transaction_costs", days),
        fits=deployment.warehouse.read("impact_fit", days),
        expected=expected_costs(deployment),
    )
    account, quality = (deployment.warehouse.read(name, days) for name in ("account", "execution_quality"))
    shown = execution_report(account, quality, broker="paper", live=False, costs=costs)
    assert "times that of the model almgren" in shown
    assert "expected by the model" in shown
    assert "Beside the model of impact" not in execution_report(account, quality, broker="paper", live=False)
    assert expected_costs(small_market(tmp_path)) == {}


def test_the_commands_show_it(
    traded: tuple[Deployment, list[date]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment, days = traded
    for command in ("report", "status"):
        monkeypatch.setattr(import_module(f"ats_assets.cli.orders.{command}"), "load_settings", lambda: deployment.settings)
    report(open_it=False)
    page = Path(capsys.readouterr().out.strip()).read_text(encoding="utf-8")
    assert "Beside the model of impact" in page
    assert "from the venue" in page
    status(as_json=True)
    told = json.loads(capsys.readouterr().out)["expected_costs"]
    assert (told["session"], told["model"]) == (str(days[-1]), "almgren")
    assert told["expected_bps"] > told["temporary_bps"] > 0.0
    status(as_json=False)
    assert "expected to cost" in " ".join(capsys.readouterr().out.split())
