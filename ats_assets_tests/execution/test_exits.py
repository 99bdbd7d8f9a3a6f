"""Exits of brackets at a broker that holds back the shares that they are for: out of the way of a sale, and back for what stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ats_assets.alerts import Severity
from ats_assets.execution.attendance import last_attended
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, OrderStatus, Side
from ats_assets.execution.outcome import Execution
from ats_assets.trade_state import TradeState
from ats_assets_tests.execution.exchange import NEXT, SESSION, Bench, Killed, Network, Points, intent
from ats_assets_tests.rounds import FULL

AFTER = date(2024, 3, 5)
NEXT_EVENING = datetime(2024, 3, 5, 0, 30, tzinfo=UTC)
PRICES = {"limit_price": Decimal("10.1"), "take_profit": Decimal(11), "stop_loss": Decimal(9)}


def bracket(symbol: str = "AAA", quantity: str = "100", session: date = SESSION, side: Side = Side.BUY) -> OrderIntent:
    return replace(intent(symbol, quantity, side, session=session), kind=OrderKind.BRACKET, **PRICES)


def sale(quantity: str, symbol: str = "AAA", session: date = NEXT, side: Side = Side.SELL) -> OrderIntent:
    return intent(symbol, quantity, side, Leg.CLOSE, session)


def execute(bench: Bench, *plan: OrderIntent, session: date = NEXT, points: Points | None = None) -> Execution:
    with bench.executor(points) as executor:
        return executor.execute(session, plan)


OVERNIGHT = 14 * 3600.0


def follow_up(bench: Bench, points: Points | None = None) -> Execution | None:
    with bench.executor(points) as executor:
        return executor.follow_up()


def held_with_exits(bench: Bench, *brackets: OrderIntent) -> None:
    """The evening after a session at whose open the brackets were filled."""
    execute(bench, *brackets, session=SESSION)
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING


class Doing(Points):
    """Does something when a point of that name is passed for the first time."""

    def __init__(self, name: str, deed: Callable[[], object]) -> None:
        super().__init__()
        self._name, self._deed = name, deed

    def pass_by(self, name: str) -> None:
        super().pass_by(name)
        if name == self._name and self.names.count(name) == 1:
            self._deed()


def states(bench: Bench, execution: Execution) -> dict[str, str]:
    return {one.intent.client_order_id.removeprefix("main-"): str(one.state) for one in execution.outcomes}


def test_the_reductions_of_a_margin_call_are_sent_whatever_the_buying_power_is(bench: Bench) -> None:
    """Below zero nothing was sent at all: neither the sale that was to end the margin call, nor exits for what stays."""
    held_with_exits(bench, bracket())
    bench.exchange.buying_power = Decimal(-1)
    done = execute(bench, intent("CCC", session=NEXT), sale("40"))
    assert states(bench, done) == {"20240304-AAA-close": "accepted", "20240304-AAA-exit": "accepted", "20240304-CCC-open": "planned"}
    assert "below zero: orders that open positions wait" in str(done.stopped)
    assert (execute(bench, sale("40")).stopped, sum(bench.exchange.open_pairs().values())) == (None, 60)


def test_a_sale_of_all_cancels_the_exits(bench: Bench) -> None:
    held_with_exits(bench, bracket(), bracket("BBB", "50"))
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 100, "main-20240301-BBB-open": 50}
    done = execute(bench, sale("100"))
    assert (done.stopped, states(bench, done)) == (None, {"20240304-AAA-close": "accepted"})
    assert bench.exchange.open_pairs() == {"main-20240301-BBB-open": 50}
    assert bench.audit().count("cancel asked for") == 2
    bench.exchange.open()
    assert bench.reconcile() == []
    assert bench.exchange.held == {"AAA": 0, "BBB": 50}


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_what_stays_of_a_position_gets_exits_again(bench: Bench, side: Side) -> None:
    entry = bracket(side=side)
    if side is Side.SELL:
        entry = replace(entry, take_profit=PRICES["stop_loss"], stop_loss=PRICES["take_profit"])
    held_with_exits(bench, entry)
    back = side.opposite
    done = execute(bench, sale("30", side=back))
    assert states(bench, done) == {"20240304-AAA-close": "accepted", "20240304-AAA-exit": "accepted"}
    exits = done.outcomes[1].intent
    assert (exits.side, exits.quantity, exits.kind) == (back, 70, OrderKind.OCO)
    assert (exits.take_profit, exits.stop_loss) == (entry.take_profit, entry.stop_loss)
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 70}
    before = list(bench.exchange.orders)
    assert states(bench, execute(bench, sale("30", side=back))) == states(bench, done)  # once more changes nothing
    assert bench.exchange.orders == before
    bench.exchange.open()
    with bench.executor() as executor:
        settled = executor.settle(NEXT)
        assert [order.client_order_id for order in settled.orders] == [entry.client_order_id]  # the exits wait for as long as it is held
    bench.exchange.clock.at = NEXT_EVENING + timedelta(days=1)
    with bench.executor() as executor:
        settled = executor.settle(AFTER)
    assert (settled.waiting, [order.client_order_id for order in settled.orders]) == (None, ["main-20240304-AAA-close"])
    bench.exchange.fill("main-20240304-AAA-exit/stop", Decimal(70), Decimal(9))
    assert bench.reconcile() == []
    assert (bench.exchange.held, bench.exchange.open_pairs()) == ({"AAA": 0}, {})


def held_by_two_brackets(bench: Bench) -> None:
    held_with_exits(bench, bracket(quantity="60"))
    execute(bench, replace(bracket(quantity="40", session=NEXT), take_profit=Decimal(12)), session=NEXT)
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING + timedelta(days=1)
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 60, "main-20240304-AAA-open": 40}


def test_two_brackets_of_one_symbol_come_to_one_pair_of_exits(bench: Bench) -> None:
    held_by_two_brackets(bench)
    done = execute(bench, session=AFTER)
    assert done.stopped is None
    assert bench.exchange.open_pairs() == {"main-20240305-AAA-exit": 100}
    assert done.outcomes[-1].intent.take_profit == 12  # of the last bracket
    orders = list(bench.exchange.orders)
    execute(bench, session=AFTER)
    assert bench.exchange.orders == orders


def test_two_brackets_reduced_and_stopped_out_end_at_zero(bench: Bench) -> None:
    held_by_two_brackets(bench)
    assert execute(bench, sale("50", session=AFTER), session=AFTER).stopped is None
    assert bench.exchange.open_pairs() == {"main-20240305-AAA-exit": 50}
    bench.exchange.fill("main-20240305-AAA-close", Decimal(50))
    bench.exchange.fill("main-20240305-AAA-exit/stop", Decimal(50), Decimal(9))
    assert (bench.exchange.held, bench.exchange.open_pairs()) == ({"AAA": 0}, {})
    assert bench.reconcile() == []


def test_two_pairs_stay_where_a_cancel_would_not_end_before_the_open(bench: Bench) -> None:
    """The one made of them is given at the open; until then none is without."""
    held_by_two_brackets(bench)
    bench.exchange.cancels_take = OVERNIGHT
    with bench.executor() as executor:
        assert executor.settle(AFTER).waiting is None
        executor.execute(AFTER, [])
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 60, "main-20240304-AAA-open": 40}
    bench.exchange.cancels_take = 0.0
    follow_up(bench)
    assert bench.exchange.open_pairs() == {"main-20240305-AAA-exit": 100}


def test_what_is_free_is_sold_without_a_cancel(bench: Bench) -> None:
    held_with_exits(bench, bracket(), replace(intent("BBB", "50"), kind=OrderKind.LIMIT))
    assert execute(bench, sale("50", "BBB")).stopped is None
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 100}
    assert "cancel asked for" not in bench.audit()


def points_of_a_reduction(tmp_folder: Bench) -> int:
    points = Points()
    held_with_exits(tmp_folder, bracket())
    execute(tmp_folder, sale("30"), points=points)
    return len(points.names)


def test_killed_at_each_point(sqlite_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    total = points_of_a_reduction(sqlite_bench)
    assert total > 40
    for stop_at in range(0, total, 1 if FULL else 3):
        folder = tmp_path_factory.mktemp("killed")
        bench = Bench.at(f"sqlite:///{folder / 'trade_state.sqlite'}", folder / "KILL")
        held_with_exits(bench, bracket())
        with pytest.raises(Killed):
            execute(bench, sale("30"), points=Points(stop_at=stop_at))
        bench.exchange.clock.sleep(300)  # the lease of the dead is free
        done = execute(bench, sale("30"))
        assert done.stopped is None, stop_at
        assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 70}, stop_at
        assert max(bench.exchange.counts().values()) == 1
        assert [one.quantity for one in bench.exchange.orders if one.client_order_id == "main-20240304-AAA-close"] == [30]
        assert bench.reconcile() == []


@pytest.mark.parametrize("what", [one for one in Network if one is not Network.WORKS])
@pytest.mark.parametrize("which", [0, 1])
def test_whatever_happens_to_the_requests(sqlite_bench: Bench, what: Network, which: int) -> None:
    held_with_exits(sqlite_bench, bracket())
    sqlite_bench.broker.network = [*[Network.WORKS] * which, what]
    done = execute(sqlite_bench, sale("30"))
    if done.stopped:
        done = execute(sqlite_bench, sale("30"))
    assert (done.stopped, sqlite_bench.exchange.open_pairs()) == (None, {"main-20240304-AAA-exit": 70})
    assert max(sqlite_bench.exchange.counts().values()) == 1


def test_exits_not_sent_today_are_sent_when_it_is_tried_again(sqlite_bench: Bench) -> None:
    held_with_exits(sqlite_bench, bracket())
    sqlite_bench.broker.network = [Network.WORKS, *[Network.TURNED_AWAY] * sqlite_bench.timeouts.attempts]
    done = execute(sqlite_bench, sale("30"))
    assert "main-20240304-AAA-exit was not sent in 3 attempts" in str(done.stopped)
    assert execute(sqlite_bench, sale("30")).stopped is None
    assert sqlite_bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 70}


def test_a_cancel_that_takes_time_is_waited_for(bench: Bench) -> None:
    bench.exchange.cancels_take = 3.0
    held_with_exits(bench, bracket())
    assert execute(bench, sale("100")).stopped is None
    assert bench.exchange.open_pairs() == {}


def pending_overnight(bench: Bench) -> list[OrderIntent]:
    """Three brackets are held; two of them are to be reduced, and what is cancelled ends at the open."""
    held_with_exits(bench, bracket(), bracket("BBB"), bracket("CCC"))
    bench.exchange.cancels_take = OVERNIGHT
    return [sale("30"), sale("100", "BBB"), intent("DDD", "7", session=NEXT), intent("EEE", "5", session=NEXT)]


def at_the_open(bench: Bench) -> None:
    bench.exchange.clock.at = NEXT_EVENING + timedelta(hours=14)
    bench.exchange.cancels_take, bench.broker.closed, bench.broker.late = 0.0, "the auction is over", True


@pytest.mark.parametrize("early", [False, True])
def test_a_cancel_that_would_stay_pending_keeps_nothing_else_from_being_sent(bench: Bench, early: bool) -> None:
    """It stopped the whole plan. Nothing is cancelled before the open; who has that done loses the exits of one symbol, and no others."""
    bench.settings = bench.settings.model_copy(update={"cancel_exits_before_open": early})
    plan = pending_overnight(bench)
    for _ in range(3):
        done = execute(bench, *plan)
        assert (done.stopped, done.waiting) == (None, ("main-20240304-AAA-close", "main-20240304-BBB-close"))
        assert states(bench, done) == {
            "20240304-AAA-close": "planned",
            "20240304-BBB-close": "planned",
            "20240304-DDD-open": "accepted",
            "20240304-EEE-open": "accepted",
        }
    reasons = [str(one.reason) for one in done.outcomes]
    assert "the exits of main-20240301-AAA-open hold back its shares" in reasons[0]
    assert "the exits of main-20240301-BBB-open hold back its shares" in reasons[1]
    assert bench.exchange.open_pairs() == {f"main-20240301-{symbol}-open": 100 for symbol in ("AAA", "BBB", "CCC")}
    asked = {"main-20240301-AAA-open/profit", "main-20240301-AAA-open/stop"} if early else set()
    assert {name for _, name in bench.exchange.ending} == asked
    assert [alert.title for alert in bench.alerts if alert.key == "waiting:main-20240304-AAA-close"]


def test_where_nobody_looks_at_the_open_each_position_keeps_its_exits(bench: Bench) -> None:
    """Exits whose cancel was pending ended at the open, and left the first position bare for the whole session. The next plan decides again."""
    plan = pending_overnight(bench)
    execute(bench, *plan)
    bench.exchange.clock.at = NEXT_EVENING + timedelta(hours=14)
    bench.exchange.arrive()
    covered = {f"main-20240301-{symbol}-open": Decimal(100) for symbol in ("AAA", "BBB", "CCC")}
    assert bench.exchange.open_pairs() == covered
    bench.exchange.clock.at = NEXT_EVENING + timedelta(days=1)
    done = execute(bench, sale("40", session=AFTER), session=AFTER)
    assert (done.stopped, done.waiting, bench.exchange.open_pairs()) == (None, ("main-20240305-AAA-close",), covered)


def test_what_waited_is_taken_up_at_the_open(bench: Bench) -> None:
    plan = pending_overnight(bench)
    execute(bench, *plan)
    follow_up(bench)
    assert "main-20240304-AAA-close" not in bench.exchange.counts()
    at_the_open(bench)
    done = follow_up(bench)
    assert done is not None
    assert (done.stopped, done.waiting) == (None, ())
    assert states(bench, done) == {"20240304-AAA-close": "accepted", "20240304-BBB-close": "accepted", "20240304-AAA-exit": "accepted"}
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 70, "main-20240301-CCC-open": 100}
    orders = list(bench.exchange.orders)
    assert (follow_up(bench), bench.exchange.orders) == (replace(done, outcomes=done.outcomes[2:]), orders)  # once more changes nothing
    assert max(bench.exchange.counts().values()) == 1


def test_each_look_of_a_watch_is_noted(bench: Bench) -> None:
    """So that `ats doctor` can tell whether there is one, on whichever machine."""

    def noted() -> datetime | None:
        with TradeState(bench.url) as state, state.begin() as connection:
            return last_attended(connection, "main")

    execute(bench, session=SESSION)
    assert noted() is None
    for _ in range(2):
        bench.exchange.clock.sleep(300)
        follow_up(bench)
        assert noted() == bench.exchange.clock.at


def test_at_the_open_nothing_else_of_a_plan_is_sent_late(bench: Bench) -> None:
    plan = pending_overnight(bench)
    bench.broker.network = [Network.TURNED_AWAY] * 3
    assert "DDD-open was not sent" in str(execute(bench, *plan).stopped)
    at_the_open(bench)
    follow_up(bench)
    assert execute(bench, *plan).stopped == "the auction is over"
    assert {"main-20240304-AAA-close", "main-20240304-BBB-close"} <= bench.exchange.counts().keys()
    assert not {"main-20240304-DDD-open", "main-20240304-EEE-open"} & bench.exchange.counts().keys()


def test_what_waited_goes_first_where_a_plan_is_executed_again_at_the_open(bench: Bench) -> None:
    """The plan stops at an order that it is too late for; what may still be sent came after it."""
    held_with_exits(bench, replace(intent("AAA", "100"), kind=OrderKind.LIMIT), bracket("BBB"))
    bench.exchange.cancels_take = OVERNIGHT
    assert execute(bench, sale("40", "BBB")).waiting
    bench.broker.network = [Network.TURNED_AWAY] * bench.timeouts.attempts
    assert "AAA-close was not sent" in str(execute(bench, sale("30"), sale("40", "BBB")).stopped)
    at_the_open(bench)
    done = execute(bench, sale("30"), sale("40", "BBB"))
    assert done.stopped == "the auction is over"
    assert states(bench, done) == {"20240304-AAA-close": "planned", "20240304-BBB-close": "accepted", "20240304-BBB-exit": "accepted"}


def test_killed_at_each_point_of_what_is_taken_up_at_the_open(sqlite_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Between cancel, sale and new exits a process may die anywhere: the next look ends it, each order is sent once, and nothing stays without exits."""

    def waiting(bench: Bench) -> list[OrderIntent]:
        held_with_exits(bench, bracket(quantity="60"))
        second = bracket(quantity="40", session=NEXT)
        execute(bench, second)
        bench.exchange.open()
        bench.exchange.clock.at, bench.exchange.cancels_take = NEXT_EVENING + timedelta(days=1), OVERNIGHT
        plan = [sale("50", session=AFTER)]
        assert execute(bench, *plan, session=AFTER).waiting
        bench.exchange.clock.at = NEXT_EVENING + timedelta(days=1, hours=14)
        bench.exchange.cancels_take, bench.broker.closed, bench.broker.late = 0.0, "the auction is over", True
        return plan

    points = Points()
    waiting(sqlite_bench)
    follow_up(sqlite_bench, points)
    assert len(points.names) > 40
    for stop_at in range(0, len(points.names), 1 if FULL else 13):
        folder = tmp_path_factory.mktemp("killed")
        bench = Bench.at(f"sqlite:///{folder / 'trade_state.sqlite'}", folder / "KILL")
        waiting(bench)
        with pytest.raises(Killed):
            follow_up(bench, Points(stop_at=stop_at))
        bench.exchange.clock.sleep(300)
        follow_up(bench)
        assert sum(bench.exchange.open_pairs().values()) == 50, stop_at
        assert len(bench.exchange.open_pairs()) == 1, stop_at
        assert max(bench.exchange.counts().values()) == 1
        assert [one.quantity for one in bench.exchange.orders if one.client_order_id == "main-20240305-AAA-close"] == [50]
        assert bench.reconcile() == []


