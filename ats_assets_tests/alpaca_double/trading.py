"""The trading desk of the double: account, orders, positions, activities, and an exchange that fills when it is told to.

Source of formats, codes and rules: Alpaca's documentation of the Trading API (orders, order types and times in force, fractional trading, account activities).
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.wire import NEW_YORK, Refusal, Request, Response, Route, instant, rfc3339

ACCOUNT_ID = "e6fe16f3-64a4-4921-8928-cadf02f92f98"
OPEN = ("new", "accepted", "partially_filled", "held", "pending_new", "pending_cancel")
CLOSED = ("filled", "canceled", "expired", "rejected", "replaced")
"""What is listed as closed: in whichever other status an order is, it is listed as open."""
_AUCTION_CLOSES, _AUCTION_OPENS = time(9, 28), time(19, 0)
_CLOSE_CLOSES = time(15, 50)
_NAMES = [
    "client_order_id",
    "symbol",
    "qty",
    "side",
    "type",
    "time_in_force",
    "limit_price",
    "stop_price",
    "order_class",
    "take_profit",
    "stop_loss",
    "extended_hours",
    "notional",
    "position_intent",
]


def desks() -> list[Any]:
    """The reference and the trading desk that knows it, for a double in another process."""
    reference = Reference()
    return [reference, Trading(reference)]


class Trading:
    """One margin account. Fills, corporate actions and failures of the exchange come from the test, by methods or by `control`."""

    name = "trading"

    def __init__(self, reference: Reference, cash: str = "100000") -> None:
        self.reference = reference
        self.cash = Decimal(cash)
        self.held: dict[str, Decimal] = {}
        self.cost: dict[str, Decimal] = {}
        self.prices: dict[str, Decimal] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.activities: list[dict[str, Any]] = []
        self.account_fields: dict[str, Any] = {}
        self.position_fields: dict[str, dict[str, Any]] = {}
        """By symbol, what stands in a position in the place of what belongs there."""
        self.configuration_fields: dict[str, Any] = {}
        self.refused: list[tuple[str, str]] = []
        self.unique = True
        """Whether a client order id is taken once. Alpaca promises it; without it a test sees what the client alone is worth."""
        self.slow_cancels = False
        """Whether what is asked to be cancelled stays pending, until `end_cancels`."""
        self.listeners: list[Callable[[dict[str, Any]], None]] = []
        """Told of each order event, in the form of the stream `trade_updates`."""
        self.now = datetime.now(NEW_YORK)

    def routes(self) -> Iterable[Route]:
        """As in Alpaca's reference of the Trading API."""
        order = r"/v2/orders/(?P<order_id>[0-9a-f-]{36})"
        return [
            Route(method="GET", pattern=r"/v2/account", handle=self._account),
            Route(method="GET", pattern=r"/v2/account/configurations", handle=self._configurations),
            Route(method="GET", pattern=r"/v2/positions", handle=self._positions),
            Route(method="GET", pattern=r"/v2/account/activities(/(?P<kind>[A-Z]+))?", handle=self._list_activities),
            Route(method="POST", pattern=r"/v2/orders", handle=self._submit),
            Route(method="GET", pattern=r"/v2/orders", handle=self._list),
            Route(method="GET", pattern=r"/v2/orders:by_client_order_id", handle=self._by_client_order_id),
            Route(method="GET", pattern=order, handle=self._by_id),
            Route(method="DELETE", pattern=order, handle=self._cancel),
        ]

    def control(self, what: str, body: Any) -> Any:
        """For tests in another process: fill, auction, orders, and the account's fields."""
        if what == "fill":
            self.fill(body["client_order_id"], Decimal(body["qty"]), Decimal(body["price"]))
        elif what == "auction":
            self.auction({symbol: Decimal(price) for symbol, price in body["prices"].items()}, instant(body["at"]))
        elif what == "reject":
            self.reject(body["client_order_id"])
        elif what == "account":
            self.account_fields.update(body)
        elif what == "unique":
            self.unique = bool(body)
        elif what == "refused":
            return self.refused
        elif what == "orders":
            return list(self.orders.values())
        elif what == "activities":
            return self.activities
        else:
            raise KeyError(what)
        return "ok"

    # ---- the exchange

    def fill(self, client_order_id: str, quantity: Decimal, price: Decimal, at: datetime | None = None) -> None:
        """One execution."""
        order = self._named(client_order_id)
        at = at or self.now
        done = Decimal(order["filled_qty"]) + quantity
        paid = Decimal(order["filled_avg_price"] or 0) * Decimal(order["filled_qty"]) + quantity * price
        whole = done == Decimal(order["qty"])
        order |= {"filled_qty": str(done), "filled_avg_price": str(paid / done), "updated_at": rfc3339(at)}
        order |= {"status": "filled", "filled_at": rfc3339(at)} if whole else {"status": "partially_filled"}
        sign = 1 if order["side"] == "buy" else -1
        self.cash -= sign * quantity * price
        self.held[order["symbol"]] = self.held.get(order["symbol"], Decimal(0)) + sign * quantity
        self.cost[order["symbol"]] = self.cost.get(order["symbol"], Decimal(0)) + sign * quantity * price
        self.prices[order["symbol"]] = price
        self._log(
            at,
            activity_type="FILL",
            transaction_time=rfc3339(at),
            type="fill" if whole else "partial_fill",
            price=str(price),
            qty=str(quantity),
            side=order["side"],
            symbol=order["symbol"],
            leaves_qty=str(Decimal(order["qty"]) - done),
            order_id=order["id"],
            cum_qty=str(done),
            order_status=order["status"],
        )
        self._tell(
            "fill" if whole else "partial_fill",
            order,
            at,
            execution_id=str(uuid.uuid5(uuid.NAMESPACE_OID, self.activities[-1]["id"])),
            price=str(price),
            qty=str(quantity),
            position_qty=str(self.held[order["symbol"]]),
        )
        if whole and order["order_class"] == "bracket":
            for leg in order["legs"] or ():
                leg["status"] = "new" if leg["type"] == "limit" else "held"
        if whole:
            self._cancel_the_other_exit(order)

    def auction(self, prices: Mapping[str, Decimal], at: datetime) -> None:
        """The open of a session: opening and day market orders at its prices; what is without one is left, and auction orders expire."""
        for order in list(self.orders.values()):
            if order["status"] not in ("new", "accepted") or order["time_in_force"] == "cls":
                continue
            price = prices.get(order["symbol"])
            limit = Decimal(order["limit_price"]) if order["limit_price"] else None
            sign = 1 if order["side"] == "buy" else -1
            if price is not None and (limit is None or sign * (limit - price) >= 0) and order["type"] in ("market", "limit"):
                self.fill(order["client_order_id"], Decimal(order["qty"]) - Decimal(order["filled_qty"]), price, at)
            elif order["time_in_force"] == "opg":
                self._end(order, "expired", "expired_at", at)

    def close(self, at: datetime) -> None:
        """The close of a session: day orders expire."""
        for order in self.orders.values():
            if order["status"] in OPEN and order["time_in_force"] in ("day", "opg", "cls"):
                self._end(order, "expired", "expired_at", at)

    def end_cancels(self, at: datetime | None = None) -> None:
        """What is pending is cancelled now."""
        for order in self.orders.values():
            if order["status"] == "pending_cancel":
                self._end(order, "canceled", "canceled_at", at or self.now)

    def reject(self, client_order_id: str, at: datetime | None = None) -> None:
        """The exchange refuses an order that Alpaca had taken."""
        self._end(self._named(client_order_id), "rejected", "failed_at", at or self.now)

    def replace(self, client_order_id: str, quantity: Decimal, at: datetime | None = None) -> str:
        """Somebody has replaced an order, as Alpaca's page does: another order, with an id of its own, stands in for it. Gives its client order id."""
        order, at = self._named(client_order_id), at or self.now
        new = order | {"id": str(uuid.uuid4()), "client_order_id": str(uuid.uuid4()), "qty": str(quantity), "replaces": order["id"]}
        self.orders[new["id"]] = new | {"submitted_at": rfc3339(at), "updated_at": rfc3339(at)}
        order["replaced_by"] = new["id"]
        self._end(order, "replaced", "replaced_at", at)
        return new["client_order_id"]

    def add_foreign(self, *, at: datetime | None = None, legs: Iterable[Mapping[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
        """An open order that somebody made on Alpaca's page or in another program, in any of the forms that it lists: notional, multi-leg …"""
        stamp = rfc3339(at or self.now)
        names = (
            "symbol",
            "asset_id",
            "asset_class",
            "notional",
            "qty",
            "filled_avg_price",
            "side",
            "type",
            "order_type",
            "limit_price",
            "stop_price",
        )
        order: dict[str, Any] = dict.fromkeys(names) | {
            "id": str(uuid.uuid4()),
            "client_order_id": str(uuid.uuid4()),
            **dict.fromkeys(("created_at", "submitted_at", "updated_at"), stamp),
            "filled_qty": "0",
            "order_class": "",
            "time_in_force": "day",
            "status": "new",
            "extended_hours": False,
        }
        order |= fields
        ids = {
            name: order[name]
            for name in ("created_at", "submitted_at", "updated_at", "time_in_force", "status", "filled_qty", "extended_hours")
        }
        order["legs"] = [
            ids | {"id": str(uuid.uuid4()), "client_order_id": str(uuid.uuid4()), "order_class": "mleg"} | leg for leg in legs or ()
        ] or None
        self.orders[order["id"]] = order
        return order

    def book(self, kind: str, at: datetime, *, cash: str = "0", symbol: str | None = None, qty: str | None = None, **more: Any) -> None:
        """An activity without a trade: DIV, INT, FEE, CSD, SPLIT …; `qty` of a split is the change of the position."""
        self.cash += Decimal(cash)
        if kind == "SPLIT" and symbol and qty:
            self.held[symbol] = self.held.get(symbol, Decimal(0)) + Decimal(qty)
        fields = {"symbol": symbol, "qty": qty} | more
        given = {key: value for key, value in fields.items() if value is not None}
        day = at.astimezone(NEW_YORK).date().isoformat()
        self._log(at, activity_type=kind, date=day, net_amount=cash, description="", status="executed", **given)

    def _log(self, at: datetime, **fields: Any) -> None:
        name = f"{at.astimezone(NEW_YORK):%Y%m%d%H%M%S%f}"[:17] + f"::{uuid.uuid5(uuid.NAMESPACE_OID, str(len(self.activities)))}"
        self.activities.append({"id": name} | fields)

    def _of_one_exit(self, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The exits of which one cancels the other, those that stand in for them included; alone, where it is none."""
        for parent in self.orders.values():
            legs = parent["legs"] or []
            group = [parent, *legs] if parent["order_class"] == "oco" else list(legs)
            while more := [one for one in self.orders.values() if one.get("replaces") in [leg["id"] for leg in group] and one not in group]:
                group += more
            if order["id"] in [one["id"] for one in group]:
                return group
        return []

    def _cancel_the_other_exit(self, filled: Mapping[str, Any]) -> None:
        for one in self._of_one_exit(filled):
            if one["id"] != filled["id"] and one["status"] in OPEN:
                self._end(one, "canceled", "canceled_at", self.now)

    def _end(self, order: dict[str, Any], status: str, stamp: str, at: datetime) -> None:
        order |= {"status": status, stamp: rfc3339(at), "updated_at": rfc3339(at)}
        self._tell(status, order, at)

    def _tell(self, event: str, order: Mapping[str, Any], at: datetime, **more: str) -> None:
        for listener in self.listeners:
            listener({"event": event, "timestamp": rfc3339(at), "order": dict(order)} | more)

    # ---- the API

    def _account(self, request: Request) -> Response:
        worth = sum((quantity * self.prices.get(symbol, Decimal(0)) for symbol, quantity in self.held.items()), Decimal(0))
        body = {
            "id": ACCOUNT_ID,
            "account_number": "PA2DOUBLE",
            "status": "ACTIVE",
            "crypto_status": "ACTIVE",
            "currency": "USD",
            "cash": str(self.cash),
            "portfolio_value": str(self.cash + worth),
            "equity": str(self.cash + worth),
            "last_equity": str(self.cash + worth),
            "buying_power": str(self._buying_power()),
            "multiplier": "2",
            "pattern_day_trader": False,
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": False,
            "shorting_enabled": True,
            "created_at": "2020-01-02T15:00:00Z",
        }
        return Response(body=body | self.account_fields)

    def _configurations(self, request: Request) -> Response:
        """The owner's choices, as a new account has them; without the fields of day trading, which went in July 2026."""
        body = {
            "fractional_trading": True,
            "max_margin_multiplier": "4",
            "no_shorting": False,
            "suspend_trade": False,
            "trade_confirm_email": "all",
            "ptp_no_exception_entry": False,
        }
        return Response(body=body | self.configuration_fields)

    def _buying_power(self) -> Decimal:
        return Decimal(self.account_fields.get("buying_power", 2 * self.cash))

    def _positions(self, request: Request) -> Response:
        return Response(body=[self._position(symbol, quantity) for symbol, quantity in sorted(self.held.items()) if quantity])

    def _position(self, symbol: str, quantity: Decimal) -> dict[str, Any]:
        price, cost = self.prices.get(symbol, Decimal(1)), self.cost.get(symbol, Decimal(0))
        asset = self.reference.assets[symbol]
        return {
            "asset_id": asset["id"],
            "symbol": symbol.replace("/", ""),
            "exchange": asset["exchange"],
            "asset_class": asset["class"],
            "avg_entry_price": str(cost / quantity),
            "qty": str(quantity),
            "qty_available": str(quantity),
            "side": "long" if quantity > 0 else "short",
            "market_value": str(quantity * price),
            "cost_basis": str(cost),
            "unrealized_pl": str(quantity * price - cost),
            "unrealized_plpc": "0",
            "unrealized_intraday_pl": "0",
            "unrealized_intraday_plpc": "0",
            "current_price": str(price),
            "lastday_price": str(price),
            "change_today": "0",
        } | self.position_fields.get(symbol, {})

    def _submit(self, request: Request) -> Response:
        self.now = request.now
        given = request.json()
        name = given.get("client_order_id") or str(uuid.uuid4())
        try:
            order = self._checked(given, name, request.now)
        except Refusal as refusal:
            self.refused.append((name, refusal.body["message"]))
            raise
        self.orders[order["id"]] = order
        for leg in order["legs"] or ():
            self.orders[leg["id"]] = leg
        self._tell("new", order, request.now)
        return Response(body=order)

    def _checked(self, given: Mapping[str, Any], name: str, now: datetime) -> dict[str, Any]:
        unknown = set(given) - set(_NAMES)
        if unknown:
            raise Refusal(422, f"unknown field: {', '.join(sorted(unknown))}", 42210000)
        asset = self.reference.assets.get(given.get("symbol", ""))
        if asset is None:
            raise Refusal(422, f'asset "{given.get("symbol")}" not found', 42210000)
        if asset["status"] != "active":
            raise Refusal(422, f"asset {asset['symbol']} is not active", 42210000)
        if not asset["tradable"]:
            raise Refusal(422, f'asset "{asset["symbol"]}" is not tradable', 42210000)
        _check_numbers(given)
        quantity = Decimal(str(given["qty"]))
        if quantity <= 0:
            raise Refusal(422, "qty must be > 0", 42210000)
        self._check_kind(given, asset, quantity, now)
        self._check_money(given, asset, quantity)
        if len(name) > 128:
            raise Refusal(422, "client_order_id must be no more than 128 characters", 40010001)
        if self.unique and any(order["client_order_id"] == name for order in self.orders.values()):
            raise Refusal(422, "client_order_id must be unique", 40010001)
        return self._made(given, name, now)

    def _check_kind(self, given: Mapping[str, Any], asset: Mapping[str, Any], quantity: Decimal, now: datetime) -> None:
        tif, whole = given["time_in_force"], quantity == quantity.to_integral()
        local = now.astimezone(NEW_YORK)
        if asset["class"] == "crypto":
            _check_pair(given, asset, quantity)
            return
        if not whole and not asset["fractionable"]:
            raise Refusal(422, f'asset "{asset["symbol"]}" is not fractionable', 42210000)
        if not whole and (tif != "day" or given.get("order_class") not in (None, "", "simple")):
            raise Refusal(422, "fractional orders must be DAY orders", 42210000)
        if not whole and given["side"] == "sell" and self.held.get(asset["symbol"], Decimal(0)) < quantity:
            raise Refusal(403, "fractional orders cannot be sold short", 40310000)
        if tif == "opg" and self.reference.hours(local.date()) and _AUCTION_CLOSES <= local.time() < _AUCTION_OPENS:
            raise Refusal(422, "market on open orders are accepted after 7:00pm ET and before 9:28am ET", 42210000)
        if tif == "cls" and self.reference.hours(local.date()) and _CLOSE_CLOSES <= local.time() < _AUCTION_OPENS:
            raise Refusal(422, "market on close orders are accepted after 7:00pm ET and before 3:50pm ET", 42210000)
        for field in (
            given.get("limit_price"),
            (given.get("take_profit") or {}).get("limit_price"),
            (given.get("stop_loss") or {}).get("stop_price"),
        ):
            if field is not None:
                price = Decimal(str(field))
                if price.quantize(Decimal("0.01") if price >= 1 else Decimal("0.0001")) != price:
                    raise Refusal(
                        422, f"invalid limit_price {price}. sub-penny increment does not fulfill minimum pricing criteria", 42210000
                    )

    def _check_money(self, given: Mapping[str, Any], asset: Mapping[str, Any], quantity: Decimal) -> None:
        symbol, held = asset["symbol"], self.held.get(asset["symbol"], Decimal(0))
        reduces = held > 0 if given["side"] == "sell" else held < 0
        if reduces:
            reserved = sum(
                Decimal(order["qty"]) - Decimal(order["filled_qty"])
                for order in self.orders.values()
                if order["symbol"] == symbol and order["side"] == given["side"] and order["status"] in OPEN and order["status"] != "held"
            )
            if quantity > abs(held) - reserved:
                message = f"insufficient qty available for order (requested: {quantity}, available: {abs(held) - reserved})"
                raise Refusal(403, message, 40310000, symbol=symbol, existing_qty=str(held), available=str(abs(held) - reserved))
            return
        if given.get("order_class") == "oco":
            raise Refusal(403, "oco orders must be exit orders", 40310000)
        if given["side"] == "sell":
            if not asset["shortable"]:
                raise Refusal(403, f'asset "{symbol}" cannot be sold short', 40310000)
            return
        price = Decimal(str(given.get("limit_price") or self.prices.get(symbol, 0)))
        if quantity * price > self._buying_power():
            raise Refusal(
                403, "insufficient buying power", 40310000, buying_power=str(self._buying_power()), cost_basis=str(quantity * price)
            )

    def _made(self, given: Mapping[str, Any], name: str, now: datetime) -> dict[str, Any]:
        at = rfc3339(now)
        order = {
            "id": str(uuid.uuid4()),
            "client_order_id": name,
            "created_at": at,
            "updated_at": at,
            "submitted_at": at,
            "filled_at": None,
            "expired_at": None,
            "canceled_at": None,
            "failed_at": None,
            "replaced_at": None,
            "asset_id": self.reference.assets[given["symbol"]]["id"],
            "symbol": given["symbol"],
            "asset_class": self.reference.assets[given["symbol"]]["class"],
            "notional": None,
            "qty": str(Decimal(str(given["qty"])).normalize().__format__("f")),
            "filled_qty": "0",
            "filled_avg_price": None,
            "order_class": given.get("order_class") or "",
            "order_type": given["type"],
            "type": given["type"],
            "side": given["side"],
            "time_in_force": given["time_in_force"],
            "limit_price": None if given.get("limit_price") is None else str(given["limit_price"]),
            "stop_price": None if given.get("stop_price") is None else str(given["stop_price"]),
            "status": "accepted",
            "extended_hours": False,
            "legs": None,
        }
        if given.get("order_class") in ("bracket", "oco"):
            bracket = given["order_class"] == "bracket"
            profit, loss = {"limit_price": given["take_profit"]["limit_price"]}, {"stop_price": given["stop_loss"]["stop_price"]}
            exits = [{"type": "limit"} | profit] if bracket else []
            if not bracket:
                order["limit_price"] = str(profit["limit_price"])
            other = "sell" if given["side"] == "buy" else "buy"
            common = {"symbol": given["symbol"], "qty": given["qty"], "time_in_force": given["time_in_force"]}
            common["side"] = other if bracket else given["side"]
            made = [self._made(common | one, str(uuid.uuid4()), now) for one in [*exits, {"type": "stop"} | loss]]
            order["legs"] = [leg | {"status": "held"} for leg in made]
        return order

    def _list(self, request: Request) -> Response:
        self.now = request.now
        query = request.query
        wanted = query.get("status", "open")
        after = instant(query["after"]) if query.get("after") else None
        nested = query.get("nested", "false").lower() == "true"
        legs = {leg["id"] for order in self.orders.values() for leg in order["legs"] or ()} if nested else set()
        chosen = [
            order
            for order in self.orders.values()
            if (wanted == "all" or (order["status"] not in CLOSED) == (wanted == "open"))
            and (after is None or instant(order["submitted_at"]) > after)
            and order["id"] not in legs
        ]
        chosen.sort(key=lambda order: order["submitted_at"], reverse=query.get("direction", "desc") == "desc")
        return Response(body=[order if nested else order | {"legs": None} for order in chosen[: min(int(query.get("limit", 50)), 500)]])

    def _by_client_order_id(self, request: Request) -> Response:
        return Response(body=self._named(request.query.get("client_order_id", "")) | {"legs": None})

    def _by_id(self, request: Request) -> Response:
        order = self._found(request)
        return Response(body=order if request.query.get("nested", "").lower() == "true" else order | {"legs": None})

    def _cancel(self, request: Request) -> Response:
        order = self._found(request)
        if order["status"] not in OPEN:
            raise Refusal(422, f'order is already in "{order["status"]}" state', 42210000)
        for one in self._of_one_exit(order) or (order, *(order["legs"] or ())):
            if self.slow_cancels:
                one["status"] = "pending_cancel"
            elif one["status"] in OPEN:
                self._end(one, "canceled", "canceled_at", request.now)
        return Response(status=204)

    def _found(self, request: Request) -> dict[str, Any]:
        order = self.orders.get(request.parts["order_id"])
        if order is None:
            raise Refusal(404, f"order not found for {request.parts['order_id']}", 40410000)
        return order

    def _named(self, client_order_id: str) -> dict[str, Any]:
        for order in self.orders.values():
            if order["client_order_id"] == client_order_id:
                return order
        raise Refusal(404, f"order not found for {client_order_id}", 40410000)

    def _list_activities(self, request: Request) -> Response:
        query = request.query
        kinds = (
            [request.parts["kind"]] if request.parts.get("kind") else [kind for kind in query.get("activity_types", "").split(",") if kind]
        )
        after = instant(query["after"]) if query.get("after") else None
        chosen = [
            one for one in self.activities if (not kinds or one["activity_type"] in kinds) and (after is None or _happened(one) > after)
        ]
        chosen.sort(key=lambda one: one["id"], reverse=query.get("direction", "desc") == "desc")
        if query.get("page_token"):
            place = [one["id"] for one in chosen].index(query["page_token"])
            chosen = chosen[place + 1 :]
        return Response(body=chosen[: min(int(query.get("page_size", 100)), 100)])


def _check_numbers(given: Mapping[str, Any]) -> None:
    numbers = [given.get(name) for name in ("qty", "limit_price", "stop_price")]
    numbers += [value for name in ("take_profit", "stop_loss") for value in (given.get(name) or {}).values()]
    if odd := [number for number in numbers if number is not None and not re.fullmatch(r"\d+(\.\d+)?", str(number))]:
        raise Refusal(422, f"{odd[0]} is not a decimal", 40010001)


def _check_pair(given: Mapping[str, Any], asset: Mapping[str, Any], quantity: Decimal) -> None:
    if given["time_in_force"] not in ("gtc", "ioc"):
        raise Refusal(422, "invalid crypto time_in_force", 42210000)
    if quantity < Decimal(asset["min_order_size"]):
        raise Refusal(403, f"minimal qty of order {asset['min_order_size']}", 40310000)
    for value, step in ((quantity, "min_trade_increment"), (Decimal(str(given.get("limit_price") or 0)), "price_increment")):
        if value % Decimal(asset[step]):
            raise Refusal(422, f"{value} does not fulfill {step} {asset[step]}", 42210000)


def _happened(activity: Mapping[str, Any]) -> datetime:
    if "transaction_time" in activity:
        return instant(activity["transaction_time"])
    return instant(activity["date"]) + timedelta(hours=23, minutes=59)
