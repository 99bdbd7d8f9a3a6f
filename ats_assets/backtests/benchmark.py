"""What the same cash would have become without choosing: the equally weighted universe, or one symbol.

Equally weighted means: at each open, the value is spread evenly over the symbols that have a signal from the session before (the whole universe, flat
ones included), as the strategy trades at that open. Without new signals the members stay. No costs; a member without a bar keeps its last close. Splits and
payments count as they do for what the strategy holds: both are of one market.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.backtests.market import Market
from ats_assets.errors import SettingsError


def benchmark_values(market: Market, initial_cash: float, symbol: str | None) -> NDArray[np.float64]:
    """The benchmark's value at each close, shape (n_sessions,), in currency; it is invested from the first open on which the strategy can trade.

    Raises
    ------
    SettingsError
        If `symbol` has no bar.
    """
    column = None if symbol is None else market.column.get(symbol)
    if symbol is not None and column is None:
        raise SettingsError(
            f"backtest.benchmark is {symbol!r}, which has no bars in the backtest: choose a symbol that has, or leave it out"
        )
    only = None if column is None else np.array([column], dtype=np.intp)
    values = np.full(len(market.sessions), initial_cash)
    members = np.zeros(0, dtype=np.intp)
    parts = np.zeros(0)
    cash = initial_cash
    for i in range(1, len(market.sessions)):
        marks = market.marks(i)
        if len(members):
            worth = market.ratio[i, members] * marks[members] + market.paid[i, members]
            cash = float((parts * (worth / market.last_close[i - 1, members])).sum())
        targets = market.targets[i - 1]
        if targets is not None:
            members = targets[0] if only is None else only
        members = members[marks[members] > 0.0]  # NaN is not
        parts = np.full(len(members), cash / max(1, len(members)))
        if len(members):
            parts = parts * (market.last_close[i, members] / marks[members])
        values[i] = parts.sum() if len(members) else cash
    return np.rint(values * 100.0) / 100.0
