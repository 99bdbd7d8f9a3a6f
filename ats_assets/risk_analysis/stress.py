"""Stress: what the account did in crises that its history spans, and what a shock would do to what it holds now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from ats_assets.backtests.metrics import alpha_beta, drawdown_figures
from ats_assets.risk_analysis.resampling import Floats

CRISES: Final[Mapping[str, tuple[date, date]]] = {
    "Russian default and LTCM": (date(1998, 7, 17), date(1998, 10, 8)),
    "End of the dot-com boom": (date(2000, 3, 24), date(2002, 10, 9)),
    "September 11": (date(2001, 9, 10), date(2001, 9, 21)),
    "Financial crisis": (date(2007, 10, 9), date(2009, 3, 9)),
    "Lehman Brothers": (date(2008, 9, 12), date(2008, 11, 20)),
    "Flash crash and Greece": (date(2010, 4, 23), date(2010, 7, 2)),
    "Euro crisis and US downgrade": (date(2011, 7, 22), date(2011, 10, 3)),
    "Devaluation in China": (date(2015, 8, 17), date(2015, 8, 25)),
    "Oil and China, early 2016": (date(2015, 12, 29), date(2016, 2, 11)),
    "Volatility funds": (date(2018, 1, 26), date(2018, 2, 8)),
    "Fourth quarter of 2018": (date(2018, 9, 20), date(2018, 12, 24)),
    "COVID-19": (date(2020, 2, 19), date(2020, 3, 23)),
    "Inflation and rates": (date(2022, 1, 3), date(2022, 10, 12)),
    "US regional banks": (date(2023, 3, 6), date(2023, 3, 13)),
    "Yen carry trades": (date(2024, 7, 16), date(2024, 8, 5)),
    "Tariffs": (date(2025, 2, 19), date(2025, 4, 8)),
}
"""Name -> the closes between which the S&P 500 fell: the high before, and the low."""
DEVIATIONS = 3.0
"""Of each position against the account, in the shock of all at once."""
LARGEST_FALLS = 0.5
"""Of the largest position."""


@dataclass(frozen=True, kw_only=True)
class Stress:
    """What came of it, or would; fractions. `first` and `last` are null for a shock."""

    kind: str
    name: str
    first: date | None
    last: date | None
    account: float | None
    benchmark: float | None
    drawdown: float | None


def crises_in(sessions: Sequence[date], account: Floats, benchmark: Floats, own: Mapping[str, tuple[date, date]]) -> list[Stress]:
    """The crises that lie wholly in the history, by their first day: returns from the close of the first day to that of the last, or the last close before each.

    Parameters
    ----------
    sessions
        Of the values, ascending.
    account, benchmark
        float64 of shape (n_sessions,): the values at each close.
    own
        Crises beside `CRISES`; one of the same name counts in its place.

    Examples
    --------
    >>> days = [date(2020, 2, 19), date(2020, 3, 2), date(2020, 3, 23), date(2020, 3, 24)]
    >>> [found] = crises_in(days, np.array([100.0, 90.0, 80.0, 85.0]), np.array([10.0, 9.0, 6.6, 7.0]), {})
    >>> found.name, round(found.account, 3), round(found.benchmark, 3)
    ('COVID-19', -0.2, -0.34)
    """
    found = []
    for name, (first, last) in sorted({**CRISES, **own}.items(), key=lambda item: (item[1], item[0])):
        if not sessions or first < sessions[0] or last > sessions[-1]:
            continue
        i, j = (int(np.searchsorted(np.array(sessions, "datetime64[D]"), np.datetime64(day), side="right")) - 1 for day in (first, last))
        if i == j or account[i] <= 0.0:
            continue
        found.append(
            Stress(
                kind="history",
                name=name,
                first=first,
                last=last,
                account=float(account[j] / account[i] - 1.0),
                benchmark=float(benchmark[j] / benchmark[i] - 1.0) if benchmark[i] > 0.0 else None,
                drawdown=drawdown_figures(account[i : j + 1])[0],
            )
        )
    return found


def shocks(returns: Floats, benchmark: Floats, weights: Floats, deviations: Floats, market_shocks: Sequence[float]) -> list[Stress]:
    """What would become of the account at once.

    - The benchmark falls: its fall times the account's beta to it; once over all sessions, once over those in which it fell, where losses often go more together.
    - Every position moves against the account by three of its daily deviations, as if all were one.
    - The largest position loses half of its worth, to whichever side it is held.

    Parameters
    ----------
    returns, benchmark
        float64 of shape (n_returns,).
    weights, deviations
        Of what is held now, of shape (n_positions,): shares of equity, and the standard deviations of daily returns, NaN where not known.
    market_shocks
        Of the benchmark, negative.
    """
    known = np.isfinite(returns) & np.isfinite(benchmark)
    own, other = returns[known], benchmark[known]
    fallen = other < 0.0
    found = []
    for name, rows in (("beta of all sessions", np.ones(len(own), np.bool_)), ("beta of its losing sessions", fallen)):
        _, beta = alpha_beta(own[rows], other[rows], 1)
        found += [
            _shock(f"benchmark falls by {-shock:.0%} ({name})", None if beta is None else beta * shock, shock) for shock in market_shocks
        ]
    if len(weights):
        sizes, there = np.abs(weights), np.isfinite(deviations)
        loss = -float((sizes[there] * deviations[there]).sum()) * DEVIATIONS if there.any() else None
        found.append(_shock(f"each position {DEVIATIONS:.0f} deviations against the account", loss, None))
        found.append(_shock(f"largest position loses {LARGEST_FALLS:.0%}", -LARGEST_FALLS * float(sizes.max()), None))
    return found


def _shock(name: str, account: float | None, benchmark: float | None) -> Stress:
    return Stress(kind="shock", name=name, first=None, last=None, account=account, benchmark=benchmark, drawdown=None)
