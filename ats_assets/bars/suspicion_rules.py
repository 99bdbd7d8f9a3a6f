"""The rules that find suspicious bars. The docstring of each states its formula, in which `close[D-1]` is the bar one session before D.

A rule that names a bar that is not there does not apply. No rule looks beyond D, or back farther than `lookback_sessions` before it. Thresholds are
`SuspicionSettings`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.bars.panel import Panel, median_of_columns
from ats_assets.errors import how_many
from ats_assets.settings import SuspicionSettings

SPLIT_RATIOS = ((3, 2), (5, 2), *((new, 1) for new in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100)))
"""Splits as (new, old) shares, judged in both directions. 4:3 and 5:4 are left out: prices move that far overnight without one."""

SMALLEST_SIGMA = 0.001
"""Floor of a robust standard deviation of returns: where a price hardly moved, a tick is not eight of them."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What a rule sees.

    Attributes
    ----------
    bars
        Arrays of shape (n_sessions, n_symbols): open, high, low, close, volume, vwap.
    rows
        Whether a session is to be judged, of shape (n_sessions,); the others are only looked back at.
    settings
        The thresholds.
    ratios
        Of the splits that are known, new shares for an old one by their ex-session, of shape (n_sessions, n_symbols); 1 where there is none.
    """

    bars: Panel
    rows: np.ndarray
    settings: SuspicionSettings
    ratios: np.ndarray

    def __getitem__(self, column: str) -> np.ndarray:
        """A column of the bars."""
        return self.bars.columns[column]

    def before(self, column: str, sessions: int) -> np.ndarray:
        """The column so many sessions before each row; NaN before the first one."""
        shifted = np.full_like(self[column], np.nan)
        shifted[sessions:] = self[column][: len(shifted) - sessions]
        return shifted

    def previous_close(self) -> tuple[np.ndarray, np.ndarray]:
        """For each bar the last close before it within the lookback (NaN where there is none), and the ratio of the known splits since then."""
        present, n = self.bars.present, self.bars.present.shape[1]
        row = np.arange(len(present))[:, None]
        last = np.maximum.accumulate(np.where(present, row, -1), axis=0)
        previous = np.vstack([np.full((1, n), -1), last[:-1]])
        known = present & (previous >= np.maximum(row - self.settings.lookback_sessions, 0))
        close = np.where(known, np.take_along_axis(self["close"], np.maximum(previous, 0), axis=0), np.nan)
        split = self.ratios.copy()
        for t, s in np.argwhere(known & (row - previous > 1)).tolist():
            split[t, s] = np.prod(self.ratios[previous[t, s] + 1 : t + 1, s])
        return close, split

    def cells(self, suspicious: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the suspicious cells in the sessions to be judged."""
        rows, columns = np.nonzero(suspicious & self.rows[:, None])
        return rows, columns

    def windows(self, column: np.ndarray, rows: np.ndarray, columns: np.ndarray, lags: range) -> np.ndarray:
        """An array of shape (n_lags, n_cells) with the column at each lag before each cell; NaN before the first session."""
        at = rows - np.array(lags)[:, None]
        return np.where(at >= 0, column[np.maximum(at, 0), columns], np.nan)


Found = tuple[np.ndarray, np.ndarray, list[str]]
"""Rows, columns and the detail in words of what a rule found."""


def unadjusted_split(judged: Judged) -> Found:
    """The price moved overnight by a split's ratio, and volume moved with it.

    With p the last close before D within the lookback and r = new / old one of `SPLIT_RATIOS` or its inverse:
    `|p / open[D] / r - 1| <= split_tolerance`, and `1/f <= (volume[D] / r) / median(volume before D) <= f` with f = split_volume_factor. A split
    leaves the money traded as it was; a crash of the same size multiplies it. At least half of the lookback must have bars.
    A split that is known is not suspicious.
    """
    settings = judged.settings
    lookback = settings.lookback_sessions
    close, split = judged.previous_close()
    move = np.where(split == 1, close / judged["open"], np.nan)
    ratios = np.array([new / old for new, old in SPLIT_RATIOS] + [old / new for new, old in SPLIT_RATIOS])
    names = [f"{new}:{old}" for new, old in SPLIT_RATIOS] + [f"{old}:{new}" for new, old in SPLIT_RATIOS]
    moved = (np.abs(move - 1) > 0.25) & (move > 0.009) & (move < 102)  # no ratio is nearer or farther, at any sensible tolerance
    rows, columns = judged.cells(moved)
    distance = np.abs(move[rows, columns] / ratios[:, None] - 1)
    nearest = distance.argmin(axis=0)
    volumes = judged.windows(judged["volume"], rows, columns, range(1, lookback + 1))
    traded = judged["volume"][rows, columns] / ratios[nearest] / median_of_columns(volumes)
    factor = settings.split_volume_factor
    enough = (~np.isnan(volumes)).sum(axis=0) * 2 >= lookback
    found = (distance.min(axis=0) <= settings.split_tolerance) & (traded >= 1 / factor) & (traded <= factor) & enough
    rows, columns, nearest = rows[found], columns[found], nearest[found]
    details = [
        f"open {judged['open'][t, s]:.6g} after a close of {close[t, s]:.6g}: a {names[k]} split?"
        for t, s, k in zip(rows, columns, nearest, strict=True)
    ]
    return rows, columns, details


