"""The contracts of what is collected beside daily bars. Times are nanoseconds in UTC; partition D holds what happened after the close before and up to the close of D."""

from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema

from ats_assets.sources.adapters.alpaca.collected_names import collected_asset
from ats_assets.sources.adapters.alpaca.wire_frames import TEXTS, WireColumn

NANOSECONDS = pl.Datetime("ns", "UTC")
_F, _I, _S = pl.Float64, pl.Int64, pl.String


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One kind of data.

    Attributes
    ----------
    stamp
        The column with the time.
    lasts_seconds
        From the stamp until a row is complete.
    columns
        Name, key on the wire, type.
    """

    name: str
    stamp: str
    columns: tuple[WireColumn, ...]
    lasts_seconds: int = 0

    @property
    def asset(self) -> str:
        """The name of its asset."""
        return collected_asset(self.name)

    @property
    def schema(self) -> pl.Schema:
        """The columns of the frame, with those that the reader adds."""
        measured = {column.name: NANOSECONDS if column.name == self.stamp else column.dtype for column in self.columns}
        return pl.Schema({"symbol": _S, "session": pl.Date, **measured, "defects": _S})

    @property
    def contract(self) -> DataFrameSchema:
        """The same as a pandera contract."""
        columns = {name: pa.Column(dtype, nullable=name not in ("symbol", "session")) for name, dtype in self.schema.items()}
        return DataFrameSchema(columns, name=self.name, strict=True, ordered=True)


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

MINUTE_BARS = Collected(name="minute_bars", stamp="start", lasts_seconds=60, columns=_columns(("start", "t", _S), *_BAR))
"""One row for each minute with a trade, extended hours included; `start` is the minute's beginning."""
TRADES = Collected(
    name="trades",
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
QUOTES = Collected(name="quotes", stamp="at", columns=_columns(("at", "t", _S), *_BID_ASK, ("conditions", "c", TEXTS), ("tape", "z", _S)))
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
