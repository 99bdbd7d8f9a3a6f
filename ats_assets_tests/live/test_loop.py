"""The session loop on a real day: what is sent, what is written down, and what stops it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ats_assets.algorithms import Algorithm, Answer, ChildRecord, Leg, OrderKind, Parent, SendChild, SessionMarket, Side
from ats_assets.live import session_execution
from ats_assets.live.intake import Intake
from ats_assets.live.mishaps import MishapSettings
from ats_assets.live.step import What
from ats_assets.live.stream import EventKind
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.schema import ACCOUNT_SCHEMA, INSTRUMENTS_SCHEMA, POSITIONS_SCHEMA
from ats_assets.plugins import ALGORITHMS
from ats_assets.settings import BrakeSettings, LiveSettings, OrdersSettings, PortfolioSettings
from ats_assets.trade_state import TradeStateBusyError
from ats_assets_tests.live.day import BEFORE, CLOSED_AT, CLOSES, OPENS, Make, Slices, at, changed, parent

CLOSE = LiveSettings(look_seconds=7200.0, on_breach="close")
FRAGILE = BrakeSettings(max_session_loss=0.002)
"""IBM falls by more than 1 % that day, so a book of 40 % of it loses this much before noon."""


def test_slices_are_sent_and_all_is_filled(day: Make) -> None:
    one = day(parents=(parent(quantity=500),), algorithm=Slices(shares=100, minutes=30))
    one.play()
    assert one.sent() == {f"main-20131007-BAC-open-{i:02d}": Decimal(100) for i in range(1, 6)}
    assert one.exchange.positions_held == {"BAC": Decimal(500)}
    assert [made.reason for made in one.decided(What.DONE)] == ["filled"]


def test_what_is_held_for_a_strategy_without_signals_is_not_touched_and_what_a_stop_has_hit_is_closed(day: Make) -> None:
    """Of one strategy without signals SPY stays and IBM was cut to nothing by a rule; another one wants BAC. The loop works what the plan has."""
    targets = {"BAC": (0.1, "any"), "IBM": (0.0, "smaller"), "SPY": (0.2, "none")}
    rows = [(symbol, BEFORE, weight, change) for symbol, (weight, change) in targets.items()]
    held = {"IBM": 40, "SPY": 40}
    positions = [(BEFORE, symbol, symbol, float(n), 0.0, CLOSED_AT[symbol], n * CLOSED_AT[symbol]) for symbol, n in held.items()]
    known = [(BEFORE, symbol, True, True, True, None, True, 1.0, None, None, None) for symbol in targets]
    plan = order_plan(
        BEFORE,
        targets=pl.DataFrame(rows, schema=["symbol", "session", "target_weight", "allowed_change"], orient="row"),
        bars=pl.DataFrame({"symbol": [*targets], "close": [CLOSED_AT[one] for one in targets], "volume": 1.0}),
        positions=pl.DataFrame(positions, schema=POSITIONS_SCHEMA, orient="row"),
        account=pl.DataFrame([(BEFORE, "replayed", "a", 50_000.0, 80_000.0, 1e9, False, None, None)], schema=ACCOUNT_SCHEMA, orient="row"),
        instruments=pl.DataFrame(known, schema=INSTRUMENTS_SCHEMA, orient="row"),
        portfolio=PortfolioSettings(),
        orders=OrdersSettings(),
        fractional=False,
    )
    legs = [(one.symbol, one.side, one.leg, int(one.quantity)) for one in intents_of(plan, "main")]
    assert [leg[:3] for leg in legs] == [("IBM", Side.SELL, Leg.CLOSE), ("BAC", Side.BUY, Leg.OPEN)]
    one = day(parents=tuple(parent(symbol, n, side, leg) for symbol, side, leg, n in legs), algorithm=Slices(shares=10_000), held=held)
    one.play()
    assert one.exchange.positions_held == {"IBM": Decimal(0), "SPY": Decimal(40), "BAC": Decimal(legs[1][3])}


def test_a_restart_goes_on_where_the_journal_has_left_off(day: Make) -> None:
    one = day(parents=(parent(quantity=500),), algorithm=Slices(shares=100, minutes=30))
    events = one.events()
    for part in (events[:100], events[100:101], events[101:250], events[250:]):
        one.play(part)
    again = day(parents=one.parents, algorithm=one.algorithm)
    again.url = again.url.replace("trade_state", "whole")
    again.play()
    assert one.sent() == again.sent()
    assert one.exchange._fills == again.exchange._fills
    assert [made.decision for made in one.journal()[1]] == [made.decision for made in again.journal()[1]]


def test_what_was_written_in_a_transaction_that_was_taken_back_is_written_again(day: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one, failed, own = day(parents=(parent(quantity=500),), algorithm=Slices(shares=100, minutes=30)), [0], session_execution.plan_part

    def first_fails(*given: Any) -> Any:
        failed[0] += 1
        if failed[0] == 1:
            raise TradeStateBusyError("the database can't be reached now")
        return own(*given)

    monkeypatch.setattr(session_execution, "plan_part", first_fails)
    one.play()
    assert failed[0] > 1
    heard, decided = one.journal()
    assert [row.number for row in heard] == [*range(1, len(heard) + 1)]
    assert [row.number for row in decided] == [*range(1, len(decided) + 1)]
    assert [*one.sent()] == [f"main-20131007-BAC-open-{i:02d}" for i in range(2, 7)], "the first was not written down, and is not sent"


def test_an_order_is_cancelled_when_its_time_is_over_and_the_rest_is_sent_anew(day: Make) -> None:
    one = day(parents=(parent(quantity=300),), algorithm=Slices(shares=300, minutes=15, limit_ticks=12))
    one.play()
    orders = list(one.exchange._orders.values())
    assert len(orders) > 2
    assert {str(order.status) for order in orders[:-1]} == {"canceled"}
    assert sum(order.filled_quantity for order in orders) <= 300
    assert all(made.reason.startswith("its time is over") for made in one.decided(What.CANCEL))


def test_nothing_is_sent_while_a_symbol_is_halted_or_the_stream_is_lost(day: Make) -> None:
    halt = MishapSettings(kind="halt", start=at(10), end=at(10, 30), symbol="BAC")
    lost = MishapSettings(kind="lost", start=at(11), end=at(11, 30))
    one = day(parents=(parent(quantity=3000),), algorithm=Slices(shares=100, minutes=5), mishaps=(halt, lost))
    one.play()
    sent = [(order.submitted_at - OPENS).total_seconds() / 60 for order in one.exchange._orders.values()]
    assert len(sent) > 10
    assert not [minute for minute in sent if 30 < minute < 60 or 90 < minute < 120]
    assert {"trading of BAC is halted", "the stream is lost"} <= {made.reason for made in one.decided(What.HOLD)}
    heard, _ = one.journal()
    repaired = [row for row in heard if row.event.fields.get("repaired")]
    assert len(repaired) == 60, "the bars of the half hour were asked for when it was back"


@pytest.mark.parametrize(
    ("on_breach", "algorithm"), [("stop", Slices(shares=10, minutes=1)), ("close", ALGORITHMS.made("twap", {"slice_minutes": 1}))]
)
def test_no_order_leaves_after_the_event_of_a_breach(day: Make, on_breach: str, algorithm: Algorithm) -> None:
    """An algorithm is in the middle of an order, and sends every minute: after the bar that breaks the limit nothing is sent, and with `close` each position is closed by one order."""
    settings = CLOSE.model_copy(update={"on_breach": on_breach})
    worked = parent("BAC", 3000)
    equity = 60_000 + 220 * CLOSED_AT["IBM"]
    one = day(
        parents=(worked,),
        algorithm=algorithm,
        held={"IBM": 220},
        cash=60_000.0,
        brake=FRAGILE,
        equities=(equity,),
        live=settings,
    )
    one.play()
    breach = next(row for row in one.journal()[1] if row.decision.what is What.BREACH)
    assert "orders.brake leaves 0% of the targets" in breach.decision.reason
    assert breach.done
    sends = [row.number for row in one.journal()[1] if row.decision.what is What.SEND]
    assert len(sends) > 5
    assert max(sends) < breach.number
    assert sum(order.filled_quantity for name, order in one.exchange._orders.items() if "-open-" in name) < worked.quantity
    closing = {"main-20131007-IBM-breach-exit", "main-20131007-BAC-breach-exit"}
    assert {name for name in one.sent() if "-open-" not in name} == (closing if on_breach == "close" else set())
    assert len(one.sent()) == len(sends) + (2 if on_breach == "close" else 0)
    held = {symbol: shares for symbol, shares in one.exchange.positions_held.items() if shares}
    assert (held == {}) is (on_breach == "close")
    assert [alert.title for alert in one.alerts if alert.severity == "critical"] == ["A limit is broken: trading stops"]
    with one.loop() as loop:
        assert loop.execution.is_halted(breach.decision.reason)


def test_a_stream_that_goes_back_in_time_is_refused_with_a_message_and_no_order(day: Make) -> None:
    one = day(parents=(parent(quantity=3000),), algorithm=Slices(shares=100, minutes=10))
    events = one.events()
    one.play(events[:180])
    before = one.sent()
    bars = [event for event in events[:62] if event.kind is EventKind.BAR]
    last = events[179].known_at
    repeated = [
        replace(changed(bar, starts_at=bar.fields["starts_at"] + timedelta(seconds=30)), known_at=last + timedelta(seconds=1 + 30 * i))
        for i, bar in enumerate(bars)
    ]
    with one.loop() as loop:
        state = loop.run(one.moving(repeated, shown=False))
    assert len(before) > 5
    assert one.sent() == before
    assert not state.forward
    assert len([row for row in one.journal()[0] if row.verdict is Intake.BACK_IN_TIME]) == len(bars)
    assert any(made.reason == "the stream goes back in time" for made in one.decided(What.HOLD))
    assert any("the stream goes back in time" in alert.text for alert in one.alerts)
    one.play(events[240:])
    assert len(one.sent()) > len(before), "it goes on where the stream goes forward again"


def test_a_price_of_zero_is_refused_with_a_message_no_order_follows_it_and_the_good_bars_beside_it_are_taken(day: Make) -> None:
    zero = MishapSettings(kind="zero", start=at(10), end=at(11), symbol="BAC")
    one = day(parents=(parent(quantity=3000),), algorithm=Slices(shares=100, minutes=5), mishaps=(zero,))
    state = one.play()
    heard, _ = one.journal()
    refused = [row for row in heard if row.verdict is Intake.IMPOSSIBLE]
    assert len(refused) == 60
    assert {row.event.symbol for row in refused} == {"BAC"}
    assert refused[0].reason == "bar of BAC: 0.0 is no price"
    assert any("0.0 is no price" in alert.text for alert in one.alerts)
    sent = [(order.submitted_at - OPENS).total_seconds() / 60 for order in one.exchange._orders.values()]
    assert len(sent) > 10
    assert not [minute for minute in sent if 33 < minute < 90], "the last good price is three minutes old then"
    assert "the newest price of BAC is older than 180 s" in {made.reason for made in one.decided(What.HOLD)}
    assert len(state.of("IBM").bars) > 140


def test_events_that_come_twice_or_late_change_nothing(day: Make) -> None:
    whole = day(parents=(parent(quantity=500),), algorithm=Slices(shares=100, minutes=20))
    whole.play()
    doubled = MishapSettings(kind="doubled", start=at(9, 30), end=at(16))
    one = day(parents=whole.parents, algorithm=whole.algorithm, mishaps=(doubled,))
    one.url = one.url.replace("trade_state", "doubled")
    one.play()
    assert one.sent() == whole.sent()
    assert one.journal()[1] == whole.journal()[1]


def test_a_sale_is_worked_like_a_purchase(day: Make) -> None:
    one = day(parents=(parent("IBM", 100, Side.SELL, Leg.CLOSE),), held={"IBM": 100}, algorithm=Slices(shares=50, minutes=30))
    one.play()
    assert one.exchange.positions_held["IBM"] == 0


def test_the_kill_switch_holds_orders_and_its_end_lets_them_go(day: Make) -> None:
    one = day(parents=(parent(quantity=300),), algorithm=Slices(shares=100, minutes=5))
    events = one.events()
    one.kill_file.touch()
    one.play(events[:200])
    assert one.sent() == {}
    one.kill_file.unlink()
    one.play(events[200:])
    assert len(one.sent()) == 3


def test_vwap_without_a_profile_sends_equal_slices_and_each_says_so(day: Make) -> None:
    one = day(parents=(parent(quantity=600),), algorithm=ALGORITHMS.made("vwap", {"slice_minutes": 30}))
    one.play()
    assert [round(float(shares), -1) for shares in one.sent().values()] == [50.0] * 6
    assert sum(one.sent().values()) == 300
    reasons = [made.reason for made in one.decided(What.SEND)]
    assert reasons == [f"slice {k} of 12, of equal size: there is no profile of the volume" for k in range(1, 7)]


@pytest.mark.parametrize(
    ("algorithm", "traded", "why"),
    [("vwap", False, "no price of BAC is known"), ("participation", True, "10% of the 0 traded since it began has no room for more")],
)
def test_of_a_symbol_without_volume_nothing_is_sent_and_the_record_says_why(day: Make, algorithm: str, traded: bool, why: str) -> None:
    """Either the market shows nothing of it, or bars in which nothing was traded; the order beside it is worked."""
    one = day(parents=(parent(quantity=600), parent("IBM", 50)), algorithm=ALGORITHMS.made(algorithm, {}))
    events = [changed(event, volume=0.0) if event.symbol == "BAC" else event for event in one.events() if traded or event.symbol != "BAC"]
    one.play(events)
    assert {made.symbol for made in one.decided(What.SEND)} == {"IBM"}
    assert all("IBM" in name for name in one.sent())
    assert {made.reason for made in one.decided(What.HOLD, What.WAIT) if made.symbol == "BAC"} >= {why}


@pytest.mark.parametrize(("unfilled", "filled"), [("close", 2000), ("end", 1200)])
def test_what_is_left_of_a_symbol_that_shows_no_price_any_more_goes_where_the_settings_say(day: Make, unfilled: str, filled: int) -> None:
    """It was held for its old price until the session was over: the rest missed the closing auction, which needs none."""
    one = day(
        parents=(parent(quantity=2000),), algorithm=Slices(shares=100, minutes=30), unfilled=unfilled, until=CLOSES + timedelta(minutes=2)
    )
    quiet = CLOSES - timedelta(minutes=30)
    one.play([event for event in one.events() if event.symbol != "BAC" or not quiet < event.known_at < CLOSES])
    assert one.exchange.positions_held["BAC"] == filled
    assert any("unfilled 15 minutes before the close" in made.reason for made in one.decided(What.SEND, What.DONE))


class OverSends(Slices):
    """Of IBM it asks for more than is left, or fails; of the others it sends slices."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(shares=100, minutes=30)
        self.error = error

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        if parent.symbol != "IBM":
            return super().next(parent, children, market)
        if self.error is not None:
            raise self.error
        return SendChild(quantity=parent.quantity + 1, kind=OrderKind.MARKET, reason="one too many")


@pytest.mark.parametrize("error", [None, ZeroDivisionError("of one's own")])
def test_an_algorithm_that_over_sends_or_fails_is_held_and_the_orders_beside_it_are_worked(day: Make, error: Exception | None) -> None:
    """It ended the loop, and each restart of it at once, and with it the risk of all that was held."""
    one = day(parents=(parent("IBM", 50), parent("BAC", 300)), algorithm=OverSends(error))
    one.play()
    one.play([])
    assert {name for name in one.sent() if "IBM" in name} == set()
    assert one.exchange.positions_held["BAC"] == Decimal(300)
    (held,) = (made for made in one.decided(What.HOLD) if made.symbol == "IBM" and "main-" in made.reason)
    assert ("51 is to be sent" if error is None else "of one's own") in held.reason
    assert [alert.title for alert in one.alerts if "algorithm" in alert.key] == ["An order is not worked"]
