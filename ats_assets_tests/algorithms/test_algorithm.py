"""What a driver lets an algorithm do, and what settings can name."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ats_assets.algorithms import (
    AlgorithmError,
    Answer,
    CancelChild,
    ChildRecord,
    Done,
    Increments,
    Leg,
    OrderKind,
    OrderStatus,
    Parent,
    SendChild,
    Side,
    checked_answer,
    unsent,
)
from ats_assets.algorithms.choosing import check_algorithms, chosen_algorithm
from ats_assets.errors import SettingsError
from ats_assets.settings import Settings

OPENS, CLOSES = datetime(2024, 3, 4, 14, 30, tzinfo=UTC), datetime(2024, 3, 4, 21, 0, tzinfo=UTC)


def parent(quantity: str = "1000", **changes: Any) -> Parent:
    values: dict[str, Any] = {
        "client_order_id": "main-20240301-AAPL-open",
        "symbol": "AAPL",
        "side": Side.BUY,
        "leg": Leg.OPEN,
        "quantity": Decimal(quantity),
        "decision_price": Decimal("10.00"),
        "starts_at": OPENS,
        "ends_at": CLOSES,
    }
    return Parent(**(values | changes))


def child(number: int, quantity: str, filled: str = "0", status: OrderStatus = OrderStatus.ACCEPTED, **changes: Any) -> ChildRecord:
    values: dict[str, Any] = {
        "number": number,
        "client_order_id": f"main-20240301-AAPL-open-{number:02d}",
        "kind": OrderKind.LIMIT,
        "quantity": Decimal(quantity),
        "limit_price": Decimal("10.00"),
        "sent_at": OPENS,
        "status": status,
        "filled": Decimal(filled),
    }
    return ChildRecord(**(values | changes))


def send(quantity: str, kind: OrderKind = OrderKind.MARKET, limit: str | None = None) -> SendChild:
    return SendChild(quantity=Decimal(quantity), kind=kind, limit_price=None if limit is None else Decimal(limit))


def test_what_is_open_may_be_filled_still_and_is_not_sent_again() -> None:
    children = [child(1, "400", "100"), child(2, "300", "50", OrderStatus.CANCELED)]
    assert unsent(parent(), children) == 550  # 1000 less 100 + 50 filled, less 300 that may be
    assert checked_answer(parent(), children, send("550")) == send("550")
    with pytest.raises(AlgorithmError, match="550 of 1000 are neither filled nor sent"):
        checked_answer(parent(), children, send("551"))


def test_an_order_whose_status_is_not_known_counts_as_open() -> None:
    assert unsent(parent(), [child(1, "400", status=OrderStatus.UNKNOWN)]) == 600


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (send("0"), "an order for 0"),
        (send("-5"), "an order for -5"),
        (send("1.5"), "no multiple of 1"),
        (send("5"), "or too small"),
        (send("50", OrderKind.LIMIT), "needs a limit price"),
        (send("50", OrderKind.LIMIT, "9.999"), "no price that an order for AAPL may name"),
        (send("50", OrderKind.LIMIT, "0"), "no price"),
        (send("50", OrderKind.LIMIT, "10.51"), "worse than its limit of 10.50"),
        (CancelChild(client_order_id="main-20240301-AAPL-open-07", reason=""), "no open order of it"),
        (CancelChild(client_order_id="main-20240301-AAPL-open-02", reason=""), "no open order of it"),
        (CancelChild(client_order_id="main-20240301-AAPL-open-03", reason=""), "no open order of it"),
    ],
)
def test_an_answer_that_can_not_be_carried_out_is_refused(answer: Answer, why: str) -> None:
    order = parent(limit_price=Decimal("10.50"), increments=Increments(least_quantity=Decimal(10)))
    children = [child(1, "100"), child(2, "100", "100", OrderStatus.FILLED), child(3, "100", cancel_asked_at=OPENS)]
    with pytest.raises(AlgorithmError, match=why):
        checked_answer(order, children, answer)


def test_what_is_in_order_passes() -> None:
    order, children = parent(limit_price=Decimal("10.50")), [child(1, "100")]
    for answer in (
        send("50", OrderKind.LIMIT, "10.50"),
        CancelChild(client_order_id=children[0].client_order_id, reason=""),
        Done(reason=""),
    ):
        assert checked_answer(order, children, answer) is answer


def test_prices_are_rounded_so_that_none_pays_more_or_takes_less() -> None:
    buys, sells = parent(), parent(side=Side.SELL)
    assert [one.on_price_grid(Decimal("10.123")) for one in (buys, sells)] == [Decimal("10.12"), Decimal("10.13")]
    assert [one.on_price_grid(Decimal("10.123"), worse=True) for one in (buys, sells)] == [Decimal("10.13"), Decimal("10.12")]
    assert buys.on_price_grid(Decimal("0.12345")) == Decimal("0.1234")
    assert parent(limit_price=Decimal("10.051")).within_limit(Decimal(11)) == Decimal("10.05")
    assert parent(side=Side.SELL, limit_price=Decimal("9.951")).within_limit(Decimal(9)) == Decimal("9.96")


def test_a_name_that_is_no_algorithm_is_told_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"'vwop', which is no execution algorithm: choose one of .*at_open"):
        check_algorithms(Settings(orders={"algorithm": "vwop"}))  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="'nosuch'"):
        check_algorithms(Settings(orders={"selection": [{"algorithm": "nosuch"}]}))  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match="at_open"):
        chosen_algorithm(Settings(algorithms={"at_open": {"kind": "at_open"}}), "at_open")