def test_what_waited_and_was_stopped_out_meanwhile_is_not_sold_again(bench: Bench) -> None:
    execute(bench, *pending_overnight(bench))
    at_the_open(bench)
    bench.exchange.fill("main-20240301-BBB-open/stop", Decimal(100), Decimal(9))
    done = follow_up(bench)
    assert done is not None
    assert states(bench, done)["20240304-BBB-close"] == "withdrawn"
    assert bench.exchange.held["BBB"] == 0


def test_a_cancel_that_takes_a_minute_is_passed_over_and_goes_on_later(bench: Bench) -> None:
    bench.exchange.cancels_take = 60.0
    held_with_exits(bench, bracket(), bracket("BBB"))
    done = execute(bench, sale("100"), sale("100", "BBB"))
    assert (done.stopped, len(done.waiting)) == (None, 2)
    assert "has not ended the exits of main-20240301-AAA-open yet" in str(done.outcomes[0].reason)
    assert not {"main-20240304-AAA-close", "main-20240304-BBB-close"} & bench.exchange.counts().keys()
    bench.exchange.cancels_take = 0.0
    bench.exchange.clock.sleep(60)
    assert execute(bench, sale("100"), sale("100", "BBB")).stopped is None
    assert bench.exchange.counts()["main-20240304-AAA-close"] == 1


