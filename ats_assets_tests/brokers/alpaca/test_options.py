"""Option contracts at Alpaca: the forms of orders, what an account may do, executions, positions and what happens to contracts, on a double whose shapes are those of alpaca-py."""

import dataclasses
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alpaca.trading.enums import ActivityType
from alpaca.trading.models import NonTradeActivity, OptionContractsResponse, Order, Position, TradeAccount, TradeActivity

from ats_assets.brokers.alpaca import option_orders
from ats_assets.brokers.alpaca.activities import _KINDS
from ats_assets.execution.broker import DuplicateOrderError, OptionBroker, OrderRejectedError, OutcomeUnknownError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.contract_legs import ContractLeg
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import BrokerOrder, EntryKind, ForeignOrder, OrderIntent, OrderStatus, Side
from ats_assets.trade_state import TradeState
from ats_assets_tests.alpaca_double.misbehaviour import Fault
from ats_assets_tests.alpaca_double.option_trading import OptionTrading
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import AlpacaDouble
from ats_assets_tests.brokers.alpaca.test_broker import EVENING, OPEN, SESSION, Alpaca
from ats_assets_tests.execution.test_option_orders import CALL, CONDOR, HELD, HIGHER, LOWER, PUT, SPREAD, leg, order

NIGHT = datetime(2024, 3, 5, 2, 0, tzinfo=UTC)
SOLD = order(leg(CALL, -1), limit="-1.053")
BOUGHT = order(leg(PUT, 2), limit="1.059")
CLOSED = order(leg(HELD, 2, opens=False), limit="0.05")
ROLL = order(leg(HELD, 2, opens=False), leg(PUT, -2), limit="-0.201")


@dataclasses.dataclass
class OptionAlpaca(Alpaca):
    trading: OptionTrading = dataclasses.field()  # pyright: ignore[reportIncompatibleVariableOverride]


@pytest.fixture
def alpaca() -> Iterator[OptionAlpaca]:
    reference = Reference()
    reference.add_asset("AAA")
    trading = OptionTrading(reference)
    trading.now = EVENING
    for symbol in (PUT, LOWER, CALL, HIGHER, HELD):
        trading.add_contract(symbol)
    trading.held |= {HELD: Decimal(-2), "AAA": Decimal(100)}
    trading.prices |= {"AAA": Decimal(10), HELD: Decimal("0.04")}
    with AlpacaDouble([reference, trading], now=EVENING) as double:
        yield OptionAlpaca(double, reference, trading)


def sent(alpaca: OptionAlpaca, planned: OrderIntent) -> dict[str, Any]:
    """As Alpaca has it, once it was taken for what was sent, and found again as the same."""
    taken = alpaca.broker().submit(planned)
    assert (taken.client_order_id, taken.symbol, taken.side, taken.quantity, taken.status) == (
        planned.client_order_id,
        planned.symbol,
        planned.side,
        planned.quantity,
        OrderStatus.ACCEPTED,
    )
    found = alpaca.broker().find(planned.client_order_id)
    assert isinstance(found, BrokerOrder)
    assert dataclasses.replace(found, updated_at=taken.updated_at) == taken
    return alpaca.trading.orders[taken.broker_order_id]


