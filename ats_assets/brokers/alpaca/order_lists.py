"""Alpaca's orders as it lists them, page by page, and the client order ids that its executions lack."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from ats_assets.brokers.alpaca.answers import read_order
from ats_assets.brokers.alpaca.option_orders import PACKAGE_CLASS, is_package_order
from ats_assets.brokers.alpaca.orders import from_order, instant
from ats_assets.brokers.alpaca.symbol_map import SymbolMap
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.order import BrokerOrder, ForeignOrder

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from alpaca.trading.models import Order

_PAGE = 500
_LONGEST_CHAIN = 30
"""Of orders that took each other's place."""


class OrderLists:
    """The orders of the account.

    Attributes
    ----------
    names
        Alpaca's id of each order that was read -> its client order id.
    """

    def __init__(self, client: "TradingClient") -> None:
        self._client = client
        self.names: dict[str, str] = {}

    def read(self, raw: Any) -> "Order | ForeignOrder":
        """An order as Alpaca lists it; its client order id is kept for executions, which lack it."""
        order = read_order(raw)
        if isinstance(order, ForeignOrder):
            self.names[order.broker_order_id] = order.client_order_id
            return order
        if order.order_class.value != PACKAGE_CLASS or not order.symbol:  # a leg by itself does not tell of which package it is
            self.names[str(order.id)] = order.client_order_id
        for leg in order.legs or ():
            self.names[str(leg.id)] = order.client_order_id if is_package_order(order) else leg.client_order_id
        return order

    def whole(self, order: "Order") -> "Order | ForeignOrder":
        """The order with its legs, where it has any."""
        has_legs = order.order_class.value in ("bracket", "oco") or is_package_order(order)
        return self.by_id(order.id, nested=True) if has_legs and not order.legs else order

    def successors(self, taken: BrokerOrder, ours: str, symbols: SymbolMap) -> list[BrokerOrder]:
        """The orders that Alpaca has put in the place of exits: a stop that triggers may go on as another order. An order under an id of ours is replaced by people only.

        Parameters
        ----------
        ours
            With which ids of ours begin.
        """
        found: list[BrokerOrder] = []
        exits = [*taken.legs, *([] if taken.client_order_id.startswith(ours) else [taken])]
        for one in exits:
            while one.replaced_by is not None and len(found) < _LONGEST_CHAIN:
                following = self.by_id(one.replaced_by)
                if isinstance(following, ForeignOrder):
                    break  # it is listed among the open orders as one that is not ours
                one = from_order(following, symbols.our(str(following.symbol)))  # noqa: PLW2901 - the next of the chain
                found.append(one)
        return found

    def by_id(self, order_id: object, *, nested: bool = False) -> "Order | ForeignOrder":
        """The order that has Alpaca's id; `nested`: with its legs."""
        return self.read(self._client.get(f"/orders/{order_id}", {"nested": True} if nested else {}))

    def listed(self, status: str, after: datetime | None, *, nested: bool = False) -> "list[Order | ForeignOrder]":
        """All orders of that status (open, closed or all), the oldest first."""
        from alpaca.common.enums import Sort  # noqa: PLC0415
        from alpaca.trading.enums import QueryOrderStatus  # noqa: PLC0415
        from alpaca.trading.requests import GetOrdersRequest  # noqa: PLC0415

        found: dict[str, dict[str, Any]] = {}
        while True:
            query = GetOrdersRequest(status=QueryOrderStatus(status), limit=_PAGE, after=after, direction=Sort.ASC, nested=nested)
            page = cast("list[dict[str, Any]]", self._client.get("/orders", query.to_request_fields()))
            fresh = [order for order in page if str(order.get("id")) not in found]
            found |= {str(order.get("id")): order for order in fresh}
            if len(page) < _PAGE:
                return [self.read(order) for order in found.values()]
            if not fresh:
                raise BrokerError(f"more than {_PAGE} orders of one instant: they can't be listed")
            after = max(instant(order["submitted_at"], "submitted_at") for order in page) - timedelta(
                milliseconds=1
            )  # orders of one instant may lie on two pages

    def learn_names(self, found: Sequence[Mapping[str, Any]], since: datetime) -> None:
        """Client order ids, which executions lack: of all newer orders at once, of the others one by one."""
        wanted = {str(one["order_id"]) for one in found}
        if wanted - self.names.keys():
            self.listed("all", since - timedelta(days=1), nested=True)
        for order_id in sorted(wanted - self.names.keys()):
            self.names[order_id] = self.by_id(order_id).client_order_id
