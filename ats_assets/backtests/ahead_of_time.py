"""The backtest's kernels compiled ahead: `python -m ats_assets.backtests.ahead_of_time`, once after an installation or a change of code.

What is compiled is kept on the disk. Without it a backtest runs plain, with the same result, unless it is so large that compiling pays.
"""

from datetime import date

import polars as pl

from ats_assets.backtests.choosing import run_backtest
from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings


def compile_kernels() -> None:
    """Compile the kernels of all engines, or load them where they are on the disk already."""
    compile_kernels_of_orders()
    _run(BacktestSettings(engine="weights"))


def compile_kernels_of_orders() -> None:
    """Compile those of the engine that trades order by order, which is the default."""
    _run(BacktestSettings(options={"compiled": True}))


def _run(settings: BacktestSettings) -> None:
    days = [date(2024, 1, 2), date(2024, 1, 3)]
    bars = pl.DataFrame({"symbol": ["A", "A"], "session": days, "open": [1.0, 1.0], "close": [1.0, 1.0], "volume": [1.0, 1.0]})
    targets = pl.DataFrame({"symbol": ["A"], "session": days[:1], "target_weight": [0.1]})
    run_backtest(targets, bars, days, portfolio=PortfolioSettings(), settings=settings, limits=OrderLimitSettings())


if __name__ == "__main__":
    compile_kernels()
