"""CUSUM events: bars at which a price has moved far enough since the last of them (López de Prado, Advances in Financial Machine Learning, 2018, section 2.5.2.1).

Two sums of log returns are kept, one that never falls below zero and one that never rises above it:

    up[t] = max(0, up[t-1] + r[t])        down[t] = min(0, down[t-1] + r[t])

Where `down` is at the negative of the threshold or below, or `up` at the threshold or above, the bar is an event, and that sum begins at zero again.

Both begin at zero at the beginning of each session, too. So a bar is an event or not by the bars of its own session alone, whatever range it is computed in; and what an event
asks for is a position, which is decided on what traded since the open, not on the gap of a night. A sum that ran through all of history would have no bits of its own.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.kernels.kernel import kernel
from ats_assets.labels.bar_paths import BarPaths, Floats, Places, bar_paths
from ats_assets.labels.bar_volatility import bar_volatility
from ats_assets.settings import Positive, Section

EVENTS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "bar": pl.Int32, "decided_at": pl.Datetime("ns", "UTC"), "direction": pl.Int8}
)


class CusumSettings(Section):
    """How far a price must have moved to be an event."""

    unit: Literal["volatility", "returns"] = Field(
        default="volatility", description="of the threshold: multiples of a bar's volatility, or a log return"
    )
    threshold: float = Field(default=3.0, gt=0, allow_inf_nan=False, description="in that unit")
    volatility_span_bars: int = Field(default=50, ge=2, description="span of the exponential weights: alpha = 2 / (span + 1)")
    min_volatility_bars: int = Field(
        default=20, ge=2, description="bars that the volatility needs at least: before there are so many, no event"
    )
    min_threshold: float = Field(
        default=1e-6, ge=0, description="as a log return: no threshold is below it, so that equal prices are no event"
    )
    lookback_sessions: Positive = Field(
        default=5, description="sessions of the exchange before its own that a bar's volatility looks back over"
    )


def cusum_events(bars: pl.DataFrame, days: Sequence[date], settings: CusumSettings) -> pl.DataFrame:
    """The events among bars.

    Parameters
    ----------
    bars
        Of information bars symbol, session, bar, known_at, open, high, low, close; in any order. Of the sessions that are wanted and, for a threshold in volatility, the
        `lookback_sessions` before; a bar of the first session of history looks back as far as there are bars.
    days
        Sessions of the exchange without a gap, those of the bars among them.

    Returns
    -------
    polars.DataFrame
        `EVENTS_SCHEMA`, sorted by (symbol, session, bar): `decided_at` is the bar's known_at, `direction` 1 where the price rose so far and -1 where it fell. The return of a
        session's first bar is that from its open.

    Raises
    ------
    CalendarError, ContractError
        As `bar_paths`.
    """
    paths = bar_paths(bars, days)
    direction = np.asarray(_cusum.compiled(np.log1p(paths.returns()), paths.begins(), thresholds(paths, settings)))
    found = np.flatnonzero(direction)
    rows = paths.rows[found].select("symbol", "session", "bar", decided_at="known_at")
    return rows.with_columns(direction=pl.Series(direction[found])).select(
        pl.col(name).cast(dtype) for name, dtype in EVENTS_SCHEMA.items()
    )


def thresholds(paths: BarPaths, settings: CusumSettings) -> Floats:
    """The threshold at each bar as a log return, of shape (n_bars,); NaN where the volatility is not known."""
    if settings.unit == "returns":
        return np.full(len(paths.day), settings.threshold)
    of_bar = bar_volatility(
        paths,
        span_bars=settings.volatility_span_bars,
        min_bars=settings.min_volatility_bars,
        lookback_sessions=settings.lookback_sessions,
    )
    return np.maximum(settings.threshold * of_bar, settings.min_threshold)


@kernel
def _cusum(returns: Floats, begins: Places, threshold: Floats) -> NDArray[np.int8]:
    """1, -1 or 0 for each bar; a bar without a return or a threshold leaves both sums at zero."""
    found = np.zeros(len(returns), np.int8)
    up, down = 0.0, 0.0
    for i in range(len(returns)):
        if begins[i] == i:
            up, down = 0.0, 0.0
        up, down = max(0.0, up + returns[i]), min(0.0, down + returns[i])
        limit = threshold[i]
        if np.isnan(limit) or np.isnan(returns[i]):
            up, down = 0.0, 0.0
        elif down <= -limit:
            found[i], down = -1, 0.0
        elif up >= limit:
            found[i], up = 1, 0.0
    return found
