"""How risky what is held is: the returns that today's weights would have had in the newest sessions, and which positions move together.

r_t = sum over positions of weight times the symbol's return of session t, free of corporate actions; a symbol without a return in a session adds nothing to it. So it is a
simulation of what is held now, not the account's own past, which held other things.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.deployment import Deployment
from ats_assets.serving.queries.versions_read import joint_version

SESSIONS = 252
"""Returns that are looked at, at most."""
LEAST_SESSIONS = 60
"""With fewer there are no figures."""
LEAST_SHARED = 20
"""Sessions in which both of a pair moved; with fewer their correlation is not known."""
SHOWN = 12
"""Symbols of the correlation matrix, the largest positions."""
TAIL = 0.05
_COLUMNS = ("symbol", "session", "high", "low", "close")

Floats = NDArray[np.float64]


def risk_sessions(deployment: Deployment) -> list[date]:
    """The sessions whose bars the figures are made of, ascending: one more than there are returns."""
    return deployment.valid_sessions("bars")[-SESSIONS - 1 :]


def held_risk(deployment: Deployment, weights: Mapping[str, float], sessions: Sequence[date]) -> dict[str, Any]:
    """The risk of what is held.

    Parameters
    ----------
    weights
        Symbol -> share of the equity, negative for short.
    sessions
        As `risk_sessions` has them.
    """
    columns, returns = (
        deployment.of(KeptReturns).read(sessions) if sessions and weights else ({}, np.full((max(len(sessions) - 1, 0), 0), np.nan))
    )
    known = {symbol: weight for symbol, weight in weights.items() if symbol in columns}
    own = returns[:, [columns[symbol] for symbol in known]]
    market = _row_means(returns)
    return {
        "sessions": len(returns),
        "first": sessions[1] if len(returns) else None,
        "last": sessions[-1] if len(returns) else None,
        "without_bars": sorted(weights.keys() - known.keys()),
        **weighted_risk(np.array(list(known.values()), np.float64), own, market, list(known)),
        "correlation": correlations(known, own),
    }


class KeptReturns:
    """The returns of some sessions, laid out once and kept until one of their partitions changes: weights change with every trade. Use it as `deployment.of(KeptReturns)`."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: tuple[str, tuple[dict[str, int], Floats]] | None = None

    def version(self, sessions: Sequence[date]) -> str:
        """Of all that the returns of the sessions are made from."""
        return joint_version(self._deployment, ((asset, day) for day in sessions for asset in ("bars", "corporate_actions")))

    def read(self, sessions: Sequence[date]) -> tuple[dict[str, int], Floats]:
        """The column of each symbol, by its newest ticker, and returns of shape (n_sessions - 1, n_instruments); NaN where there is none."""
        version, kept = self.version(sessions), self._kept
        if kept is None or kept[0] != version:
            self._kept = kept = version, _returns(self._deployment, sessions)
        return kept[1]


def _returns(deployment: Deployment, sessions: Sequence[date]) -> tuple[dict[str, int], Floats]:
    from ats_assets.regimes.market_observations import daily_moves  # noqa: PLC0415 - it loads what compiles, and few ask for it

    bars = deployment.warehouse.read("bars", sessions, _COLUMNS)
    stored = [day for day in sessions if deployment.warehouse.exists("corporate_actions", day)]
    actions = deployment.warehouse.read("corporate_actions", stored) if stored else deployment.schemas["corporate_actions"].to_frame()
    moves = daily_moves(bars, actions, sessions, deployment.settings.actions.adjust)
    columns: dict[str, int] = {}
    for row in moves.place:
        there = np.flatnonzero(row >= 0)
        columns |= dict(zip(moves.symbols.gather(pl.Series(row[there])), there.tolist(), strict=True))
    return columns, moves.returns[1:] / 100.0


def _row_means(returns: Floats) -> Floats:
    """The mean of each session's returns; NaN where there are none."""
    known = np.isfinite(returns)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, returns, 0.0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def weighted_risk(weights: Floats, returns: Floats, market: Floats, symbols: Sequence[str]) -> dict[str, Any]:
    """Volatility, tail, beta and each position's share of the variance; each None where it is not known.

    Parameters
    ----------
    weights
        Of shape (n_positions,).
    returns
        Of shape (n_sessions, n_positions), NaN where there is none.
    market
        Of shape (n_sessions,): the mean return of all symbols.
    symbols
        Of the positions.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.tile([0.01, -0.01], 50)
    >>> found = weighted_risk(np.array([0.5, 0.5]), np.column_stack([wave, wave]), wave, ["A", "B"])
    >>> round(found["beta"], 6), found["value_at_risk_95"], [one["share"] for one in found["contributions"]]
    (1.0, -0.01, [0.5, 0.5])
    """
    names = ("volatility_year", "value_at_risk_95", "expected_shortfall_95", "beta")
    nothing: dict[str, Any] = {**dict.fromkeys(names), "contributions": []}
    if not len(weights) or len(returns) < LEAST_SESSIONS:
        return nothing
    filled = np.nan_to_num(returns)
    total = filled @ weights
    variance = float(total.var(ddof=1))
    if variance <= 0:
        return nothing
    worst = np.sort(total)[: max(1, int(np.ceil(TAIL * len(total))))]
    moved = np.isfinite(market)
    spread = float(market[moved].var(ddof=1))
    shares = weights * ((filled - filled.mean(axis=0)).T @ (total - total.mean())) / (len(total) - 1) / variance
    return {
        "volatility_year": float(np.sqrt(252.0 * variance)),
        "value_at_risk_95": float(worst[-1]),
        "expected_shortfall_95": float(worst.mean()),
        "beta": float(np.cov(total[moved], market[moved], ddof=1)[0, 1] / spread) if spread > 0 else None,
        "contributions": [{"symbol": symbol, "share": float(share)} for symbol, share in zip(symbols, shares, strict=True)],
    }


def correlations(weights: Mapping[str, float], returns: Floats) -> dict[str, Any]:
    """How the largest positions move together: their symbols, and a matrix with None where a pair shares too few sessions.

    Parameters
    ----------
    weights
        Symbol -> share, in the order of the columns of `returns`.
    returns
        Of shape (n_sessions, n_positions), NaN where there is none.
    """
    order = list(weights)
    shown = sorted(order, key=lambda symbol: (-abs(weights[symbol]), symbol))[:SHOWN]
    columns = [returns[:, order.index(symbol)] for symbol in shown]
    return {"symbols": shown, "matrix": [[_correlation(one, other) for other in columns] for one in columns]}


def _correlation(one: Floats, other: Floats) -> float | None:
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < LEAST_SHARED:
        return None
    a, b = one[known], other[known]
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 1e-12 else None
