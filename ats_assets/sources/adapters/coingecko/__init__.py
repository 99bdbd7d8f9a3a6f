"""CoinGecko as a source: prices of coins over all exchanges, and their market caps."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Settings
from ats_assets.sources.adapters.coingecko.coingecko_settings import CoinGeckoSettings
from ats_assets.sources.adapters.coingecko.gecko_client import open_gecko
from ats_assets.sources.adapters.coingecko.source import CoinGeckoSource
from ats_assets.sources.source import SourcePlugin

__all__ = ["PLUGIN", "CoinGeckoSource"]

MARKET_CAPS = "coingecko_market_caps"
"""The asset that `collect` may name."""


def open_coingecko(own: CoinGeckoSettings, calendar: SessionCalendar, settings: Settings) -> CoinGeckoSource:
    """What the settings name, with the key of their plan."""
    return CoinGeckoSource(own, calendar, open_gecko(own, settings))


def _what_bars_depend_on(own: CoinGeckoSettings) -> CoinGeckoSettings:
    """The plan counts: with a paid one days are made of other candles."""
    return CoinGeckoSettings(plan=own.plan, symbols=own.symbols, ids=own.ids, bars_from=own.bars_from)


PLUGIN = SourcePlugin(
    settings=CoinGeckoSettings,
    make=open_coingecko,
    bars_follow=_what_bars_depend_on,
    actions_follow=lambda _own: CoinGeckoSettings(),
    collects=lambda own: (MARKET_CAPS,) if own.collect else (),
    collecting="ats_assets.sources.adapters.coingecko.assets",
)
