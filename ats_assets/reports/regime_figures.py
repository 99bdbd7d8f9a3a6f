"""What account and benchmark earned in each regime, as numbers.

The state of a session is that of the close before, as it was known then: what a session earned is told by a state that could have been traded on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import Floats, risk_free_of_session, session_returns, sharpe_ratio, volatility
from ats_assets.settings import BacktestSettings


@dataclass(frozen=True, kw_only=True)
class NamedStates:
    """The states of an asset of regimes, as they were known.

    Attributes
    ----------
    shares
        session, then the probability of each state (of symbols: its mean); ascending.
    used
        States that had a probability at all.
    states
        Session -> the most likely state; of a market alone.
    of_symbols
        Whether each symbol has a state of its own.
    """

    shares: pl.DataFrame
    used: Sequence[int]
    states: dict[date, float]
    of_symbols: bool


@dataclass(frozen=True, kw_only=True)
class StatePerformance:
    """What was earned in the sessions of a state. Returns and volatilities are fractions a year, None where not defined.

    Attributes
    ----------
    regime
        `state 0` and so on, `not known`, or `all`.
    share
        Of all sessions.
    worst
        The worst return of a session.
    """

    regime: str
    sessions: int
    share: float
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    benchmark_return: float | None
    benchmark_volatility: float | None
    benchmark_sharpe: float | None
    worst: float | None


def states_of(name: str, rows: pl.DataFrame) -> NamedStates | None:
    """What rows of an asset of regimes say; None where no regime was known.

    Parameters
    ----------
    name
        Of the entry in the settings, with which the columns begin.
    """
    chances = [column for column in rows.columns if column.startswith(f"{name}_p") and column[len(name) + 2 :].isdigit()]
    of_symbols = rows.group_by("session").agg(pl.col(chances[0]).n_unique())[chances[0]].max() != 1
    known = rows.filter(pl.col(f"{name}_state").is_not_nan())
    if known.is_empty():
        return None
    shares = known.group_by("session").agg(pl.col(chances).mean()).sort("session")
    values = shares.select(chances).to_numpy()
    states = {} if of_symbols else dict(known.group_by("session").agg(pl.col(f"{name}_state").first()).iter_rows())
    return NamedStates(
        shares=shares, used=[k for k in range(len(chances)) if values[:, k].max() > 0.0], states=states, of_symbols=of_symbols
    )


def performance_by_state(found: NamedStates, equity: pl.DataFrame, settings: BacktestSettings) -> list[StatePerformance]:
    """Of each state that was held in a session, of those before which none was known, and of all.

    Parameters
    ----------
    equity
        Columns session, equity, benchmark; sorted by session.
    """
    year, free = settings.sessions_per_year, risk_free_of_session(settings)
    before = np.array([found.states.get(day, np.nan) for day in equity["session"][:-1]])
    own, other = (session_returns(equity[name].to_numpy()) for name in ("equity", "benchmark"))
    chosen = [*((f"state {k}", before == k) for k in found.used), ("not known", np.isnan(before)), ("all", np.ones(len(before), np.bool_))]
    rows = []
    for name, held in chosen:
        if not held.any():
            continue
        (mean, risk, ratio), (its_mean, its_risk, its_ratio) = (_figures(returns[held], free, year) for returns in (own, other))
        worst = float(np.nanmin(own[held])) if np.isfinite(own[held]).any() else None
        rows.append(
            StatePerformance(
                regime=name,
                sessions=int(held.sum()),
                share=float(held.mean()),
                annual_return=mean,
                volatility=risk,
                sharpe=ratio,
                benchmark_return=its_mean,
                benchmark_volatility=its_risk,
                benchmark_sharpe=its_ratio,
                worst=worst,
            )
        )
    return rows


def _figures(returns: Floats, free: float, year: int) -> tuple[float | None, float | None, float | None]:
    mean = float(returns.mean()) * year if np.isfinite(returns).all() else None
    return mean, volatility(returns, year), sharpe_ratio(returns - free, year)[0]
