"""The asset `monte_carlo`: only where settings name it, the same bytes again, every table in its contract, the report's sections, and what it can't be made of."""

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.backtests import BacktestResult
from ats_assets.backtests.metrics import session_returns
from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, SettingsError
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.risk_analysis.assets import assets
from ats_assets.risk_analysis.contracts import CONTRACTS
from ats_assets.risk_analysis.risk_tables import RiskInputs, risk_tables, trade_returns
from ats_assets.risk_analysis.schema import SCHEMAS
from ats_assets.settings import BacktestSettings, MonteCarloSettings
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.regimes.test_assets import market
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market

LAST = date(2021, 3, 19)
WANTED = {
    "paths": 200,
    "ways": ["stationary", "blocks", "independent", "by_state", "trades_shuffled", "trades_drawn"],
    "regimes": "regimes",
    "crises": {"a week in March": (date(2021, 3, 5), date(2021, 3, 12))},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A market with regimes, its backtest, and what it could have come to."""
    deployment = market(tmp_path_factory.mktemp("risk"), monte_carlo=WANTED, report={"forms": ("html", "json")})
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports")
    return deployment


def files(deployment: Deployment) -> dict[str, bytes]:
    folder = deployment.warehouse.root / "monte_carlo"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_an_empty_table_makes_it_and_a_missing_one_does_not(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert len(assets(small_market(tmp_path, monte_carlo={}))) == 1


def test_every_table_is_stored_in_its_contract_and_schema(made: Deployment) -> None:
    assert CONTRACTS.keys() == SCHEMAS.keys()
    for name, contract in CONTRACTS.items():
        rows = made.warehouse.read_part("monte_carlo", name)
        assert rows.schema == SCHEMAS[name], name
        assert list(contract.to_schema().columns) == SCHEMAS[name].names(), name
        contract.validate(rows)
    summary = made.warehouse.read_part("monte_carlo", "path_summary")
    assert summary["way"].to_list() == WANTED["ways"]


def test_the_summary_says_what_happened(made: Deployment) -> None:
    equity = made.warehouse.read_part("backtest", "equity")["equity"].to_numpy()
    equity = equity[np.flatnonzero(np.diff(equity))[0] :]  # from its first trade on
    summary = made.warehouse.read_part("monte_carlo", "path_summary")
    own = summary.row(0, named=True)
    assert own["happened_final"] == pytest.approx(equity[-1] / equity[0])
    assert own["happened_drawdown"] == pytest.approx((equity / np.maximum.accumulate(equity) - 1).min())
    assert (own["horizon"], own["drawn_from"]) == (len(equity) - 1, len(equity) - 1)
    trades = summary.filter(way="trades_shuffled").row(0, named=True)
    assert trades["mean_final"] == pytest.approx(trades["happened_final"])
    stress = made.warehouse.read_part("monte_carlo", "stress")
    assert stress.filter(kind="history")["name"].to_list() == ["a week in March"]


def test_it_is_the_same_bytes_with_any_number_of_threads_and_not_stale_until_what_it_read_changes(made: Deployment) -> None:
    before = files(made)
    assert len(before) >= len(CONTRACTS) + 1

    def stale() -> set[str]:
        return {one.asset for one in healing_of(made).stale()} & {"monte_carlo", "backtest", "backtest_report"}

    assert stale() == set()
    settings = made.settings.model_copy(update={"monte_carlo": MonteCarloSettings.model_validate(WANTED | {"threads": 5})})
    run_job(Deployment(settings), "backtest_reports", assets=["monte_carlo"])
    assert files(made) == before
    assert stale() == set()
    made.warehouse.part("backtest", "equity").unlink()
    assert "monte_carlo" in stale()
    run_job(made, "backtest_reports")
    assert files(made) == before


def test_the_report_shows_the_fan_the_tails_and_the_regimes(made: Deployment) -> None:
    folder = made.warehouse.root / "backtest_report"
    page = (folder / "report.html").read_text(encoding="utf-8")
    for text in (
        "Fan of paths",
        "Distribution of the deepest drawdown",
        "filtered, GARCH(1,1)",
        "Crises in this history",
        "Performance by regime",
    ):
        assert text in page, text
    assert re.search(r'<figure id="chart-regimes-regimes">', page)
    assert "NaN" not in page
    values = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert "monte_carlo_paths" in json.dumps(values)


def test_without_a_monte_carlo_the_report_has_no_such_sections(tmp_path: Path) -> None:
    from ats_assets.reports.report_data import report_tables_read  # noqa: PLC0415

    assert report_tables_read(small_market(tmp_path)) == {}


def inputs_of(made: Deployment) -> RiskInputs:
    read = made.warehouse.read_part
    result = BacktestResult(**{name: read("backtest", name) for name in ("equity", "positions", "trades", "unfilled")})
    sessions = result.equity["session"].to_list()
    actions = made.warehouse.read("corporate_actions", sessions)
    return RiskInputs(result=result, moves=daily_moves(made.warehouse.read("bars", sessions), actions, sessions, "splits_and_dividends"))


def test_trades_are_told_as_shares_of_the_equity_before(made: Deployment) -> None:
    result = inputs_of(made).result
    found = trade_returns(result)
    closed = result.trades.filter(pl.col("realised_pnl").is_not_null())
    assert len(found) == closed.height
    day, profit = closed.sort("session", "sequence").select("session", "realised_pnl").row(-1)
    place = result.equity["session"].to_list().index(day)
    assert found[-1] == pytest.approx(profit / result.equity["equity"][place - 1])


def test_an_account_without_returns_or_trades_is_told(made: Deployment) -> None:
    inputs = inputs_of(made)
    settings, backtest = MonteCarloSettings(paths=50), BacktestSettings()
    empty = replace(inputs.result, trades=inputs.result.trades.clear(), positions=inputs.result.positions.clear())
    tables = risk_tables(replace(inputs, result=empty), settings, backtest)
    assert tables["path_summary"]["way"].to_list() == ["stationary"]
    assert tables["capacity"]["impact_a_year"].to_list() == [0.0] * 5
    assert tables["held_correlations"].is_empty()
    for name, contract in CONTRACTS.items():
        contract.validate(tables[name])
    short = replace(inputs.result, equity=inputs.result.equity.head(2))
    with pytest.raises(ContractError, match="a Monte Carlo needs two at least"):
        risk_tables(replace(inputs, result=short), settings, backtest)
    lost = inputs.result.equity.with_columns(equity=pl.when(pl.int_range(pl.len()) == 5).then(-1.0).otherwise("equity"))
    assert not np.isfinite(session_returns(lost["equity"].to_numpy())).all()
    with pytest.raises(ContractError, match="lost all in between"):
        risk_tables(replace(inputs, result=replace(inputs.result, equity=lost)), settings, backtest)


def test_a_market_whose_first_model_is_yet_to_come_has_empty_tables_and_a_report(tmp_path: Path) -> None:
    """The run failed: "no session of bars was asked for"."""
    deployment = market(tmp_path, monte_carlo={"paths": 50}, report={"forms": ("html",)})
    assert make_history(deployment, FIRST, FIRST).success
    assert run_job(deployment, "backtest_reports").success
    for name in SCHEMAS:
        assert deployment.warehouse.read_part("monte_carlo", name).is_empty(), name
    assert "Monte Carlo" not in deployment.warehouse.part("backtest_report", "report").with_suffix(".html").read_text("utf-8")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ways": ["by_state"]}, "by_state draws by the states"),
        ({"regimes": "regimes"}, "by_state draws by the states"),
        ({"crises": {"x": (date(2021, 1, 5), date(2021, 1, 4))}}, r"crises\.x ends before it begins"),
        ({"paths": 1}, "greater than or equal to 10"),
        ({"way": "blocks"}, "Extra inputs"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MonteCarloSettings.model_validate(values)


def test_regimes_that_are_none_of_the_market_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"add a table \[regimes\.market\]"):
        assets(small_market(tmp_path, monte_carlo={"ways": ("by_state",), "regimes": "regimes"}))
