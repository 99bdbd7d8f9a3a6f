"""What each strategy has of the targets: its weights times its capital, over the holding period, and after the risk rules; together they are the targets.

The rules change the sum of all strategies' weights. A weight that they make smaller makes all parts smaller alike; any other change (a weight made larger, or given another side) falls to the parts on
the side of the change, in proportion, and where there are none to all by capital.

A strategy without signals wants no trade: its part is NaN, but where a rule has made the weight smaller. What a rule makes larger is wanted by those with signals alone: where these have no part in a
position it stays as it is (`ats_assets.portfolio.allowed_changes`), and nobody wants anything.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.allowed_changes import NONE, change_codes

KEYS: Final = ["session", "symbol"]
SAME: Final = 1e-12


def wanted_parts(
    capital: Mapping[str, float],
    targets: pl.DataFrame,
    averaged: Callable[[str], pl.DataFrame],
    resting: Mapping[str, Collection[date]] | None = None,
) -> pl.DataFrame:
    """The parts of the targets.

    Parameters
    ----------
    capital
        Strategy -> its share of the equity.
    targets
        session, symbol, target_weight, and `allowed_change` where what strategies without signals hold is looked at.
    averaged
        Of each strategy its weights times its capital, over the holding period: what `OwnHoldings.part` returns of it.
    resting
        Strategy -> the sessions in which it has no signals and holds what it has; default none.

    Returns
    -------
    DataFrame
        session, symbol, and a column of weights for each strategy; sorted by session and symbol, one row for each of the targets.
    """
    rows = targets.sort(KEYS)
    codes = change_codes(rows)
    for name in capital:
        made = averaged(name).select(*KEYS, pl.col("proposed_weight").alias(f"part {name}"))
        rows = rows.join(made, on=KEYS, how="left", maintain_order="left")
    parts = rows.select(pl.col(f"part {name}").fill_null(0.0) for name in capital).to_numpy().astype(np.float64)
    shares, target = np.array([capital[name] for name in capital]), rows["target_weight"].to_numpy()
    rests = np.zeros(parts.shape, dtype=np.bool_)
    for i, name in enumerate(capital):
        rests[:, i] = rows["session"].is_in(list((resting or {}).get(name, ()))).to_numpy()
    shared = shared_change(parts, target, np.where(rests, 0.0, shares))
    smaller = _made_smaller(parts.sum(axis=1), target)
    shared = np.where(rests & ~smaller[:, None], np.nan, shared)
    stays = (codes == NONE)[:, None]
    shared = np.where(stays, np.where(rests, np.nan, parts), shared)
    return rows.select(*KEYS, *(pl.Series(name, shared[:, i]) for i, name in enumerate(capital)))


def shared_change(parts: Floats, target: Floats, capital: Floats) -> Floats:
    """The parts after the risk rules: rows sum to the targets.

    Parameters
    ----------
    parts
        float64 of shape (n_rows, n_strategies).
    target
        float64 of shape (n_rows,).
    capital
        float64 of shape (n_strategies,), or of a row for each; 0 for one that wants none of what is made larger, where others do.

    Examples
    --------
    >>> parts = np.array([[0.3, 0.1], [0.3, -0.1], [0.2, -0.2]])
    >>> shared_change(parts, np.array([0.2, 0.4, 0.1]), np.array([0.5, 0.5])).round(3).tolist()
    [[0.15, 0.05], [0.5, -0.1], [0.3, -0.2]]
    """
    total = parts.sum(axis=1)
    change = target - total
    same = np.abs(change) <= SAME
    smaller = _made_smaller(total, target)
    factor = np.where(smaller, target / np.where(total == 0.0, 1.0, total), 1.0)
    side = np.where((np.sign(parts) == np.sign(change)[:, None]) & (capital > 0.0), np.abs(parts), 0.0)
    size, whole = side.sum(axis=1, keepdims=True), np.broadcast_to(capital, parts.shape).sum(axis=1, keepdims=True)
    key = np.where(size > 0.0, side / np.where(size > 0.0, size, 1.0), capital / np.where(whole > 0.0, whole, 1.0))
    return np.where((same | smaller)[:, None], parts * factor[:, None], parts + change[:, None] * key)


def _made_smaller(total: Floats, target: Floats) -> NDArray[np.bool_]:
    """Where rules have left less of a weight, on its side."""
    return (total * target >= 0.0) & (np.abs(target) < np.abs(total) - SAME)
