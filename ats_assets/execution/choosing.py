"""The broker of a deployment: what `orders.broker` names, with its own settings in `[brokers.<name>]`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.execution.broker import Broker, BrokerCalendar, BrokerOpening, BrokerPlugin, OrderUpdates
from ats_assets.plugins import BROKERS
from ats_assets.settings import Settings


class _NoUpdates:
    """Of a broker that is asked at intervals only."""

    def check(self) -> None:
        """Nothing can end it."""


@dataclass(frozen=True, kw_only=True)
class ChosenBroker:
    """A broker that is not opened yet: its kind, what is known of that, and its settings, which are checked."""

    kind: str
    plugin: BrokerPlugin[Any]
    own: BaseModel
    settings: Settings

    @property
    def embedded(self) -> bool:
        """Whether it fills orders by the stored bars."""
        return self.plugin.embedded

    @property
    def is_live(self) -> bool:
        """Whether its orders cost real money."""
        return self.plugin.is_live(self.own, self.settings)

    @property
    def calendar(self) -> BrokerCalendar | None:
        """Its own calendar."""
        return self.plugin.calendar and self.plugin.calendar(self.own, self.settings)

    def opened(self, opening: BrokerOpening) -> Broker:
        """The broker.

        Raises
        ------
        SettingsError
            If it can't be opened with these settings.
        """
        return self.plugin.make(self.own, opening)

    @contextmanager
    def updates(self, heard: Callable[[str | None], None]) -> Iterator[OrderUpdates]:
        """Word of its orders, while the block is open; `heard` is called in another thread, with None at the end."""
        if self.plugin.updates is None:
            yield _NoUpdates()
            return
        with self.plugin.updates(self.own, self.settings, heard) as updates:
            yield updates


def chosen_broker(deployment: Deployment) -> ChosenBroker:
    """The broker that orders go to; use it as `deployment.of(chosen_broker)`.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of its settings.
    """
    settings = deployment.settings
    name, folder = settings.orders.broker, settings.plugins.folder
    own = dict(settings.brokers.get(name, {}))
    kind = str(own.pop("kind", name))
    plugin = cast("BrokerPlugin[Any]", BROKERS.find(kind, folder, f"brokers.{name}.kind" if kind != name else "orders.broker"))
    _check_closing_auction(settings, kind, plugin.auction_minutes)
    return ChosenBroker(kind=kind, plugin=plugin, own=BROKERS.checked(kind, own, folder, f"brokers.{name}"), settings=settings)


def _check_closing_auction(settings: Settings, broker: str, minutes: int) -> None:
    """What is left of a worked order has to come to the auction in time: afterwards each would be refused, on every day."""
    orders = settings.orders
    if orders.works_in_parts and orders.unfilled == "close" and orders.last_minutes <= minutes and settings.calendar.exchange != "24/7":
        raise SettingsError(
            f"orders.last_minutes is {orders.last_minutes}, and {broker} takes no order for the closing auction in the last {minutes} minutes: "
            f'set it to at least {minutes + 1}, or orders.unfilled = "cross" or "end"'
        )
