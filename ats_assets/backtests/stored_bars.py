"""The bars that a backtest trades on, of all sessions but only of the instruments that the targets name; and those of all instruments, for what judges a backtest by its market."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from ats_assets.corporate_actions.identity import Identities
from ats_assets.deployment import Deployment
from ats_assets.orchestration.memory_blocks import require_whole, whole_cost

TRADED_COLUMNS: Final = ("symbol", "session", "open", "close", "volume")
"""What trading takes of a bar."""
SESSIONS_AT_ONCE: Final = 63
"""That are read together: bars that nobody trades are never there as a whole."""
MATRICES: Final = 16
"""Of a float for each session and instrument: prices, volumes and actions, as they are read, carried forward and accounted for."""


def traded_bars(
    deployment: Deployment,
    targets: pl.DataFrame,
    sessions: Sequence[date],
    instruments: Identities,
    benchmark: str | None,
    *,
    what: str = "a backtest",
    ranges: bool = False,
) -> pl.DataFrame:
    """The bars of the symbols of the targets and the benchmark, and of each ticker that a change of name takes or gives.

    Parameters
    ----------
    targets
        With a column `symbol`.
    sessions
        All are stored; with none there is an error, as of `Warehouse.read`.
    what
        Wants them, as a refusal says.
    ranges
        Whether high and low are read, too: orders with a limit wait for it.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        As `Warehouse.read`.
    MemoryLimitError
        If it does not fit into `runs.max_memory_mb`.
    """
    more = [*instruments.tickers(), *filter(None, [benchmark])]
    wanted = pl.concat([targets["symbol"].unique(), pl.Series("symbol", more, dtype=pl.String)]).unique()
    needed = MATRICES * 8 * len(sessions) * len(wanted)
    shorter = "take a shorter range (the run configuration's first_session), or a smaller universe"
    require_whole(deployment, f"{what} of {len(wanted):,} symbols over {len(sessions):,} sessions", needed, shorter)
    blocks = (sessions[first : first + SESSIONS_AT_ONCE] for first in range(0, max(len(sessions), 1), SESSIONS_AT_ONCE))
    columns = [*TRADED_COLUMNS, *(("high", "low") if ranges else ())]
    rows = (deployment.warehouse.read("bars", block, columns) for block in blocks)
    return pl.concat([part.filter(pl.col("symbol").is_in(wanted.implode())) for part in rows])


def market_bars(deployment: Deployment, asset: str, sessions: Sequence[date], columns: Sequence[str]) -> pl.DataFrame:
    """The bars of all instruments, for an asset that looks at all sessions at once.

    Parameters
    ----------
    asset
        That reads them.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        As `Warehouse.read`.
    MemoryLimitError
        If they do not fit into `runs.max_memory_mb` with what is made of them.
    """
    if deployment.settings.runs.whole_bytes is not None:
        needed = whole_cost(deployment, "bars", sessions, columns)
        shorter = "backtest a shorter range (the run configuration's first_session)"
        require_whole(deployment, f"{asset} over {len(sessions):,} sessions", needed, shorter)
    return deployment.warehouse.read("bars", sessions, columns)