def split_without_a_jump(judged: Judged) -> Found:
    """A split is known, but the price moved overnight as if there were none: the prices may be adjusted already, or the session is wrong.

    With p the last close before D within the lookback and r the ratio of the splits since then: `|ln r| > ln 1.25` and `|ln(p / open[D])| < |ln(p / open[D] / r)|`.
    """
    close, split = judged.previous_close()
    move = np.log(close / judged["open"])
    unmoved = (np.abs(np.log(split)) > np.log(1.25)) & (np.abs(move) < np.abs(move - np.log(split)))
    rows, columns = judged.cells(unmoved)
    details = [
        f"open {judged['open'][t, s]:.6g} after a close of {close[t, s]:.6g}, although a split of {split[t, s]:.6g} for 1 is known"
        for t, s in zip(rows, columns, strict=True)
    ]
    return rows, columns, details


def stale_price(judged: Judged) -> Found:
    """The close has not moved: `close[D] == close[D-1] == … == close[D-n+1]` with n = stale_sessions."""
    unmoved = judged["close"] == judged.before("close", 1)
    length = np.ones(unmoved.shape, dtype=np.int64)
    going = np.ones(unmoved.shape, dtype=bool)
    for lag in range(judged.settings.lookback_sessions):
        going[lag:] &= unmoved[: max(0, len(unmoved) - lag)]
        going[:lag] = False
        length += going
    rows, columns = judged.cells(judged.bars.present & (length >= judged.settings.stale_sessions))
    details = [f"close {judged['close'][t, s]:.6g} for {length[t, s]} sessions" for t, s in zip(rows, columns, strict=True)]
    return rows, columns, details


def reverted_spike(judged: Judged) -> Found:
    """The close of D-1 stood far from those before and after it.

    With returns `r[t] = close[t] / close[t-1] - 1`: `|r[D-1]| >= spike_sigmas * s`, where s is 1.4826 times the median absolute deviation from
    their median of r[D - lookback + 1] to r[D-2] (the factor makes it a normal's standard deviation: Hampel, 1974), at least `SMALLEST_SIGMA`; and D took
    back the move, `(close[D-1] - close[D]) / (close[D-1] - close[D-2]) >= spike_reversal`. At least half of those returns must exist.
    """
    settings = judged.settings
    now, spike, before = judged["close"], judged.before("close", 1), judged.before("close", 2)
    move = spike / before - 1
    reverted = (spike - now) / (spike - before) >= settings.spike_reversal
    rows, columns = judged.cells(reverted & (np.abs(move) >= settings.spike_sigmas * SMALLEST_SIGMA))
    returns = now / spike - 1
    usual = judged.windows(returns, rows, columns, range(2, settings.lookback_sessions))
    deviation = 1.4826 * median_of_columns(np.abs(usual - median_of_columns(usual)))
    enough = (~np.isnan(usual)).sum(axis=0) * 2 >= len(usual)
    found = enough & (np.abs(move[rows, columns]) >= settings.spike_sigmas * np.maximum(deviation, SMALLEST_SIGMA))
    rows, columns = rows[found], columns[found]
    details = [
        f"closes {before[t, s]:.6g}, {spike[t, s]:.6g}, {now[t, s]:.6g}: the close of {judged.bars.sessions[t - 1]} stands alone"
        for t, s in zip(rows, columns, strict=True)
    ]
    return rows, columns, details


