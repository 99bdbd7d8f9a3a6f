"""The broker Alpaca, through alpaca-py. Paper money, unless both alpaca.account and orders.live say otherwise."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.brokers.alpaca.account_rules import account_rules, assets_by_symbol, instrument_of
from ats_assets.brokers.alpaca.answers import lenient, read_order
from ats_assets.brokers.alpaca.hours import MAX_SKEW, NEW_YORK, closed_reason, has_opened, hours_from, skew_reason, utc_days
from ats_assets.brokers.alpaca.orders import exact_decimal, from_order, instant, listed_order, to_request
from ats_assets.execution.broker import (
    BrokerError,
    DuplicateOrderError,
    KeysRefusedError,
    NotSentError,
    OrderRejectedError,
    OutcomeUnknownError,
    SessionClosedError,
)
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.order import (
    AccountEntry,
    AccountState,
    BrokerOrder,
    EntryKind,
    Fill,
    ForeignOrder,
    Instrument,
    OrderIntent,
    Position,
    Side,
)
from ats_assets.execution.price_grid import is_in_dollars
from ats_assets.settings import Settings
from ats_assets.vendors.alpaca import (
    AlpacaAnswerLostError,
    AlpacaError,
    AlpacaKeysError,
    AlpacaRateLimitError,
    AlpacaRefusedError,
    AlpacaUnreachableError,
    Credentials,
    is_live,
    read_credentials,
    trading_client,
)
from ats_assets.vendors.backoff import Backoff

if TYPE_CHECKING:
    from alpaca.trading.models import AccountConfiguration, Asset, Order, TradeAccount

log = logging.getLogger(__name__)
Taken = TypeVar("Taken", BrokerOrder, ForeignOrder, BrokerOrder | ForeignOrder)

NOT_FOUND = 40410000
_PAGE = 100
_ORDERS_PAGE = 500
_ONE_BY_ONE = 30
_EVENING = time(20)
"""Of entries, which have a day and no time: after its close, so that they belong to its session."""
_MIDNIGHT = time(23, 59, 59)
"""Likewise for crypto, in UTC."""
_QUOTES = ("USDT", "USDC", "USD", "BTC")

_KINDS = {
    "CSD": EntryKind.TRANSFER,
    "CSW": EntryKind.TRANSFER,
    "JNLC": EntryKind.TRANSFER,
    "ACATC": EntryKind.TRANSFER,
    "ACATS": EntryKind.TRANSFER,
    "JNLS": EntryKind.TRANSFER,
    "INT": EntryKind.INTEREST,
    "FEE": EntryKind.FEE,
    "CFEE": EntryKind.FEE,
    "SPLIT": EntryKind.SPLIT,
    "MA": EntryKind.CORPORATE_ACTION,
    "NC": EntryKind.CORPORATE_ACTION,
    "REORG": EntryKind.CORPORATE_ACTION,
    "SPIN": EntryKind.CORPORATE_ACTION,
    "VOF": EntryKind.CORPORATE_ACTION,
}


class AlpacaBroker:
    """Alpaca's trading API.

    Parameters
    ----------
    alert
        Told, loudly, when real money is traded.
    now
        The machine's clock.
    symbols
        Our symbol -> Alpaca's, where they differ (BRK-B -> BRK.B).

    Raises
    ------
    SettingsError
        If alpaca.account is live, but orders.live is not true.
    """

    name = "alpaca"
    reserves_shares = True
    fee_in_kind = Decimal("0.0025")
    """On crypto, in the lowest tier of volume."""

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        *,
        alert: AlertSink,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        backoff: Backoff | None = None,
        symbols: Mapping[str, str] | None = None,
    ) -> None:
        self.live = is_live(settings)
        self._client = trading_client(settings, credentials, backoff=backoff)
        self._now = now
        self._auction = settings.orders.kind == "market_on_open"
        self._brackets = settings.orders.kind == "bracket"
        self._theirs = dict(symbols or {})
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}
        self._names: dict[str, str] = {}
        self._clock_trusted_until: datetime | None = None
        self._all_days = settings.calendar.exchange == "24/7"
        """Whether sessions are days in UTC, as those of crypto are."""
        self._strategy = settings.orders.strategy
        self._increments: dict[str, Decimal | None] = {}
        """Of prices, by our symbol, of those that were asked for."""
        self._hours = lru_cache(maxsize=4)(lambda day: utc_days(day) if self._all_days else hours_from(self._client, day))
        if self.live:
            text = "alpaca.account = live and orders.live = true: orders of this process cost real money"
            log.warning("LIVE TRADING: %s", text)
            alert(Alert(key=f"live:{now():%Y-%m-%d}", severity=Severity.CRITICAL, title="LIVE TRADING", text=text, at=now()))

    def account(self) -> AccountState:
        """The account as it is now; blocked where Alpaca or its owner has suspended trading."""
        with _asking("the account"):
            found = self._account()
        rules = account_rules(found, live=self.live)
        if rules.trading:
            log.warning("no order is sent for account %s: %s", found.id, rules.trading)
        return AccountState(
            account_id=str(found.id),
            at=self._now(),
            cash=exact_decimal(found.cash, "cash"),
            equity=exact_decimal(found.equity, "equity"),
            buying_power=rules.buying_power,
            trading_blocked=rules.trading is not None,
        )

    def positions(self) -> list[Position]:
        """What is held, by symbol."""
        from alpaca.trading.models import Position as Held  # noqa: PLC0415

        with _asking("the positions"):
            found = [lenient(Held)(**one) for one in cast("list[dict[str, Any]]", self._client.get("/positions"))]
        return sorted((self._position(one) for one in found), key=lambda position: position.symbol)

    def _position(self, one: Any) -> Position:
        theirs = _pair(one.symbol) if one.asset_class.value == "crypto" else one.symbol
        dollars = is_in_dollars(theirs)
        return Position(
            symbol=self._our(theirs),
            quantity=exact_decimal(one.qty, "qty"),
            cost=exact_decimal(one.cost_basis, "cost_basis") if dollars else None,
            price=exact_decimal(one.current_price, "current_price") if dollars and one.current_price not in (None, "") else None,
        )

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """What the account can trade; what it can't, such as unknown, delisted and halted symbols, with the reason why not."""
        with _asking("the assets"):
            found = self._assets({symbol: self._their(symbol) for symbol in symbols})
        with _asking("the account and its configuration"):
            account, chosen = self._account(), self._client.get_account_configurations()
        rules = account_rules(account, cast("AccountConfiguration", chosen), live=self.live, brackets=self._brackets)
        made = {symbol: instrument_of(symbol, asset, rules) for symbol, asset in found.items()}
        self._increments |= {symbol: one.price_increment for symbol, one in made.items()}
        return made

    def may_send(self, session: date, *, late: bool = False) -> str | None:
        """Why orders decided at the close of `session` can't be sent now: the clock, or Alpaca's hours. For crypto it is never too late within the next day."""
        with _asking("the clock and the calendar"):
            if self._clock_trusted_until is None or self._now() >= self._clock_trusted_until:
                if reason := skew_reason(self._client, self._now):
                    return reason
                self._clock_trusted_until = self._now() + MAX_SKEW  # not before each order: requests are limited
            return closed_reason(self._hours(session), session, self._now(), auction=self._auction, late=late or self._all_days)

    def cancels_at_once(self) -> bool:
        """While the market is open; outside of its hours Alpaca may leave a cancelled order pending until the open."""
        if self._all_days:
            return True
        with _asking("the clock"):
            return bool(self._client.get_clock().is_open)  # pyright: ignore[reportAttributeAccessIssue]

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Send an order, in one request.

        Raises
        ------
        OrderRejectedError, NotSentError, DuplicateOrderError, OutcomeUnknownError
        """
        name = intent.client_order_id
        try:
            with _asking("the calendar"):
                auction = not has_opened(self._hours(intent.session), self._now())
        except BrokerError as error:
            raise NotSentError(f"{name} was not sent: {error}") from None
        request = to_request(intent, self._their(intent.symbol), increment=self._increments.get(intent.symbol), auction=auction)
        try:
            order = self._read(self._client.post("/orders", request.to_request_fields()))
            if isinstance(order, ForeignOrder):
                raise OutcomeUnknownError(f"{name} may be at Alpaca or not: the answer is {order.description}")
            return self._taken(order, name)
        except (AlpacaUnreachableError, AlpacaRateLimitError, AlpacaKeysError) as error:
            raise NotSentError(f"{name} was not sent: {error}") from None
        except AlpacaRefusedError as error:
            if "client_order_id" in error.reason:
                raise DuplicateOrderError(f"Alpaca has an order {name} already ({error.reason})") from None
            if error.status < 400:
                raise NotSentError(f"{name} was not sent: {error}") from None
            raise OrderRejectedError(f"Alpaca refuses {name}: {error.reason or error} ({error.status})") from None
        except AlpacaAnswerLostError as error:
            raise OutcomeUnknownError(f"{name} may be at Alpaca or not: {error}") from None
        except (BrokerError, ValueError, TypeError) as error:  # JSON, but no order
            raise OutcomeUnknownError(
                f"{name} may be at Alpaca or not: its answer is no order of that id ({type(error).__name__})"
            ) from None

    def find(self, client_order_id: str) -> BrokerOrder | ForeignOrder | None:
        """The order of that id; None where Alpaca itself says that there is none, and not some server before it. What has not the form of ours is described."""
        with _asking(f"order {client_order_id}"):
            try:
                order = self._read(self._client.get("/orders:by_client_order_id", {"client_order_id": client_order_id}))
                if not isinstance(order, ForeignOrder) and order.order_class.value in ("bracket", "oco") and not order.legs:
                    order = self._by_id(order.id, nested=True)
            except AlpacaRefusedError as error:
                if error.status == 404 and error.code == NOT_FOUND:
                    return None
                raise
            if not isinstance(order, ForeignOrder):
                order = listed_order(order, self._our(str(order.symbol)))
            taken = self._of(order, client_order_id)
            return taken if isinstance(taken, ForeignOrder) else replace(taken, legs=(*taken.legs, *self._successors(taken)))

    def _successors(self, taken: BrokerOrder) -> list[BrokerOrder]:
        """The orders that Alpaca has put in the place of exits: a stop that triggers may go on as another order. An order under an id of ours is replaced by people only."""
        found: list[BrokerOrder] = []
        exits = [*taken.legs, *([] if taken.client_order_id.startswith(f"{self._strategy}-") else [taken])]
        for one in exits:
            while one.replaced_by is not None and len(found) < _ONE_BY_ONE:
                following = self._by_id(one.replaced_by)
                if isinstance(following, ForeignOrder):
                    break  # it is listed among the open orders as one that is not ours
                one = from_order(following, self._our(str(following.symbol)))  # noqa: PLW2901 - the next of the chain
                found.append(one)
        return found

    def open_orders(self) -> list[BrokerOrder | ForeignOrder]:
        """All that are not final; the legs of brackets by themselves."""
        with _asking("the open orders"):
            found = self._orders("open", None)
            return [one if isinstance(one, ForeignOrder) else listed_order(one, self._our(str(one.symbol))) for one in found]

    def cancel(self, broker_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        with _asking(f"the end of order {broker_order_id}"):
            try:
                self._client.cancel_order_by_id(broker_order_id)
            except AlpacaRefusedError as error:
                if error.status != 422:  # it is final already
                    raise

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then, the oldest first."""
        with _asking("the fills"):
            found = [one for one in self._activities("/account/activities/FILL", since) if one.get("activity_type") == "FILL"]
            self._learn_names(found, since)
            return [
                Fill(
                    fill_id=str(one["id"]),
                    broker_order_id=str(one["order_id"]),
                    client_order_id=self._names[str(one["order_id"])],
                    symbol=self._our(_pair(str(one["symbol"])) if self._all_days else str(one["symbol"])),
                    side=Side.BUY if one["side"] == "buy" else Side.SELL,
                    quantity=exact_decimal(one["qty"], "qty"),
                    price=exact_decimal(one["price"], "price"),
                    fees=Decimal(0),
                    at=instant(one["transaction_time"], "transaction_time"),
                )
                for one in found
            ]

    def entries(self, since: datetime) -> list[AccountEntry]:
        """Dividends, fees, splits, transfers … since then."""
        with _asking("the account's activities"):
            found = self._activities("/account/activities", since)
            return [self._entry(one) for one in found if one["activity_type"] != "FILL" and one.get("status") != "canceled"]

    def settle(self, session: date) -> str | None:
        """After the close, our entries that found no fill and would stay for the next session are cancelled: those of brackets, and limit orders for crypto."""
        with _asking("the calendar and the open orders"):
            hours = self._hours(session)
            if not hours or hours[0].session != session:
                if hours and hours[0].session > session:
                    raise SessionClosedError(
                        f"Alpaca's calendar has no session {session} and goes on with {hours[0].session}: the exchange was closed"
                    )
                raise BrokerError(f"Alpaca's calendar has no session {session}")
            if self._now() < hours[0].closes:
                return f"session {session} closes at {hours[0].closes:%H:%M} UTC"
            for order in self._orders("open", None, nested=True):
                if isinstance(order, ForeignOrder):
                    continue
                ours = order.client_order_id.startswith(f"{self._strategy}-") and order.filled_at is None
                bracket = order.order_class.value == "bracket" and order.submitted_at < hours[0].opens
                if ours and (bracket or (self._all_days and order.submitted_at < hours[0].closes)):
                    self.cancel(str(order.id))
        return None

    def _assets(self, symbols: Mapping[str, str]) -> "dict[str, Asset | str | None]":
        """The assets of symbols (ours -> theirs). A few are asked for one by one, and where an answer is not the active one, in the list: a ticker may be there again."""
        if len(symbols) <= _ONE_BY_ONE:
            found = {ours: self._asset(theirs) for ours, theirs in symbols.items()}
            if all(asset is not None and asset.symbol == symbols[ours] and asset.status.value == "active" for ours, asset in found.items()):
                return {**found}
        listed: Any = self._client.get("/assets")
        every = assets_by_symbol(listed)
        return {ours: every.get(theirs) for ours, theirs in symbols.items()}

    def _asset(self, symbol: str) -> "Asset | None":
        try:
            return cast("Asset", self._client.get_asset(symbol))
        except AlpacaRefusedError as error:
            if error.status == 404 and error.code == NOT_FOUND:
                return None
            raise
        except ValidationError:  # of a class, exchange or status that alpaca-py does not know: the list tells
            return None

    def _account(self) -> "TradeAccount":
        from alpaca.trading.models import TradeAccount  # noqa: PLC0415

        return lenient(TradeAccount)(**cast("dict[str, Any]", self._client.get("/account")))

    def _taken(self, order: "Order", client_order_id: str) -> BrokerOrder:
        return self._of(from_order(order, self._our(str(order.symbol))), client_order_id)

    def _of(self, taken: Taken, client_order_id: str) -> Taken:
        if taken.client_order_id != client_order_id:
            raise BrokerError(f"Alpaca was asked for order {client_order_id} and tells of {taken.client_order_id}")
        return taken

    def _by_id(self, order_id: object, *, nested: bool = False) -> "Order | ForeignOrder":
        return self._read(self._client.get(f"/orders/{order_id}", {"nested": True} if nested else {}))

    def _read(self, raw: Any) -> "Order | ForeignOrder":
        """An order as Alpaca lists it; its client order id is kept for executions, which lack it."""
        order = read_order(raw)
        self._names[order.broker_order_id if isinstance(order, ForeignOrder) else str(order.id)] = order.client_order_id
        return order

    def _orders(self, status: str, after: datetime | None, *, nested: bool = False) -> "list[Order | ForeignOrder]":
        from alpaca.common.enums import Sort  # noqa: PLC0415
        from alpaca.trading.enums import QueryOrderStatus  # noqa: PLC0415
        from alpaca.trading.requests import GetOrdersRequest  # noqa: PLC0415

        found: dict[str, dict[str, Any]] = {}
        while True:
            query = GetOrdersRequest(status=QueryOrderStatus(status), limit=_ORDERS_PAGE, after=after, direction=Sort.ASC, nested=nested)
            page = cast("list[dict[str, Any]]", self._client.get("/orders", query.to_request_fields()))
            fresh = [order for order in page if str(order.get("id")) not in found]
            found |= {str(order.get("id")): order for order in fresh}
            if len(page) < _ORDERS_PAGE:
                return [self._read(order) for order in found.values()]
            if not fresh:
                raise BrokerError(f"more than {_ORDERS_PAGE} orders of one instant: they can't be listed")
            after = max(instant(order["submitted_at"], "submitted_at") for order in page) - timedelta(
                milliseconds=1
            )  # orders of one instant may lie on two pages

    def _activities(self, path: str, since: datetime) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"after": since.astimezone(UTC).isoformat().replace("+00:00", "Z"), "direction": "asc", "page_size": _PAGE}
        while True:
            page = self._client.get(path, query)
            if not isinstance(page, list):
                raise BrokerError(f"Alpaca's answer to {path} is no list: it can't be used")
            found += page
            if len(page) < _PAGE:
                return found
            query["page_token"] = page[-1]["id"]

    def _learn_names(self, found: Sequence[Mapping[str, Any]], since: datetime) -> None:
        """Client order ids, which executions lack: of all newer orders at once, of the others one by one."""
        wanted = {str(one["order_id"]) for one in found}
        if wanted - self._names.keys():
            self._orders("all", since - timedelta(days=1))
        for order_id in sorted(wanted - self._names.keys()):
            self._by_id(order_id)

    def _entry(self, one: Mapping[str, Any]) -> AccountEntry:
        said = str(one["activity_type"])
        kind = _KINDS.get(said, EntryKind.DIVIDEND if said.startswith("DIV") else EntryKind.OTHER)
        moves = (
            kind is not EntryKind.DIVIDEND and one.get("qty") is not None
        )  # of a dividend it is the number of shares that it was paid on
        symbol, crypto = one.get("symbol"), self._all_days or said == "CFEE"
        evening, zone = (_MIDNIGHT, UTC) if self._all_days else (_EVENING, NEW_YORK)
        at = datetime.combine(date.fromisoformat(str(one["date"])), evening, zone)
        return AccountEntry(
            entry_id=str(one["id"]),
            kind=kind,
            at=at.astimezone(UTC),
            symbol=self._our(_pair(str(symbol)) if crypto else str(symbol)) if symbol else None,
            quantity=exact_decimal(one["qty"], "qty") if moves else Decimal(0),
            cash=exact_decimal(one.get("net_amount", 0), "net_amount"),
            description=f"{said} {one.get('description') or ''}".strip(),
        )

    def _their(self, symbol: str) -> str:
        return self._theirs.get(symbol, symbol)

    def _our(self, symbol: str) -> str:
        return self._ours.get(symbol, symbol)