def test_an_order_that_could_not_be_sent_leaves_no_position_without_exits(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    bench.broker.network = [Network.TURNED_AWAY] * bench.timeouts.attempts
    assert "was not sent in 3 attempts" in str(execute(bench, sale("30")).stopped)
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 100}
    assert execute(bench, sale("30")).stopped is None
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit-2": 70}


def test_a_cancel_that_can_not_be_asked_for_sends_nothing(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    bench.broker.broken = {"cancel"}
    with pytest.raises(BrokerError, match="cancel"):
        execute(bench, sale("100"))
    assert "main-20240304-AAA-close" not in bench.exchange.counts()
    bench.broker.broken = set()
    assert execute(bench, sale("100")).stopped is None


@pytest.mark.parametrize(("filled", "expected"), [("100", {}), ("80", {"main-20240304-AAA-exit": 20})])
def test_an_exit_that_is_filled_before_its_end(bench: Bench, filled: str, expected: dict[str, int]) -> None:
    """The sale is for more than is held then: it would sell short. What stays gets exits again."""
    bench.exchange.cancels_take = 3.0
    held_with_exits(bench, bracket())

    filling = Doing("after cancel", lambda: bench.exchange.fill("main-20240301-AAA-open/profit", Decimal(filled), Decimal(11)))
    done = execute(bench, sale("30" if filled == "80" else "100"), points=filling)
    assert done.stopped is None
    assert done.outcomes[0].state == "withdrawn"
    assert f"{100 - int(filled)} are held any more" in str(done.outcomes[0].reason)
    assert bench.exchange.open_pairs() == expected
    assert bench.exchange.held == {"AAA": 100 - int(filled)}
    assert any(alert.key == "withdrawn:main-20240304-AAA-close" for alert in bench.alerts)
    assert bench.reconcile() == []


@pytest.mark.parametrize("kind", [OrderKind.MARKET_ON_OPEN, OrderKind.LIMIT])
def test_no_sale_of_more_than_is_held(bench: Bench, kind: OrderKind) -> None:
    bench.exchange.held = {"AAA": Decimal(10)}
    limit = Decimal(9) if kind is OrderKind.LIMIT else None
    plan = [replace(sale("10.5"), kind=kind, limit_price=limit), replace(sale("1", "ZZZ"), kind=kind, limit_price=limit)]
    done = execute(bench, *plan)
    assert [str(one.state) for one in done.outcomes] == ["withdrawn", "withdrawn"]
    assert bench.exchange.orders == []
    again = execute(bench, *plan)
    assert ([str(one.state) for one in again.outcomes], bench.exchange.orders) == (["withdrawn", "withdrawn"], [])
    bench.exchange.held["AAA"] += 1
    assert "AAA: 11 shares at the broker, 10 by our records" in str(execute(bench, *plan).stopped)


@pytest.mark.parametrize("why", ["closed", "killed", "halted"])
def test_nothing_is_cancelled_where_nothing_can_be_sent(bench: Bench, why: str) -> None:
    held_with_exits(bench, bracket())
    if why == "closed":
        bench.broker.closed = "come back at seven"
    elif why == "killed":
        bench.settings.kill_file.touch()
    else:
        bench.exchange.cash += 1
    assert execute(bench, sale("100")).stopped
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 100}


