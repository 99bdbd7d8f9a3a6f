"""A session traded at events: as the graph says afterwards, through restarts, and on an adverse day."""

from collections import Counter
from collections.abc import Callable
from datetime import date, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, MissingPartitionError, ModelError, SettingsError
from ats_assets.events.choosing import event_rules
from ats_assets.events.event_trades import event_trades, sided_labels
from ats_assets.live.at_events.lane_opening import open_lane
from ats_assets.live.at_events.tick_tape import instant_of, nanoseconds
from ats_assets.live.day_market import of_warehouse
from ats_assets.live.graph_compared import EventsCompared
from ats_assets.live.live_decision import What
from ats_assets.live.recorded import events_compared
from ats_assets.live.service import Replayed
from ats_assets.live.session_journal import DecidedRow
from ats_assets.live.stream import EventKind
from ats_assets_tests.execution.exchange import Killed
from ats_assets_tests.live.at_events.trade_lane import ALERTS, CALENDAR, DAY, DAYS, FOREST, SYMBOLS, deliver, lane_of_trades, made, played
from ats_assets_tests.rounds import FULL

Lane = Callable[..., Deployment]
SETTLE = timedelta(seconds=1)
WHOLE_DAYS = pytest.mark.skipif(not FULL, reason="another day through the loop: ATS_TESTS_FULL=1")


def beside_the_graph(deployment: Deployment, one: Replayed) -> EventsCompared:
    found = events_compared(deployment, DAY, one.watched.decided, one.watched.heard, of_warehouse(deployment, DAY, SYMBOLS).trades)
    assert found is not None
    return found


def decided(one: Replayed, *what: What) -> list[DecidedRow]:
    return [row for row in one.watched.decided if row.decision.what in what]


def entries(one: Replayed) -> set[tuple[str, int, int]]:
    """Symbol, time and side of the positions that were wanted."""
    rows = [row.decision for row in decided(one, What.EVENT) if row.decision.fields["position"] is not None]
    return {(row.symbol or "", row.fields["known_ns"], row.fields["side"]) for row in rows}


def of_backtest(deployment: Deployment) -> set[tuple[str, int, int]]:
    """The same by the backtest, of the day as the graph has it, before the session's end is near."""
    rules, settings = deployment.of(event_rules), deployment.settings.event_backtest
    assert rules is not None
    days = DAYS[-1 - rules.barriers.lookback_sessions :]
    bars = deployment.warehouse.read(rules.frame, days)
    predictions = deployment.warehouse.read("meta_predictions", [DAY])
    trades = event_trades(predictions, sided_labels(predictions, bars, days, rules.barriers), bars, settings, rules.barriers)
    rows = trades.select("symbol", pl.col("decided_at").cast(pl.Int64), "side").iter_rows()
    flat = nanoseconds(CALENDAR.closes_at(DAY) - timedelta(minutes=5))
    return {(symbol, at, side) for symbol, at, side in rows if at < flat}


def require_sound(one: Replayed) -> None:
    """Nothing is held in the end, no order is there twice, and each decision is made again as it was."""
    assert one.compared.differences.is_empty(), one.compared.differences
    assert not any(one.exchange.positions_held.values())
    ids = [row.decision.subject for row in decided(one, What.ENTER, What.LEAVE)]
    assert len(ids) == len(set(ids))
    assert all(row.done for row in decided(one, What.ENTER, What.LEAVE, What.SEND))


@pytest.fixture(scope="module")
def whole(history: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Deployment, Replayed]:
    """The day without a mishap, and then as the graph has it."""
    import shutil  # noqa: PLC0415

    from ats_assets_tests.live.at_events.conftest import TICKS  # noqa: PLC0415

    root = tmp_path_factory.mktemp("whole")
    for name in ("warehouse", "models"):
        shutil.copytree(history / name, root / name)
    deployment = lane_of_trades(root, *TICKS)
    one = played(deployment, root / "state")
    made(deployment, [DAY])
    return deployment, one


def test_events_and_positions_are_those_of_the_graph_afterwards(whole: tuple[Deployment, Replayed]) -> None:
    deployment, one = whole
    found = beside_the_graph(deployment, one)
    assert found.rows.height > 20
    assert set(found.rows["verdict"]) == {"same"}, found.rows.filter(pl.col("verdict") != "same")
    assert entries(one) == of_backtest(deployment)
    assert len(entries(one)) > 5
    require_sound(one)
    entered = decided(one, What.ENTER)
    assert {row.decision.symbol for row in entered} == set(SYMBOLS)
    assert {row.decision.fields["side"] for row in entered} == {"buy", "sell"}
    assert all(row.at <= CALENDAR.closes_at(DAY) - timedelta(minutes=5) for row in entered)


