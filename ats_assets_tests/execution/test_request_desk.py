"""What people ask for is taken up exactly once: killed at each point, with answers lost, by two desks; and within the limits, halts and the kill switch."""

import contextlib
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ats_assets.execution import state as states
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.halts import halt, open_halt
from ats_assets.execution.order import Leg, OrderKind, Side
from ats_assets.execution.outcome import LeaseLostError
from ats_assets.requests import Request, RequestState
from ats_assets.requests.manual_book import manual_shares
from ats_assets.settings import RequestsSettings
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.desk import BUY, SELL, Office
from ats_assets_tests.execution.exchange import PLAN, SESSION, Bench, ExchangeBroker, Killed, Network, Points, intent
from ats_assets_tests.rounds import FULL


@pytest.fixture
def office(sqlite_bench: Bench, tmp_path: Path) -> Office:
    return Office(sqlite_bench, tmp_path / "journal")


@pytest.fixture
def office_on_each(bench: Bench, tmp_path: Path) -> Office:
    """On SQLite and on PostgreSQL."""
    return Office(bench, tmp_path / "journal")


def fresh(folder: Path, name: str) -> Office:
    return Office(Bench.at(f"sqlite:///{folder / f'{name}.sqlite'}", folder / "KILL"), folder / f"journal-{name}")


def test_a_confirmed_order_is_sent_filled_and_found(office_on_each: Office) -> None:
    office = office_on_each
    asked = office.ask()
    assert office.look() == 1
    done = office.known(asked)
    assert (done.state, done.result) == (RequestState.DONE, {"client_order_id": f"manual-{asked.id}", "state": "accepted"})
    assert [(one.client_order_id, one.quantity) for one in office.bench.exchange.orders] == [(f"manual-{asked.id}", 10)]
    office.bench.exchange.open()
    assert office.bench.reconcile() == []
    order = office.order(done)
    assert order is not None
    assert (order.state, order.filled_quantity, order.filled_average_price) == ("filled", 10, 10)
    assert order.filled_at is not None
    audit = office.bench.audit()
    for what in ("request asked", "request confirmed", "request taken up", "planned", "sending", "accepted", "request done", "fill"):
        assert audit.count(what) == 1


def test_what_nobody_has_confirmed_is_not_sent(office: Office) -> None:
    asked = office.ask(confirm=False)
    assert office.look() == 0
    office.bench.exchange.clock.sleep(121)
    assert office.look() == 1
    assert office.known(asked).state is RequestState.EXPIRED
    assert office.bench.exchange.orders == []


def test_asked_and_confirmed_again_and_again_it_is_one_order(office: Office) -> None:
    """The answers to the page were lost: it asks again under its key, and confirms again."""
    first = office.ask(key="k")
    office.look()
    for _ in range(3):
        again = office.ask(key="k")
        assert again.id == first.id
        office.look()
    assert office.bench.exchange.counts() == {f"manual-{first.id}": 1}


def _ends(office: Office, asked: Request) -> Request:
    """Desks look until the request has come to an end; what the first one's lease holds up is waited for."""
    for _ in range(12):
        office.bench.exchange.clock.sleep(office.bench.timeouts.lease_seconds + 1)
        with contextlib.suppress(BrokerError):
            office.look()
        if (known := office.known(asked)).state.final:
            return known
    raise AssertionError(f"not through: {office.known(asked)}")


NETWORKS = [[], [Network.ANSWER_LOST], [Network.LOST], [Network.LATE], [Network.TURNED_AWAY, Network.ANSWER_LOST]]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: "-".join(one) or "works")
def test_killed_at_each_point_of_an_order_it_is_one_order(tmp_path: Path, network: list[Network]) -> None:
    """Without the exchange's promise to take an id once."""
    number, step, killed = len(network), 1 if FULL else 5 if not network else 11, True
    while killed:
        office = fresh(tmp_path, str(number))
        office.bench.exchange.unique = Network.LATE not in network  # what arrives later than anybody can know needs the promise
        office.bench.broker.network = list(network)
        asked, points = office.ask(), Points(stop_at=number)
        with contextlib.suppress(Killed, BrokerError):
            office.look(points)
        killed = points.gone
        done = _ends(office, asked)
        assert done.state is RequestState.DONE, (points.names[-1], done)
        assert office.bench.exchange.counts() == {f"manual-{asked.id}": 1}, points.names[-1]
        office.bench.exchange.open()
        assert office.bench.reconcile() == []
        order = office.order(done)
        assert order is not None
        assert (order.state, order.filled_quantity) == ("filled", 10)
        number += step
    assert number > 25


