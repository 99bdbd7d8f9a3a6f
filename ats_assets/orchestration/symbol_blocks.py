"""The features of a few sessions of a big panel, made by workers in blocks by symbol.

Where each value depends on its own series' rows alone, a part of the symbols can be made without the others. Which part a symbol is in follows from its name; all that ever changed
their names are in the first, for a series goes on under another name. The parts are put together in the order of the panel: by session, then by symbol.
"""

import io
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.reading import Known, Reader

BARS, ACTIONS = "bars", "corporate_actions"
LEAST_SYMBOLS: Final = 500
"""Of a block: fewer are made sooner than they are handed over."""


def symbol_part(symbol: str, parts: int) -> int:
    """Which of so many parts a symbol is in, on every machine.

    Examples
    --------
    >>> sorted({symbol_part(symbol, 2) for symbol in ("AAPL", "MSFT", "NVDA", "TSLA")})
    [0, 1]
    """
    return zlib.crc32(symbol.encode()) % parts


def parts_for(deployment: Deployment, sessions: Sequence[date], workers: int) -> int:
    """In how many parts the symbols of the last session are worth making."""
    bars = deployment.warehouse
    symbols = bars.read(BARS, [sessions[-1]], ["symbol"]).height if bars.exists(BARS, sessions[-1]) else 0
    return max(1, min(workers, symbols // LEAST_SYMBOLS))


def rows_of_part(
    deployment: Deployment, reader: Reader, make: Callable[[], pl.DataFrame], sessions: Sequence[date], *, part: int, parts: int
) -> bytes:
    """What a step makes of one part of the symbols, as an Arrow file: called in a worker."""
    (actions,) = (one for one in reader.reads if one.asset == ACTIONS)
    told = Known(deployment, reader.name, reader.reads).frame(actions, sessions, deployment.schemas[ACTIONS])
    changes = told.filter(pl.col("kind") == "name_change").select("symbol", "new_symbol") if "new_symbol" in told.columns else told.clear()
    renamed = {name for row in changes.iter_rows() for name in row if name}
    with _only(deployment, lambda symbol: part == (0 if symbol in renamed else symbol_part(symbol, parts))):
        made = make()
    buffer = io.BytesIO()
    made.write_ipc(buffer, compression="zstd")
    return buffer.getvalue()


def panel_of_parts(parts: Sequence[bytes]) -> pl.DataFrame:
    """The rows of all parts, in the order of the panel."""
    return pl.concat([pl.read_ipc(io.BytesIO(part)) for part in parts]).sort("session", "symbol")


class _OfSomeSymbols:
    """A warehouse of whose bars only some symbols are read."""

    def __init__(self, warehouse: Any, is_wanted: Callable[[str], bool]) -> None:
        self._warehouse, self._is_wanted = warehouse, is_wanted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def read_files(self, asset: str, files: Mapping[date, Path], columns: Collection[str] | None = None) -> pl.DataFrame:
        rows: pl.DataFrame = self._warehouse.read_files(asset, files, columns)
        if asset != BARS:
            return rows
        wanted = [symbol for symbol in rows["symbol"].unique() if self._is_wanted(symbol)]
        return rows.filter(pl.col("symbol").is_in(wanted))


@contextmanager
def _only(deployment: Deployment, is_wanted: Callable[[str], bool]) -> Iterator[None]:
    whole = deployment.warehouse
    vars(deployment)["warehouse"] = _OfSomeSymbols(whole, is_wanted)
    try:
        yield
    finally:
        vars(deployment)["warehouse"] = whole