def test_an_event_is_decided_with_the_next_trade_or_when_none_of_its_instant_comes_any_more(whole: tuple[Deployment, Replayed]) -> None:
    _, one = whole
    for symbol in SYMBOLS:
        times = sorted(
            {row.event.fields["at"] for row in one.watched.heard if row.event.kind is EventKind.TRADE and row.event.symbol == symbol}
        )
        after = dict(pairwise(times))
        rows = [row for row in decided(one, What.EVENT) if row.decision.symbol == symbol]
        before = None
        for row in rows:
            known = instant_of(row.decision.fields["known_ns"] // 1_000 * 1_000)
            soon = min(after.get(known, known + SETTLE), known + SETTLE)
            assert row.at <= max(soon, before + SETTLE if before else soon) + timedelta(microseconds=1)
            before = row.at


def test_killed_in_the_middle_the_same_rows_come_out(whole: tuple[Deployment, Replayed], lane: Lane, tmp_path: Path) -> None:
    """By default of the first hours alone."""
    deployment, one, state = lane(), whole[1], tmp_path / "state"
    for kill_at in (900, 700) if FULL else (300,):
        with pytest.raises(Killed):
            played(deployment, state, kill_at=(kill_at, Killed))
    again = played(deployment, state, stop_at=None if FULL else 150)
    made, before = again.watched.decided, one.watched.decided[: len(again.watched.decided)]
    assert [row.decision for row in made] == [row.decision for row in before]
    assert [row.at for row in made] == [row.at for row in before]
    assert decided(again, What.ENTER)
    assert again.watched.state.lane is not None
    assert again.watched.state.lane.broken is None
    if FULL:
        assert again.exchange.positions_held == one.exchange.positions_held
        require_sound(again)


def test_orders_that_are_written_down_hold_where_settings_have_changed_by_a_restart(
    whole: tuple[Deployment, Replayed], lane: Lane, tmp_path: Path
) -> None:
    """What is held is left, and nothing is entered."""
    first = decided(whole[1], What.LEAVE)[0]
    with pytest.raises(Killed):
        played(lane(), tmp_path / "state", kill_at=(first.at, Killed))
    until = first.at + timedelta(minutes=10)
    again = played(lane(event_backtest={"min_probability": 0.999}), tmp_path / "state", stop_at=until)
    entered, left = decided(again, What.ENTER), decided(again, What.LEAVE)
    assert entered
    assert [row.decision.symbol for row in left if row.at >= first.at - timedelta(minutes=1)].count(first.decision.symbol) == 1
    assert max(row.at for row in entered) < first.at
    assert not any(again.exchange.positions_held.values())
    assert len({row.decision.subject for row in [*entered, *left]}) == len(entered) + len(left)
    assert any("have changed since the session began" in alert.text for alert in ALERTS)


@WHOLE_DAYS
def test_an_adverse_day_is_decided_on_what_was_known_and_each_difference_is_named(
    whole: tuple[Deployment, Replayed], lane: Lane, tmp_path: Path
) -> None:
    """Trades come late, twice, out of order, with a price of zero, an hour late, or never; the connection is lost for a while."""
    mishaps: list[dict[str, Any]] = [
        {"kind": "late", "start": time(10), "end": time(10, 2), "symbol": "AAA", "seconds": 45.0},
        {"kind": "lost", "start": time(10, 40), "end": time(10, 50)},
        {"kind": "doubled", "start": time(11), "end": time(11, 30)},
        {"kind": "zero", "start": time(12), "end": time(12, 3), "symbol": "BBB"},
        {"kind": "back", "start": time(13), "end": time(13, 5)},
    ]
    one = played(lane(), tmp_path / "state", *mishaps)
    require_sound(one)
    found = beside_the_graph(whole[0], one)
    assert found.differences.is_empty(), found.differences
    late = found.rows.filter(verdict="late")
    assert not late.is_empty()
    assert late["why"].str.contains("heard at|never heard").all()
    assert found.rows.filter(verdict="same", symbol="AAA").height > 5
    morning = found.rows.filter(pl.col("known_at") < CALENDAR.opens_at(DAY) + timedelta(minutes=25))
    assert set(morning["verdict"]) <= {"same"}
    refused = [row for row in one.watched.heard if row.verdict.refused]
    assert {row.event.kind for row in refused} >= {EventKind.TRADE, EventKind.BAR}
    back = [row.event.known_at for row in refused if row.verdict == "back_in_time"]
    assert not [row for row in decided(one, What.ENTER) if min(back) <= row.at <= max(back)]
    lost = [row for row in decided(one, What.ENTER, What.SEND) if time(14, 40) <= row.at.time() < time(14, 50)]
    assert lost == []


@WHOLE_DAYS
def test_where_trades_cannot_be_had_nothing_is_decided_any_more(lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ats_assets.live.streams import replay as stream  # noqa: PLC0415

    plain = stream.with_mishaps

    def with_a_gap(*given: Any) -> Any:
        for event in plain(*given):
            gap = (
                {"ticks_missing": "trades from 10:40 to 10:50 are missing"}
                if event.kind is EventKind.RESUMED and event.known_at.hour == 15
                else {}
            )
            yield type(event)(known_at=event.known_at, kind=event.kind, symbol=event.symbol, fields={**event.fields, **gap})

    monkeypatch.setattr(stream, "with_mishaps", with_a_gap)
    one = played(lane(), tmp_path / "state", {"kind": "lost", "start": time(11, 50), "end": time(11, 55)})
    require_sound(one)
    gone = next(row.event.known_at for row in one.watched.heard if "ticks_missing" in row.event.fields)
    assert [row for row in decided(one, What.EVENT) if row.at < gone]
    assert not [row for row in decided(one, What.EVENT, What.ENTER) if row.at > gone]
    told = [row.decision.reason for row in decided(one, What.UNWANTED) if row.at >= gone]
    assert all("are missing" in text for text in told)


@WHOLE_DAYS
@pytest.mark.parametrize(
    ("frame", "sampler"),
    [
        ("dollar_bars", {"kind": "dollar", "bars_per_session": 30, "estimated_on_sessions": 1}),
        ("ten_bars", {"kind": "time", "seconds": 600}),
        ("runs_bars", {"kind": "volume_runs", "bars_per_session": 30, "estimated_on_sessions": 2}),
        ("imbalance_bars", {"kind": "tick_imbalance", "bars_per_session": 30, "estimated_on_sessions": 2, "keep_last": False}),
    ],
)
def test_with_other_samplers(tmp_path: Path, frame: str, sampler: dict[str, Any]) -> None:
    """A rule gives the side, and one model judges it."""
    changes: dict[str, Any] = {
        "events": {"side": "$close / Ref($close, 3) - 1", "sample": "every_bar"},
        "event_models": {"meta": FOREST | {"judges": "rule"}},
        "event_training": {"families": ("fast",), "train_sessions": 2},
        "microstructure": {"frame": None},
        "bar_regimes": {"frame": None},
    }
    deployment = lane_of_trades(tmp_path, frame, sampler, **changes)
    deliver(deployment, DAYS[-5:])
    made(deployment, DAYS[-5:-1])
    one = played(deployment, tmp_path / "state")
    made(deployment, [DAY])
    found = beside_the_graph(deployment, one)
    assert found.rows.height > 20
    assert set(found.rows["verdict"]) == {"same"}, found.rows.filter(pl.col("verdict") != "same")
    require_sound(one)


def test_what_can_not_be_traded_is_told_before_the_open(lane: Lane, tmp_path: Path) -> None:
    def refused(error: type[Exception], text: str, session: date = DAY, **changes: Any) -> None:
        with pytest.raises(error, match=text):
            open_lane(lane(**changes), session)

    on = {"enabled": True, "symbols": SYMBOLS}
    refused(SettingsError, "has no threshold for CCC", live={"events": on | {"symbols": ("AAA", "CCC")}})
    refused(SettingsError, r"live.events.symbols is empty", live={"events": {"enabled": True}})
    refused(SettingsError, "max_sessions is 1", events={"barriers": {"max_sessions": 1}})
    refused(SettingsError, "which sends its orders before the open", live={"events": on | {"algorithm": "at_open"}})
    refused(SettingsError, "reads quotes", intraday={"quotes": {"path": "q"}}, samplers={"ten_minutes": {"kind": "time", "spread": True}})
    refused(MissingPartitionError, "make it before the open", session=CALENDAR.after(DAY))
    early = DAYS[2]
    refused(ModelError, f"there is no direction_model that is active at {early}", session=early)
    with pytest.raises(AtsError, match="is held, or in the plan"):
        played(lane(), tmp_path / "state", held={"AAA": 5.0})
    assert Counter(open_lane(lane(), DAY).symbols) == Counter(SYMBOLS)  # pyright: ignore[reportOptionalMemberAccess]
