"""From the double through Dagster into the warehouse: each row that was served is there once."""

import logging
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.automation.new_session import judge_remembering, judge_source
from ats_assets.automation.requests import range_tags
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.settings import IntradaySettings
from ats_assets.sources.last_asked import LastAsked
from ats_assets.storage.data_version import data_version
from ats_assets.storage.knowledge import FOREVER
from ats_assets_tests.alpaca_double import Fault, Plan, Step
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.alpaca.markets import SYMBOLS, XNYS, Market, bar, midnight, rfc3339, stocks
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, mentions_of_keys

SESSIONS = XNYS.sessions(date(2024, 2, 26), date(2024, 3, 22))


def deployed(market: Market, root: Path, **choice: Any) -> Deployment:
    url = market.double.url
    return small_market(
        root,
        source={"kind": "alpaca", "alpaca": {"symbols": SYMBOLS, "first_session": SESSIONS[0]} | choice},
        alpaca={"data_url": url, "trading_url": url, "max_wait_seconds": 0.001, "timeout_seconds": 5},
        calendar={"first_session": date(2020, 1, 2)},
        bars={"profile": False},
    )


def made(
    deployment: Deployment, instance: dg.DagsterInstance, *, sessions: list[date] | None = None, fails: bool = False
) -> dg.ExecuteInProcessResult:
    """Raw bars and bars of the sessions, as one run."""
    days = SESSIONS if sessions is None else sessions
    result = (
        build(deployment)
        .resolve_job_def("history")
        .get_subset(asset_selection={dg.AssetKey(name) for name in ("raw_bars", "raw_corporate_actions", "bars", "rejected_bars")})
        .execute_in_process(instance=instance, tags=range_tags(days), raise_on_error=not fails)
    )
    assert result.success is not fails
    return result


def asked(market: Market) -> int:
    return len(market.double.requests("GET", "/v2/stocks/bars"))


