"""An adverse day through the session loop, as a page: gap, halt, reject, partial fill, lost stream, restart."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ats_assets.algorithms import Leg, Side
from ats_assets.execution.order import OrderIntent
from ats_assets.live.as_decided import SAME, as_decided
from ats_assets.live.mishaps import MishapSettings
from ats_assets.live.monitors import watched
from ats_assets.live.session_journal import SessionJournal
from ats_assets.reports.live_day_report import live_day_report
from ats_assets.settings import BrakeSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.live.day import CLOSED_AT, DAY, MINUTES, OPENS, Day, Slices, at, market, parent

ADVERSE = (
    MishapSettings(kind="halt", start=at(9, 50), end=at(10, 5), symbol="BAC"),
    MishapSettings(kind="gap", start=at(10, 20), end=at(10, 24), symbol="BAC"),
    MishapSettings(kind="late", start=at(9, 33), end=at(9, 42), symbol="IBM", seconds=100),
    MishapSettings(kind="zero", start=at(11), end=at(11, 2), symbol="IBM"),
    MishapSettings(kind="lost", start=at(11, 10), end=at(11, 20)),
)


def rejected_once(_intent: OrderIntent, now: datetime) -> str | None:
    """The exchange refuses what comes within one minute."""
    return "insufficient buying power" if OPENS + timedelta(minutes=60) <= now < OPENS + timedelta(minutes=63) else None


@pytest.mark.skipif(not MINUTES.is_dir(), reason=f"{MINUTES} is not there: real minute bars are needed")
def test_an_adverse_day_is_told_minute_by_minute_and_nothing_is_decided_otherwise(tmp_path: Path) -> None:
    one = Day(
        url=f"sqlite:///{tmp_path / 'trade_state.sqlite'}",
        kill_file=tmp_path / "KILL",
        stored=market("BAC", "IBM"),
        parents=(parent("BAC", 120_000), parent("IBM", 100, Side.SELL, Leg.CLOSE)),
        algorithm=Slices(shares=40, minutes=3),
        held={"IBM": 100},
        cash=6_000_000.0,
        equities=(6_000_000 + 100 * CLOSED_AT["IBM"],),
        brake=BrakeSettings(max_session_loss=0.02),
        mishaps=ADVERSE,
    )
    one.exchange.refuses, one.exchange.volume_share = rejected_once, 0.0005
    events = one.events()
    one.play(events[:200])
    one.play(events[200:])
    with TradeState(one.url) as state, state.begin() as connection:
        seen = watched(connection, SessionJournal(session=DAY, strategy="main"), one.rules)
    assert seen is not None
    compared = as_decided(seen.heard, seen.decided, one.rules, one.stored)
    assert set(compared.rows["verdict"]) == {SAME}, compared.differences
    made = live_day_report(seen, compared)
    (tmp_path / "live_day.html").write_text(made, encoding="utf-8")
    for told in (
        "0 differences",
        "BAC halted",
        "BAC traded again",
        "the connection broke",
        "repaired bar of IBM",
        "late bar of IBM",
        "0.0 is no price",
    ):
        assert told in made, told
    for told in ("rejected", "partially_filled", "trading of BAC is halted", "lost: the connection broke", "never heard"):
        assert told in made, told