def open_alpaca_broker(settings: Settings, *, alert: AlertSink, clock: Clock | None = None) -> AlpacaBroker:
    """The broker of the settings, with the keys of the environment.

    Raises
    ------
    SettingsError
        If the keys are missing, or only one of the two settings of live trading is made.
    """
    is_live(settings)  # before the keys, which are those of the wrong account then
    return AlpacaBroker(settings, read_credentials(), alert=alert, now=(clock or SystemClock()).now)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Whatever fails in asking is a `BrokerError` with what was asked for."""
    try:
        yield
    except BrokerError:
        raise
    except AlpacaKeysError as error:
        raise KeysRefusedError(f"Alpaca can't be asked for {what}: {error}") from None
    except AlpacaError as error:
        raise BrokerError(f"Alpaca can't be asked for {what}: {error}") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # JSON, but not what was asked for
        raise BrokerError(
            f"Alpaca's answer about {what} has not the documented form ({type(error).__name__}): nothing is done on it"
        ) from None


def _pair(symbol: str) -> str:
    """BTCUSD as BTC/USD: positions in crypto are named without the stroke."""
    if "/" in symbol:
        return symbol
    quote = next((quote for quote in _QUOTES if symbol.endswith(quote)), "")
    return f"{symbol.removesuffix(quote)}/{quote}" if quote else symbol
