"""Chains are deliveries with vintages: what is made of each is kept beside it, nothing is stale where they begin later than bars, and a source of one's own is one file."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.lineage.judging import judge
from ats_assets.lineage.staleness import Staleness
from ats_assets.storage.knowledge import stamp_of
from ats_assets_tests.options.chains import CHAINS, market_with_options
from ats_assets_tests.small_market import run_job

WEEK = [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]
BARS = ("raw_bars", "bars", "rejected_bars")


def chain_text(path: Path, days: list[date], *, ask: float = 1.2, crossed: int = 0) -> None:
    """Ten calls a day on the market's first symbol, whose spot is told, some of them crossed."""
    lines = ["date,underlying,expiry,strike,right,bid,ask,underlying_price"]
    for day in days:
        lines += [f"{day},SYN0000,2021-01-15,{100 + i},C,{2.0 if i < crossed else 1.0},{ask},100" for i in range(10)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def market(root: Path) -> Deployment:
    root.mkdir(exist_ok=True)
    return market_with_options(root, {"path": str(root / "chains.csv")})


def test_a_delivery_that_differs_is_a_vintage_and_what_is_made_of_it_too(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    run_job(deployment, "history", WEEK[:2], list(BARS))
    for ask in (1.2, 1.4):
        chain_text(tmp_path / "chains.csv", WEEK[:1], ask=ask)
        run_job(deployment, "history", WEEK[:1], list(CHAINS))
    warehouse, first = deployment.warehouse, stamp_of(datetime(2021, 1, 4, 21, tzinfo=UTC))
    for asset in CHAINS:
        files = warehouse.vintages(asset, WEEK[0])
        assert len(files) == 2
        assert min(stamp_of(time) for time in files) == first, "known at the close, whenever it was delivered"
    assert warehouse.read("option_chains", WEEK[:1])["ask"].unique().to_list() == [1.2], "what the session itself knew"
    newest = max(warehouse.vintages("option_chains", WEEK[0]).items())[1]
    assert pl.read_parquet(newest)["ask"].unique().to_list() == [1.4]


def test_a_spoilt_delivery_is_refused_where_there_is_a_sound_one(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    run_job(deployment, "history", WEEK[:2], list(BARS))
    chain_text(tmp_path / "chains.csv", WEEK[:1], crossed=5)
    with pytest.raises(Exception, match="option_chains: contract"):
        run_job(deployment, "history", WEEK[:1], list(CHAINS))
    assert deployment.warehouse.read("option_chains", WEEK[:1]).height == 5, "the only one there is"
    chain_text(tmp_path / "chains.csv", WEEK[:1])
    run_job(deployment, "history", WEEK[:1], list(CHAINS))
    assert deployment.warehouse.read("option_chains", WEEK[:1]).height == 10, "the corrected one is read, though it came later"
    assert len(deployment.warehouse.stamps("option_chains", WEEK[0])) == 1


def test_nothing_is_stale_where_chains_begin_later_than_bars(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    chain_text(tmp_path / "chains.csv", WEEK[2:])
    run_job(deployment, "history", WEEK, list(BARS))
    assert deployment.known(WEEK, "option_chains") == []
    run_job(deployment, "history", WEEK[2:], list(CHAINS))
    assert deployment.known(WEEK, "option_chains") == WEEK[2:]
    assert deployment.known(WEEK) == WEEK
    rules = rules_of(deployment, build(deployment).resolve_asset_graph())
    assert set(rules["option_chains"].begins_with) == {"raw_bars", "raw_option_chains"}
    index = LineageIndex(deployment)
    index.refresh()
    assert [one for one in judge(deployment, rules, index) if one.asset in CHAINS] == []
    assert Staleness(deployment, rules, index.entries(), delivered_versions(deployment)).stale(set(CHAINS)) == []
    for asset in CHAINS[1:]:
        shutil.rmtree(deployment.warehouse.folder(asset, WEEK[3]))
    index.refresh()
    gone = {(one.asset, one.session) for one in judge(deployment, rules, index) if one.asset == "option_chains"}
    assert gone == {("option_chains", str(WEEK[3]))}


def test_what_the_source_delivers_now_is_looked_at(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    chain_text(tmp_path / "chains.csv", WEEK[:2])
    run_job(deployment, "history", WEEK[:2], [*BARS, *CHAINS])
    assert delivered_versions(deployment)["raw_option_chains"] == deployment.data_versions("raw_option_chains", WEEK[:2])
    path = tmp_path / "chains.csv"
    path.write_text(
        path.read_text("utf-8").replace("2021-01-05,SYN0000,2021-01-15,104,C,1.0", "2021-01-05,SYN0000,2021-01-15,104,C,1.1"), "utf-8"
    )
    again = market(tmp_path)
    index = LineageIndex(again)
    index.refresh()
    rules = rules_of(again, build(again).resolve_asset_graph())
    found = Staleness(again, rules, index.entries(), delivered_versions(again)).stale({"raw_option_chains"})
    assert [(one.session, one.reason) for one in found] == [(str(WEEK[1]), "the source delivers another content")]


OWN = """
from datetime import date
import polars as pl
from ats_assets.options.option_source import OptionSourcePlugin, chain_order
from ats_assets.settings import Section

class MineSettings(Section):
    bid: float = 1.0

class Mine:
    def __init__(self, own, deployment):
        self.own, self.calendar = own, deployment.calendar

    def sessions(self):
        return [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]

    def chains(self, session):
        contract = {"underlying": "ABC", "expiry": date(2021, 1, 15), "strike": 50.0, "right": "C", "contract": "ABC210115C00050000"}
        row = {"session": session, "date": session, "bid": self.own.bid, "ask": 1.5, "underlying_price": 50.0}
        return chain_order(pl.DataFrame([contract | row]))

    def known_at(self, session):
        return self.calendar.closes_at(session)

    def describe(self):
        return "one contract a session"

PLUGIN = OptionSourcePlugin(settings=MineSettings, make=Mine)
"""


def test_a_source_of_ones_own_is_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "option_sources"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    chains = {"kind": "mine", "bid": 1.1}
    deployment = Deployment(
        market_with_options(tmp_path, chains, spot="delivered").settings.model_copy(
            update={"plugins": market_with_options(tmp_path).settings.plugins.model_copy(update={"folder": tmp_path / "plugins"})}
        )
    )
    run_job(deployment, "history", WEEK[:2], list(CHAINS))
    assert deployment.warehouse.read("option_chains", WEEK[:2])["bid"].to_list() == [1.1, 1.1]
    with pytest.raises(
        SettingsError,
        match=r"options\.chains is 'mnie', which is no source of options: choose one of alpaca, files, massive, preferred, synthetic",
    ):
        build(market_with_options(tmp_path, {"kind": "mnie"}))
