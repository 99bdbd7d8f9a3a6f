import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.alerts import Alert
from ats_assets.brokers.alpaca.broker import AlpacaBroker, open_alpaca_broker
from ats_assets.brokers.alpaca.orders import tick
from ats_assets.errors import SettingsError
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, NotSentError, OrderRejectedError, OutcomeUnknownError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import EntryKind, Leg, OrderIntent, OrderKind, OrderStatus, Side
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState
from ats_assets.vendors.alpaca import read_credentials
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double.misbehaviour import Fault, Step
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import KEY_ID, SECRET_KEY, AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.execution.exchange import TestClock, intent

SESSION, NEXT = date(2024, 3, 1), date(2024, 3, 4)  # a Friday and a Monday
EVENING = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)  # 19:30 in New York
OPEN = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
CLOSE = datetime(2024, 3, 4, 21, 0, tzinfo=UTC)
ENVIRONMENT = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}


@dataclass
class Alpaca:
    """The double with its desks, and brokers on it."""

    double: AlpacaDouble
    reference: Reference
    trading: Trading
    alerts: list[Alert] = field(default_factory=list)
    clock: TestClock = field(default_factory=lambda: TestClock(EVENING))

    def at(self, now: datetime) -> None:
        self.double.now = self.clock.at = now

    def settings(self, **orders: Any) -> Settings:
        return Settings(
            alpaca={"trading_url": self.double.url, "timeout_seconds": 0.5, "max_attempts": 3},  # pyright: ignore[reportArgumentType]
            orders=orders,  # pyright: ignore[reportArgumentType]
        )

    def broker(self, environment: dict[str, str] | None = None, **orders: Any) -> AlpacaBroker:
        return AlpacaBroker(
            self.settings(**orders),
            read_credentials(environment or ENVIRONMENT),
            alert=self.alerts.append,
            now=self.clock.now,
            backoff=Backoff(max_seconds=0, sleep=lambda _: None),
            symbols={"BRK-B": "BRK.B"},
        )

    def fails(self, fault: Fault, method: str = "POST", path: str = "/v2/orders", **more: Any) -> None:
        self.double.plan.steps += (Step(fault=fault, method=method, path=path, **more),)


@pytest.fixture
def alpaca() -> Iterator[Alpaca]:
    reference = Reference()
    for symbol in ("AAA", "BBB", "CCC", "BRK.B"):
        reference.add_asset(symbol)
    reference.add_asset("BTC/USD")
    reference.add_asset("GONE", status="inactive", tradable=False)
    reference.add_asset("HALT", tradable=False)
    reference.add_asset("HARD", shortable=False, easy_to_borrow=False, fractionable=False)
    trading = Trading(reference)
    trading.prices = {symbol: Decimal(10) for symbol in reference.assets}
    with AlpacaDouble([reference, trading], now=EVENING) as double:
        yield Alpaca(double, reference, trading)


