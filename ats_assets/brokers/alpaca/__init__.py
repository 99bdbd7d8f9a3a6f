"""Alpaca as a broker."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from ats_assets.brokers.alpaca.broker import AlpacaBroker, open_alpaca_broker
from ats_assets.execution.broker import BrokerOpening, BrokerPlugin
from ats_assets.settings import Section, Settings
from ats_assets.vendors.alpaca import TradeUpdates, read_credentials, trading_client
from ats_assets.vendors.alpaca.market_days import NEW_YORK, market_days

__all__ = ["PLUGIN", "AlpacaBroker", "AlpacaCalendar"]


class AlpacaBrokerSettings(Section):
    """It has none of its own: how Alpaca is reached is said in the section `alpaca`."""


class AlpacaCalendar:
    """Alpaca's clock and calendar, asked with the keys of the environment.

    Raises
    ------
    SettingsError
        If the keys are missing.
    """

    timezone = str(NEW_YORK)

    def __init__(self, settings: Settings) -> None:
        self._client = trading_client(settings, read_credentials())

    def now(self) -> datetime:
        """Alpaca's time."""
        return self._client.get_clock().timestamp.astimezone(UTC)  # pyright: ignore[reportAttributeAccessIssue]

    def days(self, first: date, last: date) -> Mapping[date, tuple[datetime, datetime]]:
        """Its sessions, with open and close in UTC."""
        return market_days(self._client, first, last)


def _opened(_own: AlpacaBrokerSettings, opening: BrokerOpening) -> AlpacaBroker:
    return open_alpaca_broker(opening.deployment.settings, alert=opening.alert, clock=opening.clock)


def _updates(_own: AlpacaBrokerSettings, settings: Settings, heard: Callable[[str | None], None]) -> TradeUpdates:
    return TradeUpdates(settings, read_credentials(), heard)


PLUGIN = BrokerPlugin(
    settings=AlpacaBrokerSettings,
    make=_opened,
    is_live=lambda _own, settings: settings.orders.live and settings.alpaca.account == "live",
    calendar=lambda _own, settings: AlpacaCalendar(settings),
    updates=_updates,
    auction_minutes=10,  # docs.alpaca.markets, orders: `cls` is refused from 15:50 New York time on
)
