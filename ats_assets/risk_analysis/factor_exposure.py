"""What of the account's returns common factors tell, with factors made of the traded universe itself.

    market      the benchmark's return
    size        what traded least (a third, by the median dollar volume of the 60 sessions before) less what traded most
    momentum    what had risen most (a third, over the 252 sessions before less the last 21) less what had risen least

Characteristics are those of the closes before, so a factor could have been held. Standard errors are those of Newey and West (Econometrica 55, 1987), with
4 (n / 100)^(2/9) lags.
"""

from dataclasses import dataclass

import numpy as np

from ats_assets.risk_analysis.resampling import Floats

SIZE_SESSIONS, MOMENTUM_SESSIONS, SKIPPED_SESSIONS = 60, 252, 21
BEFORE_SESSIONS = MOMENTUM_SESSIONS + 1
"""Before a session whose bars its factors are made of; the first of them gives no return, but a close."""
LEAST_SYMBOLS = 9
"""With a characteristic and a return: three in each third."""
LEAST_ROWS = 60


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """Of one factor; `alpha` is what is left, a session."""

    factor: str
    exposure: float
    standard_error: float
    t_statistic: float


def size_and_momentum(returns: Floats, dollars: Floats) -> dict[str, Floats]:
    """The returns of the two factors, each of shape (n_sessions,); NaN where too few symbols have a characteristic.

    Those of a session are a function of the rows of its window alone, to the bit: a history may be gone through in blocks that overlap by `BEFORE_SESSIONS`.

    Parameters
    ----------
    returns
        float64 of shape (n_sessions, n_symbols): fractions, NaN where there is none.
    dollars
        Dollar volume, of the same shape.
    """
    n = len(returns)
    size, momentum = np.full(n, np.nan), np.full(n, np.nan)
    logs = np.log1p(np.maximum(np.where(np.isfinite(returns), returns, 0.0), -0.999999))
    listed = np.cumsum(np.isfinite(returns), axis=0)
    for t in range(1, n):
        if t >= SIZE_SESSIONS:
            window = dollars[t - SIZE_SESSIONS : t]
            full = np.isfinite(window).all(axis=0)
            size[t] = _spread(np.where(full, -np.median(np.where(full, window, 0.0), axis=0), np.nan), returns[t])
        if t >= MOMENTUM_SESSIONS:
            first, last = t - MOMENTUM_SESSIONS, t - SKIPPED_SESSIONS
            full = listed[last - 1] - (listed[first - 1] if first else 0) >= (MOMENTUM_SESSIONS - SKIPPED_SESSIONS) * 0.9
            momentum[t] = _spread(np.where(full, np.add.reduce(logs[first:last], axis=0), np.nan), returns[t])
    return {"size": size, "momentum": momentum}


def _spread(characteristic: Floats, returns: Floats) -> float:
    """Mean return of the third with the largest characteristic less that of the third with the smallest."""
    known = np.flatnonzero(np.isfinite(characteristic) & np.isfinite(returns))
    if len(known) < LEAST_SYMBOLS:
        return float("nan")
    order = known[np.argsort(characteristic[known], kind="stable")]
    third = len(order) // 3
    return float(returns[order[-third:]].mean() - returns[order[:third]].mean())


def factor_exposures(account: Floats, factors: dict[str, Floats]) -> tuple[list[Exposure], float | None]:
    """The regression of the account's returns on the factors at once: alpha and each exposure, and R².

    A factor that is known in too few sessions is left out; so is one that the others tell already.

    Parameters
    ----------
    account
        float64 of shape (n_returns,).
    factors
        Name -> returns of the same shape.
    """
    chosen = {name: values for name, values in factors.items() if (np.isfinite(values) & np.isfinite(account)).sum() >= LEAST_ROWS}
    known = np.isfinite(account)
    for values in chosen.values():
        known &= np.isfinite(values)
    y = account[known]
    columns = {"alpha": np.ones(len(y))}
    for name, values in chosen.items():
        wider = np.column_stack([*columns.values(), values[known]])
        if np.linalg.matrix_rank(wider) == wider.shape[1]:
            columns[name] = values[known]
    x = np.column_stack([*columns.values()])
    if len(y) < LEAST_ROWS or float(y.std()) <= 1e-14 or len(columns) == 1:
        return [], None
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ (x.T @ y)
    rest = y - x @ beta
    scores, n = x * rest[:, None], len(y)
    middle = scores.T @ scores
    lags = int(4.0 * (n / 100.0) ** (2.0 / 9.0))
    for lag in range(1, lags + 1):
        product = scores[lag:].T @ scores[:-lag]
        middle += (1.0 - lag / (lags + 1.0)) * (product + product.T)
    errors = np.sqrt(np.diag(inverse @ middle @ inverse) * n / (n - x.shape[1]))
    found = [
        Exposure(factor=name, exposure=float(b), standard_error=float(e), t_statistic=float(b / e) if e > 0.0 else 0.0)
        for name, b, e in zip(columns, beta, errors, strict=True)
    ]
    return found, float(1.0 - (rest @ rest) / ((y - y.mean()) @ (y - y.mean())))
