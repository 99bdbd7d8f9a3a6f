"""Restatements change what was made later and nothing else: how they are explained and compared, and the two real vintages of the S&P 500."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import spearmanr

from ats_assets.deployment import Deployment
from ats_assets.evaluation.stored_factors import evaluate_family
from ats_assets.features.choosing import families
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.lineage.explaining import Explaining, Made, Many
from ats_assets.reports.comparison import stored_comparison
from ats_assets.runs.other_worlds import compared
from ats_assets.runs.reproduction import reproduced
from ats_assets.storage.knowledge import stamp_of
from ats_assets.storage.vintages import VINTAGES_OF
from ats_assets_tests.lineage.conftest import LAST, SETTINGS, heal, healing_of, market
from ats_assets_tests.lineage.test_explaining import all_of
from ats_assets_tests.lineage.test_healing import DAY, deliver
from ats_assets_tests.market_data import SP500_2017, SP500_2018, needs_market_data
from ats_assets_tests.small_market import differences, files_of, make_history, small_market

pytestmark = pytest.mark.slow
Changed = Callable[..., Deployment]
PRICES = pl.col("open", "high", "low", "close", "vwap")


def restate(deployment: Deployment, choice: random.Random, times: int) -> None:
    """Deliver sessions again, some more than once, known from the evening of the day to weeks later, or long after all that is stored."""
    calendar, days = deployment.calendar, deployment.warehouse.stored_sessions("raw_bars")
    for _ in range(times):
        day = choice.choice(days[5:])
        asset = choice.choices(["raw_bars", "raw_corporate_actions"], [4, 1])[0]
        rows, footer = deployment.warehouse.read(asset, [day]), deployment.warehouse.footer(asset, day)
        newest = max(deployment.warehouse.vintages(asset, day))
        known = max(newest, calendar.closes_at(day)) + timedelta(hours=choice.choice([2, 20, 100, 400, 20_000]))
        symbol = choice.choice(deployment.warehouse.read("bars", [day])["symbol"].to_list())
        if asset == "raw_bars":
            columns, factor = choice.choice([(PRICES, 0.5), (PRICES, 1.02), (pl.col("volume"), 3.0)])
            rows = rows.with_columns(pl.when(pl.col("symbol") == symbol).then(columns * factor).otherwise(columns))
        else:
            paid = {"symbol": symbol, "session": day, "date": day, "kind": "cash_dividend", "cash": 0.01 * choice.randint(1, 50)}
            rows = pl.concat([rows, pl.DataFrame([paid], schema_overrides=rows.schema)], how="diagonal").select(rows.columns)
        versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
        deployment.warehouse.write_vintage(asset, day, rows, known=known, **versions)


def test_each_row_is_explained_by_the_vintage_it_was_read_in(changed: Changed) -> None:
    deployment = changed()
    days, calendar = deployment.warehouse.stored_sessions("raw_bars"), deployment.calendar
    early, late = days[-4], days[-3]
    versions = {name: getattr(deployment.warehouse.footer("raw_bars", early), name) for name in ("code_version", "settings_version")}
    known = {early: calendar.closes_at(early) + timedelta(hours=20), late: calendar.closes_at(LAST) + timedelta(days=30)}
    for day, time in known.items():
        rows = deployment.warehouse.read("raw_bars", [day])
        deployment.warehouse.write_vintage("raw_bars", day, rows.with_columns(pl.col("volume") * 3), known=time, **versions)
    heal(deployment)
    index = LineageIndex(deployment)
    index.refresh()
    symbol = deployment.warehouse.read("signals", [LAST])["symbol"][0]
    windows = [one for one in all_of(Explaining(deployment, index.entries()).target(symbol, LAST.isoformat())) if isinstance(one, Many)]
    (bars,) = [one for one in windows if one.asset == "bars" and str(late) in one.versions and str(LAST) in one.versions][:1]
    assert bars.vintages[str(early)].known == stamp_of(known[early]), "the corrected one was known at the close"
    assert bars.vintages[str(late)].known == stamp_of(calendar.closes_at(late)), "this one was corrected afterwards"
    assert bars.vintages[str(late)].superseded == (stamp_of(known[late]),)
    assert {read.why for read in bars.vintages.values()} == {"known at the close"}
    assert any(note.startswith(f"1 of them are superseded by newer vintages, first {late}") for note in bars.notes)
    (raw,) = [one for one in bars.made_from if isinstance(one, Many)]
    assert {day: read.known for day, read in raw.vintages.items()} == {day: read.known for day, read in bars.vintages.items()}
    assert not any(isinstance(one, Made) and one.notes and "superseded" in one.notes[0] for one in windows)


def test_a_strategy_is_compared_under_both_kinds_of_knowledge(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    report = deployment.warehouse.root / "backtest_report" / "report.html"
    assert "What was known, and what was corrected later" not in report.read_text(), "every session was delivered once"
    restate(deployment, random.Random(3), 10)
    heal(deployment)
    assert "ats restatements --compare" in report.read_text()
    found = compared(deployment, tmp_path / "other")
    assert stored_comparison(deployment) == found
    restated = market(tmp_path / "other", knowledge={"mode": "restated"})
    frames = [one.warehouse.read("signals", one.warehouse.stored_sessions("signals")) for one in (deployment, restated)]
    rows = [{(row["session"], row["symbol"]): row for row in frame.to_dicts()} for frame in frames]
    differing = {key for key in rows[0].keys() | rows[1].keys() if rows[0].get(key) != rows[1].get(key)}
    assert 0 < found.signals_that_differ <= len(differing)
    assert found.signals == len(rows[0].keys() | rows[1].keys())
    returns = []
    for world in (restated, deployment):
        equity = world.warehouse.read_part("backtest", "equity")["equity"]
        returns.append(equity[-1] / equity[0] - 1)
    assert found.return_from_hindsight == pytest.approx(returns[0] - returns[1], abs=1e-12)
    stale = healing_of(deployment).stale()
    assert [(one.asset, one.reason) for one in stale] == [("backtest_report", "what was restated, or the comparison of it, changed")]
    heal(deployment)
    assert "on corrected history" in report.read_text()
    again = reproduced(deployment, "backtest_report", [], tmp_path / "again")
    assert again.files.different == ()


# The two real vintages

BEGIN, KNOWN_FIRST, END = date(2017, 7, 3), date(2017, 8, 11), date(2017, 9, 1)
SYMBOLS = ("AAPL", "CAT", "CBOE", "GRMN", "HSIC", "INTU", "ISRG", "LEN", "PHM", "XOM")
"""Three of them were split between the two vintages."""


def panel(file: Path, target: Path, first: date, last: date) -> pl.DataFrame:
    rows = pl.scan_parquet(file).filter(pl.col("date").is_between(first, last), pl.col("symbol").is_in(SYMBOLS)).collect()
    target.mkdir(parents=True)
    rows.write_parquet(target / "bars.parquet")
    return rows


def of(root: Path, delivery: Path, mode: str = "point_in_time") -> Deployment:
    changes: dict[str, Any] = {**SETTINGS, "calendar": {"first_session": date(2017, 1, 3)}, "source": {"kind": "files", "path": delivery}}
    return small_market(root, **changes, knowledge={"mode": mode})


@needs_market_data
def test_the_second_vintage_of_the_sp500_changes_nothing_that_was_made_before_it_was_known(tmp_path: Path) -> None:
    deliveries = {file: tmp_path / file.stem for file in (SP500_2017, SP500_2018)}
    one = panel(SP500_2017, deliveries[SP500_2017], BEGIN, KNOWN_FIRST)
    other = panel(SP500_2018, deliveries[SP500_2018], BEGIN, END)
    root = tmp_path / "root"
    make_history(of(root, deliveries[SP500_2017]), BEGIN, KNOWN_FIRST)
    before = files_of(root)
    deployment = of(root, deliveries[SP500_2018])
    delivered = delivered_versions(deployment)
    made = heal(deployment, delivered)
    assert {row["asset"] for row in made} == {"raw_bars", "bars", "rejected_bars"}, "a restatement that was known later"
    now = files_of(root)
    assert [path for path, content in before.items() if now[path] != content] == []
    make_history(deployment, deployment.calendar.offset(KNOWN_FIRST, 1), END)
    merged = tmp_path / "merged"
    merged.mkdir()
    pl.concat([one, other.filter(pl.col("date") > KNOWN_FIRST)]).write_parquet(merged / "bars.parquet")
    alone = of(tmp_path / "alone", merged)
    make_history(alone, BEGIN, END)
    plain = {path: content for path, content in files_of(root).items() if "/known=" not in path}
    expected = {path: content for path, content in files_of(tmp_path / "alone").items() if "/known=" not in path}
    assert differences(plain, expected) == [], "what was known of each session, as one delivery"
    restated = of(tmp_path / "restated", deliveries[SP500_2018], "restated")
    make_history(restated, BEGIN, END)
    day = KNOWN_FIRST
    assert restated.warehouse.footer("trend", day).data_version != deployment.warehouse.footer("trend", day).data_version
    assert {asset for asset in VINTAGES_OF if len(deployment.warehouse.stamps(asset, day)) > 1} == {"bars", "rejected_bars"}


def test_features_are_judged_by_the_returns_that_were_known(changed: Changed) -> None:
    """Forward returns that `ats features evaluate` makes of stored bars are those that are stored: each of the vintages that its session knew."""
    deployment = changed()
    symbol = deployment.warehouse.read("bars", [DAY])["symbol"][0]
    deliver(deployment, lambda rows: rows.with_columns(pl.when(pl.col("symbol") == symbol).then(PRICES * 0.5).otherwise(PRICES)))
    restate(deployment, random.Random(7), times=6)
    heal(deployment)
    family = deployment.of(families)["trend"]
    found = evaluate_family(deployment, family, features=list(family.expressions), horizon_sessions=1)
    assert (found.horizons, found.outcomes) == ((1, 5, 10, 21), "made of stored bars")
    values = deployment.warehouse.read("trend", deployment.warehouse.stored_sessions("trend"))
    known = deployment.warehouse.read("forward_returns", deployment.warehouse.stored_sessions("forward_returns"))
    judged = values.rename({"session": "decision_session"}).join(known, on=["symbol", "decision_session"])
    restated = judged.filter(symbol=symbol, decision_session=deployment.calendar.offset(DAY, -1))
    assert restated["forward_return"][0] > 0.5  # bought at half the price, as was known a session later
    for skill in found.skills:
        ics = [
            spearmanr(rows[skill.feature].to_numpy(), rows["forward_return"].to_numpy()).statistic
            for (_,), rows in judged.filter(pl.col(skill.feature).is_not_nan()).group_by("decision_session")
            if rows.height >= 3 and rows[skill.feature].n_unique() > 1
        ]
        assert skill.horizon(1).sessions == len(ics)
        assert skill.horizon(1).rank_ic == pytest.approx(sum(ics) / len(ics), abs=1e-9)
