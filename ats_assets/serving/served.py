"""What the routes of a running service share."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

from ats_assets.deployment import Deployment
from ats_assets.monitoring.exposition import Exposition
from ats_assets.monitoring.http_metrics import HttpMetrics
from ats_assets.serving.browser_sessions import BrowserSessions
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.loaded_models import LoadedModels
from ats_assets.serving.rate_limits import RateLimits
from ats_assets.serving.ready_answers import ReadyAnswers
from ats_assets.serving.stream.fanout import Fanout
from ats_assets.serving.stream.feed import StreamFeed
from ats_assets.settings import ServingSettings
from ats_assets.trade_state import TradeReader


@dataclass
class Service:
    """A deployment as it is served.

    Attributes
    ----------
    metrics
        What is counted of the requests.
    started_at
        Seconds since the epoch.
    """

    deployment: Deployment
    metrics: HttpMetrics = field(default_factory=HttpMetrics)
    started_at: float = field(default_factory=time.time)

    @property
    def settings(self) -> ServingSettings:
        """The section `serving`."""
        return self.deployment.settings.serving

    @cached_property
    def keys(self) -> KeyStore:
        """The API keys."""
        return KeyStore(self.deployment.settings.storage.data)

    @cached_property
    def sessions(self) -> BrowserSessions:
        """The browsers that have logged in."""
        return BrowserSessions(self.deployment.settings.storage.data, self.settings.session_hours)

    @cached_property
    def trading(self) -> TradeReader:
        """The trade state, to read."""
        return TradeReader(self.deployment.settings, busy_seconds=self.settings.busy_seconds)

    @cached_property
    def exposition(self) -> Exposition:
        """The metrics, by a deployment of their own: what they keep of it no other route waits for."""
        return Exposition(Deployment(self.deployment.settings), self.metrics)

    @cached_property
    def ready(self) -> ReadyAnswers:
        """Answers that were given before, as bytes."""
        return ReadyAnswers(self.settings.ready_megabytes * 1_000_000)

    @cached_property
    def models(self) -> LoadedModels:
        """The models that were asked to predict."""
        return LoadedModels()

    @cached_property
    def stream(self) -> Fanout:
        """The stream, by a deployment of its own; it follows nothing until a client comes."""
        return Fanout(self.settings.stream, lambda publish: StreamFeed(Deployment(self.deployment.settings), publish))

    async def close(self) -> None:
        """End what runs beside the routes."""
        if "trading" in vars(self):
            self.trading.close()
        if "exposition" in vars(self):
            self.exposition.close()
        if "stream" in self.__dict__:
            await self.stream.close()

    @cached_property
    def requests(self) -> RateLimits:
        """Of requests, by key or address."""
        return RateLimits(self.settings.requests_per_minute)

    @cached_property
    def wrong_keys(self) -> RateLimits:
        """Of wrong keys, by address."""
        return RateLimits(self.settings.wrong_keys_per_minute)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names by which it may be asked; empty: any, since it listens on every address and settings name no host."""
        own = {"localhost", "127.0.0.1", "[::1]", self.settings.host, *self.settings.hosts}
        everywhere = self.settings.host in {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
        return frozenset() if everywhere and not self.settings.hosts else frozenset(name.casefold() for name in own)

    @property
    def reads_openly(self) -> bool:
        """Whether this machine may read without a key now."""
        return self.settings.open_reading and is_loopback(self.settings.host) and not self.keys.all()


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own alone.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