class TestForms:
    def test_one_leg_says_its_side_and_its_intent_and_is_for_the_day(self, alpaca: OptionAlpaca) -> None:
        raw = sent(alpaca, SOLD)
        names = ("symbol", "qty", "side", "position_intent", "type", "time_in_force", "limit_price")
        assert [raw[name] for name in names] == [CALL, "1", "sell", "sell_to_open", "limit", "day", "1.06"]
        assert [sent(alpaca, one)["limit_price"] for one in (BOUGHT, CLOSED)] == ["1.05", "0.05"]

    def test_several_legs_say_neither_symbol_nor_side_and_are_limited_as_a_whole(self, alpaca: OptionAlpaca) -> None:
        raw = sent(alpaca, ROLL)
        assert (raw["order_class"], raw["symbol"], raw["side"], raw["qty"], raw["limit_price"]) == ("mleg", "", "", "2", "-0.21")
        assert {one["symbol"]: (one["position_intent"], one["ratio_qty"], one["qty"]) for one in raw["legs"]} == {
            HELD: ("buy_to_close", "1", "2"),
            PUT: ("sell_to_open", "1", "2"),
        }
        (request,) = alpaca.double.requests("POST")
        assert re.search(r'"(symbol|side|position_intent)"', request.body.partition('"legs"')[0]) is None

    @pytest.mark.parametrize("planned", [SPREAD, CONDOR, order(leg(PUT, -1), leg(LOWER, 2), limit="0.10")])
    def test_spreads_condors_and_ratios_are_what_was_sent(self, alpaca: OptionAlpaca, planned: OrderIntent) -> None:
        assert len(sent(alpaca, planned)["legs"]) == len(planned.legs)

    @pytest.mark.parametrize(
        ("planned", "why"),
        [
            (order(leg(CALL, -1), limit=None), "has no limit"),
            (order(*(leg(f"AAA240419P0000{i}000", 1) for i in range(1, 6))), "5 legs, and Alpaca takes 4"),
            (order(leg(CALL, -1), ContractLeg("AAA", 100, opens=True, multiplier=Decimal(1))), "shares in no order with option contracts"),
            (order(leg(PUT, 1), limit="-0.10"), "below the smallest price"),
        ],
    )
    def test_what_alpaca_has_no_order_for_is_refused_and_not_sent(self, alpaca: OptionAlpaca, planned: OrderIntent, why: str) -> None:
        with pytest.raises(OrderRejectedError, match=why):
            alpaca.broker().submit(planned)
        assert alpaca.double.requests("POST") == []

    def test_its_id_is_taken_once(self, alpaca: OptionAlpaca) -> None:
        for planned in (SOLD, SPREAD):
            alpaca.broker().submit(planned)
            with pytest.raises(DuplicateOrderError):
                alpaca.broker().submit(planned)

    @pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.TRUNCATED_JSON, Fault.NOT_JSON, Fault.EMPTY])
    def test_after_a_lost_answer_a_package_is_found_whole(self, alpaca: OptionAlpaca, fault: Fault) -> None:
        alpaca.fails(fault)
        with pytest.raises(OutcomeUnknownError):
            alpaca.broker().submit(CONDOR)
        found = alpaca.broker().find(CONDOR.client_order_id)
        assert isinstance(found, BrokerOrder) or fault is Fault.NOT_JSON
        if isinstance(found, BrokerOrder):
            assert (found.symbol, found.side, len(found.legs)) == (CONDOR.symbol, Side.BUY, 4)

    def test_one_of_other_legs_under_an_id_of_ours_has_another_name(self, alpaca: OptionAlpaca) -> None:
        other = order(leg(CALL, 1), leg(HIGHER, -1), limit="0.40")
        alpaca.broker().submit(dataclasses.replace(other, client_order_id=SPREAD.client_order_id))
        found = alpaca.broker().find(SPREAD.client_order_id)
        assert isinstance(found, BrokerOrder)
        assert found.symbol == other.symbol != SPREAD.symbol

    def test_one_of_somebody_else_is_described(self, alpaca: OptionAlpaca) -> None:
        alpaca.broker().submit(dataclasses.replace(SPREAD, client_order_id="by-hand"))
        whole, *legs = alpaca.broker().open_orders()
        assert isinstance(whole, ForeignOrder)
        assert whole.description == "mleg limit order 3 accepted"
        assert [one.symbol for one in legs if isinstance(one, BrokerOrder)] == [LOWER, PUT]