def zero_volume(judged: Judged) -> Found:
    """Nothing was traded: `volume[D] == 0`."""
    rows, columns = judged.cells(judged["volume"] == 0)
    return rows, columns, [f"no volume at a close of {judged['close'][t, s]:.6g}" for t, s in zip(rows, columns, strict=True)]


def vanished(judged: Judged) -> Found:
    """There is a bar at D-1 and none at D."""
    present = judged.bars.present
    gone = np.zeros_like(present)
    gone[1:] = present[:-1] & ~present[1:]
    rows, columns = judged.cells(gone)
    return rows, columns, [f"no bar; the last close was {judged['close'][t - 1, s]:.6g}" for t, s in zip(rows, columns, strict=True)]


def appeared(judged: Judged) -> Found:
    """There is a bar at D and none at D-1, although others have one at D-1 (else it is the source that began, or paused)."""
    present = judged.bars.present
    come = np.zeros_like(present)
    come[1:] = present[1:] & ~present[:-1] & present[:-1].any(axis=1, keepdims=True)
    rows, columns = judged.cells(come)
    gaps = judged.windows(judged["close"], rows, columns, range(1, judged.settings.lookback_sessions + 1))
    back = np.where(np.isnan(gaps).all(axis=0), 0, np.argmin(np.isnan(gaps), axis=0))
    details = [f"back after {how_many(gap, 'session')} without a bar" if gap else "no bar in the lookback" for gap in back]
    return rows, columns, details


def twins(judged: Judged) -> Found:
    """Two symbols have equal closes at each of the last n = twin_sessions sessions, which moved at half of them or more."""
    n = judged.settings.twin_sessions
    close, before = judged["close"], judged.before("close", 1)
    rows, columns = judged.cells(judged.bars.present)
    last = pl.DataFrame({"row": rows, "close": close[rows, columns], "before": before[rows, columns]})
    alike = last.select(pl.struct(pl.all()).is_duplicated()).to_series().to_numpy()  # few remain whose whole windows must be compared
    rows, columns = rows[alike], columns[alike]
    closes = np.ascontiguousarray(judged.windows(close, rows, columns, range(n)).T)
    moving = ~np.isnan(closes).any(axis=1) & ((closes[:, 1:] != closes[:, :-1]).sum(axis=1) * 2 >= n - 1)
    rows, columns, closes = rows[moving], columns[moving], closes[moving]
    cells = pl.DataFrame(
        {"row": rows, "column": columns, "closes": [window.tobytes() for window in closes]},
        schema={"row": pl.Int64, "column": pl.Int64, "closes": pl.Binary},
    )
    cells = cells.with_columns(group=pl.struct("row", "closes").rank("dense")).filter(pl.len().over("group") > 1)
    groups = cells.group_by("group").agg(pl.col("column").sort().alias("columns"))
    found = cells.join(groups, on="group", how="left")
    others = [
        sorted(judged.bars.symbols_at(row, np.array([i for i in of if i != column])))
        for row, column, of in found.select("row", "column", "columns").iter_rows()
    ]
    details = [f"the closes of the last {n} sessions are those of {', '.join(names[:5])}" for names in others]
    return found["row"].to_numpy(), found["column"].to_numpy(), details


def vwap_outside_range(judged: Judged) -> Found:
    """The average price lies beyond the prices: `vwap < low * (1 - vwap_tolerance)` or `vwap > high * (1 + vwap_tolerance)`."""
    vwap, low, high, slack = judged["vwap"], judged["low"], judged["high"], judged.settings.vwap_tolerance
    rows, columns = judged.cells((vwap < low * (1 - slack)) | (vwap > high * (1 + slack)))
    details = [f"vwap {vwap[t, s]:.6g}, low {low[t, s]:.6g}, high {high[t, s]:.6g}" for t, s in zip(rows, columns, strict=True)]
    return rows, columns, details


RULES: dict[str, Callable[[Judged], Found]] = {
    "appeared": appeared,
    "reverted_spike": reverted_spike,
    "split_without_a_jump": split_without_a_jump,
    "stale_price": stale_price,
    "twins": twins,
    "unadjusted_split": unadjusted_split,
    "vanished": vanished,
    "vwap_outside_range": vwap_outside_range,
    "zero_volume": zero_volume,
}
"""Every rule by its name. The docstring of each states its formula."""