class TestOrders:
    def sent(self, alpaca: Alpaca, planned: OrderIntent) -> dict[str, Any]:
        taken = alpaca.broker().submit(planned)
        assert taken.client_order_id == planned.client_order_id
        assert (taken.symbol, taken.side, taken.quantity, taken.status) == (
            planned.symbol,
            planned.side,
            planned.quantity,
            OrderStatus.ACCEPTED,
        )
        return alpaca.trading.orders[taken.broker_order_id]

    def test_whole_shares_go_to_the_opening_auction(self, alpaca: Alpaca) -> None:
        order = self.sent(alpaca, intent("AAA", "10"))
        assert (order["type"], order["time_in_force"], order["qty"]) == ("market", "opg", "10")

    def test_fractional_shares_go_as_a_day_order(self, alpaca: Alpaca) -> None:
        order = self.sent(alpaca, intent("AAA", "0.123456789"))
        assert (order["type"], order["time_in_force"], order["qty"]) == ("market", "day", "0.123456789")

    def test_a_limit_never_pays_more_than_was_decided(self, alpaca: Alpaca) -> None:
        order = self.sent(alpaca, replace(intent("AAA"), kind=OrderKind.LIMIT, limit_price=Decimal("10.0199")))
        assert (order["type"], order["time_in_force"], order["limit_price"]) == ("limit", "day", "10.01")

    def test_a_bracket(self, alpaca: Alpaca) -> None:
        prices = {"limit_price": Decimal("10.019"), "take_profit": Decimal("11.001"), "stop_loss": Decimal("9.501")}
        planned = replace(intent("AAA"), kind=OrderKind.BRACKET, **prices)
        order = self.sent(alpaca, planned)
        assert (order["order_class"], order["limit_price"]) == ("bracket", "10.01")
        assert [(leg["side"], leg["limit_price"], leg["stop_price"]) for leg in order["legs"]] == [
            ("sell", "11.01", None),
            ("sell", None, "9.51"),
        ]
        found = alpaca.broker().find(planned.client_order_id)
        assert found is not None
        assert len(found.legs) == 2
        assert {one.broker_order_id for one in found.legs} < {one.broker_order_id for one in alpaca.broker().open_orders()}

    def test_our_symbol_is_not_theirs(self, alpaca: Alpaca) -> None:
        assert alpaca.broker().submit(intent("BRK-B")).symbol == "BRK-B"
        assert next(iter(alpaca.trading.orders.values()))["symbol"] == "BRK.B"

    @pytest.mark.parametrize("quantity", ["0.5", "10"])
    def test_a_bracket_that_alpaca_does_not_have_is_not_sent(self, alpaca: Alpaca, quantity: str) -> None:
        planned = replace(intent("AAA", quantity), kind=OrderKind.BRACKET, limit_price=Decimal(10))
        with pytest.raises(OrderRejectedError, match="a bracket needs whole shares"):
            alpaca.broker().submit(planned)
        assert alpaca.double.requests("POST") == []

    @given(st.decimals("0.0001", "10000", places=8))
    def test_ticks(self, price: Decimal) -> None:
        below, above = tick(price, up=False), tick(price, up=True)
        assert below <= price <= above
        assert above - below <= (Decimal("0.01") if price >= 1 else Decimal("0.0001"))
        assert -below.as_tuple().exponent == (2 if price >= 1 else 4)  # pyright: ignore[reportOperatorIssue]


