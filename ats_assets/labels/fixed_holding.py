"""Positions that are held for a fixed number of sessions, from the open after the decision on: what labels of a fixed horizon are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.labels.daily_volatility import daily_volatility
from ats_assets.labels.price_panel import Floats, PricePanel

AT_ONCE = 64
"""Sessions whose volatility is computed at once."""


@dataclass(frozen=True, kw_only=True)
class HeldPositions:
    """The positions of one decision session, arrays of shape (n_held,)."""

    decision: int
    """The row of the session at whose close they were decided on."""
    columns: NDArray[np.intp]
    """Their series."""
    returns: Floats
    """exit / entry - 1, corporate actions taken out."""
    at_open: NDArray[np.bool_]
    """Whether the exit was at the open; else it is the last close since the entry."""


def volatilities(returns: Floats, rows: Sequence[int], span_sessions: int, min_returns: int) -> dict[int, Floats]:
    """Row of a session -> the daily volatility as it was known there, of shape (n_series,); some sessions at once, so that their matrices stay small.

    Parameters
    ----------
    returns, span_sessions, min_returns
        As `daily_volatility.daily_volatility`.
    rows
        Of the sessions, in any order; what lies before the panel is left out.
    """
    wanted, found = np.array(sorted({row for row in rows if row >= 0}), dtype=np.intp), {}
    for begin in range(0, len(wanted), AT_ONCE):
        some = wanted[begin : begin + AT_ONCE]
        found |= dict(zip(some.tolist(), daily_volatility(returns, some, span_sessions, min_returns), strict=True))
    return found


def held_positions(panel: PricePanel, factors: Mapping[int, Floats], *, known: int, horizon: int) -> HeldPositions | None:
    """The positions that leave at the open of session `known`, after `horizon` sessions; None where they would have been decided on before the panel begins.

    There must be a bar with volume at the decision (without one nothing was decided) and at the entry (without one nothing was bought). What can't be sold at the exit leaves
    at its last close since the entry: to leave it out would keep survivors only.

    Parameters
    ----------
    factors
        Row of a session -> the factors of its corporate actions, of shape (n_series,); see `price_panel.price_factors`.
    """
    decision = known - horizon - 1
    if decision < 0:
        return None
    opens, closes, traded = panel.prices["open"], panel.prices["close"], panel.traded
    held = np.flatnonzero(traded[decision] & traded[decision + 1])
    at_open, last = traded[known, held], panel.last_bar[known - 1, held]
    entry, left = opens[decision + 1, held], np.where(at_open, known, last)
    for day in range(decision + 2, known + 1):
        if day in factors:
            entry = np.where(left >= day, entry * factors[day][held], entry)
    returns = np.where(at_open, opens[known, held], closes[last, held]) / entry - 1.0
    return HeldPositions(decision=decision, columns=held, returns=returns, at_open=at_open)
