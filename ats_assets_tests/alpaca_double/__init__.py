"""A local stand-in for Alpaca: an HTTP server that speaks its documented wire format and misbehaves on demand.

Its parts are desks, each with its own state and routes:

- `reference.py`: clock, calendar, assets
- `market_data.py`: bars, trades, quotes, snapshots, option chains, corporate actions
- `trading.py`: account, orders, positions, activities

Beside them, `trade_updates.py` tells of the trading desk's order events over a WebSocket.

In a test: `with serving(Reference(), MarketData(), now=…) as double:`, then settings with data_url = trading_url = double.url. In a process of its own, for tests that
kill the client: `python -m ats_assets_tests.alpaca_double`, told by POST /_double/….
"""

from ats_assets_tests.alpaca_double.market_data import MarketData
from ats_assets_tests.alpaca_double.misbehaviour import Fault, Plan, Step
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import KEY_ID, SECRET_KEY, AlpacaDouble, serving
from ats_assets_tests.alpaca_double.trade_updates import Mishap, Point, Slip, TradeUpdatesDouble
from ats_assets_tests.alpaca_double.wire import Desk, Refusal, Request, Response, Route, instant, rfc3339

__all__ = [
    "KEY_ID",
    "SECRET_KEY",
    "AlpacaDouble",
    "Desk",
    "Fault",
    "MarketData",
    "Mishap",
    "Plan",
    "Point",
    "Reference",
    "Refusal",
    "Request",
    "Response",
    "Route",
    "Slip",
    "Step",
    "TradeUpdatesDouble",
    "instant",
    "rfc3339",
    "serving",
]