class TestRefusals:
    @pytest.mark.parametrize(
        ("planned", "message"),
        [
            (intent("NOPE"), 'asset "NOPE" not found'),
            (intent("GONE"), "not active"),
            (intent("HALT"), "not tradable"),
            (intent("HARD", "5", Side.SELL), "cannot be sold short"),
            (intent("HARD", "0.5"), "not fractionable"),
            (intent("AAA", "1000000"), "insufficient buying power"),
        ],
    )
    def test_by_alpaca(self, alpaca: Alpaca, planned: OrderIntent, message: str) -> None:
        with pytest.raises(OrderRejectedError, match=message):
            alpaca.broker().submit(planned)
        assert alpaca.trading.orders == {}

    def test_an_id_is_taken_once(self, alpaca: Alpaca) -> None:
        alpaca.broker().submit(intent())
        with pytest.raises(DuplicateOrderError):
            alpaca.broker().submit(intent())
        assert len(alpaca.trading.orders) == 1

    def test_an_auction_order_after_its_time(self, alpaca: Alpaca) -> None:
        alpaca.at(OPEN - timedelta(seconds=100))
        with pytest.raises(OrderRejectedError, match="9:28"):
            alpaca.broker().submit(intent())

    @pytest.mark.parametrize("fault", [Fault.RATE_LIMIT])
    def test_turned_away(self, alpaca: Alpaca, fault: Fault) -> None:
        alpaca.fails(fault)
        with pytest.raises(NotSentError):
            alpaca.broker().submit(intent())
        assert len(alpaca.double.requests("POST")) == 1

    @pytest.mark.parametrize("wrong", [{"APCA_API_KEY_ID": "PKWRONG"}, {"APCA_API_SECRET_KEY": "wrong-secret"}])
    def test_wrong_keys(self, alpaca: Alpaca, wrong: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
        broker = alpaca.broker(ENVIRONMENT | wrong)
        with pytest.raises(NotSentError, match="wrong, expired") as caught:
            broker.submit(intent())
        with pytest.raises(BrokerError, match="wrong, expired"):
            broker.account()
        for secret in (*ENVIRONMENT.values(), *wrong.values()):
            assert secret not in f"{caught.value!r} {caplog.text} {broker!r}"

    def test_expired_keys(self, alpaca: Alpaca) -> None:
        alpaca.double.expired = {KEY_ID}
        with pytest.raises(NotSentError, match="expired"):
            alpaca.broker().submit(intent())

    def test_nobody_there(self, alpaca: Alpaca) -> None:
        broker = alpaca.broker()
        alpaca.double.__exit__()
        with pytest.raises(NotSentError):
            broker.submit(intent())

    @pytest.mark.parametrize(
        "fault",
        [
            Fault.ERROR_AFTER,
            Fault.ERROR_BEFORE,
            Fault.CUT_BEFORE,
            Fault.CUT_AFTER,
            Fault.CUT_BODY,
            Fault.TRUNCATED_JSON,
            Fault.NOT_JSON,
            Fault.EMPTY,
        ],
    )
    def test_an_answer_that_cannot_be_used(self, alpaca: Alpaca, fault: Fault) -> None:
        alpaca.fails(fault)
        with pytest.raises(OutcomeUnknownError, match="may be at Alpaca or not"):
            alpaca.broker().submit(intent())
        assert len(alpaca.double.requests("POST")) == 1  # alpaca-py itself would repeat it after 504

    def test_json_that_is_no_order(self, alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
        for body in ({}, [], "ok", {"id": "x"}):
            monkeypatch.setattr(
                alpaca.trading, "_made", lambda *_, body=body: {"id": str(body), "legs": None} | (body if isinstance(body, dict) else {})
            )
            with pytest.raises(OutcomeUnknownError):
                alpaca.broker().submit(intent(leg=Leg.OPEN))
            alpaca.trading.orders.clear()

    @pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.TRUNCATED_JSON])
    def test_find_says_that_there_is_none_only_if_alpaca_says_so(self, alpaca: Alpaca, fault: Fault) -> None:
        broker = alpaca.broker()
        assert broker.find("nothing") is None
        broker.submit(intent())
        alpaca.fails(fault, "GET", times=None)
        with pytest.raises(BrokerError):
            broker.find(intent().client_order_id)

    def test_nor_does_a_proxys_404_count(self, alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
        alpaca.double.answer = lambda *_: __import__("ats_assets_tests.alpaca_double.wire").alpaca_double.wire.Response(
            status=404, body="<html>"
        )  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(BrokerError):
            alpaca.broker().find("anything")


class TestHours:
    @pytest.mark.parametrize(
        ("now", "said"),
        [
            (datetime(2024, 3, 1, 21, 30, tzinfo=UTC), "taken from 2024-03-01 19:00 New York"),
            (datetime(2024, 3, 2, 0, 0, tzinfo=UTC), None),
            (datetime(2024, 3, 3, 12, 0, tzinfo=UTC), None),
            (datetime(2024, 3, 4, 14, 27, 59, tzinfo=UTC), None),
            (datetime(2024, 3, 4, 14, 28, tzinfo=UTC), "too late for the open of 2024-03-04"),
            (datetime(2024, 3, 5, 1, 0, tzinfo=UTC), "too late"),
        ],
    )
    def test_of_auction_orders(self, alpaca: Alpaca, now: datetime, said: str | None) -> None:
        alpaca.at(now)
        reason = alpaca.broker().may_send(SESSION)
        assert reason is None if said is None else said in str(reason)

    def test_of_day_orders(self, alpaca: Alpaca) -> None:
        alpaca.at(datetime(2024, 3, 1, 21, 0, tzinfo=UTC))
        assert alpaca.broker(kind="limit").may_send(SESSION) is None
        alpaca.at(OPEN)
        assert "too late" in str(alpaca.broker(kind="limit").may_send(SESSION))

    def test_a_closing_that_only_alpaca_knows(self, alpaca: Alpaca) -> None:
        alpaca.reference.closed.add(NEXT)
        alpaca.at(OPEN)
        assert alpaca.broker().may_send(SESSION) is None
        with pytest.raises(BrokerError, match="no session 2024-03-04"):
            alpaca.broker().may_send(NEXT)

    @pytest.mark.parametrize("seconds", [-45, 45])
    def test_a_clock_that_is_wrong(self, alpaca: Alpaca, seconds: int) -> None:
        alpaca.clock.at += timedelta(seconds=seconds)
        assert "differ by 45 s" in str(alpaca.broker().may_send(SESSION))


class TestAccount:
    def test_money_and_blocks(self, alpaca: Alpaca) -> None:
        account = alpaca.broker().account()
        assert (account.cash, account.equity, account.buying_power, account.trading_blocked) == (100000, 100000, 200000, False)
        for name in ("trading_blocked", "account_blocked", "trade_suspended_by_user"):
            alpaca.trading.account_fields = {name: True}
            assert alpaca.broker().account().trading_blocked

    @pytest.mark.parametrize("cash", [None, "NaN", "many", ""])
    def test_an_account_without_sense(self, alpaca: Alpaca, cash: str | None) -> None:
        alpaca.trading.account_fields = {"cash": cash}
        with pytest.raises(BrokerError, match="cash"):
            alpaca.broker().account()

    def test_instruments(self, alpaca: Alpaca) -> None:
        found = alpaca.broker().instruments(["AAA", "GONE", "HALT", "HARD", "NOPE"])
        assert {symbol: one.tradable for symbol, one in found.items()} == {
            "AAA": True,
            "GONE": False,
            "HALT": False,
            "HARD": True,
            "NOPE": False,
        }
        assert [str(found[symbol].reason).split(" ", 1)[1] for symbol in ("GONE", "HALT", "NOPE")] == [
            "is no longer active: delisted or renamed",
            "can't be traded now: halted, or closed to trading",
            "is not known to Alpaca",
        ]
        assert (found["HARD"].shortable, found["HARD"].fractionable) == (False, False)
        many = [f"N{i}" for i in range(40)] + ["AAA", "GONE"]
        assert [symbol for symbol, one in alpaca.broker().instruments(many).items() if one.tradable] == ["AAA"]

    def test_fills_and_entries_over_several_pages(self, alpaca: Alpaca) -> None:
        broker = alpaca.broker()
        broker.submit(intent("AAA", "250"))
        for i in range(250):
            alpaca.trading.fill(intent().client_order_id, Decimal(1), Decimal("10.01"), OPEN + timedelta(seconds=i))
            alpaca.trading.book("FEE", OPEN, cash="-0.01")
        fills = alpaca.broker().fills(EVENING)
        assert len({fill.fill_id for fill in fills}) == 250
        assert {fill.client_order_id for fill in fills} == {intent().client_order_id}
        assert sum(entry.cash for entry in broker.entries(EVENING)) == Decimal("-2.50")
        assert broker.fills(OPEN + timedelta(hours=1)) == []

    def test_kinds_of_entries(self, alpaca: Alpaca) -> None:
        alpaca.trading.book("DIV", OPEN, cash="12.5", symbol="AAA", qty="50", per_share_amount="0.25")
        alpaca.trading.book("SPLIT", OPEN, symbol="AAA", qty="30")
        alpaca.trading.book("CSD", OPEN, cash="1000")
        found = alpaca.broker().entries(EVENING)
        assert {(one.kind, one.symbol, one.quantity, one.cash) for one in found} == {
            (EntryKind.DIVIDEND, "AAA", Decimal(0), Decimal("12.5")),
            (EntryKind.SPLIT, "AAA", Decimal(30), Decimal(0)),
            (EntryKind.TRANSFER, None, Decimal(0), Decimal(1000)),
        }

    def test_crypto_positions_have_their_stroke(self, alpaca: Alpaca) -> None:
        alpaca.broker().submit(intent("BTC/USD", "0.5"))
        alpaca.trading.fill(intent("BTC/USD").client_order_id, Decimal("0.5"), Decimal(60000), OPEN)
        assert [position.symbol for position in alpaca.broker().positions()] == ["BTC/USD"]


class TestLive:
    @pytest.mark.parametrize(("account", "live"), [("paper", False), ("paper", True), ("live", False), ("live", True)])
    def test_needs_both_settings(self, alpaca: Alpaca, account: str, live: bool, caplog: pytest.LogCaptureFixture) -> None:
        settings = Settings(alpaca={"account": account}, orders={"live": live})  # pyright: ignore[reportArgumentType]
        credentials = read_credentials(ENVIRONMENT)
        if account == "live" and not live:
            with pytest.raises(SettingsError, match=r"orders\.live is not true"):
                AlpacaBroker(settings, credentials, alert=alpaca.alerts.append)
            return
        with caplog.at_level(logging.WARNING):
            broker = AlpacaBroker(settings, credentials, alert=alpaca.alerts.append)
        real = account == "live" and live
        assert broker.live is real
        host = str(broker._client._base_url.value)  # pyright: ignore[reportAttributeAccessIssue]
        assert host == ("https://api.alpaca.markets" if real else "https://paper-api.alpaca.markets")
        assert ("LIVE TRADING" in caplog.text) is real
        assert [alert.severity for alert in alpaca.alerts] == (["critical"] if real else [])


@contextmanager
def executor(alpaca: Alpaca, folder: Path, **orders: Any) -> Iterator[Executor]:
    settings = alpaca.settings(kill_file=folder / "KILL", **orders)
    with TradeState(f"sqlite:///{folder / 'state.sqlite'}") as state:
        broker = alpaca.broker(**orders)
        yield Executor(
            broker,
            state,
            settings.orders,
            alert=alpaca.alerts.append,
            clock=alpaca.clock,
            timeouts=Timeouts(settling_seconds=3, retry_seconds=0.1),
        )


class TestWithTheExecutor:
    def test_a_night_and_a_day(self, alpaca: Alpaca, tmp_path: Path) -> None:
        with executor(alpaca, tmp_path) as one:
            execution = one.execute(SESSION, [intent("AAA"), intent("BBB", "2.5"), intent("HALT")])
            assert [outcome.state for outcome in execution.outcomes] == ["accepted", "accepted", "rejected"]
            alpaca.at(OPEN)
            assert "closes at" in str(one.settle(NEXT).waiting)
            alpaca.trading.auction({"AAA": Decimal("10.07"), "BBB": Decimal("3.333")}, OPEN)
            alpaca.at(CLOSE)
            alpaca.trading.close(CLOSE)
            settled = one.settle(NEXT)
            assert settled.waiting is None
            assert {position.symbol: position.quantity for position in settled.positions} == {"AAA": 10, "BBB": Decimal("2.5")}

    def test_a_session_that_turns_out_to_be_closed_is_gone_past(self, alpaca: Alpaca, tmp_path: Path) -> None:
        """A day of mourning that our calendar did not know: settling it failed each time, and no later session could be settled before it."""
        following = date(2024, 3, 5)
        alpaca.reference.closed.add(NEXT)
        with executor(alpaca, tmp_path) as one:
            assert one.execute(SESSION, [intent("AAA")]).stopped is None
            alpaca.at(CLOSE)
            closed = one.settle(NEXT)
            assert closed.closed
            assert f"no session {NEXT} and goes on with {following}" in str(closed.waiting)
            assert "1 of its orders wait at the broker for the next open: the next session is settled" in str(closed.waiting)
            assert [alert.title for alert in alpaca.alerts] == [f"{NEXT} was no session"]
            alpaca.at(OPEN + timedelta(days=1))
            alpaca.trading.auction({"AAA": Decimal(11)}, OPEN + timedelta(days=1))
            alpaca.at(CLOSE + timedelta(days=1))
            settled = one.settle(following)
            assert settled.waiting is None
            assert not settled.closed
            assert [(order.client_order_id, order.status) for order in settled.orders] == [(intent("AAA").client_order_id, "filled")]

    def test_a_calendar_without_later_sessions_closes_nothing(self, alpaca: Alpaca, tmp_path: Path) -> None:
        alpaca.reference.closed |= {NEXT + timedelta(days=i) for i in range(20)}
        with executor(alpaca, tmp_path) as one, pytest.raises(BrokerError, match=f"Alpaca's calendar has no session {NEXT}$"):
            one.settle(NEXT)

    def test_a_brackets_exit_is_ours(self, alpaca: Alpaca, tmp_path: Path) -> None:
        prices = {"limit_price": Decimal(10), "take_profit": Decimal(11), "stop_loss": Decimal(9)}
        with executor(alpaca, tmp_path, kind="bracket") as one:
            one.execute(
                SESSION,
                [replace(intent("AAA"), kind=OrderKind.BRACKET, **prices), replace(intent("BBB"), kind=OrderKind.BRACKET, **prices)],
            )
            alpaca.at(OPEN)
            alpaca.trading.auction({"AAA": Decimal("9.99")}, OPEN)
            alpaca.at(CLOSE)
            settled = one.settle(NEXT)
            assert settled.waiting is None
            assert {order.client_order_id: order.status for order in settled.orders} == {
                intent("AAA").client_order_id: "filled",
                intent("BBB").client_order_id: "canceled",  # its entry would stay for the next session
            }
            exit_id = next(
                order["client_order_id"]
                for order in alpaca.trading.orders.values()
                if order["type"] == "limit" and order["side"] == "sell" and order["status"] == "new"
            )
            alpaca.at(CLOSE + timedelta(hours=20))
            alpaca.trading.fill(exit_id, Decimal(10), Decimal(11), alpaca.clock.now())
            assert one.reconcile() == []
            assert alpaca.broker().open_orders() == []

    def test_exits_stand_until_a_sale_can_take_their_place(self, alpaca: Alpaca, tmp_path: Path) -> None:
        """Alpaca leaves what is cancelled in the evening pending, and ends it at the open: whoever looks or not, the position was without exits there."""
        exits = {"take_profit": Decimal(11), "stop_loss": Decimal(9), "limit_price": Decimal(10)}
        sale = replace(intent("AAA", "30", Side.SELL, Leg.CLOSE, NEXT), kind=OrderKind.LIMIT, limit_price=Decimal("9.5"))
        with executor(alpaca, tmp_path, kind="bracket") as one:
            one.execute(SESSION, [replace(intent("AAA", "100"), kind=OrderKind.BRACKET, **exits)])
            alpaca.trading.auction({"AAA": Decimal(10)}, OPEN)
            alpaca.at(CLOSE)
            assert one.settle(NEXT).waiting is None
            alpaca.trading.slow_cancels = True
            assert one.execute(NEXT, [sale]).waiting == ("main-20240304-AAA-close",)
            alpaca.trading.end_cancels()
            assert [order["status"] for order in alpaca.trading.orders.values() if order["side"] == "sell"] == ["new", "held"]
            alpaca.trading.slow_cancels = False
            alpaca.at(alpaca.clock.now() + timedelta(hours=17.6))  # the session is open
            done = one.execute(NEXT, [sale])
            assert (done.stopped, done.waiting) == (None, ())
            assert [(outcome.intent.leg, outcome.intent.quantity, outcome.state) for outcome in done.outcomes] == [
                (Leg.CLOSE, 30, "accepted"),
                (Leg.EXIT, 70, "accepted"),
            ]
            assert alpaca.trading.refused == []

    @pytest.mark.parametrize("slow", [False, True])
    @pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
    def test_exits_give_way_to_a_sale_and_come_back_for_what_stays(self, alpaca: Alpaca, tmp_path: Path, side: Side, slow: bool) -> None:
        exits = {"take_profit": Decimal("11.001"), "stop_loss": Decimal("9.001")}
        if side is Side.SELL:
            exits = {"take_profit": exits["stop_loss"], "stop_loss": exits["take_profit"]}
        entry = replace(intent("AAA", "100", side), kind=OrderKind.BRACKET, limit_price=Decimal(10), **exits)
        back = side.opposite

        def reducing(quantity: str, session: date) -> OrderIntent:
            planned = intent("AAA", quantity, back, Leg.CLOSE, session)
            return replace(planned, kind=OrderKind.LIMIT, limit_price=Decimal("9.5") if back is Side.SELL else Decimal("10.5"))

        with executor(alpaca, tmp_path, kind="bracket", cancel_exits_before_open=True) as one:
            one.execute(SESSION, [entry])
            alpaca.trading.auction({"AAA": Decimal(10)}, OPEN)
            alpaca.at(CLOSE)
            assert one.settle(NEXT).waiting is None
            alpaca.trading.slow_cancels = slow
            if slow:
                waits = one.execute(NEXT, [reducing("30", NEXT)])
                assert (waits.stopped, waits.waiting) == (None, ("main-20240304-AAA-close",))
                assert "has not ended the exits of main-20240301-AAA-open yet" in str(waits.outcomes[0].reason)
                alpaca.trading.end_cancels()
            done = one.execute(NEXT, [reducing("30", NEXT)])
            alpaca.trading.slow_cancels = False
            assert (done.stopped, [str(outcome.state) for outcome in done.outcomes]) == (None, ["accepted", "accepted"])
            profit, stop = (alpaca.trading.orders[name] for name in self.pair(alpaca))
            found = alpaca.broker().find("main-20240304-AAA-exit")
            assert found is not None
            assert [leg.broker_order_id for leg in found.legs] == [stop["id"]]
            assert (profit["client_order_id"], profit["order_class"]) == ("main-20240304-AAA-exit", "oco")
            assert (profit["time_in_force"], profit["qty"], stop["qty"], profit["side"], stop["side"]) == ("gtc", "70", "70", back, back)
            ticked = ("11.01", "9.01") if side is Side.BUY else ("9", "11")
            assert tuple(Decimal(price) for price in (profit["limit_price"], stop["stop_price"])) == tuple(map(Decimal, ticked))
            monday = alpaca.clock.now() + timedelta(hours=17.5)  # the next open
            alpaca.trading.auction({"AAA": Decimal(10)}, monday)
            alpaca.at(monday + timedelta(hours=6.5))
            settled = one.settle(NEXT + timedelta(days=1))
            assert (settled.waiting, [order.status for order in settled.orders]) == (None, ["filled"])
            rest = one.execute(NEXT + timedelta(days=1), [reducing("70", NEXT + timedelta(days=1))])
            if slow:  # what was seen on Monday is remembered: nothing is cancelled before the open
                assert (rest.waiting, profit["status"], stop["status"]) == (("main-20240305-AAA-close",), "accepted", "held")
                alpaca.at(monday + timedelta(hours=24))
                rest = one.follow_up()
                assert rest is not None
            assert (rest.stopped, [str(outcome.state) for outcome in rest.outcomes]) == (None, ["accepted"])
            assert {profit["status"], stop["status"]} == {"canceled"}
            assert alpaca.trading.refused == []
            assert one.reconcile() == []

    def test_exits_of_an_entry_that_is_open_hold_nothing_back(self, alpaca: Alpaca, tmp_path: Path) -> None:
        """What is held lacks exits, though those of a new entry, which wait for it, are for shares of the same symbol."""
        prices = {"limit_price": Decimal(10), "take_profit": Decimal(11), "stop_loss": Decimal(9)}
        with executor(alpaca, tmp_path, kind="bracket") as one:
            one.execute(SESSION, [replace(intent("AAA", "10"), kind=OrderKind.BRACKET, **prices)])
            alpaca.trading.auction({"AAA": Decimal(10)}, OPEN)
            alpaca.at(CLOSE)
            assert one.settle(NEXT).waiting is None
            for order in alpaca.trading.orders.values():
                if order["side"] == "sell":
                    order |= {"status": "expired", "updated_at": order["updated_at"]}
            done = one.execute(NEXT, [replace(intent("AAA", "5", session=NEXT), kind=OrderKind.BRACKET, **prices)])
        assert done.stopped is None
        assert {outcome.intent.leg: (outcome.intent.quantity, outcome.state) for outcome in done.outcomes} == {
            Leg.OPEN: (5, "accepted"),
            Leg.EXIT: (10, "accepted"),
        }

    def pair(self, alpaca: Alpaca) -> list[str]:
        found = next(order for order in alpaca.trading.orders.values() if order["order_class"] == "oco")
        return [found["id"], *(leg["id"] for leg in found["legs"])]

    @pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.DELAY])
    def test_whatever_happens_to_the_request(self, alpaca: Alpaca, tmp_path: Path, fault: Fault) -> None:
        alpaca.fails(fault, seconds=1.0)
        with executor(alpaca, tmp_path) as one:
            execution = one.execute(SESSION, [intent("AAA"), intent("BBB")])
        assert execution.stopped is None
        assert [order["client_order_id"] for order in alpaca.trading.orders.values()] == [
            intent("AAA").client_order_id,
            intent("BBB").client_order_id,
        ]

    def test_a_wrong_clock_sends_nothing(self, alpaca: Alpaca, tmp_path: Path) -> None:
        with executor(alpaca, tmp_path) as one:
            alpaca.clock.at += timedelta(minutes=5)
            assert "clock" in str(one.execute(SESSION, [intent()]).stopped)
        assert alpaca.double.requests("POST") == []


class TestOpening:
    def test_keys_come_from_the_environment(self, alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        broker = open_alpaca_broker(alpaca.settings(), alert=alpaca.alerts.append, clock=alpaca.clock)
        assert broker.account().cash == 100000
        assert broker.may_send(SESSION) is None

    def test_without_keys_it_says_so(self, alpaca: Alpaca, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(SettingsError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY are not set"):
            open_alpaca_broker(alpaca.settings(), alert=alpaca.alerts.append)