def test_exits_that_have_expired_are_given_again(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    for kind in ("profit", "stop"):
        bench.exchange.change(f"main-20240301-AAA-open/{kind}", status=OrderStatus.EXPIRED)
    done = execute(bench)
    assert states(bench, done) == {"20240304-AAA-exit": "accepted"}
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 100}
    for number in range(1, 10):
        name = "main-20240304-AAA-exit" + (f"-{number}" if number > 1 else "")
        assert bench.exchange.open_pairs() == {name: 100}
        for one in (name, f"{name}/stop"):
            bench.exchange.change(one, status=OrderStatus.CANCELED)  # by hand, or by the broker
        execute(bench)
    assert bench.exchange.open_pairs() == {}  # somebody does not want them
    assert any(alert.severity is Severity.WARNING and "it is canceled already" in alert.text for alert in bench.alerts)
    execute(bench, session=AFTER)
    assert bench.exchange.open_pairs() == {"main-20240305-AAA-exit": 100}


@pytest.mark.parametrize(
    "prices", [{"take_profit": Decimal(20), "stop_loss": Decimal(18)}, {"take_profit": Decimal(10), "stop_loss": Decimal(9)}]
)
def test_exits_whose_prices_are_behind_are_not_given_again(bench: Bench, prices: dict[str, Decimal]) -> None:
    """As after a split: a stop-loss in old prices would sell all at once."""
    held_with_exits(bench, replace(bracket(), **prices))
    done = execute(bench, sale("30"))
    assert states(bench, done) == {"20240304-AAA-close": "accepted"}
    assert bench.exchange.open_pairs() == {}
    assert [alert.title for alert in bench.alerts if alert.key.startswith("bare:")] == ["AAA is held without exits"]


