"""The guards one by one: each would be missed only in an interleaving that is rare otherwise."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ats_assets.execution import state as states
from ats_assets.execution.order import BrokerOrder, OrderIntent, OrderStatus
from ats_assets.execution.outcome import IntentState, LeaseLostError
from ats_assets.execution.state import Author, IntentRow
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import EVENING, PLAN, SESSION, Bench, Exchange, TestClock

AUTHOR = Author(who="test", now=EVENING)
NAME = PLAN[0].client_order_id


@pytest.fixture
def state(trade_state_url: str) -> Iterator[TradeState]:
    with TradeState(trade_state_url) as opened:
        with opened.begin() as connection:
            states.record_plan(connection, AUTHOR, SESSION, "main", PLAN)
        yield opened


def loaded(state: TradeState) -> IntentRow:
    with state.begin() as connection:
        row = states.load(connection, NAME)
    assert row is not None
    return row


def at_broker(**values: object) -> BrokerOrder:
    order = Exchange(TestClock()).take(PLAN[0])
    assert order is not None
    return replace(order, **values)  # pyright: ignore[reportArgumentType]


class TestCompareAndSet:
    def test_of_two_write_aheads_one_is_made(self, state: TradeState) -> None:
        row = loaded(state)
        with state.begin() as connection:
            assert states.write_ahead(connection, AUTHOR, row, 1).attempts == 1
        with pytest.raises(LeaseLostError, match="no longer planned at attempt 0"), state.begin() as connection:
            states.write_ahead(connection, AUTHOR, row, 2)
        assert loaded(state).attempts == 1

    def test_what_is_being_sent_gets_no_second_write_ahead(self, state: TradeState) -> None:
        with state.begin() as connection:
            sending = states.write_ahead(connection, AUTHOR, loaded_in(connection), 1)
            with pytest.raises(LeaseLostError):
                states.write_ahead(connection, AUTHOR, sending, 1)

    @pytest.mark.parametrize("step", [states.not_there, states.rejected])
    def test_an_older_attempt_moves_nothing(self, state: TradeState, step: object) -> None:
        """The first executor wakes up and says that its attempt was not sent, while the second one's is on its way."""
        with state.begin() as connection:
            first = states.write_ahead(connection, AUTHOR, loaded_in(connection), 1)
            again = states.not_there(connection, AUTHOR, first, "resolved by the second")
            states.write_ahead(connection, AUTHOR, again, 2)
        with pytest.raises(LeaseLostError), state.begin() as connection:
            step(connection, AUTHOR, first, "not sent")  # pyright: ignore[reportCallIssue]
        assert loaded(state).state is IntentState.SENDING
        assert loaded(state).attempts == 2


def loaded_in(connection: object) -> IntentRow:
    row = states.load(connection, NAME)  # pyright: ignore[reportArgumentType]
    assert row is not None
    return row


class TestStaleAnswers:
    @pytest.mark.parametrize(
        ("new", "old"),
        [
            ({"status": OrderStatus.FILLED, "filled_quantity": Decimal(10)}, {}),
            ({"status": OrderStatus.PARTIALLY_FILLED, "filled_quantity": Decimal(4)}, {}),
            ({"status": OrderStatus.CANCELED}, {}),
            ({"status": OrderStatus.REJECTED}, {}),
            (
                {"status": OrderStatus.CANCELED, "filled_quantity": Decimal(4)},
                {"status": OrderStatus.PARTIALLY_FILLED, "filled_quantity": Decimal(4)},
            ),
        ],
    )
    def test_change_nothing(self, state: TradeState, new: dict, old: dict) -> None:
        with state.begin() as connection:
            states.at_broker(connection, AUTHOR, NAME, at_broker(**new))
            states.at_broker(connection, AUTHOR, NAME, at_broker(**old))
        assert loaded(state).state.value == new["status"].value

    def test_a_fill_after_a_cancel_counts(self, state: TradeState) -> None:
        """The cancel came too late: what the broker says last of more shares is right."""
        with state.begin() as connection:
            states.at_broker(connection, AUTHOR, NAME, at_broker(status=OrderStatus.CANCELED))
            states.at_broker(connection, AUTHOR, NAME, at_broker(status=OrderStatus.FILLED, filled_quantity=Decimal(10)))
        assert loaded(state).state is IntentState.FILLED

    @pytest.mark.parametrize("before", ["planned", "sending", "rejected"])
    def test_an_order_that_turns_up_is_taken_from_any_state(self, state: TradeState, before: str) -> None:
        with state.begin() as connection:
            if before != "planned":
                row = states.write_ahead(connection, AUTHOR, loaded_in(connection), 1)
                if before == "rejected":
                    states.rejected(connection, AUTHOR, row, "no")
            surprise = states.at_broker(connection, AUTHOR, NAME, at_broker())
        assert surprise is (before != "sending")
        assert loaded(state).state is IntentState.ACCEPTED


def test_nothing_is_written_without_the_lease(bench: Bench) -> None:
    """Another executor has taken over between this one's look at the hours and its write-ahead."""

    def lose(session: date, *, late: bool = False) -> None:
        with TradeState(bench.url) as state, state.begin() as connection:
            connection.execute(tables.leases.update().values(token=tables.leases.c.token + 1))

    bench.broker.may_send = lose
    with pytest.raises(LeaseLostError, match="has taken over"):
        bench.execute()
    assert bench.broker.sent == []
    assert set(bench.states().values()) == {"planned"}


def test_a_halt_that_comes_up_on_the_way_stops_the_rest(bench: Bench) -> None:
    original = bench.broker.submit

    def submit(planned: OrderIntent) -> BrokerOrder:
        return replace(original(planned), quantity=Decimal(99))

    bench.broker.submit = submit
    execution = bench.execute()
    assert "trading is halted: order main-20240301-AAA-open at exchange is not ours: 99 instead of 10" in str(execution.stopped)
    assert bench.broker.sent == [NAME]
    assert "halted since 2024" in str(bench.execute().stopped)