@pytest.mark.parametrize("seed", [1])
def test_all_that_was_served_is_stored_once_and_nothing_with_a_key(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with stocks(SESSIONS, page_limit=7) as market, dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        market.double.plan = Plan(seed=seed, share=0.6, most=5)
        deployment = deployed(market, tmp_path)
        result = made(deployment, instance)
        stored = deployment.warehouse.read("bars", SESSIONS)
        assert deployment.warehouse.read("rejected_bars", SESSIONS).is_empty()
        assert_frame_equal(stored.select(market.served.columns), market.served)
        raw = deployment.warehouse.read("raw_bars", SESSIONS)
        assert_frame_equal(raw.select(market.served.columns), market.served)
        count = asked(market)
        made(deployment, instance)
        assert asked(market) == count
        assert all(len(deployment.warehouse.vintages("raw_bars", day)) == 1 for day in SESSIONS)
        text = caplog.text + "".join(capfd.readouterr()) + "".join(str(event) for event in result.all_events)
        assert "feed iex" in str([event.event_specific_data for event in result.all_events])
    assert not any(value in text for value in ENVIRONMENT.values())
    assert not mentions_of_keys(tmp_path)
    assert len(list(tmp_path.rglob("*"))) > 100


def test_a_run_that_broke_off_goes_on_and_a_correction_is_a_vintage(tmp_path: Path) -> None:
    with stocks(SESSIONS, page_limit=7) as market, asked_instance() as instance:
        deployment = deployed(market, tmp_path)
        made(deployment, instance, sessions=SESSIONS[:5])
        market.double.plan = Plan(steps=(Step(fault=Fault.CUT_BODY, path="stocks/bars", first=2, times=None),))
        made(deployment, instance, fails=True)
        assert deployment.warehouse.stored_sessions("raw_bars") == SESSIONS[:5]
        market.double.plan = Plan()
        market.double.journal.clear()
        made(deployment, instance)
        starts = {entry.query["start"][:10] for entry in market.double.requests("GET", "/v2/stocks/bars")}
        assert starts == {(SESSIONS[4] + timedelta(days=1)).isoformat()}  # the first five sessions are not asked for again
        assert_frame_equal(deployment.warehouse.read("bars", SESSIONS).select(market.served.columns), market.served)
        assert (
            delivered_versions(deployment)["raw_bars"]
            == {day.isoformat(): data_version(deployment.source.bars([day])) for day in SESSIONS}
            == deployment.warehouse.data_versions("raw_bars", SESSIONS)
        )
        last = SESSIONS[-1]
        market.data.clear("stocks", "bars/1Day", "TSLA", feed="iex")
        market.data.add("stocks", "bars/1Day", "TSLA", [bar(midnight(last), 5)])
        build(deployment).resolve_job_def("history").get_subset(asset_selection={dg.AssetKey("raw_bars")}).execute_in_process(
            instance=instance, partition_key=last.isoformat()
        )
        assert len(deployment.warehouse.vintages("raw_bars", last)) == 2
        assert deployment.warehouse.read("raw_bars", [last]).filter(pl.col("symbol") == "TSLA")["open"].to_list() == [bar("", 5)["o"]]


def test_other_symbols_are_another_delivery(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market, asked_instance() as instance:
        made(deployed(market, tmp_path, symbols=SYMBOLS[:2]), instance)
        deployment = deployed(market, tmp_path)
        made(deployment, instance)
        assert_frame_equal(deployment.warehouse.read("bars", SESSIONS).select(market.served.columns), market.served)


def test_the_sensor_goes_by_alpacas_clock_and_calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stocks(SESSIONS) as market, asked_instance() as instance:
        deployment = deployed(market, tmp_path)
        stored = SESSIONS[:-2]
        made(deployment, instance, sessions=stored)
        for day in stored:
            deployment.warehouse.write("targets", day, pl.DataFrame())
        later = XNYS.closes_at(SESSIONS[-1]) + timedelta(days=5)

        def judged() -> dg.RunRequest | dg.SkipReason:
            return judge_source(deployment, later, instance)

        due = SESSIONS[-2]
        market.double.now = XNYS.closes_at(due) + timedelta(minutes=14)
        assert isinstance(judged(), dg.SkipReason)
        market.double.now += timedelta(minutes=1)
        request = judged()
        assert isinstance(request, dg.RunRequest)
        assert request.job_name in ("daily_signals", "nightly_retraining")
        market.reference.closed.add(due)
        market.reference.closed.add(SESSIONS[-1])
        assert isinstance(judged(), dg.SkipReason)
        market.reference.closed.remove(SESSIONS[-1])
        market.double.now = XNYS.closes_at(SESSIONS[-1]) + timedelta(minutes=15)
        past_it = judged()  # it waited for the bars of the day of mourning, for ever
        assert isinstance(past_it, dg.RunRequest)
        assert past_it.tags["dagster/asset_partition_range_end"] == str(SESSIONS[-3])  # the model of the session before is trained first
        assert not deployment.calendar.is_session(due)
        market.reference.closed.clear()
        judged()
        assert deployment.calendar.is_session(due)
        market.double.plan = Plan(steps=(Step(fault=Fault.CUT_BEFORE, path="clock", times=None),))
        fallen_back = judged()
        assert isinstance(fallen_back, dg.RunRequest)
        assert "as stored, by this machine's clock" in fallen_back.tags["ats/remark"]
        market.double.keys = {}
        refused = judged()
        assert isinstance(refused, dg.SkipReason)
        assert "APCA_API_KEY_ID" in str(refused.skip_message)
        for name in ENVIRONMENT:
            monkeypatch.delenv(name)
        without_keys = judged()
        assert isinstance(without_keys, dg.SkipReason)
        assert "APCA_API_KEY_ID and APCA_API_SECRET_KEY are not set" in str(without_keys.skip_message)


def asked_for(market: Market) -> list[str]:
    """The paths that were asked for since the last look."""
    found = [entry.path for entry in market.double.journal]
    market.double.journal.clear()
    return found


def test_an_idle_tick_asks_for_the_time_and_nothing_else_until_a_session_is_due(tmp_path: Path) -> None:
    """All assets, bars and actions were asked for in each idle minute: 23 requests of 4,000 symbols."""
    symbols = [f"{a}{b}{c}Q" for a in "ABCDEFGHIJ" for b in "ABCDEFGHIJ" for c in "ABCD"]
    clock = ["/v2/clock", "/v2/calendar"]
    with stocks(SESSIONS[-3:], symbols=symbols) as market, asked_instance() as instance:
        deployment = deployed(market, tmp_path, symbols=())
        due, stored = SESSIONS[-1], SESSIONS[-2]
        market.double.now = XNYS.closes_at(stored) + timedelta(minutes=20)
        made(deployment, instance, sessions=SESSIONS[-3:-1])
        for day in SESSIONS[-3:-1]:
            deployment.warehouse.write("targets", day, pl.DataFrame())
        last: LastAsked | None = None

        def tick() -> tuple[dg.RunRequest | dg.SkipReason, list[str], float]:
            nonlocal last
            last = LastAsked.decoded(None if last is None else last.encoded())  # as a cursor keeps it
            asked_for(market)
            began = time.process_time()  # of this process alone, the double's answers included
            outcome, last = judge_remembering(deployment, market.double.now, instance, last)
            return outcome, asked_for(market), time.process_time() - began

        market.double.now = datetime.combine(due, time_of_day(3), UTC)
        assert tick()[1] == clock  # the first tick of all has no memory: it begins with what is stored
        assert isinstance(judge_source(deployment, market.double.now, instance), dg.SkipReason)
        assert asked_for(market) == clock
        taken: list[float] = []
        for minutes in (1, 2, 200):
            market.double.now += timedelta(minutes=minutes)
            outcome, paths, seconds = tick()
            assert isinstance(outcome, dg.SkipReason)
            assert paths == clock
            taken.append(seconds)
        assert min(taken) < 0.2
        market.double.now += timedelta(minutes=40)
        assert "/v2/assets" in tick()[1]  # after four hours a delivery is asked for again
        market.double.now = XNYS.closes_at(due) + timedelta(minutes=14)
        assert last is not None
        last = replace(last, at=market.double.now)
        assert tick()[1] == clock  # a session is near
        market.double.now = datetime.combine(due + timedelta(days=1), time_of_day(1), UTC)  # it is a partition from midnight on
        outcome, paths, _ = tick()
        assert isinstance(outcome, dg.RunRequest)
        assert "/v2/assets" in paths
        assert len(tick()[1]) == 2  # until the run has begun, too


def late_dividend(ex: date) -> dict[str, Any]:
    dates = {"ex_date": str(ex), "process_date": str(ex + timedelta(days=30)), "payable_date": str(ex + timedelta(days=30))}
    return {"id": "00000000-0000-0000-0000-000000000001", "symbol": "MSFT", "rate": 0.25, "special": False, "foreign": False} | dates


def test_an_action_that_is_announced_after_its_ex_date_is_a_vintage_of_that_session_before_the_next_signals(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market, asked_instance() as instance:
        deployment, stored, ex = deployed(market, tmp_path), SESSIONS[:-1], SESSIONS[-4]
        late_one = {"raw_corporate_actions", "corporate_actions", "rejected_corporate_actions"}
        market.double.now = XNYS.closes_at(stored[-1]) + timedelta(hours=1)
        made(deployment, instance, sessions=stored)
        for day in stored:
            deployment.warehouse.write("targets", day, pl.DataFrame())
        market.double.now = XNYS.closes_at(SESSIONS[-1]) + timedelta(days=1)
        market.data.add_action("cash_dividends", late_dividend(ex))
        request, last = judge_remembering(deployment, market.double.now, instance, None)
        assert isinstance(request, dg.RunRequest)
        assert (request.job_name, request.partition_key, last) == ("late_actions", ex.isoformat(), None)
        before = datetime.now(UTC)
        job = build(deployment).resolve_job_def("late_actions")
        result = job.execute_in_process(instance=instance, partition_key=request.partition_key, tags=request.tags)
        assert {str(event.asset_key.path[-1]) for event in result.get_asset_materialization_events() if event.asset_key} == late_one
        vintages = deployment.warehouse.vintages("raw_corporate_actions", ex)
        assert len(vintages) == 2
        assert min(vintages) == XNYS.closes_at(ex) + timedelta(minutes=15)
        assert max(vintages) >= before  # when it was learnt
        assert pl.read_parquet(vintages[min(vintages)]).is_empty()
        assert deployment.warehouse.read("corporate_actions", [ex]).is_empty(), "as the session itself knew them"
        kept = pl.read_parquet(deployment.warehouse.path("corporate_actions", ex, until=FOREVER), hive_partitioning=False)
        assert kept.select("symbol", "session", "cash", "payable").rows() == [("MSFT", ex, 0.25, ex + timedelta(days=30))]
        following, last = judge_remembering(deployment, market.double.now, instance, None)
        assert isinstance(following, dg.RunRequest)
        assert following.job_name in ("daily_signals", "nightly_retraining")
        assert last is not None
        assert last.session == SESSIONS[-1]
        # of a session before the last ten, nothing is asked for again
        market.data.add_action("cash_dividends", late_dividend(SESSIONS[2]) | {"id": "00000000-0000-0000-0000-000000000002"})
        again = judge_source(deployment, market.double.now, instance)
        assert isinstance(again, dg.RunRequest)
        assert again.job_name == following.job_name


def test_a_range_asks_again_for_the_actions_of_its_last_sessions(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market, asked_instance() as instance:
        deployment, ex = deployed(market, tmp_path), SESSIONS[-2]
        market.double.now = XNYS.closes_at(ex) + timedelta(hours=1)
        made(deployment, instance, sessions=SESSIONS[:-1])
        market.double.now = XNYS.closes_at(SESSIONS[-1]) + timedelta(hours=1)
        market.data.add_action("cash_dividends", late_dividend(ex))
        market.double.journal.clear()
        made(deployment, instance)
        assert deployment.warehouse.read("raw_corporate_actions", SESSIONS)["session"].to_list() == [ex]
        assert len(deployment.warehouse.vintages("raw_corporate_actions", ex)) == 2
        assert len(market.double.requests("GET", "/v1/corporate-actions")) == 1
        assert len({entry.query["start"] for entry in market.double.requests("GET", "/v2/stocks/bars")}) == 1  # bars are not


def collection(deployment: Deployment, instance: dg.DagsterInstance, day: date) -> str | None:
    """What the schedule wants in the evening of the day: the partition to make, or why there is none."""
    definitions = build(deployment)
    at = datetime.combine(day, time_of_day(20, 30), XNYS.timezone)
    with dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
    ) as context:
        tick = definitions.resolve_schedule_def("market_data_schedule").evaluate_tick(context)
    return tick.skip_message or (tick.run_requests or [])[0].partition_key


def test_what_is_collected_is_in_the_warehouse_session_by_session(tmp_path: Path) -> None:
    last = SESSIONS[-1]
    with stocks(SESSIONS, page_limit=7) as market, asked_instance() as instance:
        closes = [XNYS.closes_at(day) for day in SESSIONS[-3:]]
        for symbol in SYMBOLS:
            rows = [
                {"t": at - timedelta(seconds=i), "x": "V", "i": i, "p": 10.0 + i, "s": 1, "c": ["@"], "z": "C"}
                for at in closes
                for i in range(20)
            ]
            market.data.add("stocks", "trades", symbol, rows)
            market.data.add_snapshot("stocks", symbol, {"latestTrade": rows[-1] | {"t": rfc3339(closes[-1])}})
        market.double.plan = Plan(seed=7, share=0.4)
        deployment = deployed(market, tmp_path, collect=("trades", "snapshots"))
        job = build(deployment).resolve_job_def("market_data")
        assert collection(deployment, instance, last) == last.isoformat()
        for day in (SESSIONS[-3], SESSIONS[-2], last, last):
            assert job.execute_in_process(instance=instance, partition_key=day.isoformat()).success
        trades = deployment.warehouse.read("alpaca_trades", SESSIONS[-3:])
        assert trades.group_by("symbol", "session").len()["len"].to_list() == [20] * 3 * len(SYMBOLS)
        assert not trades.is_duplicated().any()
        assert len(deployment.warehouse.vintages("alpaca_trades", last)) == 1
        assert deployment.warehouse.read("snapshots", [last])["symbol"].to_list() == sorted(SYMBOLS)
        assert "is stored" in str(collection(deployment, instance, last))
        assert "is stored" in str(collection(deployment, instance, last + timedelta(days=1)))  # no session has closed since
        assert deployment.warehouse.read("snapshots", [SESSIONS[-2]]).is_empty()
        market.double.now = XNYS.opens_at(XNYS.offset(last, 1))
        assert job.execute_in_process(instance=instance, partition_key=last.isoformat()).success
        assert deployment.warehouse.read("snapshots", [last])["symbol"].to_list() == sorted(SYMBOLS)  # kept, since it can't be taken again
        assert {key.to_user_string() for key in build(deployment).resolve_job_def("history").asset_layer.executable_asset_keys}.isdisjoint(
            {"alpaca_trades", "snapshots"}
        )


def test_collected_trades_are_a_source_of_ticks(tmp_path: Path) -> None:
    day = SESSIONS[-2]
    with stocks(SESSIONS, page_limit=7) as market, asked_instance() as instance:
        close = XNYS.closes_at(day)
        times = [close - timedelta(seconds=2), close - timedelta(seconds=1), close + timedelta(seconds=1)]
        codes = [["@"], ["@", "I"], ["@", "6"]]
        rows = [{"t": at, "x": "V", "i": i, "p": 10.0 + i, "s": 5, "c": codes[i], "z": "C"} for i, at in enumerate(times)]
        market.data.add("stocks", "trades", SYMBOLS[0], rows)
        deployment = deployed(market, tmp_path, collect=("trades",))
        late = {"end": "16:10", "start": "09:30"}
        settings = deployment.settings.model_copy(
            update={"intraday": IntradaySettings.model_validate({"trades": {"kind": "alpaca"}, "sessions": {"default": late}})}
        )
        deployment = Deployment(settings)
        job = build(deployment).resolve_job_def("market_data")
        for session in SESSIONS[-3:]:
            assert job.execute_in_process(instance=instance, partition_key=session.isoformat()).success
        names = ["raw_trades", "trades", "rejected_trades"]
        made = build(deployment).resolve_job_def("history")
        assert made.execute_in_process(
            instance=instance, partition_key=day.isoformat(), asset_selection=[dg.AssetKey(name) for name in names]
        ).success
        found = deployment.warehouse.read("trades", [day])
        assert found.select("sequence", "price", "exchange", "for_price").rows() == [
            (0, 10.0, "V", True),
            (1, 11.0, "V", False),
            (2, 12.0, "V", True),
        ], "the odd lot sets no price, and the auction after the bell is in the partition of the next session"
        assert min(deployment.warehouse.vintages("raw_trades", day)) == XNYS.closes_at(SESSIONS[-1])
