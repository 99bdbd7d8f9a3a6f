"""Exchanges of crypto through ccxt: its knowledge of each exchange's wire format, over the requests that all vendors share.

ccxt says which address is asked and what an answer means (symbols, units, errors in answers with status 200); it sends nothing itself. Limits of all processes, repetitions,
the audit log and the circuit breaker are those of `vendors.http`, so they hold for a hundred exchanges at once (decision 89).
"""

from ats_assets.vendors.ccxt.candles import Candle, daily_candles
from ats_assets.vendors.ccxt.exchange import Exchange, open_exchange
from ats_assets.vendors.ccxt.exchange_settings import ExchangeSettings
from ats_assets.vendors.ccxt.exchange_trades import TradeHoles, paged_trades

__all__ = ["Candle", "Exchange", "ExchangeSettings", "TradeHoles", "daily_candles", "open_exchange", "paged_trades"]