@pytest.mark.slow
def test_another_desk_takes_over_at_each_point_and_it_is_one_order(tmp_path: Path) -> None:
    """The first is stopped past its lease at each point, and goes on afterwards."""
    undisturbed, office = Points(act=lambda: None), fresh(tmp_path, "undisturbed")
    office.ask()
    office.look(undisturbed)
    assert len(undisturbed.names) > 20
    for number in range(0, len(undisturbed.names), 1 if FULL else 7):
        office = fresh(tmp_path, str(number))
        other = ExchangeBroker(office.bench.exchange)
        asked = office.ask()

        def take_over(office: Office = office, other: ExchangeBroker = other) -> None:
            office.bench.exchange.clock.sleep(office.bench.timeouts.lease_seconds + 1)
            with office.open(broker=other) as desk:
                desk.look()

        points = Points(stop_at=number, act=take_over)
        with contextlib.suppress(LeaseLostError, BrokerError):
            office.look(points)
        done = _ends(office, asked)
        assert done.state is RequestState.DONE, (points.names[number], done)
        assert office.bench.exchange.counts() == {f"manual-{asked.id}": 1}, points.names[number]
        assert office.bench.audit().count("request taken up") == 1


@pytest.mark.parametrize("kind", ["cancel_order", "promote", "rollback", "resume", "halt"])
def test_killed_at_each_point_of_anything_else_it_is_done_once(tmp_path: Path, kind: str) -> None:
    number, step, killed = len(kind) % 3, 1 if FULL else 4, True
    while killed:
        office = fresh(tmp_path, str(number))
        bodies = {
            "cancel_order": {"client_order_id": PLAN[0].client_order_id},
            "promote": {"model": "forest", "reason": "better"},
            "rollback": {"reason": "worse"},
            "resume": {"note": "seen to"},
            "halt": {"reason": "odd prices"},
        }
        office.bench.execute()
        for model in ("second", "third") if kind == "rollback" else ():
            office.ask("promote", {"model": model, "reason": "x"})
            office.look()
            office.bench.exchange.clock.sleep(1)
        if kind == "resume":
            with TradeState(office.bench.url) as state, state.begin() as connection:
                halt(connection, office.bench.exchange.clock.now(), "me", "odd")
        asked, points = office.ask(kind, bodies[kind]), Points(stop_at=number)
        before = len(office.journal.decisions())
        with contextlib.suppress(Killed):
            office.look(points)
        killed = points.gone
        done = _ends(office, asked)
        assert done.state is RequestState.DONE, (points.names[-1], done)
        decided = [one.model for one in office.journal.decisions()][before:]
        assert decided == {"promote": ["forest"], "rollback": ["second"]}.get(kind, [])
        canceled = [one.client_order_id for one in office.bench.exchange.orders if one.status == "canceled"]
        assert canceled == ([PLAN[0].client_order_id] if kind == "cancel_order" else [])
        with TradeState(office.bench.url) as state, state.begin() as connection:
            assert len(connection.execute(tables.halts.select()).all()) == (kind in ("resume", "halt"))
        assert office.bench.audit().count("resumed") == (kind == "resume")
        number += step
    assert number >= (4 if kind == "halt" else 10)


def test_no_order_is_written_ahead_after_a_halt_was_asked_for_whether_a_desk_runs_or_not(tmp_path: Path) -> None:
    """Asked for at each point of a plan that is being sent: what was on its way arrives, and nothing after it."""
    undisturbed = Points(act=lambda: None)
    fresh(tmp_path, "undisturbed").bench.execute(points=undisturbed)
    assert len(undisturbed.names) > 30
    for number in range(0, len(undisturbed.names), 1 if FULL else 9):
        office, sent_before = fresh(tmp_path, str(number)), list[int]()

        def ask(office: Office = office, sent_before: list[int] = sent_before) -> None:
            office.ask("halt", {"reason": "odd prices"})
            with TradeState(office.bench.url) as state, state.begin() as connection:
                sent_before.append(sum(row.what == "sending" for row in connection.execute(tables.audit.select())))

        points = Points(stop_at=number, act=ask)
        done = office.bench.execute(points=points)
        assert office.bench.audit().count("sending") == sent_before[0], points.names[number]
        assert len(office.bench.exchange.orders) == sent_before[0]
        if sent_before[0] < len(PLAN):
            assert done.stopped is not None
            assert "root has asked for it: odd prices" in done.stopped
            assert [one.title for one in office.bench.alerts].count("Trading stops") == 1


