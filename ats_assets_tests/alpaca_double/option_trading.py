"""The trading desk of the double with option contracts: their list, orders of one leg and of several, executions leg by leg, assignments, exercises and expiries.

Source of formats and rules: Alpaca's documentation (options-trading, options-orders, options-level-3-trading, non-trade-activities-for-option-events, the examples of the reference of
`GET /v2/orders`) and the models of alpaca-py. It refuses what Alpaca refuses: the client is not helped.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import gcd
from typing import Any

from ats_assets.options.contract import OptionContract, Right, contract_of
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.trading import _NAMES, OPEN, Trading
from ats_assets_tests.alpaca_double.wire import NEW_YORK, Refusal, Request, Response, Route, rfc3339

_LEG_NAMES = {"symbol", "ratio_qty", "side", "position_intent"}
_HUNDRED = 100


def option_desks() -> list[Any]:
    """The reference and the trading desk with options, for a double in another process."""
    reference = Reference()
    return [reference, OptionTrading(reference)]


class OptionTrading(Trading):
    """One margin account of level 3, unless `account_fields` say otherwise."""

    def __init__(self, reference: Reference, cash: str = "100000") -> None:
        super().__init__(reference, cash)
        self.contracts: dict[str, dict[str, Any]] = {}
        self.page_limit = 10_000

    def routes(self) -> Iterable[Route]:
        """Those of stocks, and the list of contracts."""
        return [*super().routes(), Route(method="GET", pattern=r"/v2/options/contracts", handle=self._list_contracts)]

    def control(self, what: str, body: Any) -> Any:
        """Beside what the trading desk offers: contracts and positions to begin with, and an open at which all is filled."""
        if what == "add_contract":
            self.add_contract(**body)
        elif what == "hold":
            self.held[body["symbol"]] = Decimal(body["qty"])
        elif what == "fill_options":
            self.fill_options(Decimal(body["price"]))
        else:
            return super().control(what, body)
        return "ok"

    def add_contract(self, symbol: str, *, tradable: bool = True, status: str = "active", size: str = "100", **more: Any) -> None:
        """A contract of the list."""
        contract = contract_of(symbol)
        self.contracts[symbol] = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, symbol)),
            "symbol": symbol,
            "name": f"{contract.underlying} {contract.expiry:%b %d %Y} {contract.strike} {contract.right.name.title()}",
            "status": status,
            "tradable": tradable,
            "expiration_date": contract.expiry.isoformat(),
            "root_symbol": contract.underlying,
            "underlying_symbol": contract.underlying,
            "underlying_asset_id": str(uuid.uuid5(uuid.NAMESPACE_OID, contract.underlying)),
            "type": contract.right.name.lower(),
            "style": "american",
            "strike_price": f"{contract.strike:f}",
            "multiplier": "100",
            "size": size,
            "open_interest": None,
            "open_interest_date": None,
            "close_price": None,
            "close_price_date": None,
        } | more

    # ---- the exchange

    def fill_units(self, client_order_id: str, units: Decimal, prices: Mapping[str, Decimal], at: datetime | None = None) -> None:
        """An execution of so many units: of one contract, or of each leg of a package at its own price."""
        order = self._named(client_order_id)
        if order["order_class"] != "mleg":
            self._execute(order, units, prices[order["symbol"]], at or self.now)
            return
        net = Decimal(0)
        for leg in order["legs"]:
            sign = 1 if leg["side"] == "buy" else -1
            net += sign * prices[leg["symbol"]] * Decimal(leg["ratio_qty"])
            self._execute(leg, units * Decimal(leg["ratio_qty"]), prices[leg["symbol"]], at or self.now)
        done = Decimal(order["filled_qty"]) + units
        whole = done == Decimal(order["qty"])
        order |= {"filled_qty": str(done), "filled_avg_price": str(net), "updated_at": rfc3339(at or self.now)}
        order |= {"status": "filled" if whole else "partially_filled", "filled_at": rfc3339(at or self.now) if whole else None}
        self._tell("fill" if whole else "partial_fill", order, at or self.now)

    def fill_options(self, price: Decimal, at: datetime | None = None) -> None:
        """Fill all that is open, each contract at the same price."""
        legs = {leg["id"] for order in self.orders.values() if order["order_class"] == "mleg" for leg in order["legs"] or ()}
        for order in list(self.orders.values()):
            if order["status"] in OPEN and order["id"] not in legs:
                prices = defaultdict(lambda: price)
                self.fill_units(order["client_order_id"], Decimal(order["qty"]) - Decimal(order["filled_qty"]), prices, at)

    def _execute(self, order: dict[str, Any], quantity: Decimal, price: Decimal, at: datetime) -> None:
        """As `Trading.fill`, at a hundred times the price where it is a contract, and of a leg that has no name of its own."""
        symbol, sign = order["symbol"], 1 if order["side"] == "buy" else -1
        multiplier = _HUNDRED if order["asset_class"] == "us_option" else 1
        done = Decimal(order["filled_qty"]) + quantity
        whole = done == Decimal(order["qty"])
        order |= {"filled_qty": str(done), "filled_avg_price": str(price), "updated_at": rfc3339(at)}
        order |= {"status": "filled", "filled_at": rfc3339(at)} if whole else {"status": "partially_filled"}
        self.cash -= sign * quantity * price * multiplier
        self.held[symbol] = self.held.get(symbol, Decimal(0)) + sign * quantity
        self.cost[symbol] = self.cost.get(symbol, Decimal(0)) + sign * quantity * price * multiplier
        self.prices[symbol] = price
        self._log(
            at,
            activity_type="FILL",
            transaction_time=rfc3339(at),
            type="fill" if whole else "partial_fill",
            price=str(price),
            qty=str(quantity),
            side=order["side"],
            symbol=symbol,
            leaves_qty=str(Decimal(order["qty"]) - done),
            order_id=order["id"],
            cum_qty=str(done),
            order_status=order["status"],
        )

    def assign(self, symbol: str, contracts: int, at: datetime) -> None:
        """The clearing house has chosen short contracts: the contracts go, and shares come or go at the strike."""
        self._delivered("OPASN", "Option Assignment", symbol, contracts, at)

    def exercise(self, symbol: str, contracts: int, at: datetime) -> None:
        """Long contracts are exercised, by their holder or by themselves at expiry."""
        self._delivered("OPEXC", "Option Exercise", symbol, -contracts, at)

    def expire(self, symbol: str, at: datetime) -> None:
        """What is held of a contract has expired out of the money."""
        self._event("OPEXP", "Option Expiry", symbol, -self.held[symbol], Decimal(0), at)

    def _delivered(self, kind: str, text: str, symbol: str, change: int, at: datetime) -> None:
        contract: OptionContract = contract_of(symbol)
        buys = (kind == "OPEXC") == (contract.right is Right.CALL)
        shares = Decimal(abs(change) * _HUNDRED * (1 if buys else -1))
        self._event(kind, text, symbol, Decimal(change), Decimal(0), at)
        shared = self.activities[-1]["id"]
        self._event("OPTRD", "Option Trade", contract.underlying, shares, -shares * contract.strike, at, price=f"{contract.strike:f}")
        self.activities[-1]["id"] = shared  # as the documentation has it: both lines are of one id

    def _event(self, kind: str, text: str, symbol: str, change: Decimal, cash: Decimal, at: datetime, **more: str) -> None:
        self.held[symbol] = self.held.get(symbol, Decimal(0)) + change
        self.cash += cash
        day = at.astimezone(NEW_YORK).date().isoformat()
        told = {"symbol": symbol, "qty": f"{change:f}", "net_amount": f"{cash:f}", "description": text, "status": "executed"}
        self._log(at, activity_type=kind, date=day, **told, **more)

    # ---- the API

    def _account(self, request: Request) -> Response:
        body = super()._account(request).body
        assert isinstance(body, dict)
        worth = sum((self._worth(symbol, quantity) for symbol, quantity in self.held.items()), Decimal(0))
        equity = {name: str(self.cash + worth) for name in ("portfolio_value", "equity", "last_equity")}
        levels = {"options_buying_power": str(self.cash), "options_approved_level": 3, "options_trading_level": 3}
        return Response(body=body | equity | levels | self.account_fields)

    def _worth(self, symbol: str, quantity: Decimal) -> Decimal:
        return quantity * self.prices.get(symbol, Decimal(0)) * (_HUNDRED if symbol in self.contracts else 1)

    def _position(self, symbol: str, quantity: Decimal) -> dict[str, Any]:
        if symbol not in self.contracts:
            return super()._position(symbol, quantity)
        price, cost = self.prices.get(symbol, Decimal(1)), self.cost.get(symbol, Decimal(0))
        return {
            "asset_id": self.contracts[symbol]["id"],
            "symbol": symbol,
            "exchange": "",
            "asset_class": "us_option",
            "asset_marginable": False,
            "avg_entry_price": str(cost / quantity / _HUNDRED),
            "qty": str(quantity),
            "qty_available": str(quantity),
            "side": "long" if quantity > 0 else "short",
            "market_value": str(quantity * price * _HUNDRED),
            "cost_basis": str(cost),
            "unrealized_pl": str(quantity * price * _HUNDRED - cost),
            "unrealized_plpc": "0",
            "unrealized_intraday_pl": "0",
            "unrealized_intraday_plpc": "0",
            "current_price": str(price),
            "lastday_price": str(price),
            "change_today": "0",
        } | self.position_fields.get(symbol, {})

    def _list_contracts(self, request: Request) -> Response:
        query = request.query
        chosen = [
            one
            for _, one in sorted(self.contracts.items())
            if one["underlying_symbol"] in query.get("underlying_symbols", one["underlying_symbol"]).split(",")
            and one["expiration_date"] == query.get("expiration_date", one["expiration_date"])
            and one["status"] == query.get("status", "active")
        ]
        first, limit = int(query.get("page_token") or 0), min(int(query.get("limit", 100)), self.page_limit)
        token = str(first + limit) if first + limit < len(chosen) else None
        return Response(body={"option_contracts": chosen[first : first + limit], "next_page_token": token})

    def _checked(self, given: Mapping[str, Any], name: str, now: datetime) -> dict[str, Any]:
        package = given.get("order_class") == "mleg"
        if not package and given.get("symbol") not in self.contracts:
            return super()._checked(given, name, now)
        if unknown := set(given) - {*_NAMES, "legs"}:
            raise Refusal(422, f"unknown field: {', '.join(sorted(unknown))}", 42210000)
        legs = self._legs(given) if package else [self._single(given)]
        self._check_form(given, legs, now)
        self._check_level(legs, package=package)
        self._check_held(legs, Decimal(str(given["qty"])))
        self._check_cover(given, legs, Decimal(str(given["qty"])))
        if len(name) > 128:
            raise Refusal(422, "client_order_id must be no more than 128 characters", 40010001)
        if self.unique and any(order["client_order_id"] == name for order in self.orders.values()):
            raise Refusal(422, "client_order_id must be unique", 40010001)
        return self._package(given, legs, name, now) if package else self._contract_order(given, name, now)

    def _legs(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        legs = given.get("legs")
        if given.get("symbol") or given.get("side") or given.get("position_intent"):
            raise Refusal(422, "symbol and side must not be populated for mleg orders", 42210000)
        if not isinstance(legs, list) or not 2 <= len(legs) <= 4:
            raise Refusal(422, "mleg orders must have 2 to 4 legs", 42210000)
        if any(set(leg) - _LEG_NAMES for leg in legs):
            raise Refusal(422, "unknown field of a leg", 42210000)
        if len({leg["symbol"] for leg in legs}) < len(legs):
            raise Refusal(422, "legs must have unique symbols", 42210000)
        ratios = [Decimal(str(leg["ratio_qty"])) for leg in legs]
        if any(ratio <= 0 or ratio != int(ratio) for ratio in ratios) or gcd(*map(int, ratios)) != 1:
            raise Refusal(422, "leg ratio quantities should be relatively prime", 42210000)
        made = []
        for leg in legs:
            intent = leg.get("position_intent") or f"{leg['side']}_to_open"
            made.append(leg | {"position_intent": intent, "side": intent.partition("_")[0], "ratio_qty": str(leg["ratio_qty"])})
        return made

    def _single(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.get("legs"):
            raise Refusal(422, "legs are for mleg orders", 42210000)
        held = self.held.get(given["symbol"], Decimal(0))
        inferred = f"{given['side']}_to_{'close' if (held < 0) == (given['side'] == 'buy') and held else 'open'}"
        intent = given.get("position_intent") or inferred
        if intent.partition("_")[0] != given["side"]:
            raise Refusal(422, f"position intent mismatch, inferred: {inferred}, specified: {intent}", 42210000)
        return {"symbol": given["symbol"], "side": given["side"], "ratio_qty": "1", "position_intent": intent}

    def _check_form(self, given: Mapping[str, Any], legs: list[dict[str, Any]], now: datetime) -> None:
        numbers = [given["qty"], given.get("limit_price"), *(leg["ratio_qty"] for leg in legs)]
        if odd := [one for one in numbers if one is not None and not re.fullmatch(r"-?\d+(\.\d+)?", str(one))]:
            raise Refusal(422, f"{odd[0]} is not a decimal", 40010001)
        quantity = Decimal(str(given["qty"]))
        if given.get("notional") is not None or quantity != int(quantity) or quantity <= 0:
            raise Refusal(422, "qty must be a whole number of contracts", 42210000)
        if given["time_in_force"] != "day":
            raise Refusal(422, "invalid time in force for options: only day", 42210000)
        if given.get("extended_hours"):
            raise Refusal(422, "extended hours must be false for options", 42210000)
        if given["type"] not in ("market", "limit"):
            raise Refusal(422, f"order type {given['type']} is not supported for options", 42210000)
        if given["type"] == "market" and not self.reference.is_open(now):
            raise Refusal(422, "options market orders are only allowed during market hours", 42210000)
        if given["type"] == "limit":
            price = Decimal(str(given["limit_price"]))
            if price.quantize(Decimal("0.01")) != price or (len(legs) == 1 and price <= 0):
                raise Refusal(422, f"invalid limit_price {price}", 42210000)
        self._check_contracts(legs, now)

    def _check_contracts(self, legs: list[dict[str, Any]], now: datetime) -> None:
        for leg in legs:
            contract = self.contracts.get(leg["symbol"])
            if contract is None:
                raise Refusal(422, f'asset "{leg["symbol"]}" not found', 42210000)
            expired = date.fromisoformat(contract["expiration_date"]) < now.astimezone(NEW_YORK).date()
            if contract["status"] != "active" or not contract["tradable"] or expired:
                raise Refusal(422, f"asset {leg['symbol']} is not tradable", 42210000)

    def _check_level(self, legs: list[dict[str, Any]], *, package: bool) -> None:
        level = int(self.account_fields.get("options_trading_level", 3))
        needed = 3 if package else 2 if legs[0]["position_intent"] == "buy_to_open" else 1
        if level < needed:
            raise Refusal(403, "account not eligible to trade options at this level", 40310000)

    def _check_held(self, legs: list[dict[str, Any]], units: Decimal) -> None:
        for leg in legs:
            if leg["position_intent"].endswith("_close"):
                held, sign = self.held.get(leg["symbol"], Decimal(0)), 1 if leg["side"] == "buy" else -1
                reserved = sum(
                    Decimal(order["qty"]) - Decimal(order["filled_qty"])
                    for order in self.orders.values()
                    if order["symbol"] == leg["symbol"]
                    and order.get("position_intent") == leg["position_intent"]
                    and order["status"] in OPEN
                )
                if held * sign >= 0:
                    message = f"position intent mismatch, inferred: {leg['side']}_to_open, specified: {leg['position_intent']}"
                    raise Refusal(422, message, 42210000)
                wanted = units * Decimal(leg["ratio_qty"])
                if wanted > abs(held) - reserved:
                    message = f"insufficient qty available for order (requested: {wanted}, available: {abs(held) - reserved})"
                    raise Refusal(403, message, 40310000)

    def _check_cover(self, given: Mapping[str, Any], legs: list[dict[str, Any]], units: Decimal) -> None:
        """Calls are covered by shares or by calls; single puts are secured by cash; what is bought is paid for."""
        after = dict(self.held)
        for leg in legs:
            sign = 1 if leg["side"] == "buy" else -1
            after[leg["symbol"]] = after.get(leg["symbol"], Decimal(0)) + sign * units * Decimal(leg["ratio_qty"])
        for underlying in {contract_of(leg["symbol"]).underlying for leg in legs}:
            if self._bare_calls(after, underlying) > self._bare_calls(self.held, underlying):
                raise Refusal(403, "account not eligible to trade uncovered option contracts", 40310000)
        power = Decimal(str(self.account_fields.get("options_buying_power", self.cash)))
        (first, *more) = legs
        contract = contract_of(first["symbol"])
        if not more and first["position_intent"] == "sell_to_open" and contract.right is Right.PUT:
            required = contract.strike * _HUNDRED * units
            if required > power:
                text = f"insufficient options buying power for cash-secured put (required: {required}, available: {power})"
                raise Refusal(403, text, 40310000)
        cost = units * _HUNDRED * Decimal(str(given.get("limit_price") or 0))
        if (first["position_intent"] == "buy_to_open" or more) and cost > power:
            raise Refusal(403, "insufficient options buying power", 40310000)

    @staticmethod
    def _bare_calls(held: Mapping[str, Decimal], underlying: str) -> Decimal:
        short = cover = Decimal(0)
        for symbol, quantity in held.items():
            if len(symbol) > 15 and contract_of(symbol).underlying == underlying and contract_of(symbol).right is Right.CALL:
                short, cover = short + max(-quantity, Decimal(0)), cover + max(quantity, Decimal(0))
        return max(Decimal(0), short - cover - held.get(underlying, Decimal(0)) // _HUNDRED)

    def _contract_order(self, given: Mapping[str, Any], name: str, now: datetime) -> dict[str, Any]:
        """As the reference's example of one option: class simple, and its intent."""
        asset = {"id": self.contracts[given["symbol"]]["id"], "class": "us_option"}
        self.reference.assets[given["symbol"]] = asset  # `_made` looks it up
        made = self._made({key: value for key, value in given.items() if key != "order_class"}, name, now)
        del self.reference.assets[given["symbol"]]
        return made | {"order_class": "simple", "position_intent": given.get("position_intent"), "status": "accepted"}

    def _package(self, given: Mapping[str, Any], legs: list[dict[str, Any]], name: str, now: datetime) -> dict[str, Any]:
        """As the reference's example of several: neither symbol, asset nor side at the top, and legs without a type."""
        at, empty = (
            rfc3339(now),
            dict.fromkeys(("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at", "replaced_by", "replaces")),
        )
        common = {
            **dict.fromkeys(("created_at", "updated_at", "submitted_at"), at),
            **empty,
            "time_in_force": "day",
            "extended_hours": False,
        }
        common |= {
            "status": "accepted",
            "filled_qty": "0",
            "filled_avg_price": None,
            "notional": None,
            "stop_price": None,
            "order_class": "mleg",
        }
        limit = None if given.get("limit_price") is None else str(given["limit_price"])
        parent = common | {"id": str(uuid.uuid4()), "client_order_id": name, "qty": str(given["qty"]), "limit_price": limit}
        parent |= dict.fromkeys(("asset_id", "symbol", "asset_class", "side"), "") | {"order_type": given["type"], "type": given["type"]}
        parent["legs"] = [
            common
            | {
                "id": str(uuid.uuid4()),
                "client_order_id": str(uuid.uuid4()),
                "limit_price": None,
                "order_type": "",
                "type": "",
                "legs": None,
            }
            | {"asset_id": self.contracts[leg["symbol"]]["id"], "asset_class": "us_option", "symbol": leg["symbol"], "side": leg["side"]}
            | {"position_intent": leg["position_intent"], "ratio_qty": leg["ratio_qty"]}
            | {"qty": f"{Decimal(str(given['qty'])) * Decimal(leg['ratio_qty']):f}"}
            for leg in legs
        ]
        return parent
