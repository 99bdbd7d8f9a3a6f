"""Numbers in Alpaca's answers and in requests to it: exactly, and as text without an exponent."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ats_assets.algorithms.price_grid import plain
from ats_assets.execution.broker import BrokerError, OrderRejectedError
from ats_assets.execution.order import OrderIntent, exact

if TYPE_CHECKING:
    from alpaca.trading.requests import OrderRequest

R = TypeVar("R", bound="OrderRequest")


def exact_decimal(value: object, name: str) -> Decimal:
    """A number as Alpaca writes it, exactly.

    Raises
    ------
    BrokerError
        If it is missing or none.
    """
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise BrokerError(f"Alpaca's {name} is {value!r}, no number: the answer can't be used") from None
    if not number.is_finite():
        raise BrokerError(f"Alpaca's {name} is {value!r}: the answer can't be used")
    return number


def sent_exactly(intent: OrderIntent, value: Decimal) -> float:
    """As alpaca-py takes numbers: a double. It must be the same number."""
    if Decimal(repr(float(value))) != value:
        raise OrderRejectedError(f"{intent.client_order_id}: {value} has more digits than can be sent: round it to nine decimals")
    return float(value)


def with_plain_numbers(request: type[R]) -> type[R]:
    """The request, but with its numbers as text: a double of 0.000011 is written with an exponent."""
    return cast("type[R]", _with_plain_numbers(request))


@lru_cache
def _with_plain_numbers(request: "type[OrderRequest]") -> "type[OrderRequest]":
    class Plain(request):
        def to_request_fields(self) -> dict[str, Any]:
            return _texts(super().to_request_fields())

    Plain.__name__ = request.__name__
    return Plain


def _texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return plain(exact(value)) if isinstance(value, float) else value
