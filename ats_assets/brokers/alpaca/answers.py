"""Alpaca's answers as alpaca-py's models, where they hold words that the installed alpaca-py does not know.

Its models take the values of its enums and no others, and a list fails where one of its rows does: a new order class of one order, which need not be ours, would
hide all orders. Here such a word is taken as it is (`Unknown`), and what can't be read at all is described, alone.
"""

from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_args

from pydantic import BaseModel, BeforeValidator, ValidationError, ValidatorFunctionWrapHandler, WrapValidator, create_model

from ats_assets.execution.order import ForeignOrder

if TYPE_CHECKING:
    from alpaca.trading.models import Order

M = TypeVar("M", bound=BaseModel)
_TOLD = ("order_class", "type", "side", "qty", "notional", "symbol", "status")
"""Fields of an order that tell a person which it is."""


class Unknown(str):
    """A word of Alpaca's that alpaca-py does not know, in the place of a member of one of its enums."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """As of an enum's member."""
        return str(self)


def read_order(raw: Mapping[str, Any]) -> "Order | ForeignOrder":
    """An order, whichever words it has; one that lacks what each order has is described."""
    from alpaca.trading.models import Order  # noqa: PLC0415

    try:
        return lenient(Order)(**raw)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
    told = " ".join(str(raw[name]) for name in _TOLD if raw.get(name) not in (None, ""))
    return ForeignOrder(
        broker_order_id=str(raw.get("id") or ""),
        client_order_id=str(raw.get("client_order_id") or ""),
        description=f"an order that can't be read ({wrong}): {told}",
    )


def lenient(model: type[M]) -> type[M]:
    """The model, whose enums take any word."""
    return cast("type[M]", _lenient(model))


@lru_cache
def _lenient(model: type[BaseModel]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (Annotated[field.annotation, WrapValidator(_or_unknown)], field)
        for name, field in model.model_fields.items()
        if any(isinstance(one, type) and issubclass(one, Enum) for one in (field.annotation, *get_args(field.annotation)))
    }
    if "legs" in model.model_fields:
        fields["legs"] = (Annotated[list[Any] | None, BeforeValidator(lambda legs: legs and [lenient(model)(**leg) for leg in legs])], None)
    return create_model(model.__name__, __base__=model, **fields)


def _or_unknown(value: Any, known: ValidatorFunctionWrapHandler) -> Any:
    try:
        return known(value)
    except ValidationError:
        if isinstance(value, str):
            return Unknown(value)
        raise
