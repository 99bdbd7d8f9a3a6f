"""Returns: of a session, a month, a year, and compounded over the whole.

Returns are simple ones from close to close, r_t = V_t / V_{t-1} - 1. Those of a month or a year are the compounded ones of its sessions, which is the value at its last
close over the value at the last close before it (geometric linking: Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed. 2008, chapter 2); so the
first month counts from the first close of the history.
"""

import math
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Period = Literal["month", "year"]
_BUCKET = {"month": "1mo", "year": "1y"}


def session_returns(values: Floats) -> Floats:
    """r_t = V_t / V_{t-1} - 1 of the values at each close.

    Parameters
    ----------
    values
        ndarray of shape (n_sessions,).

    Returns
    -------
    ndarray of shape (n_sessions - 1,)
        NaN from where the value is not positive: nothing after it has a meaning.

    Examples
    --------
    >>> session_returns(np.array([100.0, 110.0, 99.0])).round(4)
    array([ 0.1, -0.1])
    """
    if len(values) < 2:
        return np.zeros(0)
    alive = np.logical_and.accumulate(values > 0)
    before = np.where(alive[:-1], values[:-1], np.nan)
    return values[1:] / before - 1.0


def annual_return(values: Floats, sessions_per_year: int) -> float | None:
    """Compound return a year (CAGR) of the values at each close: (V_n / V_0)^(q / n) - 1 with n returns and q sessions a year.

    Parameters
    ----------
    values
        ndarray of shape (n_sessions,).

    Returns
    -------
    float or None
        A fraction; -1 where everything is lost, None with fewer than two values, and where some before the last is not positive: nothing after it has a meaning.

    Examples
    --------
    >>> round(annual_return(np.array([100.0, 110.0]), sessions_per_year=2), 4)  # 10 % in half a year
    0.21
    """
    if len(values) < 2 or values[-1] <= 0 or values[0] <= 0:
        return -1.0 if len(values) > 1 and values[-1] <= 0 else None
    if values.min() <= 0:
        return None
    power = math.log(values[-1] / values[0]) * sessions_per_year / (len(values) - 1)
    return math.expm1(power) if power < 700 else None


def period_returns(equity: pl.DataFrame, period: Period) -> pl.DataFrame:
    """The returns of each month or year, of the account and of the benchmark.

    Parameters
    ----------
    equity
        Columns session, equity, benchmark, sorted by session.
    period
        Of the calendar.

    Returns
    -------
    DataFrame
        period (its first day), account, benchmark (fractions), sessions (that have a return); null where the value before is not positive, and none of a period in
        which no session has a return.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2)]
    >>> frame = pl.DataFrame({"session": days, "equity": [100.0, 110.0, 99.0], "benchmark": [10.0, 10.0, 11.0]})
    >>> [(str(day), round(own, 3), round(other, 3), n) for day, own, other, n in period_returns(frame, "month").iter_rows()]
    [('2023-12-01', 0.1, 0.0, 1), ('2024-01-01', -0.1, 0.1, 1)]
    """
    names = {"account": "equity", "benchmark": "benchmark"}
    whole = equity.select("session", *(pl.col(column).alias(name) for name, column in names.items()))
    months = whole.slice(1).group_by(pl.col("session").dt.truncate(_BUCKET[period]).alias("period"), maintain_order=True)
    closed = months.agg(*(pl.col(name).last() for name in names), sessions=pl.len())
    firsts = {name: whole[name][0] if len(whole) else None for name in names}
    befores = {name: pl.col(name).shift(1, fill_value=first) for name, first in firsts.items()}
    return closed.with_columns(pl.when(before > 0).then(pl.col(name) / before - 1.0).alias(name) for name, before in befores.items())
