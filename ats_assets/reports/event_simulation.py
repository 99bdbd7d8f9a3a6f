"""Monte Carlo of the trades of events: what they could have come to in another order or choice, as a fan, and as quantiles of return and drawdown."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.risk_analysis import PathFigures, Resampling, optimal_block_length, simulated_paths
from ats_assets.risk_analysis.resampling import Floats
from ats_assets.settings import EventBacktestSettings

LEAST = 20
"""Trades: of fewer, drawing again says nothing."""
FAN = ((0.95, "95%", "gain"), (0.5, "median", "third"), (0.05, "5%", "loss"))


def event_simulation(trades: pl.DataFrame, symbols: int, settings: EventBacktestSettings) -> Sequence[Block]:
    """The section; a note where there are too few trades.

    Parameters
    ----------
    trades
        The contract `EventTrades`.
    symbols
        Among which the capital is divided.
    settings
        How many paths, and their seed.
    """
    if trades.height < LEAST:
        return [Note(text=f"{whole(trades.height)} trades are too few to be drawn again; {LEAST} are needed.")]
    returns = trades["return_net"].to_numpy() / max(symbols, 1)
    block = optimal_block_length(returns)[0]
    ways = {
        "each by itself, with replacement": Resampling(way="independent"),
        f"stretches of {decimal(block, 1)} trades on average": Resampling(way="stationary", block_length=block),
        "the same trades in another order": Resampling(way="shuffled"),
    }
    found = {
        name: simulated_paths(returns, way, paths=settings.paths, horizon=len(returns), seed=settings.seed) for name, way in ways.items()
    }
    drawn = list(found)[1]
    return [
        Note(
            text=f"{whole(settings.paths)} paths of as many trades, drawn again from those that were made. They tell of luck in order and choice, not of what never happened; a bias of "
            "the backtest is in all of them."
        ),
        _fan(found[drawn], trades, returns, drawn),
        Table(
            columns=("drawn", "return 5%", "median", "95%", "P(loss)", "drawdown, median", "95% are no deeper than"),
            rows=[_row(*one) for one in found.items()],
        ),
    ]


def _row(name: str, of: PathFigures) -> tuple[str, ...]:
    low, middle, high = np.quantile(of.final - 1.0, [0.05, 0.5, 0.95])
    deep = np.quantile(-of.drawdown, [0.5, 0.95])
    shown = (percent(float(value), 2, signed=True) for value in (low, middle, high))
    return (name, *shown, percent(float((of.final < 1.0).mean())), *(percent(float(value), 2) for value in deep))


def _fan(of: PathFigures, trades: pl.DataFrame, returns: np.ndarray, way: str) -> Block:
    """Quantiles over the paths after so many trades, and what happened."""
    places = of.marks[1:] - 1
    days = trades["decided_at"].dt.date().gather(places).to_list()
    lines = [Line(name=name, values=_at(of, q), tone=tone) for q, name, tone in FAN]
    happened = pl.Series(100.0 * (np.cumprod(1.0 + returns)[places] - 1.0))
    lines.append(Line(name="what happened", values=happened, tone="own"))
    note = f"Return after so many trades, in per cent; trades drawn in {way}. One path in twenty ends above the upper line, one below the lower."
    return line_chart("event-monte-carlo", "Fan of paths", note, days, [LinePanel(lines=lines, height=260, unit="%", zero=True)])


def _at(of: PathFigures, quantile: float) -> Floats:
    """A quantile over the paths of the return at each mark but the first, in per cent."""
    found: Floats = np.quantile(of.values[:, 1:], quantile, axis=0)
    return 100.0 * (found - 1.0)
