"""What the same cash would have become without choosing: the equally weighted universe, or one symbol.

Equally weighted means: at each open, the value is spread evenly over the symbols that have a signal from the session before (the whole universe, flat
ones included), as the strategy trades at that open. Without new signals the members stay. No costs; a member without a bar keeps its last close. Splits and
payments count as they do for what the strategy holds: both are of one market.
"""

import numpy as np

from ats_assets.backtests.market import Market
from ats_assets.backtests.simulation import Prices, marks_at
from ats_assets.errors import SettingsError
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total
from ats_assets.kernels.weight_limits import Floats


def benchmark_column(market: Market, symbol: str | None) -> int:
    """The column of a symbol that is the benchmark alone; -1 where none is.

    Raises
    ------
    SettingsError
        If `symbol` has no bar.
    """
    if symbol is None:
        return -1
    column = market.column.get(symbol)
    if column is None:
        raise SettingsError(
            f"backtest.benchmark is {symbol!r}, which has no bars in the backtest: choose a symbol that has, or leave it out"
        )
    return column


@kernel
def benchmark_values(market: Prices, initial_cash: float, only: int) -> Floats:
    """The benchmark's value at each close, shape (n_sessions,), in currency; it is invested from the first open on which the strategy can trade.

    Parameters
    ----------
    only
        The column that is all of it; -1 for the symbols that have a signal.
    """
    values = np.full(len(market.open), initial_cash)
    members = np.zeros(0, dtype=np.int64)
    parts = np.zeros(0)
    cash = initial_cash
    for i in range(1, len(market.open)):
        marks = marks_at(i, market)
        if len(members):
            worth = market.ratio[i][members] * marks[members] + market.paid[i][members]
            cash = total(parts * (worth / market.last_close[i - 1][members]))
        first, last = market.target_bounds[i - 1], market.target_bounds[i]
        if last > first:
            members = market.target_columns[first:last].copy() if only < 0 else np.full(1, only)
        members = members[marks[members] > 0.0]  # NaN is not
        parts = np.full(len(members), cash / max(1, len(members)))
        if len(members):
            parts = parts * (market.last_close[i][members] / marks[members])
        values[i] = total(parts) if len(members) else cash
    return np.rint(values * 100.0) / 100.0