class TestExecutions:
    @pytest.fixture
    def executor(self, alpaca: OptionAlpaca, tmp_path: Path) -> Iterator[Executor]:
        with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
            yield self.made(alpaca, state)

    def made(self, alpaca: OptionAlpaca, state: TradeState) -> Executor:
        timeouts = Timeouts(retries=2, retry_seconds=0.1)
        return Executor(alpaca.broker(), state, alpaca.settings().orders, alert=alpaca.alerts.append, clock=alpaca.clock, timeouts=timeouts)

    def test_from_the_plan_to_the_delivered_shares_without_a_difference(self, alpaca: OptionAlpaca, executor: Executor) -> None:
        plan = [CLOSED, SOLD, SPREAD]
        assert {str(one.state) for one in executor.execute(SESSION, plan, options=True).outcomes} == {"accepted"}
        alpaca.at(OPEN)
        alpaca.trading.now = OPEN
        alpaca.trading.fill_units(SPREAD.client_order_id, Decimal(1), {PUT: Decimal("1.10"), LOWER: Decimal("0.60")})
        assert executor.reconcile() == []
        alpaca.trading.fill_options(Decimal("0.50"))
        assert executor.reconcile() == []
        alpaca.at(NIGHT)
        alpaca.trading.assign(CALL, 1, NIGHT)
        alpaca.trading.assign(PUT, 1, NIGHT)
        alpaca.trading.exercise(LOWER, 1, NIGHT)
        alpaca.trading.expire(PUT, NIGHT)
        assert executor.reconcile() == []
        told = [(one.kind, one.symbol, one.quantity, one.cash) for one in alpaca.broker().entries(OPEN)]
        assert sorted(told) == sorted(
            [
                (EntryKind.ASSIGNMENT, CALL, 1, 0),
                (EntryKind.OPTION_SHARES, "AAA", -100, 1100),
                (EntryKind.ASSIGNMENT, PUT, 1, 0),
                (EntryKind.OPTION_SHARES, "AAA", 100, -900),
                (EntryKind.EXERCISE, LOWER, -1, 0),
                (EntryKind.OPTION_SHARES, "AAA", -100, 800),
                (EntryKind.EXPIRY, PUT, 2, 0),
            ]
        )

    def test_executions_of_legs_are_of_their_package_even_where_its_records_are_lost(self, alpaca: OptionAlpaca, tmp_path: Path) -> None:
        """Alpaca's activity names the leg's order alone, whose client order id is Alpaca's."""
        alpaca.broker().submit(CONDOR)
        alpaca.at(OPEN)
        alpaca.trading.fill_options(Decimal("0.50"), OPEN)
        fresh = alpaca.broker()
        fresh.open_orders()  # which lists legs by themselves, without their package
        assert {(one.client_order_id, one.multiplier) for one in fresh.fills(EVENING)} == {(CONDOR.client_order_id, 100)}
        with TradeState(f"sqlite:///{tmp_path / 'new.sqlite'}") as state:
            execution = self.made(alpaca, state).execute(SESSION, [CONDOR], options=True)
            assert [str(one.state) for one in execution.outcomes] == ["filled"]
        assert len(alpaca.double.requests("POST")) == 1

    def test_positions_are_contracts_of_a_hundred_shares(self, alpaca: OptionAlpaca) -> None:
        alpaca.trading.cost[HELD] = Decimal(-80)
        (short,) = [one for one in alpaca.broker().positions() if one.symbol == HELD]
        assert (short.quantity, short.price, short.cost, short.multiplier, short.value) == (-2, Decimal("0.04"), -80, 100, Decimal("-8.00"))

    def test_each_kind_of_activity_of_options_that_alpaca_py_names_is_booked_as_what_it_is(self) -> None:
        named = {one.value for one in ActivityType if one.value.startswith("OP")}
        assert named == {"OPASN", "OPEXC", "OPEXP", "OPTRD", "OPCSH"}
        assert {_KINDS[one] for one in named} == {
            EntryKind.ASSIGNMENT,
            EntryKind.EXERCISE,
            EntryKind.EXPIRY,
            EntryKind.OPTION_SHARES,
            EntryKind.OPTION_CASH,
        }


