"""Ticks as assets: delivered, screened and sampled session by session, with vintages; the graph without them is as it was."""

import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

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
from ats_assets.orchestration.graph import CODE, SETTINGS
from ats_assets.storage.knowledge import stamp_of
from ats_assets_tests.intraday.ticks import DATA, real
from ats_assets_tests.small_market import run_job, small_market

WEEK = [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]
ASSETS = ("raw_trades", "trades", "rejected_trades")
BARS = {"kind": "tick", "threshold": 2}


def tick_file(path: Path, days: list[date], *, price: float = 10.0, n: int = 5) -> None:
    """A text of trades: some a day from 10:00 in New York on, a minute apart, and one before the open."""
    lines = ["symbol,timestamp,price,size"]
    for day in days:
        lines += [f"A,{day} 08:00:00,{price},1"]
        lines += [f"A,{day} 10:{i:02}:00,{price + i},100" for i in range(n)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def market(root: Path, **intraday: Any) -> Deployment:
    root.mkdir(exist_ok=True)
    return small_market(root, intraday={"trades": {"path": str(root / "ticks.csv")}} | intraday, samplers={"two_ticks": BARS})


def rows(deployment: Deployment, asset: str, days: list[date]) -> list[int]:
    return [deployment.warehouse.read(asset, [day]).height for day in days]


def test_the_graph_has_ticks_only_where_settings_name_them(tmp_path: Path) -> None:
    plain, both = small_market(tmp_path / "a"), market(tmp_path / "b")
    before = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(plain).resolve_all_asset_specs()}
    after = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(both).resolve_all_asset_specs()}
    assert after.keys() - before.keys() == {*ASSETS, "two_ticks"}
    del before["backtest_report"]  # which shows the settings
    assert all(after[name] == version for name, version in before.items()), "nothing else is stale"
    assert all(CODE in spec.metadata for spec in build(both).resolve_all_asset_specs())


def test_ticks_are_stored_session_by_session_in_any_range_alike(tmp_path: Path) -> None:
    one, other = market(tmp_path / "a"), market(tmp_path / "b")
    for deployment in (one, other):
        tick_file(Path(deployment.settings.intraday.trades["path"]), WEEK[:2] + WEEK[3:])
    run_job(one, "history", WEEK, [*ASSETS, "two_ticks"])
    run_job(other, "history", WEEK[2:], [*ASSETS, "two_ticks"])
    run_job(other, "history", WEEK[:2], [*ASSETS, "two_ticks"])
    assert rows(one, "raw_trades", WEEK) == [6, 6, 0, 6, 6], "a session without ticks is an empty one"
    assert rows(one, "trades", WEEK) == [5, 5, 0, 5, 5]
    assert one.warehouse.read("rejected_trades", WEEK)["reasons"].to_list() == [["outside_hours"]] * 4
    assert rows(one, "two_ticks", WEEK) == [3, 3, 0, 3, 3]
    for asset in (*ASSETS, "two_ticks"):
        for day in WEEK:
            assert one.warehouse.path(asset, day).read_bytes() == other.warehouse.path(asset, day).read_bytes(), (asset, day)