def test_a_halt_that_many_find_at_once_is_one_halt(office_on_each: Office) -> None:
    office, faults = office_on_each, list[BaseException]()
    asked = office.ask("halt", {"reason": "odd prices"})

    def work() -> None:
        try:
            with TradeState(office.bench.url) as state:
                office.desk(office.bench.made(state, ExchangeBroker(office.bench.exchange)), state).stop_where_asked()
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert office.known(asked).state is RequestState.DONE
    assert office.bench.audit().count("halted") == 1


class TestRefused:
    def ends(self, office: Office, kind: str = "place_order", body: dict[str, object] = BUY) -> str:
        asked = office.ask(kind, body)
        office.look()
        done = office.known(asked)
        assert done.state is RequestState.REFUSED, done
        assert office.bench.states() == {} or all(one != "sending" for one in office.bench.states().values())
        return done.reason or ""

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (BUY | {"quantity": "2600"}, "larger than orders.limits.max_order_share"),
            (BUY | {"symbol": "ZZZ"}, "no price of ZZZ is known"),
            (SELL, "orders of people hold 0 AAA"),
            (BUY | {"kind": "limit", "limit_price": "10.41"}, "orders.collar_bps"),
            (SELL | {"quantity": "0.00001"}, "orders of people hold 0"),
            (BUY | {"quantity": "0.01"}, "smaller than orders.limits.min_trade_notional"),
        ],
    )
    def test_by_the_limits(self, office: Office, body: dict[str, object], said: str) -> None:
        assert said in self.ends(office, body=body)
        assert office.bench.exchange.orders == []

    def test_by_a_limit_of_the_position_that_open_orders_count_for(self, office: Office) -> None:
        """Two orders that the limit allows one of, asked for at once."""
        first, second = office.ask(body=BUY | {"quantity": "2000"}), office.ask(body=BUY | {"quantity": "2000"})
        office.look()
        assert [office.known(one).state for one in (first, second)] == [RequestState.DONE, RequestState.REFUSED]
        assert "max_position_share" in (office.known(second).reason or "")

    def test_by_the_limit_of_the_session(self, office: Office) -> None:
        bench = office.bench
        bench.settings = bench.settings.model_copy(update={"limits": bench.settings.limits.model_copy(update={"max_day_notional": 250.0})})
        bench.execute([intent("BBB", "20")])
        assert "orders of this session come to 297.00" in self.ends(office)

    def test_by_the_kill_switch_a_halt_and_a_blocked_account(self, office: Office) -> None:
        kill = office.bench.settings.kill_file
        kill.touch()
        assert "kill file" in self.ends(office)
        kill.unlink()
        office.ask("halt", {"reason": "odd"})
        assert "trading is halted: root has asked for it: odd" in self.ends(office)
        office.ask("resume", {"note": "fine"})
        office.look()
        office.bench.exchange.trading_blocked = True
        assert "blocked trading" in self.ends(office)
        assert office.bench.exchange.orders == []

    def test_with_real_money_unless_a_third_setting_allows_it(self, office: Office) -> None:
        office.bench.broker.live = True
        assert "requests.live = true allows them" in self.ends(office)
        office.bench.broker.live = False
        office.bench.execute()
        office.bench.broker.live = True
        assert "real money" in self.ends(office, "cancel_order", {"client_order_id": PLAN[0].client_order_id})
        assert not [one for one in office.bench.exchange.orders if one.status.final]
        office.settings = RequestsSettings(live=True)
        asked = office.ask()
        office.look()
        assert office.known(asked).state is RequestState.DONE

    def test_by_the_broker(self, office: Office) -> None:
        office.bench.exchange.rejects["AAA"] = "not today"
        assert "not today" in self.ends(office)

    @pytest.mark.parametrize(("name", "said"), [("nothing", "no order nothing of ours"), (PLAN[0].client_order_id, "filled already")])
    def test_a_cancel_of_what_can_not_be(self, office: Office, name: str, said: str) -> None:
        office.bench.execute()
        office.bench.exchange.open()
        assert said in self.ends(office, "cancel_order", {"client_order_id": name})

    def test_a_resume_of_what_was_not_halted(self, office: Office) -> None:
        assert "trading was not halted" in self.ends(office, "resume", {"note": "x"})


