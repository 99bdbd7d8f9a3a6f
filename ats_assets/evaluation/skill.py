"""Skill of predictions: whether the score ordered the returns that followed.

For each decision session and horizon: the information coefficient (IC, Pearson) and the rank IC (Spearman) of score and forward return, mean returns by
quantile of the score, and the turnover of the top quantile (Grinold and Kahn, Active Portfolio Management, 2nd ed. 2000, chapters 6 and 10). A row is stored
under the session at which its outcome was known.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.errors import LookAheadError
from ats_assets.evaluation.schema import QUANTILES, SKILL_SCHEMA

KEYS: Final = ("session", "horizon_sessions", "decision_session")
MIN_SYMBOLS = 3
"""Fewer have no correlation worth the name: null."""


def skill(predictions: pl.DataFrame, forward_returns: pl.DataFrame, calendar_sessions: Sequence[date]) -> pl.DataFrame:
    """The skill of each decision session and horizon whose outcome is among `forward_returns`.

    Parameters
    ----------
    predictions
        The contract `Predictions`: of the decision sessions that are judged, and of the session before each (for the turnover). Where they have a column `instrument`, a
        change of name is no turnover. Outcomes are found by the symbol, which labels have as of their decision.
    forward_returns
        The contract `ForwardReturns`, of the sessions to make.
    calendar_sessions
        Consecutive sessions of the calendar that cover the predictions: they tell which session is the previous one.

    Returns
    -------
    polars.DataFrame
        The contract `Skill`, sorted by (session, horizon_sessions); no row where nothing was predicted or nothing came of it. Correlations are null
        for fewer than 3 symbols or constant values. The turnover compares the top quantile of all predictions, with or without an outcome.

    Raises
    ------
    LookAheadError
        If a prediction was made by a model that was fitted at its session or after: it was not out of sample.
    """
    inside = predictions.filter(pl.col("model_session") >= pl.col("session"))
    if not inside.is_empty():
        raise LookAheadError(
            f"the predictions of {inside['session'][0]} come from a model fitted at {inside['model_session'][0]}: that is not out of sample; materialise them again"
        )
    tops = _tops(predictions)
    previous = dict(zip(calendar_sessions[1:], calendar_sessions[:-1], strict=True))
    made = predictions.select("symbol", "score", "model_session", decision_session="session")
    judged = forward_returns.select(*KEYS, "symbol", "forward_return").join(made, on=["symbol", "decision_session"], how="inner")
    judged = judged.sort(*KEYS, "symbol")
    scores, returns = judged["score"].to_numpy(), judged["forward_return"].to_numpy()
    rows, end = [], 0
    groups = judged.group_by(*KEYS, maintain_order=True).agg(pl.len(), pl.col("model_session").first())
    for session, horizon, decision, symbols, model_session in groups.iter_rows():
        first, end = end, end + symbols
        rows.append(
            {
                "session": session,
                "decision_session": decision,
                "horizon_sessions": horizon,
                "model_session": model_session,
                "n_symbols": symbols,
                "turnover": _turnover(tops[decision], tops.get(previous.get(decision))),  # pyright: ignore[reportArgumentType]
                **_figures(scores[first:end], returns[first:end]),
            }
        )
    return pl.DataFrame(rows, schema=SKILL_SCHEMA)


def _figures(scores: np.ndarray, returns: np.ndarray) -> dict[str, Any]:
    """Of one session and horizon."""
    ranks = average_ranks(scores)
    return {
        "ic": correlation(scores, returns),
        "rank_ic": correlation(ranks, average_ranks(returns)),
        "quantile_returns": _quantile_returns(_quantile_of_rank(ranks), returns),
    }


def correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Pearson correlation of two float arrays of shape (n,); None for fewer than 3 values or where one is constant.

    Examples
    --------
    >>> round(correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])), 6)
    0.8
    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 5.0])) is None  # one of them is constant
    True
    """
    if len(a) < MIN_SYMBOLS or a.min() == a.max() or b.min() == b.max():
        return None
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum()) * np.sqrt((b * b).sum()))
    return float(np.clip((a * b).sum() / scale, -1.0, 1.0)) if scale > 0 else None


def average_ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each of the finite floats of shape (n,), from 1; equal ones share the mean of theirs.

    Examples
    --------
    >>> average_ranks(np.array([0.3, 0.1, 0.3, 0.9]))
    array([2.5, 1. , 2.5, 4. ])
    """
    order = np.argsort(values)
    ordered = values[order]
    first = np.flatnonzero(np.concatenate(([True], (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[:-1])))[: len(values)])
    many = np.diff(first, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(first + (many + 1) / 2, many)
    return ranks


def quantile_of(scores: np.ndarray) -> np.ndarray:
    """The quantile of each score, 0 (lowest) to 4; equal scores share one, so a quantile may be empty.

    Examples
    --------
    >>> quantile_of(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]))
    array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    >>> quantile_of(np.array([0.0, 0.0, 0.0, 0.0, 1.0]))  # equal scores share a quantile
    array([2, 2, 2, 2, 4])
    """
    return _quantile_of_rank(average_ranks(scores))


def _quantile_of_rank(ranks: np.ndarray) -> np.ndarray:
    return np.minimum(((ranks - 0.5) / len(ranks) * QUANTILES).astype(np.int64), QUANTILES - 1)


def _quantile_returns(quantiles: np.ndarray, returns: np.ndarray) -> list[float | None]:
    inside = [quantiles == q for q in range(QUANTILES)]
    return [float(returns[of_quantile].mean()) if of_quantile.any() else None for of_quantile in inside]


def _tops(predictions: pl.DataFrame) -> dict[date, frozenset[str]]:
    """The top quantile of each session."""
    key = INSTRUMENT if INSTRUMENT in predictions.columns else "symbol"
    ordered = predictions.sort("session")
    names, scores = ordered[key].to_list(), ordered["score"].to_numpy()
    tops, end = dict[date, frozenset[str]](), 0
    for session, symbols in ordered.group_by("session", maintain_order=True).len().iter_rows():
        first, end = end, end + symbols
        places = np.flatnonzero(quantile_of(scores[first:end]) == QUANTILES - 1)
        tops[session] = frozenset(names[first + place] for place in places)
    return tops


def _turnover(top: frozenset[str], before: frozenset[str] | None) -> float | None:
    return len(top - before) / len(top) if top and before is not None else None
