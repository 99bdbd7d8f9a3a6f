"""The broker Alpaca, through alpaca-py. Paper money, unless both alpaca.account and orders.live say otherwise."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.brokers.alpaca.account_rules import account_rules, instrument_of
from ats_assets.brokers.alpaca.activities import list_activities, read_entry, read_fill
from ats_assets.brokers.alpaca.asking import asking
from ats_assets.brokers.alpaca.asset_list import NOT_FOUND, find_assets
from ats_assets.brokers.alpaca.holdings import list_positions, read_account
from ats_assets.brokers.alpaca.hours import MAX_SKEW, closed_reason, has_opened, hours_from, skew_reason, utc_days
from ats_assets.brokers.alpaca.numbers import exact_decimal
from ats_assets.brokers.alpaca.option_account import option_refusals
from ats_assets.brokers.alpaca.option_orders import is_package_order
from ats_assets.brokers.alpaca.order_lists import OrderLists
from ats_assets.brokers.alpaca.orders import from_order, listed_order, to_request
from ats_assets.brokers.alpaca.symbol_map import SymbolMap
from ats_assets.execution.broker import (
    BrokerError,
    DuplicateOrderError,
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
    Fill,
    ForeignOrder,
    Instrument,
    OrderIntent,
    Position,
)
from ats_assets.settings import Settings
from ats_assets.vendors.alpaca import (
    AlpacaAnswerLostError,
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
    from alpaca.trading.models import AccountConfiguration, Order

log = logging.getLogger(__name__)
Taken = TypeVar("Taken", BrokerOrder, ForeignOrder, BrokerOrder | ForeignOrder)


class AlpacaBroker:
    """Alpaca's trading API.

    Parameters
    ----------
    alert
        Told, as critical, when real money is traded.
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
        self._symbols = SymbolMap(symbols or {})
        self._lists = OrderLists(self._client)
        self._clock_trusted_until: datetime | None = None
        self._all_days = settings.calendar.exchange == "24/7"
        """Whether sessions are days in UTC, as those of crypto are."""
        self._ours = f"{settings.orders.strategy}-"
        self._increments: dict[str, Decimal | None] = {}
        """Of prices, by our symbol, of those that were asked for."""
        self._hours = lru_cache(maxsize=4)(lambda day: utc_days(day) if self._all_days else hours_from(self._client, day))
        if self.live:
            text = "alpaca.account = live and orders.live = true: orders of this process cost real money"
            log.warning("LIVE TRADING: %s", text)
            alert(Alert(key=f"live:{now():%Y-%m-%d}", severity=Severity.CRITICAL, title="LIVE TRADING", text=text, at=now()))

    def account(self) -> AccountState:
        """The account as it is now; blocked where Alpaca or its owner has suspended trading."""
        with asking("the account"):
            found = read_account(self._client)
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
        with asking("the positions"):
            return list_positions(self._client, self._symbols)

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """What the account can trade; what it can't, such as unknown, delisted and halted symbols, with the reason why not."""
        with asking("the assets"):
            found = find_assets(self._client, {symbol: self._symbols.their(symbol) for symbol in symbols})
        with asking("the account and its configuration"):
            account, chosen = read_account(self._client), self._client.get_account_configurations()
        rules = account_rules(account, cast("AccountConfiguration", chosen), live=self.live, brackets=self._brackets)
        made = {symbol: instrument_of(symbol, asset, rules) for symbol, asset in found.items()}
        self._increments |= {symbol: one.price_increment for symbol, one in made.items()}
        return made

    def may_send(self, session: date, *, late: bool = False) -> str | None:
        """Why orders decided at the close of `session` can't be sent now: the clock, or Alpaca's hours. For crypto it is never too late within the next day."""
        with asking("the clock and the calendar"):
            if self._clock_trusted_until is None or self._now() >= self._clock_trusted_until:
                if reason := skew_reason(self._client, self._now):
                    return reason
                self._clock_trusted_until = self._now() + MAX_SKEW  # not before each order: requests are limited
            return closed_reason(self._hours(session), session, self._now(), auction=self._auction, late=late or self._all_days)

    def cancels_at_once(self) -> bool:
        """While the market is open; outside of its hours Alpaca may leave a cancelled order pending until the open."""
        if self._all_days:
            return True
        with asking("the clock"):
            return bool(self._client.get_clock().is_open)  # pyright: ignore[reportAttributeAccessIssue]

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Send an order, in one request.

        Raises
        ------
        OrderRejectedError, NotSentError, DuplicateOrderError, OutcomeUnknownError
        """
        name = intent.client_order_id
        try:
            with asking("the calendar"):
                auction = not has_opened(self._hours(intent.session), self._now())
        except BrokerError as error:
            raise NotSentError(f"{name} was not sent: {error}") from None
        request = to_request(intent, self._symbols.their(intent.symbol), increment=self._increments.get(intent.symbol), auction=auction)
        try:
            order = self._lists.read(self._client.post("/orders", request.to_request_fields()))
            if isinstance(order, ForeignOrder):
                raise OutcomeUnknownError(f"{name} may be at Alpaca or not: the answer is {order.description}")
            return self._taken(self._lists.whole(order), name)
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
        with asking(f"order {client_order_id}"):
            try:
                order = self._lists.read(self._client.get("/orders:by_client_order_id", {"client_order_id": client_order_id}))
                order = order if isinstance(order, ForeignOrder) else self._lists.whole(order)
            except AlpacaRefusedError as error:
                if error.status == 404 and error.code == NOT_FOUND:
                    return None
                raise
            if not isinstance(order, ForeignOrder):
                order = listed_order(order, self._symbols.our(str(order.symbol)))
            taken = self._of(order, client_order_id)
            if isinstance(taken, ForeignOrder):
                return taken
            return replace(taken, legs=(*taken.legs, *self._lists.successors(taken, self._ours, self._symbols)))

    def open_orders(self) -> list[BrokerOrder | ForeignOrder]:
        """All that are not final; the legs of brackets by themselves."""
        with asking("the open orders"):
            found = self._lists.listed("open", None)
            whole = [
                self._lists.whole(one) if not isinstance(one, ForeignOrder) and is_package_order(one) and self._is_ours(one) else one
                for one in found
            ]
            return [one if isinstance(one, ForeignOrder) else listed_order(one, self._symbols.our(str(one.symbol))) for one in whole]

    def option_refusals(self, intents: Sequence[OrderIntent]) -> Mapping[str, str]:
        """Why orders for option contracts would be refused, by client order id: the account's level, the contracts, the cover."""
        with asking("the account, its positions and the contracts"):
            return option_refusals(self._client, intents, lambda: list_positions(self._client, self._symbols), live=self.live)

    def cancel(self, broker_order_id: str) -> None:
        """Ask for an order to be cancelled."""
        with asking(f"the end of order {broker_order_id}"):
            try:
                self._client.cancel_order_by_id(broker_order_id)
            except AlpacaRefusedError as error:
                if error.status != 422:  # it is final already
                    raise

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then, the oldest first."""
        with asking("the fills"):
            found = [one for one in list_activities(self._client, "/account/activities/FILL", since) if one.get("activity_type") == "FILL"]
            self._lists.learn_names(found, since)
            return [read_fill(one, self._lists.names[str(one["order_id"])], self._symbols, all_days=self._all_days) for one in found]

    def entries(self, since: datetime) -> list[AccountEntry]:
        """Dividends, fees, splits, transfers … since then."""
        with asking("the account's activities"):
            found = list_activities(self._client, "/account/activities", since)
            return [
                read_entry(one, self._symbols, all_days=self._all_days)
                for one in found
                if one["activity_type"] != "FILL" and one.get("status") != "canceled"
            ]

    def settle(self, session: date) -> str | None:
        """After the close, our entries that found no fill and would stay for the next session are cancelled: those of brackets, and limit orders for crypto."""
        with asking("the calendar and the open orders"):
            hours = self._hours(session)
            if not hours or hours[0].session != session:
                if hours and hours[0].session > session:
                    raise SessionClosedError(
                        f"Alpaca's calendar has no session {session} and goes on with {hours[0].session}: the exchange was closed"
                    )
                raise BrokerError(f"Alpaca's calendar has no session {session}")
            if self._now() < hours[0].closes:
                return f"session {session} closes at {hours[0].closes:%H:%M} UTC"
            for order in self._lists.listed("open", None, nested=True):
                if isinstance(order, ForeignOrder):
                    continue
                ours = self._is_ours(order) and order.filled_at is None
                bracket = order.order_class.value == "bracket" and order.submitted_at < hours[0].opens
                if ours and (bracket or (self._all_days and order.submitted_at < hours[0].closes)):
                    self.cancel(str(order.id))
        return None

    def _is_ours(self, order: "Order") -> bool:
        return order.client_order_id.startswith(self._ours)

    def _taken(self, order: "Order | ForeignOrder", client_order_id: str) -> BrokerOrder:
        if isinstance(order, ForeignOrder):
            raise BrokerError(f"Alpaca's answer is {order.description}")
        return self._of(from_order(order, self._symbols.our(str(order.symbol))), client_order_id)

    def _of(self, taken: Taken, client_order_id: str) -> Taken:
        if taken.client_order_id != client_order_id:
            raise BrokerError(f"Alpaca was asked for order {client_order_id} and tells of {taken.client_order_id}")
        return taken


def open_alpaca_broker(settings: Settings, *, alert: AlertSink, clock: Clock | None = None) -> AlpacaBroker:
    """The broker of the settings, with the keys of the environment.

    Raises
    ------
    SettingsError
        If the keys are missing, or only one of the two settings of live trading is made.
    """
    is_live(settings)  # before the keys, which are those of the wrong account then
    return AlpacaBroker(settings, read_credentials(), alert=alert, now=(clock or SystemClock()).now)
