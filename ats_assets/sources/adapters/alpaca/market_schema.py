"""The contracts of what is collected beside daily bars. Times are nanoseconds in UTC; partition D holds what happened after the close before and up to the close of D."""

import polars as pl

from ats_assets.sources.adapters.alpaca.collected_names import collected_asset
from ats_assets.sources.collected import Collected
from ats_assets.sources.wire_frames import TEXTS, WireColumn

_F, _I, _S = pl.Float64, pl.Int64, pl.String


def _columns(*triples: tuple[str, str, pl.DataType | type[pl.DataType]]) -> tuple[WireColumn, ...]:
    return tuple(WireColumn(name=name, key=key, dtype=dtype) for name, key, dtype in triples)


_BAR = (
    ("open", "o", _F),
    ("high", "h", _F),
    ("low", "l", _F),
    ("close", "c", _F),
    ("volume", "v", _F),
    ("trades", "n", _F),
    ("vwap", "vw", _F),
)
_BID_ASK = (
    ("ask_exchange", "ax", _S),
    ("ask_price", "ap", _F),
    ("ask_size", "as", _F),
    ("bid_exchange", "bx", _S),
    ("bid_price", "bp", _F),
    ("bid_size", "bs", _F),
)

MINUTE_BARS = Collected(
    name="minute_bars", asset=collected_asset("minute_bars"), stamp="start", lasts_seconds=60, columns=_columns(("start", "t", _S), *_BAR)
)
"""One row for each minute with a trade, extended hours included; `start` is the minute's beginning."""
TRADES = Collected(
    name="trades",
    asset=collected_asset("trades"),
    stamp="at",
    columns=_columns(
        ("at", "t", _S),
        ("exchange", "x", _S),
        ("trade_id", "i", _I),
        ("price", "p", _F),
        ("size", "s", _F),
        ("conditions", "c", TEXTS),
        ("tape", "z", _S),
        ("taker_side", "tks", _S),
    ),
)
"""One row for each trade; symbol, exchange, trade id and time make it unique."""
QUOTES = Collected(
    name="quotes",
    asset=collected_asset("quotes"),
    stamp="at",
    columns=_columns(("at", "t", _S), *_BID_ASK, ("conditions", "c", TEXTS), ("tape", "z", _S)),
)
"""One row for each change of the best bid and ask. Alpaca gives quotes no id: rows that are equal in all columns count as one."""
_NEWEST = (
    ("taken_at", "taken_at", _S),
    ("trade_at", "trade_t", _S),
    ("trade_price", "trade_p", _F),
    ("trade_size", "trade_s", _F),
    ("quote_at", "quote_t", _S),
    ("bid_price", "quote_bp", _F),
    ("bid_size", "quote_bs", _F),
    ("ask_price", "quote_ap", _F),
    ("ask_size", "quote_as", _F),
)
"""The newest trade and quote, as snapshots of stocks and of options have them."""
SNAPSHOTS = Collected(
    name="snapshots",
    asset=collected_asset("snapshots"),
    stamp="taken_at",
    columns=_columns(
        *_NEWEST,
        *((f"day_{name}", f"day_{key}", kind) for name, key, kind in _BAR),
        *((f"previous_{name}", f"previous_{key}", kind) for name, key, kind in _BAR),
    ),
)
"""One row a symbol, as it was when it was taken: after the close of its session, before the next open."""
_GREEKS = ("delta", "gamma", "rho", "theta", "vega")
OPTION_CHAINS = Collected(
    name="option_chains",
    asset=collected_asset("option_chains"),
    stamp="taken_at",
    columns=_columns(
        _NEWEST[0],
        ("underlying", "underlying", _S),
        *_NEWEST[1:],
        ("implied_volatility", "impliedVolatility", _F),
        *((name, name, _F) for name in _GREEKS),
    ),
)
"""One row a contract (`symbol`, in OCC's form) of the chosen underlyings, with implied volatility and greeks as Alpaca computes them (null where it does not)."""
ALL = {kind.name: kind for kind in (MINUTE_BARS, TRADES, QUOTES, SNAPSHOTS, OPTION_CHAINS)}
