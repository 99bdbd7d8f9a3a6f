"""A session that turns out to be none after partitions were made of it: what is stale, why, and what is made of it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.automation.retraining import needed_for_signals, untrained
from ats_assets.automation.trading import next_to_trade
from ats_assets.backtests.assets import BacktestRange, traded_sessions
from ats_assets.bars.completeness import freshness
from ats_assets.deployment import Deployment
from ats_assets.runs.diagnosis import diagnose
from ats_assets.sources import MEASURES
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, files_of, make_history, run_job, small_market

LAST = date(2021, 2, 9)
GONE = date(2021, 2, 1)
"""A Monday, at which a model was fitted."""


def market(root: Path, **changes: Any) -> Deployment:
    """A market of files."""
    return small_market(root, source={"kind": "files", "files": {"path": root.parent / "bars.csv"}}, **EARLY_MODELS, **changes)


def closing(root: Path) -> Deployment:
    return market(root, calendar={"first_session": date(2020, 10, 1), "closed": (GONE,)})


def kept(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files that belong to sessions."""
    return {name: content for name, content in files.items() if "/calendar/" not in name and f"session={GONE}" not in name}


def heal(deployment: Deployment) -> None:
    for assets, sessions, _ in healing_of(deployment).steps(longest=40):
        run_job(deployment, "history" if sessions else "backtest_reports", sessions, assets)


def test_a_session_that_turns_out_to_be_none(tmp_path: Path) -> None:
    """Freshness raised, and orders, nights and the sensors with it; nothing said why; each later refit moved."""
    bars = small_market(tmp_path / "synthetic").source.bars(small_market(tmp_path / "synthetic").calendar.sessions(FIRST, LAST))
    bars.filter(pl.col("date") != GONE).select("symbol", "date", *MEASURES).write_csv(tmp_path / "bars.csv")
    before = market(tmp_path / "made")
    make_history(before, FIRST, LAST)
    run_job(before, "backtest_reports")
    assert GONE in before.warehouse.stored_sessions("signals")
    assert healing_of(before).stale() == []

    after = closing(tmp_path / "made")
    assert not after.calendar.is_session(GONE)
    assert [change.day for change in after.calendar_store.changes()] == [GONE]
    found = freshness(
        after.warehouse.stored_sessions("bars"), datetime(2021, 2, 10, 12, tzinfo=UTC), calendar=after.calendar, max_late_sessions=1
    )
    assert found.is_fresh
    assert next_to_trade(after, datetime(2021, 2, 20, tzinfo=UTC)) == LAST
    assert GONE not in traded_sessions(after, BacktestRange())
    assert needed_for_signals(after, date(2021, 2, 4)) == [date(2021, 2, 2), date(2021, 2, 3)]  # the week begins there now
    assert [days[0] for days in untrained(after, LAST)] == [date(2021, 2, 2)]
    stale = healing_of(after).stale()
    assert {one.session for one in stale if one.session} <= {str(day) for day in after.calendar.sessions(GONE, LAST)}
    assert {"universe", "alpha158", "trend", "forward_returns", "lightgbm_model"} <= {one.asset for one in stale}
    assert "raw_bars" not in {one.asset for one in stale}  # whose windows the day is not in
    reason = f"calendar changed: {GONE} is no session any more (by the settings"
    assert all(reason in one.reason for one in stale if one.session)
    findings = {one.subject: one for one in diagnose(after.settings)}
    assert findings["bars"].status == "warn"
    assert "1 on days that are no longer sessions, which nothing reads" in findings["bars"].text

    heal(after)
    assert healing_of(after).stale() == []
    whole = closing(tmp_path / "whole")
    make_history(whole, FIRST, LAST)
    mine, other = (kept(files_of(tmp_path / name)) for name in ("made", "whole"))
    assert mine.keys() - {name for name in mine if "backtest" in name} == other.keys()
    assert [name for name in other if mine[name] != other[name]] == []


def test_closing_a_day_that_lies_ahead_makes_nothing_stale(tmp_path: Path) -> None:
    bars = small_market(tmp_path / "synthetic").source.bars(small_market(tmp_path / "synthetic").calendar.sessions(FIRST, FIRST))
    bars.select("symbol", "date", *MEASURES).write_csv(tmp_path / "bars.csv")
    before = market(tmp_path / "made")
    run_job(before, "history", [FIRST], ["raw_bars", "bars", "rejected_bars", "universe"])
    after = closing(tmp_path / "made")
    assert not after.calendar.is_session(GONE)
    assert healing_of(after).stale() == []