def test_exits_that_are_refused_are_told(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    for kind in ("profit", "stop"):
        bench.exchange.change(f"main-20240301-AAA-open/{kind}", status=OrderStatus.EXPIRED)
    bench.exchange.rejects = {"AAA": "price too far"}
    assert states(bench, execute(bench)) == {"20240304-AAA-exit": "rejected"}
    assert any("price too far" in alert.text for alert in bench.alerts)


def test_an_entry_that_was_filled_in_part_gets_exits(bench: Bench) -> None:
    execute(bench, bracket(), session=SESSION)
    bench.exchange.clock.at = datetime(2024, 3, 4, 15, 0, tzinfo=UTC)
    bench.exchange.fill("main-20240301-AAA-open", Decimal("40.5"))
    bench.exchange.change("main-20240301-AAA-open", status=OrderStatus.CANCELED)
    bench.exchange.clock.at = NEXT_EVENING
    execute(bench)
    assert bench.exchange.open_pairs() == {"main-20240304-AAA-exit": 40}  # whole shares only


def test_a_broker_that_fits_exits_by_itself_is_left_alone(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    bench.broker.reserves_shares = False
    execute(bench, sale("100"))
    assert "cancel asked for" not in bench.audit()
    assert bench.exchange.open_pairs() == {"main-20240301-AAA-open": 100}
    for order in bench.exchange.orders:
        bench.exchange.change(order.client_order_id, status=OrderStatus.EXPIRED)
    assert states(bench, execute(bench, session=AFTER)) == {}


def test_an_order_to_close_is_not_cancelled_for_another(bench: Bench) -> None:
    """That of the session before is still open: what is left is free, and the exits alone give way."""
    held_with_exits(bench, bracket())
    execute(bench, replace(sale("30"), kind=OrderKind.LIMIT, limit_price=Decimal(9)))
    done = execute(bench, sale("70", session=AFTER), session=AFTER)
    assert done.stopped is None
    assert bench.exchange.named("main-20240304-AAA-close").status is OrderStatus.ACCEPTED
    assert bench.exchange.named("main-20240305-AAA-close").status is OrderStatus.ACCEPTED
    assert bench.exchange.open_pairs() == {}


def test_a_difference_that_comes_up_with_a_cancel_halts(bench: Bench) -> None:
    held_with_exits(bench, bracket())

    done = execute(bench, sale("70"), points=Doing("after cancel", lambda: bench.exchange.held.update(AAA=Decimal(60))))
    assert "trading is halted" in str(done.stopped)
    assert [str(one.state) for one in done.outcomes] == ["planned"]
    assert "main-20240304-AAA-close" not in bench.exchange.counts()


def test_a_difference_that_comes_up_before_exits_are_given_halts(bench: Bench) -> None:
    held_with_exits(bench, bracket())

    done = execute(bench, sale("30"), points=Doing("after submit", lambda: bench.exchange.held.update(AAA=Decimal(60))))
    assert "trading is halted" in str(done.stopped)
    assert states(bench, done) == {"20240304-AAA-close": "accepted"}


def test_a_position_on_the_other_side_gets_no_exits_of_an_earlier_bracket(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    execute(bench, sale("100"))
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING + timedelta(days=1)
    execute(bench, intent("AAA", "50", Side.SELL, session=AFTER), session=AFTER)
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING + timedelta(days=2)
    assert bench.exchange.held == {"AAA": -50}
    later = date(2024, 3, 6)
    done = execute(bench, session=later)
    assert (done.stopped, done.outcomes) == (None, ())
    assert bench.exchange.open_pairs() == {}
    assert not [alert for alert in bench.alerts if alert.key.startswith("bare:")]


def test_a_bracket_without_a_fill_says_nothing_of_prices(bench: Bench) -> None:
    held_with_exits(bench, bracket())
    execute(bench, replace(bracket(quantity="40", session=NEXT), take_profit=Decimal(12)))
    bench.exchange.change("main-20240304-AAA-open", status=OrderStatus.CANCELED)
    done = execute(bench, sale("30", session=AFTER), session=AFTER)
    assert (done.outcomes[-1].intent.leg, done.outcomes[-1].intent.take_profit) == (Leg.EXIT, 11)
