"""What the single trades came to: wins and losses, and how long positions were held.

A trade here is a closing one, with the profit or loss of the shares that it closed, at average cost and after costs of both sides.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, kw_only=True)
class TradeFigures:
    """Figures of the closing trades. Money is in currency, an average loss is negative; None where there is no such trade.

    Attributes
    ----------
    closed
        Number of closing trades.
    win_rate
        Share of them that gained.
    profit_factor
        Sum of the gains over the sum of the losses, as Lean's `ProfitFactor`. QuantStats' is that of the sessions' returns.
    average_win, average_loss, expectancy
        Mean of those that gained, of those that lost, and of all.
    payoff_ratio
        Average win over average loss, positive.
    """

    closed: int
    win_rate: float | None
    profit_factor: float | None
    average_win: float | None
    average_loss: float | None
    payoff_ratio: float | None
    expectancy: float | None


def trade_figures(trades: pl.DataFrame) -> TradeFigures:
    """Figures of the closing trades.

    Parameters
    ----------
    trades
        A column realised_pnl: of a closing trade its profit, null for an opening one.

    Examples
    --------
    >>> figures = trade_figures(pl.DataFrame({"realised_pnl": [None, 6.0, -2.0, 2.0]}))
    >>> figures.profit_factor, figures.average_win, figures.payoff_ratio, round(figures.win_rate, 3)
    (4.0, 4.0, 2.0, 0.667)
    """
    closed = trades["realised_pnl"].drop_nulls()
    gains, losses = closed.filter(closed > 0), closed.filter(closed < 0)
    win, loss, lost = mean_of(gains), mean_of(losses), -float(losses.sum())
    return TradeFigures(
        closed=len(closed),
        win_rate=mean_of(closed > 0),
        profit_factor=float(gains.sum()) / lost if lost > 0 else None,
        average_win=win,
        average_loss=loss,
        payoff_ratio=win / -loss if win is not None and loss else None,
        expectancy=mean_of(closed),
    )


def holding_spells(positions: pl.DataFrame, sessions: pl.Series) -> pl.DataFrame:
    """Each time that a position was held, from flat to flat.

    Shares that are added or sold in between do not end it (Lean calls this FlatToFlat), nor does a split or a change of name; a flip from long to short does. A position
    that is bought at the open of one session and sold at the open of the k-th after it is held for k sessions.

    Parameters
    ----------
    positions
        Columns session, instrument, shares: what is held at each close.
    sessions
        All sessions of the backtest, ascending.

    Returns
    -------
    DataFrame
        instrument, first (session), sessions (closes at which it was held), closed (whether it was sold before the end); sorted by first and instrument.

    Examples
    --------
    >>> from datetime import date
    >>> days = pl.Series([date(2024, 3, day) for day in (4, 5, 6, 7)])
    >>> held = pl.DataFrame({"session": days[:3], "instrument": ["s:AAA"] * 3, "shares": [10.0, 15.0, -5.0]})  # flips on the 6th
    >>> holding_spells(held, days).rows()
    [('s:AAA', datetime.date(2024, 3, 4), 2, True), ('s:AAA', datetime.date(2024, 3, 6), 1, True)]
    """
    places = pl.DataFrame({"session": sessions, "place": pl.int_range(len(sessions), eager=True)})
    rows = positions.select("session", "instrument", pl.col("shares").sign().alias("side")).join(places, on="session", how="left")
    rows = rows.sort("instrument", "place")
    breaks = (pl.col("place").diff() != 1) | (pl.col("side").diff() != 0)
    spell = breaks.over("instrument").fill_null(value=True).cum_sum()
    found = rows.with_columns(spell=spell).group_by("spell", maintain_order=True)
    last = len(sessions) - 1
    spells = found.agg(
        pl.col("instrument").first(), first=pl.col("session").first(), sessions=pl.len(), closed=pl.col("place").last() < last
    )
    return spells.drop("spell").sort("first", "instrument")


def mean_of(values: pl.Series) -> float | None:
    """The mean of what is not null; None without values."""
    mean = values.cast(pl.Float64).mean()
    return mean if isinstance(mean, float) else None
