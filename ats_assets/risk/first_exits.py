"""Which of its exits a position met first, when, and at which level: for the risk rule `stops` and the strategy `peak_exits`.

Of each position the close since its entry is followed. It is left where the first of these happens; where two happen at one close, the first of this list is named:

- **stop**: the close is as far below the entry's close as `stop_atr` or `stop_percent` says;
- **secured**: it is back at the entry, after it was `secure_atr` ranges above it;
- **peak**: it has fallen as far below the highest price since the entry as `peak_atr` or `peak_percent` says (a trailing or chandelier exit), once that price was `least_rise_atr` above the entry;
- **target**: it is as far above the entry as `target_atr` or `target_percent` says;
- **stale**: there was no new highest price for `stale_sessions`;
- **time**: the position has been held for `max_sessions`.

A position that was left stays left until its side has been given up. For a short position all of it is mirrored. The highest price is that of closes, or that of the entry's close and the highs
after it (`peak_of`). With `tighten_per_session` peak, stop and target come nearer by that share of their distance for each session held, down to `least_share` of it. An entry lies at most
`max_sessions` back, so that the position of a session can be told from its own window (decision 73).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.risk.exit_settings import ExitSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
EXITS: Final = ("", "stop", "secured", "peak", "target", "stale", "time")
"""By their code; 0 is a position that was not left."""
STOP, SECURED, PEAK, TARGET, STALE, TIME = range(1, len(EXITS))


@dataclass(frozen=True, kw_only=True)
class FoundExits:
    """What became of positions, in arrays of shape (n_rows,); prices in the unit of the closes, NaN where there is none.

    Attributes
    ----------
    code
        The place of the exit in `EXITS`.
    lag
        How many sessions ago it was met.
    level
        What the close met.
    close
        The close that met it.
    entry, entry_lag
        The close at which the position was entered, and how many sessions ago.
    peak
        The highest price up to the exit, the lowest of a short position.
    """

    code: NDArray[np.int8]
    lag: Integers
    level: Floats
    close: Floats
    entry: Floats
    entry_lag: Integers
    peak: Floats

    @property
    def left(self) -> NDArray[np.bool_]:
        """Which positions have been left, at their session or before."""
        return self.code > 0


def first_exits(sides: Floats, closes: Floats, highs: Floats, lows: Floats, ranges: Floats, settings: ExitSettings) -> FoundExits:  # noqa: PLR0917
    """The first exit of each position.

    Parameters
    ----------
    sides
        ndarray of shape (n_rows, max_sessions + 1), newest first: 1, -1 or 0, what was wanted at each session.
    closes, highs, lows, ranges
        Of the same shape: prices and ranges, in any unit that a row's own have in common; NaN where there was no bar. Highs and lows count with `peak_of = "high"` alone.
    settings
        When a position is left.

    Returns
    -------
    FoundExits
        Where there is no position there is no exit.

    Examples
    --------
    >>> held, closes = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([[100.0, 110.0, 100.0, 90.0]])
    >>> found = first_exits(held, closes, closes, closes, np.full((1, 4), 4.0), ExitSettings(max_sessions=3, peak_atr=2.0))
    >>> EXITS[found.code[0]], found.lag.tolist(), found.level.tolist()
    ('peak', [0], [102.0])
    >>> first_exits(held, closes, closes, closes, np.full((1, 4), 6.0), ExitSettings(max_sessions=3, peak_atr=2.0)).left.tolist()
    [False]
    """
    side, ranges = sides[:, 0], np.where(ranges > 0.0, ranges, np.nan)  # a price that never moved has no range to be away by
    run = np.logical_and.accumulate((sides == side[:, None]) & (side[:, None] != 0), axis=1)
    walk = _Walk(side, settings)
    walk.code[run.sum(axis=1) == sides.shape[1]] = TIME  # entered before the window: held for max_sessions, or for longer
    with np.errstate(invalid="ignore"):
        for k in range(sides.shape[1] - 1, -1, -1):
            extreme = closes[:, k] if settings.peak_of == "close" else np.where(side > 0, highs[:, k], lows[:, k])
            walk.session(k, run[:, k], closes[:, k], extreme, ranges[:, k])
    return walk.found()


class _Walk:
    """Positions from the oldest session of their window to the newest, in prices that rise where a position gains: those of shorts are negative."""

    def __init__(self, side: Floats, settings: ExitSettings) -> None:
        n = len(side)
        self._side, self._settings = side, settings
        self.code, self._lag, self._entry_lag = np.zeros(n, np.int8), np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._entry, self._entry_range, self._level, self._close, self._peak_then = (np.full(n, np.nan) for _ in range(5))
        self._peak, self._since_peak, self._age = np.full(n, -np.inf), np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._secured = np.zeros(n, np.bool_)

    def session(self, k: int, run: NDArray[np.bool_], close: Floats, extreme: Floats, ranges: Floats) -> None:
        """The session `k` before the newest one."""
        own = self._settings
        here = run & np.isfinite(close)
        value = self._side * close
        first = here & np.isnan(self._entry)
        self._entry, self._entry_lag = np.where(first, value, self._entry), np.where(first, k, self._entry_lag)
        self._entry_range = np.where(here & np.isnan(self._entry_range), ranges, self._entry_range)
        reached = np.where(first, value, self._side * extreme)  # what came before the entry's close was no gain
        higher = here & (reached > self._peak)
        self._peak = np.where(higher, reached, self._peak)
        self._since_peak = np.where(higher, 0, self._since_peak + run)
        self._age += run
        shrunk = np.maximum(1.0 - own.tighten_per_session * (self._age - 1), own.least_share)
        self._secured |= here & (own.secure_atr is not None) & (value - self._entry >= (own.secure_atr or 0.0) * ranges)
        for code, holds, level in self._conditions(value, ranges, shrunk):
            met = here & holds & (self.code == 0)
            self.code[met], self._lag[met] = code, k
            self._level, self._close = np.where(met, level, self._level), np.where(met, value, self._close)
            self._peak_then = np.where(met, self._peak, self._peak_then)

    def _conditions(self, value: Floats, ranges: Floats, shrunk: Floats) -> list[tuple[int, NDArray[np.bool_], Floats]]:
        """Code, whether it holds, and the level; one whose range is missing does not hold."""
        own, entry, peak = self._settings, self._entry, self._peak
        standing = (self._entry_range if own.range_of == "entry" else ranges) * shrunk
        found: list[tuple[int, NDArray[np.bool_], Floats]] = []
        if (stop := _distance(own.stop_atr, standing, own.stop_percent, entry, shrunk)) is not None:
            found.append((STOP, entry - value >= stop, entry - stop))
        if own.secure_atr is not None:
            found.append((SECURED, self._secured & (value <= entry), entry))
        if (fall := _distance(own.peak_atr, ranges * shrunk, own.peak_percent, peak, shrunk)) is not None:
            risen = (peak - entry >= own.least_rise_atr * (ranges * shrunk)) | (own.least_rise_atr == 0.0)
            found.append((PEAK, (peak - value >= fall) & risen, peak - fall))
        if (rise := _distance(own.target_atr, standing, own.target_percent, entry, shrunk)) is not None:
            found.append((TARGET, value - entry >= rise, entry + rise))
        if own.stale_sessions is not None:
            found.append((STALE, self._since_peak >= own.stale_sessions, peak))
        return found

    def found(self) -> FoundExits:
        """What has been met, in prices as they are."""
        timed = self.code == TIME
        return FoundExits(
            code=np.where(self._side == 0, 0, self.code).astype(np.int8),
            lag=self._lag,
            level=self._side * self._level,
            close=self._side * self._close,
            entry=self._side * np.where(timed, np.nan, self._entry),
            entry_lag=self._entry_lag,
            peak=self._side * self._peak_then,
        )


def _distance(ranges_away: float | None, one: Floats, percent: float | None, reference: Floats, shrunk: Floats) -> Floats | None:
    """How far a level is from its reference: the nearer of so many ranges and so many per cent, None where neither is given."""
    of_range = None if ranges_away is None else ranges_away * one
    of_price = None if percent is None else percent / 100.0 * np.abs(reference) * shrunk
    if of_range is None or of_price is None:
        return of_price if of_range is None else of_range
    return np.fmin(of_range, of_price)


def told_exits(  # noqa: PLR0917
    found: FoundExits, side: Floats, days: Sequence[date], at: Sequence[int], unit: Floats, settings: ExitSettings
) -> list[str | None]:
    """What is said of each position that was left: which exit, at which session, and the level that its close met.

    Parameters
    ----------
    side
        Of shape (n_rows,): positive for a long position.
    days, at
        Sessions of the exchange, ascending, and of each row the place of its own among them.
    unit
        Of shape (n_rows,): what one of the prices of `found` is in currency.

    Examples
    --------
    >>> held, closes = np.array([[1.0, 1.0, 0.0]]), np.array([[91.0, 100.0, 99.0]])
    >>> settings = ExitSettings(max_sessions=2, peak_atr=None, stop_percent=8.0)
    >>> found = first_exits(held, closes, closes, closes, np.ones((1, 3)), settings)
    >>> told_exits(found, held[:, 0], [date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5)], [2], np.ones(1), settings)
    ['stop: the close of 2024-03-05, 91.00, is at or below 92.00; entered on 2024-03-04 at 100.00']
    """

    def of_row(i: int) -> str | None:
        code = int(found.code[i])
        if code == 0:
            return None
        if code == TIME:
            return f"time: held for {settings.max_sessions} sessions or longer at {days[at[i]]}, which is max_sessions"
        level, close, entry, peak = (told_price(float(x[i] * unit[i])) for x in (found.level, found.close, found.entry, found.peak))
        upward = (side[i] > 0) == (code == TARGET)
        which = "highest" if side[i] > 0 else "lowest"
        day = days[at[i] - int(found.lag[i])]
        met = (
            f"no new {which} price than {level} in {settings.stale_sessions} sessions up to {day}"
            if code == STALE
            else f"the close of {day}, {close}, is at or {'above' if upward else 'below'} {level}"
        )
        since = f", the {which} price since {peak}" if code == PEAK else ""
        return f"{EXITS[code]}: {met}; entered on {days[at[i] - int(found.entry_lag[i])]} at {entry}{since}"

    return [of_row(i) for i in range(len(found.code))]


def told_price(price: float) -> str:
    """A price as it is told: two decimals, or four significant digits of less than one.

    Examples
    --------
    >>> told_price(91.0), told_price(0.0001234567)
    ('91.00', '0.0001235')
    """
    return f"{price:.2f}" if abs(price) >= 1.0 else f"{price:.4g}"
