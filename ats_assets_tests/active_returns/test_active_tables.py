"""The asset `active_return`: only where settings name groups, its tables in their contracts, and an account worked out symbol by symbol."""

import json
from dataclasses import fields
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.active_returns.active_tables import AccountBeside, active_tables
from ats_assets.active_returns.assets import assets
from ats_assets.active_returns.contracts import CONTRACTS
from ats_assets.active_returns.schema import SCHEMAS
from ats_assets.backtests import BacktestResult
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.deployment import Deployment
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.settings import ActiveReturnSettings
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market

LAST = date(2021, 3, 31)
GROUPS = {"early": [f"SYN{i:04d}" for i in range(1, 5)], "late": [f"SYN{i:04d}" for i in range(5, 9)]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = small_market(
        tmp_path_factory.mktemp("active"), active_return={"groups": GROUPS, "period": "month"}, report={"forms": ("html", "json")}
    )
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports")
    return deployment


def table(deployment: Deployment, name: str) -> pl.DataFrame:
    return deployment.warehouse.read_part("active_return", name)


def test_it_is_an_asset_only_where_groups_are_named(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert len(assets(small_market(tmp_path, active_return={"groups": GROUPS}))) == 1


def test_every_table_is_stored_in_its_contract_and_schema(made: Deployment) -> None:
    for name, contract in CONTRACTS.items():
        rows = table(made, name)
        assert rows.schema == SCHEMAS[name], name
        assert list(contract.to_schema().columns) == SCHEMAS[name].names(), name
        contract.validate(rows)
    assert table(made, "periods")["period"].to_list() == ["2021-02", "2021-03", "all"]
    assert table(made, "groups").filter(period="all")["group"].to_list() == ["early", "late", "other", "cash"]


def test_it_is_the_account_and_the_universe_worked_out_symbol_by_symbol(made: Deployment) -> None:
    """Dictionaries in place of matrices: what was held at each close, what it and its dividends came to at the next."""
    equity = made.warehouse.read_part("backtest", "equity")
    positions = made.warehouse.read_part("backtest", "positions")
    days = equity["session"].to_list()
    bars = made.warehouse.read("bars", days, ["symbol", "session", "close"])
    close = {(row[0], row[1]): row[2] for row in bars.iter_rows()}
    members = made.warehouse.read("universe", days, ["symbol", "session"])
    told = table(made, "sessions").rows_by_key("session", named=True, unique=True)
    compared = 0
    for before, day in pairwise(days):
        if acts(made, day):
            continue
        worth = equity.filter(session=before)["equity"].item()
        held = {row["symbol"]: row["value"] / worth for row in positions.filter(session=before).iter_rows(named=True)}
        universe = members.filter(session=before)["symbol"].to_list()

        def moved(symbol: str, *, since: date = before, until: date = day) -> float:
            there = (symbol, since) in close and (symbol, until) in close
            return close[symbol, until] / close[symbol, since] - 1 if there else 0.0

        row = told[day]
        own = equity.filter(session=day)["equity"].item() / worth - 1
        costs = -equity.filter(session=day)["costs"].item() / worth
        assert row["account"] == pytest.approx(own, abs=1e-12)
        assert row["benchmark"] == pytest.approx(np.mean([moved(symbol) for symbol in universe]), abs=1e-12)
        assert row["trading"] == pytest.approx(own - costs - sum(weight * moved(symbol) for symbol, weight in held.items()), abs=1e-12)
        selection = 0.0
        for symbols in (GROUPS["early"], GROUPS["late"], [s for s in universe if s not in {*GROUPS["early"], *GROUPS["late"]}]):
            there = [symbol for symbol in symbols if symbol in universe]
            share = sum(held.get(symbol, 0.0) for symbol in symbols)
            if share and there:
                got = sum(held.get(symbol, 0.0) * moved(symbol) for symbol in symbols) / share
                selection += len(there) / len(universe) * (got - np.mean([moved(symbol) for symbol in there]))
        assert row["selection"] == pytest.approx(selection, abs=1e-12)
        compared += 1
    assert compared > 20


def acts(deployment: Deployment, day: date) -> bool:
    """Whether a corporate action takes effect at the session's open."""
    return bool(deployment.warehouse.read("corporate_actions", [day]).height) if deployment.valid_sessions("corporate_actions") else False


def test_the_report_says_what_made_the_difference(made: Deployment) -> None:
    folder = made.warehouse.root / "backtest_report"
    page, figures = ((folder / f"report.{form}").read_text(encoding="utf-8") for form in ("html", "json"))
    assert "Return over the universe" in page
    assert "Return over the universe" in json.dumps(json.loads(figures))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "names no groups"),
        ({"groups": {"a": ["X"], "b": ["X"]}}, "X is in the groups a and b"),
        ({"groups": {"cash": ["X"]}}, "may not be called"),
        ({"groups_file": "nowhere.csv"}, "is not a file"),
    ],
)
def test_wrong_groups_are_told(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ActiveReturnSettings.model_validate(values)


def test_a_symbol_counts_in_the_group_of_its_day(made: Deployment, tmp_path: Path) -> None:
    """Of symbols that move in mid-history the months before are those of the old groups, and the months after those of the new ones."""
    moves, moved = date(2021, 3, 1), GROUPS["early"][:2]
    rows = [f"{symbol},{group},," for group, symbols in GROUPS.items() for symbol in symbols]
    rows += [f"{symbol},late,{moves}," for symbol in moved]
    (tmp_path / "sectors.csv").write_text("\n".join(["symbol,group,from,until", *rows]), encoding="utf-8")
    over_time = ActiveReturnSettings.model_validate({"groups_file": tmp_path / "sectors.csv", "period": "month"})
    later = {"early": GROUPS["early"][2:], "late": [*moved, *GROUPS["late"]]}
    tables = {name: active_tables(compared_of(made), one) for name, one in [("over_time", over_time), *static(GROUPS, later)]}
    sessions = {name: found["sessions"] for name, found in tables.items()}
    first = pl.col("session") <= moves  # a session is earned by what was held at the close before it
    assert sessions["over_time"].filter(first).equals(sessions["before"].filter(first))
    assert sessions["over_time"].filter(~first).equals(sessions["after"].filter(~first))
    assert not sessions["over_time"].equals(sessions["before"])


def static(*groups: dict[str, list[str]]) -> list[tuple[str, ActiveReturnSettings]]:
    made = [ActiveReturnSettings.model_validate({"groups": one, "period": "month"}) for one in groups]
    return list(zip(("before", "after"), made, strict=True))


def compared_of(deployment: Deployment) -> AccountBeside:
    """What the asset compares."""
    read = deployment.warehouse
    result = BacktestResult(**{field.name: read.read_part("backtest", field.name) for field in fields(BacktestResult)})
    days = result.equity["session"].to_list()
    bars, actions = read.read("bars", days), read.read("corporate_actions", days)
    known = identities_of(actions, "synthetic")
    return AccountBeside(
        result=result,
        moves=daily_moves(bars, actions, days, "splits_and_dividends"),
        instruments=known.named(bars.select("symbol", "session"))[INSTRUMENT].unique().sort(),
        universe=read.read("universe", days, ("symbol", "session")),
        known=known,
    )


def test_groups_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "sectors.csv").write_text("symbol,group\nB,energy\nA,energy\nC,banks\n", encoding="utf-8")
    (tmp_path / "sectors.toml").write_text('energy = ["A", "B"]\nbanks = ["C"]\n', encoding="utf-8")
    for name in ("sectors.csv", "sectors.toml"):
        found = ActiveReturnSettings.model_validate({"groups_file": tmp_path / name, "groups": {"own": ["D"]}})
        assert {group: sorted(symbols) for group, symbols in found.groups.items()} == {"energy": ["A", "B"], "banks": ["C"], "own": ["D"]}


def test_it_matters_what_groups_are_and_not_where_their_file_lies(tmp_path: Path) -> None:
    """A deployment that was restored into another folder would be stale."""
    versions = set[str]()
    for name, symbol in (("one", "A"), ("two", "A"), ("three", "B")):
        (tmp_path / f"{name}.csv").write_text(f"symbol,group\n{symbol},energy\n", encoding="utf-8")
        (asset,) = assets(small_market(tmp_path / name, active_return={"groups_file": tmp_path / f"{name}.csv"}))
        versions.add(str(asset.metadata_by_key[asset.key]["ats/settings_version"]))
    assert len(versions) == 2
