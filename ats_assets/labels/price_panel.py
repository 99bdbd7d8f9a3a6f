"""Bars as matrices of shape (n_sessions, n_series), for labels that follow a position from session to session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.errors import ContractError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PricePanel:
    """Prices of shape (n_sessions, n_series), NaN where there is no bar.

    A series is an instrument where the bars say which, else a symbol. `series` are sorted.
    """

    series: pl.Series
    prices: dict[str, Floats]
    traded: NDArray[np.bool_]
    """Whether there is a bar with volume: without any, nobody could trade."""
    _symbols: pl.Series
    _place: NDArray[np.int32]

    @cached_property
    def last_bar(self) -> NDArray[np.intp]:
        """The row of the newest bar up to each session, of shape (n_sessions, n_series); -1 where there is none."""
        rows = np.arange(len(self.traded))[:, None]
        return np.maximum.accumulate(np.where(np.isnan(self.prices["open"]), -1, rows), axis=0)

    def symbols(self, rows: NDArray[np.intp] | int, columns: NDArray[np.intp]) -> pl.Series:
        """What each of some series is called in a session, by their rows and columns."""
        return self._symbols.gather(self._place[rows, columns])


def price_panel(bars: pl.DataFrame, days: Sequence[date], prices: Sequence[str] = ("open", "close")) -> PricePanel:
    """Lay out the bars of the days; rows of other sessions are not looked at.

    Parameters
    ----------
    bars
        symbol, perhaps instrument, session, the prices, volume; in any order.
    prices
        Columns to lay out; `volume` may be one of them.

    Raises
    ------
    ContractError
        If a bar is there twice.
    """
    key = INSTRUMENT if INSTRUMENT in bars.columns else "symbol"
    rows = pl.DataFrame({"session": pl.Series(days, dtype=pl.Date)}).with_row_index("i")
    columns = dict.fromkeys(["symbol", key, "session", *prices, "volume"])
    found = bars.select(*columns).join(rows, on="session", how="inner", maintain_order="left")
    if found.select("symbol", "session").is_duplicated().any():
        twice = found.filter(found.select("symbol", "session").is_duplicated()).row(0, named=True)
        raise ContractError(
            f"{twice['symbol']} has more than one bar at {twice['session']}: validate the bars before making labels of them"
        )
    series = found[key].unique().sort()
    at = found["i"].to_numpy(), series.search_sorted(found[key]).to_numpy()
    laid_out = {name: np.full((len(days), len(series)), np.nan) for name in (*prices, "volume")}
    for name, matrix in laid_out.items():
        matrix[at] = found[name].to_numpy()
    place = np.full((len(days), len(series)), -1, np.int32)
    place[at] = np.arange(found.height)
    traded = laid_out["volume"] > 0
    if "volume" not in prices:
        del laid_out["volume"]
    return PricePanel(series=series, prices=laid_out, traded=traded, _symbols=found["symbol"], _place=place)


def factor_matrix(adjustments: pl.DataFrame | None, panel: PricePanel, position: dict[date, int]) -> Floats:
    """The factors of all sessions and series, of shape (n_sessions, n_series); 1 where nothing happened."""
    factors = np.ones(panel.traded.shape)
    for row, values in price_factors(adjustments, panel.series, position).items():
        factors[row] = values
    return factors


def price_factors(adjustments: pl.DataFrame | None, series: pl.Series, position: dict[date, int]) -> dict[int, Floats]:
    """Place of a session with actions -> the factors of all series, of shape (n_series,)."""
    factors: dict[int, Floats] = {}
    if adjustments is None or adjustments.is_empty():
        return factors
    place = {one: i for i, one in enumerate(series)}
    for one, session, price in adjustments.select(series.name, "session", "price").iter_rows():
        if one in place and session in position:
            factors.setdefault(position[session], np.ones(len(series)))[place[one]] = price
    return factors