class TestRefusals:
    def reasons(self, alpaca: OptionAlpaca, *plan: OrderIntent) -> dict[str, str]:
        broker = alpaca.broker()
        assert isinstance(broker, OptionBroker)
        return dict(broker.option_refusals(plan))

    def test_nothing_speaks_against_what_the_double_takes(self, alpaca: OptionAlpaca) -> None:
        plan = [CLOSED, SOLD, SPREAD, CONDOR]
        alpaca.trading.held["AAA"] = Decimal(300)
        assert self.reasons(alpaca, *plan) == {}
        for one in plan:
            alpaca.broker().submit(one)

    @pytest.mark.parametrize(("level", "refused"), [(0, 4), (1, 2), (2, 1), (3, 0), (None, 4)])
    def test_the_level_of_the_account(self, alpaca: OptionAlpaca, level: int | None, refused: int) -> None:
        """What is refused here, the double refuses too: but closing at level 0, of which nothing is published."""
        alpaca.trading.account_fields |= {"options_trading_level": level, "options_approved_level": 3}
        plan = [SOLD, CLOSED, BOUGHT, SPREAD]
        reasons = self.reasons(alpaca, *plan)
        assert len(reasons) == refused
        if level is None:
            assert "needs level 1, and the account's is not known (options_trading_level; approved: 3)" in reasons[SOLD.client_order_id]
            return
        for one in plan:
            if one.client_order_id not in reasons:
                alpaca.broker().submit(one)
            elif one is not CLOSED:
                with pytest.raises(OrderRejectedError, match="not eligible"):
                    alpaca.broker().submit(one)

    def test_calls_that_nothing_covers(self, alpaca: OptionAlpaca) -> None:
        """The hundred shares cover the first; the second one finds none left."""
        second = order(leg(HIGHER, -1), limit="-0.50")
        covered = order(leg(HIGHER, -1), leg(CALL, 1), limit="0.50")
        reasons = self.reasons(alpaca, SOLD, second, covered)
        assert list(reasons) == [second.client_order_id]
        assert "1 calls on AAA would be short beyond what shares and other calls cover" in reasons[second.client_order_id]

    def test_puts_are_secured_by_cash_and_purchases_are_paid_for(self, alpaca: OptionAlpaca) -> None:
        alpaca.trading.account_fields["options_buying_power"] = "899.99"
        put, dear = order(leg(PUT, -1), limit="-1"), order(leg(LOWER, 9), limit="1.00")
        assert self.reasons(alpaca, put, dear) == {
            put.client_order_id: "it takes 900.00 of buying power for options, and there are 899.99 (options_buying_power)",
            dear.client_order_id: "it takes 900.00 of buying power for options, and there are 899.99 (options_buying_power)",
        }
        with pytest.raises(OrderRejectedError, match="insufficient options buying power"):
            alpaca.broker().submit(put)

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            (None, "is not known to Alpaca"),
            ({"tradable": False}, "can't be traded now"),
            ({"size": "10"}, "is for 10 shares at Alpaca, and for 100 in the chain"),
            ({"style": None}, "is a contract that can't be read"),
        ],
    )
    def test_contracts(self, alpaca: OptionAlpaca, fields: dict[str, Any] | None, why: str) -> None:
        del alpaca.trading.contracts[CALL]
        if fields is not None:
            alpaca.trading.add_contract(CALL, **fields)
        assert why in self.reasons(alpaca, SOLD)[SOLD.client_order_id]

    def test_contracts_are_found_page_by_page(self, alpaca: OptionAlpaca) -> None:
        alpaca.trading.page_limit = 1
        assert self.reasons(alpaca, SPREAD, ROLL) == {}

    def test_a_blocked_account(self, alpaca: OptionAlpaca) -> None:
        alpaca.trading.account_fields["trading_blocked"] = True
        assert self.reasons(alpaca, SOLD)[SOLD.client_order_id] == "the account can't trade: it is blocked (trading_blocked)"

    def test_of_a_plan_without_orders_nothing_is_asked(self, alpaca: OptionAlpaca) -> None:
        assert self.reasons(alpaca) == {}
        assert alpaca.double.requests("GET") == []