def test_a_resume_ends_the_halts_that_were_seen_and_no_later_one(office: Office) -> None:
    office.ask("halt", {"reason": "first"})
    office.look()
    office.bench.exchange.clock.sleep(1)
    resume = office.ask("resume", {"note": "seen to"})
    office.bench.exchange.clock.sleep(1)
    office.ask("halt", {"reason": "second"})
    office.look()
    assert office.known(resume).result == {"cleared": 1, "kill_switch": None}
    with TradeState(office.bench.url) as state:
        halted = open_halt(state)
    assert halted is not None
    assert "second" in halted.reason


def test_a_halt_counts_from_when_it_was_asked_for_and_a_later_resume_ends_it(office: Office) -> None:
    """No desk was there: both are found by its first look, which halted as of then, and refused the resume as of something that was not halted."""
    halted = office.ask("halt", {"reason": "odd prices"})
    office.bench.exchange.clock.sleep(1)
    resume = office.ask("resume", {"note": "seen to"})
    office.bench.exchange.clock.sleep(1)
    office.look()
    assert (office.known(halted).state, office.known(resume).state) == (RequestState.DONE, RequestState.DONE)
    with TradeState(office.bench.url) as state:
        assert open_halt(state) is None


def test_a_halt_that_is_asked_for_again_outlives_a_resume_from_in_between(office_on_each: Office) -> None:
    """Of the same reason it was no new halt, so that the resume ended it with the one that it had seen."""
    office = office_on_each
    office.ask("halt", {"reason": "odd prices"})
    office.look()
    office.bench.exchange.clock.sleep(1)
    resume = office.ask("resume", {"note": "seen to"})
    office.bench.exchange.clock.sleep(1)
    again = office.ask("halt", {"reason": "odd prices"})
    office.look()
    assert office.known(again).state is RequestState.DONE
    assert office.known(resume).state is RequestState.REFUSED
    with TradeState(office.bench.url) as state:
        assert open_halt(state) is not None
    assert office.bench.audit().count("halted") == 1


def test_an_order_waits_for_the_brokers_hours_and_expires_with_the_reason(office: Office) -> None:
    bench = office.bench
    bench.broker.closed = "the exchange is closed"
    first, second = office.ask(), office.ask()
    assert office.look() == 0
    assert (office.known(first).state, office.known(first).reason) == (RequestState.CONFIRMED, "the exchange is closed")
    bench.exchange.clock.sleep(3000)
    bench.broker.late = True  # the session has opened
    assert office.look() == 2
    assert {office.known(one).state for one in (first, second)} == {RequestState.DONE}
    bench.broker.late = False
    third = office.ask()
    office.look()
    bench.exchange.clock.sleep(3601)
    office.look()
    done = office.known(third)
    assert (done.state, "the exchange is closed" in (done.reason or "")) == (RequestState.EXPIRED, True)
    assert len(bench.exchange.orders) == 2


def test_where_the_broker_is_away_it_waits_with_the_reason(office: Office) -> None:
    office.bench.broker.broken = {"account"}
    asked = office.ask()
    with pytest.raises(BrokerError):
        office.look()
    assert (office.known(asked).state, office.known(asked).reason) == (RequestState.CONFIRMED, "account can't be asked")
    office.bench.broker.broken = set()
    assert office.look() == 1
    assert office.known(asked).state is RequestState.DONE


