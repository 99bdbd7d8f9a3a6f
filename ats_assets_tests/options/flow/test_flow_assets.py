"""Option flow as assets: delivered with vintages, screened, checked, and absent from a graph whose settings name no source."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, SourceError
from ats_assets.orchestration.graph import CODE, SETTINGS
from ats_assets.plugins import FLOW_SOURCES
from ats_assets_tests.options.flow.test_unusual_whales import DAYS, flow_data
from ats_assets_tests.small_market import run_job, small_market
from ats_assets_tests.vendors.doubles import VendorDouble
from ats_assets_tests.vendors.quick_vendors import quick_tables
from ats_assets_tests.vendors.unusual_whales_double import WHALE_KEY, WhaleData, whale_double

ASSETS = ("raw_option_flow", "option_flow", "rejected_option_flow")


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[VendorDouble, WhaleData]]:
    monkeypatch.setenv("UNUSUAL_WHALES_API_TOKEN", WHALE_KEY)
    with whale_double(data := flow_data()) as double:
        yield double, data


def market(root: Path, url: str, **flow: Any) -> Deployment:
    own = {"symbols": ("AAPL",), "first_session": DAYS[0], "url": url}
    return small_market(
        root,
        calendar={"first_session": date(2024, 1, 2)},
        vendors=quick_tables(),
        option_flow={"source": own, "first_session": DAYS[0]} | flow,
    )


def test_the_graph_has_flow_only_where_settings_name_it(tmp_path: Path) -> None:
    plain, both = small_market(tmp_path / "a"), small_market(tmp_path / "b", option_flow={"source": {"symbols": ("AAPL",)}})
    before = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(plain).resolve_all_asset_specs()}
    after = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(both).resolve_all_asset_specs()}
    assert after.keys() - before.keys() == {*ASSETS}
    del before["backtest_report"]  # which shows the settings
    assert all(after[name] == version for name, version in before.items()), "nothing else is stale"
    assert all(CODE in spec.metadata for spec in build(both).resolve_all_asset_specs())
    assert FLOW_SOURCES.names() == ["unusual_whales"]
    with pytest.raises(SettingsError, match=r"option_flow.source is 'whales', which is no source of flow: choose one of unusual_whales"):
        build(small_market(tmp_path / "c", option_flow={"source": {"kind": "whales"}}))


def test_flow_is_delivered_and_screened_session_by_session_in_any_order_alike(
    tmp_path: Path, vendor: tuple[VendorDouble, WhaleData]
) -> None:
    one, other = (market(tmp_path / name, vendor[0].url, max_rejected_share=0.5) for name in "ab")
    vendor[1].alerts[5]["price"] = "dear"
    vendor[1].trades[6]["canceled"] = True
    run_job(one, "history", DAYS, list(ASSETS))
    for day in reversed(DAYS):
        run_job(other, "history", [day], list(ASSETS))
    for asset in ASSETS:
        for day in DAYS:
            assert one.warehouse.path(asset, day).read_bytes() == other.warehouse.path(asset, day).read_bytes(), (asset, day)
    raw, kept, others = (one.warehouse.read(asset, DAYS) for asset in ASSETS)
    assert raw.height == kept.height + others.height == 23
    assert sorted(others["reasons"].to_list()) == [["cancelled"], ["unreadable"]]
    assert kept.filter(pl.col("known_at") > pl.lit(one.calendar.closes_at(DAYS[-1]))).is_empty()


def test_a_delivery_that_differs_is_a_vintage_and_what_the_session_knew_stays(
    tmp_path: Path, vendor: tuple[VendorDouble, WhaleData]
) -> None:
    deployment = market(tmp_path, vendor[0].url)
    run_job(deployment, "history", DAYS[1:2], list(ASSETS))
    first = deployment.warehouse.read("option_flow", DAYS[1:2])
    vendor[1].exposures["AAPL", "total", DAYS[1]][0]["call_gamma"] = "7"
    run_job(deployment, "history", DAYS[1:2], list(ASSETS))
    assert len(deployment.warehouse.stamps("raw_option_flow", DAYS[1])) == len(deployment.warehouse.stamps("option_flow", DAYS[1])) == 2
    assert deployment.warehouse.read("option_flow", DAYS[1:2]).equals(first), "known months later, by which nothing was decided then"


def test_too_many_faults_block_and_a_kind_that_is_gone_is_warned_of(tmp_path: Path, vendor: tuple[VendorDouble, WhaleData]) -> None:
    deployment = market(tmp_path, vendor[0].url)
    run_job(deployment, "history", DAYS[:1], list(ASSETS))
    del vendor[1].exposures["AAPL", "total", DAYS[1]]
    result = run_job(deployment, "history", DAYS[1:2], list(ASSETS))
    found = {one.check_name: one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "option_flow"}
    assert found["contract"].passed
    assert not found["kinds"].passed
    assert f"no greek_exposure of this session, of which {DAYS[0]} had some" in (found["kinds"].description or "")
    for row in vendor[1].trades:
        row["premium"] = "1"
    with pytest.raises(Exception, match="option_flow: contract"):
        run_job(market(tmp_path / "other", vendor[0].url), "history", DAYS[1:2], list(ASSETS))
    with pytest.raises(SourceError, match=r"the source of option flow has flow from 2024-03-11"):
        run_job(deployment, "history", [date(2024, 3, 8)], list(ASSETS))
