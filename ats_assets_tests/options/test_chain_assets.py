"""Chains as assets: synthetic ones are delivered, screened and judged session by session, in any order alike, and the graph without them is as it was."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.options.chain_screening import CHAIN_REASONS
from ats_assets.options.choosing import option_source
from ats_assets.options.option_source import require_chains
from ats_assets.options.option_sources.synthetic import DEFECTS
from ats_assets.orchestration.graph import SETTINGS
from ats_assets_tests.options.chains import CHAINS, market_with_options
from ats_assets_tests.small_market import run_job, small_market

STORED = Path("../shared/data/us_options")
WEEK = [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]
ALL = ("raw_bars", "bars", "rejected_bars", *CHAINS)


def test_the_graph_has_options_only_where_settings_name_them(tmp_path: Path) -> None:
    plain, both = small_market(tmp_path / "a"), market_with_options(tmp_path / "b")
    before = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(plain).resolve_all_asset_specs()}
    after = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(both).resolve_all_asset_specs()}
    assert {*CHAINS} <= after.keys() - before.keys()
    del before["backtest_report"]  # which shows the settings
    assert all(after[name] == version for name, version in before.items()), "nothing else is stale"


def test_chains_are_the_same_bytes_alone_in_a_range_and_in_any_order(tmp_path: Path) -> None:
    one, other = (market_with_options(tmp_path / name, {"kind": "synthetic", "defective_share": 0.02}) for name in "ab")
    run_job(one, "history", WEEK, list(ALL))
    for day in WEEK:
        run_job(other, "history", [day], ["raw_bars", "bars", "rejected_bars"])
    for day in reversed(WEEK):
        run_job(other, "history", [day], list(CHAINS))
    for asset in CHAINS:
        for day in WEEK:
            assert one.warehouse.path(asset, day).read_bytes() == other.warehouse.path(asset, day).read_bytes(), (asset, day)
    raw, kept, others = (one.warehouse.read(asset, WEEK) for asset in CHAINS)
    assert raw.height == kept.height + others.height > 3000
    reasons = set(others["reasons"].explode())
    assert reasons == {*DEFECTS} <= CHAIN_REASONS.keys(), "each planted defect is found, and nothing else"
    assert kept.height / raw.height == pytest.approx(0.98, abs=0.01)
    assert kept["underlying"].n_unique() == 2
    assert kept.filter(pl.col("mark").is_null()).is_empty()
    assert delivered_versions(one)["raw_option_chains"].keys() == {day.isoformat() for day in WEEK}


def test_a_delivery_with_too_many_faults_blocks_what_comes_after(tmp_path: Path) -> None:
    deployment = market_with_options(tmp_path, {"kind": "synthetic", "defective_share": 0.2})
    with pytest.raises(Exception, match="option_chains: contract"):
        run_job(deployment, "history", WEEK[:1], list(ALL))
    lenient = market_with_options(tmp_path, {"kind": "synthetic", "defective_share": 0.2}, screening={"max_rejected_share": 0.5})
    result = run_job(lenient, "history", WEEK[:1], list(ALL))
    found = {one.check_name: one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "option_chains"}
    assert found["contract"].passed
    assert found["prices"].passed
    assert 0.1 < found["contract"].metadata["share"].value < 0.25  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def test_sessions_that_have_no_bars_are_refused_by_name(tmp_path: Path) -> None:
    deployment = market_with_options(tmp_path)
    with pytest.raises(SourceError, match="the source of options has no session that has ended"):
        require_chains(option_source(deployment), WEEK[:1])
    run_job(deployment, "history", WEEK[:2], ["raw_bars", "bars", "rejected_bars"])
    with pytest.raises(SourceError, match="chains from 2021-01-04 to 2021-01-05, but 2021-01-05 to 2021-01-06 was asked for"):
        require_chains(option_source(deployment), WEEK[1:3])


def test_the_stored_chains_need_no_bars_and_block_until_dead_contracts_are_allowed(tmp_path: Path) -> None:
    if not STORED.is_dir():
        pytest.skip("needs ../shared/data/us_options, which a clone does not have")
    days = [date(2014, 6, day) for day in (4, 5, 6, 9)]

    def market(name: str, most: float) -> Deployment:
        options = {"first_session": days[0], "spot": "delivered", "underlyings": ("AAPL", "TWX"), "screening": {"max_rejected_share": most}}
        return small_market(
            tmp_path / name, calendar={"first_session": date(2014, 1, 2)}, options={"chains": {"path": str(STORED)}} | options
        )

    with pytest.raises(Exception, match="option_chains: contract"):
        run_job(market("strict", 0.05), "history", days, list(CHAINS))
    deployment = market("lenient", 0.6)
    result = run_job(deployment, "history", days, list(CHAINS))
    assert all(one.passed for one in result.get_asset_check_evaluations())
    counts = [(deployment.warehouse.read(asset, [day]).height) for asset in CHAINS for day in days]
    assert counts == [4716, 2536, 2364, 4544, 2324, 2497, 184, 2364, 2392, 39, 2180, 2180]
    assert deployment.history_start("option_chains") == days[0]


def test_the_daily_job_makes_chains_and_greeks_of_a_new_session(tmp_path: Path) -> None:
    made = {
        name: {key.path[-1] for key in build(deployment).resolve_job_def("daily_signals").asset_layer.executable_asset_keys}
        for name, deployment in {"plain": small_market(tmp_path / "a"), "options": market_with_options(tmp_path / "b")}.items()
    }
    assert {*CHAINS, "greeks"} <= made["options"] - made["plain"]
    assert "targets" in made["options"]
