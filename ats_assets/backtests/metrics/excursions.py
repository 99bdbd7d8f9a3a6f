"""How far positions went for and against the account before they were closed: excursions, from flat to flat.

A trade here is a spell (`holding_spells`): all that is done with an instrument from flat to flat, which Lean calls FlatToFlat. Its profit at a moment is what its closing trades have realised
and what the rest would realise at that moment's price, after the costs that were paid by then; dividends are not in it. While it is held that price is the low and the high of each
session's bar (all fills are at opens, so that the whole of the bar comes after them), or the close where no bar is there.
"""

from dataclasses import dataclass

import polars as pl

from ats_assets.backtests.metrics.trades import mean_of

_KEYS = ("instrument", "place")


def trade_excursions(positions: pl.DataFrame, trades: pl.DataFrame, sessions: pl.Series, bars: pl.DataFrame) -> pl.DataFrame:
    """Each spell of a backtest with its excursions.

    Parameters
    ----------
    positions, trades
        Of the backtest.
    sessions
        All sessions of the backtest, ascending.
    bars
        Columns symbol, session, high, low.

    Returns
    -------
    DataFrame
        instrument, symbol (the newest ticker), side (1 long, -1 short), first (session), sessions (closes at which it was held), closed (whether it was sold before the end), cost (the largest
        basis, in currency); profit, and in currency against and for the account: adverse (lowest profit, at most 0), favourable (highest profit, at least 0) and given_back (favourable less
        profit). Sorted by first and instrument.
    """
    places = pl.DataFrame({"session": sessions, "place": pl.int_range(len(sessions), eager=True)})
    held = _spells(positions, places)
    realised = _realised(trades, places, held)
    paths = _paths(held, realised, bars)
    last = len(sessions) - 1
    of_spell = paths.group_by("spell", maintain_order=True).agg(
        pl.col("instrument").first(),
        pl.col("symbol").last(),
        pl.col("side").first().cast(pl.Int8),
        first=pl.col("session").first(),
        sessions=pl.len(),
        closed=pl.col("place").last() < last,
        cost=pl.col("basis").abs().max(),
        at_end=pl.col("unrealised_pnl").last(),
        lowest=pl.col("lowest").min(),
        highest=pl.col("highest").max(),
    )
    gained = realised.group_by("spell").agg(pl.col("realised_pnl").sum())
    found = of_spell.join(gained, on="spell", how="left", maintain_order="left").with_columns(
        profit=pl.col("realised_pnl").fill_null(0.0) + pl.when("closed").then(0.0).otherwise("at_end")
    )
    found = found.with_columns(
        adverse=pl.min_horizontal("lowest", "profit", pl.lit(0.0)), favourable=pl.max_horizontal("highest", "profit", pl.lit(0.0))
    )
    kept = ("instrument", "symbol", "side", "first", "sessions", "closed", "cost", "profit", "adverse", "favourable")
    return found.select(*kept, given_back=pl.col("favourable") - pl.col("profit")).sort("first", "instrument")


def _spells(positions: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """The positions with their place among the sessions, their side and the number of their spell."""
    rows = positions.with_columns(pl.col("shares").sign().alias("side")).join(places, on="session", how="left").sort(_KEYS)
    breaks = ((pl.col("place").diff() != 1) | (pl.col("side").diff() != 0)).over("instrument").fill_null(value=True)
    return rows.with_columns(spell=breaks.cum_sum())


def _realised(trades: pl.DataFrame, places: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """spell, place, realised_pnl: what closing trades realised, each of the spell that was held at the close before it."""
    closing = trades.filter(pl.col("realised_pnl").is_not_null()).join(places, on="session")
    before = held.select("instrument", "spell", place=pl.col("place") + 1)
    found = closing.join(before, on=_KEYS)
    return found.group_by("spell", "place").agg(pl.col("realised_pnl").sum())


def _paths(held: pl.DataFrame, realised: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """The rows of spells, with the lowest and the highest profit of each session."""
    prices = held.join(bars.select("symbol", "session", "high", "low"), on=["symbol", "session"], how="left")
    rows = prices.join(realised, on=["spell", "place"], how="left").sort("spell", "place")
    so_far = pl.col("realised_pnl").fill_null(0.0).cum_sum().over("spell")

    def profit(price: pl.Expr) -> pl.Expr:
        return so_far + pl.col("shares") * price - pl.col("basis")

    low, high = (pl.col(name).fill_null(pl.col("price")) for name in ("low", "high"))
    return rows.with_columns(
        lowest=profit(pl.when(pl.col("side") > 0).then(low).otherwise(high)),
        highest=profit(pl.when(pl.col("side") > 0).then(high).otherwise(low)),
    )


@dataclass(frozen=True, kw_only=True)
class ExcursionFigures:
    """Figures of closed spells, as Lean's `TradeStatistics` has them. Money is in currency; None without such a spell.

    Attributes
    ----------
    adverse, favourable, given_back
        Mean maximum adverse excursion (at most 0), maximum favourable excursion, and end-of-trade drawdown.
    worst_adverse, best_favourable, most_given_back
        The largest of each.
    adverse_share, favourable_share
        The means as shares of what the position cost at most.
    duration, median_duration
        Sessions held.
    """

    trades: int
    profit: float | None
    adverse: float | None
    worst_adverse: float | None
    favourable: float | None
    best_favourable: float | None
    given_back: float | None
    most_given_back: float | None
    adverse_share: float | None
    favourable_share: float | None
    duration: float | None
    median_duration: float | None


def excursion_figures(spells: pl.DataFrame) -> ExcursionFigures:
    """The figures of some spells of `trade_excursions`.

    Examples
    --------
    >>> money = {"cost": [100.0, 200.0], "profit": [5.0, -10.0], "adverse": [-1.0, -20.0], "favourable": [8.0, 0.0], "given_back": [3.0, 10.0]}
    >>> figures = excursion_figures(pl.DataFrame({"sessions": [3, 7]} | money))
    >>> figures.adverse, figures.worst_adverse, round(figures.adverse_share, 3), figures.median_duration
    (-10.5, -20.0, -0.055, 5.0)
    """

    def share(name: str) -> float | None:
        return mean_of(spells.filter(pl.col("cost") > 0).select(pl.col(name) / pl.col("cost"))[name])

    def extreme(value: object) -> float | None:
        return float(value) if isinstance(value, int | float) else None

    return ExcursionFigures(
        trades=spells.height,
        profit=mean_of(spells["profit"]),
        adverse=mean_of(spells["adverse"]),
        worst_adverse=extreme(spells["adverse"].min()),
        favourable=mean_of(spells["favourable"]),
        best_favourable=extreme(spells["favourable"].max()),
        given_back=mean_of(spells["given_back"]),
        most_given_back=extreme(spells["given_back"].max()),
        adverse_share=share("adverse"),
        favourable_share=share("favourable"),
        duration=mean_of(spells["sessions"]),
        median_duration=extreme(spells["sessions"].median()),
    )


def longest_run(of: pl.Series) -> int:
    """How many true values follow each other at most.

    Examples
    --------
    >>> longest_run(pl.Series([True, True, False, True]))
    2
    """
    runs = pl.DataFrame({"of": of}).with_columns(run=pl.col("of").rle_id()).filter("of").group_by("run").len()["len"]
    longest = runs.max()
    return longest if isinstance(longest, int) else 0