def test_a_delivery_that_differs_is_a_vintage_and_what_is_made_of_it_too(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    tick_file(tmp_path / "ticks.csv", WEEK[:1])
    run_job(deployment, "history", WEEK[:1], list(ASSETS))
    tick_file(tmp_path / "ticks.csv", WEEK[:1], n=7)
    run_job(deployment, "history", WEEK[:1], list(ASSETS))
    warehouse, first = deployment.warehouse, stamp_of(datetime(2021, 1, 4, 21, tzinfo=UTC))
    for asset, heights in {"raw_trades": [6, 8], "trades": [5, 7], "rejected_trades": [1, 1]}.items():
        files = warehouse.vintages(asset, WEEK[0])
        assert min(stamp_of(time) for time in files) == first, "known at the close, whenever it was delivered"
        assert [pl.read_parquet(path).height for _, path in sorted(files.items())] == heights
    assert warehouse.read("trades", WEEK[:1]).height == 5, "what the session itself knew"


def test_a_delivery_with_too_many_faults_is_refused_where_there_is_a_sound_one(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    tick_file(tmp_path / "ticks.csv", WEEK[:1], price=-2.0)
    with pytest.raises(Exception, match="contract"):
        run_job(deployment, "history", WEEK[:1], list(ASSETS))
    assert deployment.warehouse.read("trades", WEEK[:1]).height == 2, "three of five are faulty: the only one there is"
    tick_file(tmp_path / "ticks.csv", WEEK[:1])
    run_job(deployment, "history", WEEK[:1], list(ASSETS))
    assert len(deployment.warehouse.stamps("trades", WEEK[0])) == 1
    assert deployment.warehouse.read("trades", WEEK[:1]).height == 5, "the corrected one is read, though it came later"


def test_too_many_faults_block_what_comes_after_and_codes_of_another_vendor_are_a_warning(tmp_path: Path) -> None:
    deployment = market(tmp_path)
    tick_file(tmp_path / "ticks.csv", WEEK[:1], price=-2.0)
    definitions = build(deployment)
    checks = {
        spec.name: spec for asset in definitions.asset_checks or () for spec in asset.check_specs if spec.asset_key.path[-1] == "trades"
    }  # pyright: ignore[reportAttributeAccessIssue]
    assert {name: spec.blocking for name, spec in checks.items()} == {"contract": True, "conditions": False}
    with pytest.raises(Exception, match="contract"):
        run_job(deployment, "history", WEEK[:1], [*ASSETS, "two_ticks"])
    assert not deployment.warehouse.exists("two_ticks", WEEK[0])
    lines = ["symbol,timestamp,price,size,cond", *(f"A,2021-01-04 10:{i:02}:00,5,1,{code}" for i, code in enumerate(["@", "37", "I"]))]
    (tmp_path / "ticks.csv").write_text("\n".join(lines), encoding="utf-8")
    result = run_job(deployment, "history", WEEK[:1], [*ASSETS, "two_ticks"])
    found = {one.check_name: one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "trades"}
    assert found["contract"].passed
    assert not found["conditions"].passed
    assert "1 of 3 trades have a condition code that 'sip' does not know" in (found["conditions"].description or "")


@pytest.mark.parametrize(
    ("asked", "complaint"), [(date(2021, 1, 4), "has ticks from 2021-01-05 to 2021-01-06"), (date(2021, 1, 7), "has ticks from")]
)
def test_sessions_that_were_not_delivered_are_an_error_that_says_which_are(tmp_path: Path, asked: date, complaint: str) -> None:
    deployment = market(tmp_path)
    tick_file(tmp_path / "ticks.csv", WEEK[1:3])
    with pytest.raises(Exception, match=complaint):
        run_job(deployment, "history", [asked], ["raw_trades"])


def test_bars_of_ticks_that_nobody_delivers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"samples trades, but there are no ticks: set \[intraday.trades\]"):
        build(small_market(tmp_path, samplers={"two_ticks": BARS}))
    trades = {"trades": {"path": str(tmp_path / "ticks.csv")}}
    for beside in ({"spread": True}, {"sides": "lee_ready"}):  # a run waited for quotes that nobody delivers, and said to make them
        with pytest.raises(SettingsError, match=r"two_ticks\] also reads quotes .* set \[intraday.quotes\]"):
            build(small_market(tmp_path, intraday=trades, samplers={"two_ticks": BARS | beside}))


OWN = """
import weakref
from datetime import date
import polars as pl
from ats_assets.intraday.schema import RAW_TRADES_SCHEMA
from ats_assets.intraday.tick_source import TickSourcePlugin
from ats_assets.settings import Section

made, most = [], []

class Mine:
    def __init__(self, own, what, hours, deployment):
        self.hours = hours

    def sessions(self):
        return [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]

    def ticks(self, session):
        at = self.hours.of("A", session)[0]
        row = {"symbol": "A", "session": session, "at": at, "price": 5.0, "size": 1.0, "sequence": 0, "part": 0}
        frame = pl.DataFrame([row], schema=RAW_TRADES_SCHEMA)
        made.append(weakref.ref(frame))
        most.append(sum(one() is not None for one in made))
        return frame

    def known_at(self, session):
        return self.hours.known_at(session)

    def describe(self):
        return "one trade a session"

PLUGIN = TickSourcePlugin(settings=Section, make=Mine)
"""


def test_a_source_of_ones_own_is_one_file_and_of_a_long_range_two_sessions_are_in_memory(tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "tick_sources"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(OWN, encoding="utf-8")
    changes = {"intraday": {"trades": {"kind": "mine"}}, "plugins": {"folder": tmp_path / "plugins"}}
    deployment = small_market(tmp_path, **changes)
    run_job(deployment, "history", WEEK, ["raw_trades"])
    assert rows(deployment, "raw_trades", WEEK) == [1] * 5
    most = next(module.most for name, module in sys.modules.items() if name.endswith("tick_sources.mine"))
    assert len(most) == 5
    assert max(most) <= 2, "each session is written before the next but one is made"


def test_what_a_source_of_ticks_delivers_now_is_looked_at(tmp_path: Path) -> None:
    """`ats stale --source` looked at bars alone."""
    deployment = market(tmp_path)
    path = Path(deployment.settings.intraday.trades["path"])
    tick_file(path, WEEK[:3])
    run_job(deployment, "history", WEEK[:3], ASSETS)
    assert delivered_versions(deployment)["raw_trades"] == deployment.data_versions("raw_trades", WEEK[:3])
    tick_file(path, WEEK[:2])
    path.write_text(path.read_text("utf-8").replace("2021-01-05 10:04:00,14.0", "2021-01-05 10:04:00,14.5"), "utf-8")
    again = market(tmp_path)
    graph = build(again).resolve_asset_graph()
    index = LineageIndex(again)
    index.refresh()
    found = Staleness(again, rules_of(again, graph), index.entries(), delivered_versions(again)).stale({"raw_trades"})
    assert [(one.session, one.reason) for one in found] == [(str(WEEK[1]), "the source delivers another content")]


def test_nothing_is_stale_where_ticks_begin_later_than_bars(tmp_path: Path) -> None:
    """Bars are there from the 4th on, ticks from the 6th: a sampler that looks back three sessions lacks nothing, and an interior session that is gone is missing."""
    estimated = {"kind": "tick", "bars_per_session": 2, "estimated_on_sessions": 3}
    deployment = small_market(tmp_path, intraday={"trades": {"path": str(tmp_path / "ticks.csv")}}, samplers={"two_ticks": estimated})
    tick_file(tmp_path / "ticks.csv", WEEK[2:])
    run_job(deployment, "history", WEEK, ["raw_bars", "bars", "rejected_bars"])
    assert deployment.known(WEEK, "two_ticks") == []
    run_job(deployment, "history", WEEK[2:], [*ASSETS, "two_ticks"])
    assert deployment.known(WEEK, "two_ticks") == WEEK[2:]
    assert deployment.known(WEEK) == WEEK
    graph = build(deployment).resolve_asset_graph()
    rules = rules_of(deployment, graph)
    assert rules["two_ticks"].begins_with == ("raw_trades",)
    assert rules["bars"].begins_with == ()
    index = LineageIndex(deployment)
    index.refresh()
    assert [one for one in judge(deployment, rules, index) if one.asset in {*ASSETS, "two_ticks"}] == []
    whole = Staleness(deployment, rules, index.entries()).stale({*ASSETS, "two_ticks"})
    assert whole == []
    for asset in ASSETS[1:]:
        shutil.rmtree(deployment.warehouse.folder(asset, WEEK[3]))
    index.refresh()
    assert {(one.asset, one.session) for one in judge(deployment, rules, index) if one.asset == "trades"} == {("trades", str(WEEK[3]))}


def test_real_quotes_of_fx_lie_in_sessions_from_five_to_five(tmp_path: Path) -> None:
    real("fx_ticks/nzdusd_quotes.parquet")
    hours = {"start": "17:00", "end": "17:00", "timezone": "America/New_York"}
    quotes = {"path": str(DATA / "fx_ticks"), "where": {"src": "fxcm"}}
    changes: dict[str, Any] = {
        "intraday": {"quotes": quotes, "sessions": {"default": hours}, "first_session": date(2014, 5, 1)},
        "calendar": {"exchange": "24/5", "first_session": date(2014, 1, 1)},
    }
    deployment = small_market(tmp_path, **changes)
    friday, monday = date(2014, 5, 9), date(2014, 5, 12)
    run_job(deployment, "history", [friday, monday], ["raw_quotes", "quotes", "rejected_quotes"])
    found = deployment.warehouse.read("quotes", [monday])
    assert found["at"].min() >= datetime(2014, 5, 11, 21, tzinfo=UTC)  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
    assert found["at"].max() < datetime(2014, 5, 12, 21, tzinfo=UTC)  # pyright: ignore[reportOptionalOperand, reportOperatorIssue]
    counts = deployment.warehouse.read("rejected_quotes", [monday])["reasons"].explode().value_counts()
    assert dict(counts.iter_rows())["outside_hours"] == 14_972, "what one venue quotes on a Sunday before five in New York"
    assert sum(rows(deployment, "raw_quotes", [friday, monday])) == sum(
        rows(deployment, name, [friday])[0] + rows(deployment, name, [monday])[0] for name in ("quotes", "rejected_quotes")
    )
