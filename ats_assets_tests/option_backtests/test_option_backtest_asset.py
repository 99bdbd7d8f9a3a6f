"""The asset `option_backtest`: only where settings name strategies of options, every table in its contract, the same bytes again, its trial in the ledger, its section in the report."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError
from ats_assets.option_backtests.assets import OptionBacktestRange, assets, traded_chains
from ats_assets.option_backtests.backtested_tables import table_schema
from ats_assets.option_backtests.contracts import CONTRACTS
from ats_assets.option_backtests.traded_strategies import trading_rules
from ats_assets.option_orders.assets import assets as option_order_assets
from ats_assets.orchestration.graph import SETTINGS
from ats_assets.runs.diagnosis import diagnose
from ats_assets.runs.summary import of_options, underlyings_without_chains
from ats_assets.trials import ledger_of
from ats_assets_tests.option_backtests.option_history import LAST, STRATEGIES, make_chains, market_with_strategies
from ats_assets_tests.small_market import run_job, small_market


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Two strategies over two months of synthetic chains, and the report."""
    deployment = market_with_strategies(tmp_path_factory.mktemp("options"), report={"forms": ("html", "json")})
    make_chains(deployment)
    run_job(deployment, "backtest_reports")
    return deployment


def table(deployment: Deployment, name: str) -> pl.DataFrame:
    return deployment.warehouse.read_part("option_backtest", name)


def test_it_is_there_only_where_settings_name_strategies_and_needs_chains(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path / "plain")) == []
    assert len(assets(market_with_strategies(tmp_path / "both"))) == 1
    with pytest.raises(SettingsError, match=r"\[option_strategies.wheel\] trades options, but \[options.chains\] names no source"):
        build(small_market(tmp_path / "no chains", option_strategies={"wheel": {"underlyings": ["SYN0000"]}}))
    with pytest.raises(SettingsError, match=r"option_strategies.wheel.underlyings is \(\): name what it trades"):
        build(market_with_strategies(tmp_path / "none", option_strategies={"wheel": {}}))
    unmade = market_with_strategies(tmp_path / "unmade")
    with pytest.raises(MissingPartitionError, match="no option chains are stored"):
        traded_chains(unmade, OptionBacktestRange())


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"wheel": {"underlyings": ["MSFT"]}}, "'MSFT', of which no chains are taken: add it to options.underlyings"),
        ({"wheel": {"underlyings": ["BRK.B"]}}, "'BRK.B', which is no root of contracts: .* such as BRKB"),
        ({"all": {"kind": "wheel", "underlyings": ["SYN0000"]}}, "'all' stands for all strategies together in figures"),
    ],
)
def test_what_could_never_be_traded_or_told_apart_is_refused(tmp_path: Path, named: dict[str, Any], told: str) -> None:
    """They were accepted: no chain at each session, for ever, and the figures of one strategy as those of all."""
    options = {"chains": {"kind": "synthetic"}, "underlyings": ["SYN0000"]}
    with pytest.raises(SettingsError, match=told):
        assets(market_with_strategies(tmp_path, options=options, option_strategies=named))


def test_chains_that_wait_for_bars_are_no_wrong_setting_to_the_doctor(tmp_path: Path) -> None:
    """Synthetic chains are made of bars: before the first run `ats doctor` asked for another `[options.chains]`."""
    deployment = market_with_strategies(tmp_path)
    found = {one.subject: one for one in diagnose(deployment.settings)}["options"]
    assert (found.status, found.advice) == ("warn", "run: ats run")


def test_what_is_traded_with_how_much_is_part_of_its_version(tmp_path: Path) -> None:
    """Before, another underlying or another capital left the asset as if nothing had changed, and was no other trial."""
    wheel = {"underlyings": ["SYN0000"], "capital": 0.5}
    versions = []
    for n, own in enumerate((wheel, wheel | {"capital": 0.4}, wheel | {"underlyings": ["SYN0001"]}, wheel)):
        (asset,) = assets(market_with_strategies(tmp_path / str(n), option_strategies={"wheel": own}))
        versions.append(next(iter(asset.specs)).metadata[SETTINGS])
    assert len(set(versions)) == 3
    assert versions[0] == versions[3]


def test_whatever_changes_what_is_traded_changes_the_version_of_backtest_and_orders(tmp_path: Path) -> None:
    """Capital, underlyings and rate were in no version: other figures had stood under the same one."""

    def versions(name: str, **changed: Any) -> list[str]:
        deployment = market_with_strategies(tmp_path / name, **changed)
        made = [*assets(deployment), *option_order_assets(deployment)]
        return [spec.metadata[SETTINGS] for one in made for spec in one.specs]

    before, wheel = versions("before"), STRATEGIES["wheel"]
    options = {"chains": {"kind": "synthetic", "underlyings": 2}, "rate": 0.0}
    changes: dict[str, dict[str, Any]] = {
        "capital": {"option_strategies": STRATEGIES | {"wheel": wheel | {"capital": 0.5}}},
        "underlyings": {"option_strategies": STRATEGIES | {"wheel": wheel | {"underlyings": ["SYN0000"]}}},
        "own settings": {"option_strategies": STRATEGIES | {"wheel": wheel | {"calls_below_cost": True}}},
        "rate": {"options": options | {"rate": 0.01}},
        "symbol": {"options": options | {"symbol_by_underlying": {"SYN": "SYN0000"}}},
        "margin": {"backtest": {"margin": {"debit_bps_a_year": 900.0}}},
        "fills": {"option_backtest": {"spread_share": 0.5}},
    }
    for name, changed in changes.items():
        assert all(one != other for one, other in zip(before, versions(name, **changed), strict=True)), name


