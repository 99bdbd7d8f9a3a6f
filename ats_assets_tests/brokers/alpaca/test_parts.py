"""Orders for parts of a worked order, as Alpaca's own models write them; none of them needs a server."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from alpaca.trading.enums import OrderType, TimeInForce

from ats_assets.brokers.alpaca.orders import to_request
from ats_assets.execution.broker import OrderRejectedError
from ats_assets.execution.order import OrderKind, Side
from ats_assets_tests.execution.exchange import intent


@pytest.mark.parametrize(
    ("kind", "limit", "type_", "tif"),
    [
        (OrderKind.MARKET, None, OrderType.MARKET, TimeInForce.DAY),
        (OrderKind.MARKET_ON_CLOSE, None, OrderType.MARKET, TimeInForce.CLS),
        (OrderKind.LIMIT, "10.019", OrderType.LIMIT, TimeInForce.DAY),
        (OrderKind.LIMIT_ON_CLOSE, "10.019", OrderType.LIMIT, TimeInForce.CLS),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_a_part_in_alpacas_words(kind: OrderKind, limit: str | None, type_: OrderType, tif: TimeInForce, side: Side) -> None:
    one = replace(intent("AAPL", "10", side=side), kind=kind, limit_price=None if limit is None else Decimal(limit))
    made = to_request(one, "AAPL", auction=False)
    fields: dict[str, Any] = made.to_request_fields()
    assert (made.type, made.time_in_force, str(fields["qty"]), fields["client_order_id"]) == (type_, tif, "10", one.client_order_id)
    if limit is not None:
        assert str(fields["limit_price"]) == ("10.01" if side is Side.BUY else "10.02")  # never worse than was decided


@pytest.mark.parametrize(
    ("kind", "symbol", "quantity", "why"),
    [
        (OrderKind.WORKED, "AAPL", "10", "never sent itself"),
        (OrderKind.MARKET_ON_CLOSE, "AAPL", "10.5", "whole shares of a stock only"),
        (OrderKind.LIMIT_ON_CLOSE, "AAPL", "10.5", "whole shares of a stock only"),
        (OrderKind.MARKET_ON_CLOSE, "BTC/USD", "1", "whole shares of a stock only"),
        (OrderKind.LIMIT_ON_CLOSE, "AAPL", "10", "without a limit price"),
    ],
)
def test_what_alpaca_has_not_is_refused_before_it_is_sent(kind: OrderKind, symbol: str, quantity: str, why: str) -> None:
    with pytest.raises(OrderRejectedError, match=why):
        to_request(replace(intent(symbol, quantity), kind=kind), symbol)


def test_a_pair_is_traded_until_it_is_cancelled() -> None:
    made = to_request(replace(intent("BTC/USD", "0.5"), kind=OrderKind.MARKET), "BTC/USD")
    assert made.time_in_force is TimeInForce.GTC