class TestTheDouble:
    """Its answers are read by alpaca-py's own models, strictly, and its rules refuse."""

    def test_its_answers_are_those_of_the_models(self, alpaca: OptionAlpaca) -> None:
        broker = alpaca.broker()
        for one in (SOLD, SPREAD):
            broker.submit(one)
        alpaca.at(OPEN)
        alpaca.trading.fill_options(Decimal("0.50"), OPEN)
        alpaca.trading.assign(CALL, 1, NIGHT)
        client = broker._client
        assert [TradeAccount(**client.get("/account")).options_trading_level] == [3]  # pyright: ignore[reportCallIssue]
        assert {Position(**one).asset_class.value for one in client.get("/positions")} == {"us_option"}  # pyright: ignore[reportCallIssue]
        nested = [Order(**one) for one in client.get("/orders", {"status": "all", "nested": True})]  # pyright: ignore[reportCallIssue]
        package = next(one for one in nested if one.order_class.value == option_orders.PACKAGE_CLASS)
        assert (package.symbol, package.side, package.asset_id) == (None, None, None)
        assert [(one.type, one.position_intent and one.position_intent.value) for one in package.legs or ()] == [
            (None, "buy_to_open"),
            (None, "sell_to_open"),
        ]
        listed = client.get("/options/contracts", {"underlying_symbols": "AAA"})
        assert len(OptionContractsResponse(**listed).option_contracts or ()) == 5  # pyright: ignore[reportCallIssue]
        kinds = [one["activity_type"] for one in client.get("/account/activities")]
        for one in client.get("/account/activities"):
            account = {"account_id": str(uuid.UUID(int=0))}  # the models are those of the broker's API, whose activities name the account
            TradeActivity(**one, **account) if one["activity_type"] == "FILL" else NonTradeActivity(**one, **account)  # pyright: ignore[reportCallIssue]
        assert set(kinds) == {"FILL", "OPASN", "OPTRD"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"symbol": "AAA"}, "must not be populated for mleg"),
            ({"legs": [{"symbol": PUT, "ratio_qty": "1", "side": "buy"}]}, "2 to 4 legs"),
            ({"legs": [{"symbol": s, "ratio_qty": "2", "side": "buy"} for s in (PUT, LOWER)]}, "relatively prime"),
            ({"legs": [{"symbol": PUT, "ratio_qty": "1", "side": "buy"}] * 2}, "unique symbols"),
            ({"legs": [{"symbol": s, "ratio_qty": "1", "side": "sell"} for s in (CALL, HIGHER)]}, "uncovered option contracts"),
            ({"time_in_force": "gtc"}, "only day"),
            ({"qty": "1.5"}, "whole number of contracts"),
            ({"type": "market", "limit_price": None}, "only allowed during market hours"),
            ({"limit_price": "0.123"}, "invalid limit_price"),
            ({"commission": "1"}, "unknown field"),
            (
                {"legs": [{"symbol": s, "ratio_qty": "1", "position_intent": "sell_to_close"} for s in (PUT, LOWER)]},
                "position intent mismatch",
            ),
        ],
    )
    def test_it_refuses_what_alpaca_refuses(self, alpaca: OptionAlpaca, change: dict[str, Any], message: str) -> None:
        good = {
            "order_class": "mleg",
            "qty": "1",
            "type": "limit",
            "limit_price": "0.50",
            "time_in_force": "day",
            "legs": [{"symbol": s, "ratio_qty": "1", "position_intent": f"{side}_to_open"} for s, side in ((PUT, "buy"), (LOWER, "sell"))],
        }
        client = alpaca.broker()._client
        body = {key: value for key, value in (good | change).items() if value is not None}
        with pytest.raises(Exception, match=message):
            client.post("/orders", body)
        client.post("/orders", good)