def test_an_order_that_was_taken_and_meets_a_halt_is_withdrawn(sqlite_bench: Bench, tmp_path: Path) -> None:
    """Not sent when trading goes on, hours later."""
    office = Office(sqlite_bench, tmp_path)
    asked, points = office.ask(), Points()
    office.look(points)
    number = next(i for i, name in enumerate(points.names) if name == "before submit") - 3  # between the taking up and the write-ahead
    office = fresh(tmp_path, "again")
    asked = office.ask()
    with contextlib.suppress(Killed):
        office.look(Points(stop_at=number))
    assert office.known(asked).state is RequestState.TAKEN
    office.bench.exchange.clock.sleep(200)
    office.ask("halt", {"reason": "odd"})
    office.look()
    done = office.known(asked)
    assert (done.state, "trading is halted" in (done.reason or "")) == (RequestState.REFUSED, True)
    assert office.bench.states() == {f"manual-{asked.id}": "withdrawn"}
    assert office.bench.exchange.orders == []


class TestBesideThePlan:
    def test_a_plan_neither_withdraws_it_nor_is_it_in_its_outcomes(self, office: Office) -> None:
        bench = office.bench
        asked = office.ask()
        with TradeState(bench.url) as state, state.begin() as connection:
            mine = replace(intent("AAA"), client_order_id=f"manual-{asked.id}", book="manual")
            states.plan_one(connection, states.Author(who="me", now=bench.exchange.clock.now()), mine)
            differing = states.record_plan(connection, states.Author(who="me", now=bench.exchange.clock.now()), SESSION, "main", PLAN)
            row = states.load(connection, mine.client_order_id)
        assert differing == {}
        assert row is not None
        assert (row.state, row.intent.by_person, row.intent.book) == ("planned", True, "manual")

    def test_people_sell_what_people_have_bought_and_no_more(self, office: Office) -> None:
        bench = office.bench
        bench.execute([intent("AAA", "30")])
        office.ask()
        office.look()
        bench.exchange.open()
        bench.reconcile()
        with TradeState(bench.url) as state, state.begin() as connection:
            assert manual_shares(connection) == {"AAA": Decimal(10)}
        part, rest, more = (office.ask(body=SELL | {"quantity": quantity}) for quantity in ("6", "4", "1"))
        office.look()
        assert [office.known(one).state for one in (part, rest, more)] == [RequestState.DONE, RequestState.DONE, RequestState.REFUSED]
        assert "orders of people hold 0 AAA that are not being sold" in (office.known(more).reason or "")
        with TradeState(bench.url) as state, state.begin() as connection:
            row = states.load(connection, f"manual-{part.id}")
        assert row is not None
        assert (row.intent.leg, row.intent.side, row.intent.kind) == (Leg.CLOSE, Side.SELL, OrderKind.MARKET)
        for one in (part, rest):
            bench.exchange.fill(f"manual-{one.id}", bench.exchange.named(f"manual-{one.id}").quantity)
        assert bench.reconcile() == []
        with TradeState(bench.url) as state, state.begin() as connection:
            assert manual_shares(connection) == {}
        assert bench.exchange.held == {"AAA": Decimal(30)}

    def test_where_plans_send_limits_people_do_too(self, office: Office) -> None:
        office.bench.settings = office.bench.settings.model_copy(update={"kind": "limit", "collar_bps": 100.0})
        asked = office.ask()
        office.look()
        with TradeState(office.bench.url) as state, state.begin() as connection:
            row = states.load(connection, f"manual-{asked.id}")
        assert row is not None
        assert (row.intent.kind, row.intent.limit_price) == (OrderKind.LIMIT, Decimal("9.99"))


def test_a_cancel_that_stays_pending_says_so(office: Office) -> None:
    office.bench.execute()
    office.bench.exchange.cancels_take = 7200
    asked = office.ask("cancel_order", {"client_order_id": PLAN[0].client_order_id})
    office.look()
    done = office.known(asked)
    assert (done.state, done.result) == (RequestState.DONE, {"client_order_id": PLAN[0].client_order_id, "state": "accepted"})
    assert "has not ended the order yet" in (done.reason or "")
    office.bench.exchange.clock.sleep(timedelta(hours=3).total_seconds())
    assert office.bench.reconcile() == []
    assert office.bench.states()[PLAN[0].client_order_id] == "canceled"


def test_an_idle_look_asks_the_broker_nothing(office: Office) -> None:
    asked: list[str] = []
    points = Points()
    assert office.look(points) == 0
    asked += [name for name in points.names if "commit" not in name]
    assert asked == []
