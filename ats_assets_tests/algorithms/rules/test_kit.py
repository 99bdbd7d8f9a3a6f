"""Each algorithm of the package passes the kit, and the kit catches those that are faulty."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from ats_assets.algorithms import (
    AlgorithmError,
    Answer,
    CancelChild,
    ChildRecord,
    Done,
    OrderKind,
    Parent,
    SendChild,
    SessionMarket,
    Wait,
    unsent,
)
from ats_assets.plugins import ALGORITHMS, Plugin
from ats_assets.settings import Section
from ats_assets_tests.kits.algorithms import AlgorithmKit, order

SMALL: dict[str, dict[str, Any]] = {"iceberg": {"limit_bps": 10.0}}


@pytest.mark.parametrize("name", ALGORITHMS.names())
class TestOfThePackage(AlgorithmKit):
    @pytest.fixture(autouse=True)
    def _of_name(self, name: str) -> None:
        type(self).plugin, type(self).small = ALGORITHMS.find(name), SMALL.get(name, {})


class NoSettings(Section):
    """None."""


class Faulty:
    """Sends all at once, at the market, and is right in that."""

    needs_bars, before_open = True, False

    def __init__(self, settings: NoSettings) -> None:
        self.settings, self.asked = settings, 0

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        self.asked += 1
        if market.now < parent.starts_at:
            return Wait(until=parent.starts_at, reason="early")
        left = parent.on_quantity_grid(unsent(parent, children))
        if not left or (children and children[-1].sent_at == market.now):
            return Wait(until=None, reason="all is sent")
        return self.said(parent, left, market)

    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return SendChild(quantity=left, kind=OrderKind.MARKET, reason="all")


class OverFills(Faulty):
    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return SendChild(quantity=parent.quantity + parent.increments.quantity, kind=OrderKind.MARKET, reason="more than all")


class OffTheGrid(Faulty):
    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        price = (market.last or parent.decision_price) * Decimal("1.00001")
        return SendChild(quantity=left, kind=OrderKind.LIMIT, limit_price=price, reason="at a price that there is not")


class CancelsStrangers(Faulty):
    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return CancelChild(client_order_id="main-20240301-MSFT-open-01", reason="why not")


class NeverWaits(Faulty):
    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        return SendChild(
            quantity=parent.increments.quantity, kind=OrderKind.LIMIT, limit_price=market.last or parent.decision_price, reason="again"
        )


class Counts(Faulty):
    """It keeps something: every second question has another answer."""

    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return Wait(until=None, reason="not yet") if self.asked % 2 else super().said(parent, left, market)


class LooksAtTheClock(Faulty):
    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return SendChild(quantity=left, kind=OrderKind.MARKET, reason=f"at {datetime.now(UTC)}")


class Remembers(Faulty):
    """It has seen the bars of another run, and looks there what comes."""

    seen: ClassVar[dict[datetime, float]] = {}

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        for at, close in market.bars.select("known_at", "close").iter_rows():
            self.seen[at] = close
        if market.now < parent.starts_at:
            return Wait(until=parent.starts_at, reason="early")
        later = [close for at, close in self.seen.items() if at > market.now]
        left = unsent(parent, children)
        if not children and left and later and min(later) > float(market.last or 0):
            return SendChild(quantity=left, kind=OrderKind.MARKET, reason="it will rise")
        return Wait(until=None, reason="it will fall") if left else Done(reason="all is sent")


class SaysNothing(Faulty):
    def said(self, parent: Parent, left: Decimal, market: SessionMarket) -> Answer:
        return SendChild(quantity=left, kind=OrderKind.MARKET)


def kit_of(kind: type[Faulty], small: dict[str, Any] | None = None) -> AlgorithmKit:
    class Kit(AlgorithmKit):
        plugin = Plugin(settings=NoSettings, make=kind)

    Kit.small = small or {}
    return Kit()


def test_one_that_is_right_passes() -> None:
    kit = kit_of(Faulty)
    kit.test_the_same_question_has_the_same_answer_whenever_and_whoever_asks(1)
    kit.test_started_again_before_each_answer_it_does_the_same()
    kit.test_what_comes_later_changes_no_order_before(120)
    kit.test_it_never_fills_more_than_was_decided_and_its_orders_can_be_sent(0)


@pytest.mark.parametrize("kind", [OverFills, OffTheGrid, CancelsStrangers, NeverWaits])
def test_what_no_driver_carries_out_is_caught(kind: type[Faulty]) -> None:
    with pytest.raises(AlgorithmError):
        kit_of(kind).test_it_never_fills_more_than_was_decided_and_its_orders_can_be_sent(1)


@pytest.mark.parametrize("kind", [Counts, LooksAtTheClock])
def test_what_is_no_pure_function_is_caught(kind: type[Faulty]) -> None:
    with pytest.raises(AssertionError, match="it keeps something, or looks at the clock"):
        kit_of(kind).test_the_same_question_has_the_same_answer_whenever_and_whoever_asks(1)


def test_one_that_does_something_else_after_a_restart_is_caught() -> None:
    with pytest.raises(AssertionError):
        kit_of(Counts).test_started_again_before_each_answer_it_does_the_same()


def test_one_that_knows_what_comes_is_caught() -> None:
    Remembers.seen.clear()
    with pytest.raises(AssertionError, match="bars that were not known yet"):
        kit_of(Remembers).test_what_comes_later_changes_no_order_before(20)


def test_one_that_gives_no_reasons_is_caught() -> None:
    with pytest.raises(AssertionError):
        kit_of(SaysNothing).test_it_sends_something_and_each_answer_has_a_reason(order().side)
