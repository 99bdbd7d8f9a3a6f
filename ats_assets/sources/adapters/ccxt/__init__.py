"""Exchanges of crypto as a source, by ccxt's id: `[source.ccxt] exchange = "binance"`."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Settings
from ats_assets.sources.adapters.ccxt.source import CcxtSource
from ats_assets.sources.source import SourcePlugin
from ats_assets.vendors.ccxt import ExchangeSettings, open_exchange

__all__ = ["PLUGIN", "CcxtSource"]


def open_exchange_bars(own: ExchangeSettings, calendar: SessionCalendar, settings: Settings) -> CcxtSource:
    """The exchange that the settings name."""
    return CcxtSource(own, calendar, open_exchange(own, settings))


def _what_bars_depend_on(own: ExchangeSettings) -> ExchangeSettings:
    """Neither where history starts nor which server of the exchange is asked, and how patiently, changes a bar."""
    return ExchangeSettings(exchange=own.exchange, symbols=own.symbols)


PLUGIN = SourcePlugin(
    settings=ExchangeSettings,
    make=open_exchange_bars,
    needs=("ccxt", "ccxt"),
    bars_follow=_what_bars_depend_on,
    actions_follow=lambda _own: ExchangeSettings(),
)