def test_puts_are_assigned_early_by_the_rate_of_their_session(tmp_path: Path) -> None:
    """By the file of rates, as greeks are made; the constant had been taken whatever the file said."""
    path = tmp_path / "rates.csv"
    path.write_text("date,rate\n2021-01-04,0.05\n")
    options = {"chains": {"kind": "synthetic"}, "rate": 0.0, "rate_file": path}
    rules = trading_rules(market_with_strategies(tmp_path, options=options, option_backtest={"assign_puts_early": True}).settings)
    assert rules.puts_at_rate is not None
    assert [rules.puts_at_rate(date(2021, 1, day)) for day in (4, 5)] == [0.0, 0.05]


def test_every_table_is_in_its_contract_and_something_happened(made: Deployment) -> None:
    for name, contract in CONTRACTS.items():
        rows = table(made, name)
        assert rows.schema == table_schema(contract), name
        contract.validate(rows)
    assert set(table(made, "equity")["strategy"]) == {*STRATEGIES}
    assert table(made, "equity")["session"].max() == LAST
    assert {"premium", "fee", "deposit"} <= set(table(made, "cash_flows")["kind"])
    assert table(made, "option_fills").height > 8
    decisions = table(made, "decisions")
    assert (decisions["reason"].str.len_chars() > 10).all()
    per_session = decisions.group_by("strategy", "session").agg(pl.col("underlying").n_unique())
    assert dict(per_session.group_by("strategy").agg(pl.col("underlying").min()).iter_rows()) == {"wheel": 2, "condor": 1}


def test_the_figures_follow_from_the_tables(made: Deployment) -> None:
    figures = json.loads(made.warehouse.read_text("option_backtest", "metrics.json"))
    equity, flows = table(made, "equity"), table(made, "cash_flows")
    assert figures["all"]["initial_cash"] == 100_000 == flows.filter(kind="deposit")["cash"].sum()
    assert [figures[name]["initial_cash"] for name in STRATEGIES] == [60_000, 40_000]
    last = equity.filter(session=LAST)["equity"].sum()
    assert figures["all"]["final_equity"] == pytest.approx(last)
    assert figures["all"]["pnl"] == pytest.approx(last - 100_000, abs=1e-6) == pytest.approx(sum(figures[one]["pnl"] for one in STRATEGIES))
    ended = table(made, "closed_positions").filter(pl.col("quantity") < 0)
    received = (-ended["quantity"] * ended["multiplier"] * ended["open_price"]).sum()
    assert figures["all"]["premium_received"] == pytest.approx(received)
    assert figures["all"]["premium_kept"] == pytest.approx(ended["pnl"].sum(), abs=0.05 * ended.height)


def test_the_summary_of_a_run_has_its_returns_and_names_what_never_had_a_chain(made: Deployment) -> None:
    """A run of options told nothing of them, and an underlying without chains was skipped in silence."""
    told = of_options(made)
    figures = json.loads(made.warehouse.read_text("option_backtest", "metrics.json"))
    assert told["returns"] == {name: figures[name]["total_return"] for name in STRATEGIES}
    assert told["without_chains"] == {}
    decisions = table(made, "decisions").with_columns(rule=pl.lit("no_chain")).filter(pl.col("underlying") == "SYN0000")
    days = decisions["session"].n_unique()
    assert underlyings_without_chains(decisions) == {"SYN0000": [days, days]}


def test_it_is_the_same_bytes_again_and_a_trial_of_the_ledger(made: Deployment) -> None:
    folder = made.warehouse.root / "option_backtest"
    before = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in {".parquet", ".json"}}
    trials = made.of(ledger_of).trials()
    assert [one.trial.name for one in trials if one.trial.kind == "backtest"].count("option_backtest") == 1
    run_job(made, "backtest_reports", assets=["option_backtest"])
    assert before == {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in {".parquet", ".json"}}
    again = [one for one in made.of(ledger_of).trials() if one.trial.name == "option_backtest"]
    assert len(again) == 1
    assert again[0].series is not None
    assert again[0].series.height == table(made, "equity")["session"].n_unique() - 1


def test_the_report_shows_figures_pictures_and_the_reason_of_each_decision(made: Deployment) -> None:
    page = (made.warehouse.root / "backtest_report" / "report.html").read_text(encoding="utf-8")
    assert "Strategies of options" in page
    for chart in ("equity", "premium", "greeks", "attribution", "attribution-over-time"):
        assert f'id="chart-option-{chart}"' in page
    newest = table(made, "decisions").filter(session=LAST)
    for reason in newest["reason"].to_list()[:2]:
        assert reason.split(";")[0][:40] in page.replace("&#39;", "'").replace("&amp;", "&")
    told = json.loads((made.warehouse.root / "backtest_report" / "report.json").read_text(encoding="utf-8"))
    assert "traded_options" in json.dumps(told)
