"""How far positions went against and for the account before they were closed, as Lean's report has it, with the formula of each figure."""

from collections.abc import Callable, Sequence

import polars as pl

from ats_assets.backtests.metrics import ExcursionFigures, excursion_figures, longest_run, trade_excursions
from ats_assets.deployment import Deployment
from ats_assets.reports.formatting import day, decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

LARGEST = 10
PRICES = ("symbol", "session", "high", "low")
TOLD = (
    "A trade is all that was done with an instrument from flat to flat. Its profit at a moment is what is realised and what the rest would realise at the low or the high of the session's bar, "
    "after the costs paid by then, without dividends."
)


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """The figures of all, winners and losers, and the trades that went furthest against the account and that gave back most."""
    bars = inputs.of("bars")
    if bars is None or not {*PRICES} <= {*bars.columns}:
        return None
    result = inputs.result
    spells = trade_excursions(result.positions, result.trades, result.equity["session"], bars)
    closed = spells.filter("closed")
    if closed.is_empty():
        return [Note(text="No position has been closed yet.")]
    adverse = closed.filter(pl.col("adverse") < 0).sort("adverse", "first", "instrument").head(LARGEST)
    back = closed.filter(pl.col("given_back") > 0).sort("given_back", "first", "instrument", descending=[True, False, False]).head(LARGEST)
    return [
        Note(text=TOLD),
        _figures(closed),
        Pair(
            cells=[
                [Heading(text="Furthest against the account"), _trades(adverse)],
                [Heading(text="Most given back"), _trades(back)],
            ]
        ),
    ]


def _figures(closed: pl.DataFrame) -> Table:
    won, lost = (pl.col("profit") > 0), (pl.col("profit") < 0)
    groups = [excursion_figures(rows) for rows in (closed, closed.filter(won), closed.filter(lost))]
    in_a_row = closed.with_columns(end=pl.col("first").rank("dense") + pl.col("sessions")).sort("end", "first", "instrument")
    streaks = (longest_run(in_a_row.select(won)["profit"]), longest_run(in_a_row.select(lost)["profit"]))
    money: Callable[[float | None], str] = lambda value: whole(value, signed=True)  # noqa: E731
    sessions: Callable[[float | None], str] = lambda value: decimal(value, 1)  # noqa: E731

    def row(
        name: str, value: Callable[[ExcursionFigures], float | None], write: Callable[[float | None], str], formula: str
    ) -> tuple[str, ...]:
        return (name, *(write(value(of)) for of in groups), formula)

    rows = [
        row("trades", lambda of: of.trades, whole, "flat to flat, closed"),
        row("profit, mean", lambda of: of.profit, money, "realised by its closing trades"),
        row("adverse excursion (MAE), mean", lambda of: of.adverse, money, "min(0, lowest profit while held, profit)"),
        row("the same over cost", lambda of: of.adverse_share, percent, "mean of MAE / largest basis"),
        row("adverse excursion, largest", lambda of: of.worst_adverse, money, "min of MAE"),
        row("favourable excursion (MFE), mean", lambda of: of.favourable, money, "max(0, highest profit while held, profit)"),
        row("the same over cost", lambda of: of.favourable_share, percent, "mean of MFE / largest basis"),
        row("favourable excursion, largest", lambda of: of.best_favourable, money, "max of MFE"),
        row("end-of-trade drawdown, mean", lambda of: of.given_back, money, "MFE - profit"),
        row("end-of-trade drawdown, largest", lambda of: of.most_given_back, money, "max of (MFE - profit)"),
        row("duration, mean", lambda of: of.duration, sessions, "sessions from the open bought at to the open sold at"),
        row("duration, median", lambda of: of.median_duration, sessions, "the same"),
        ("in a row, most", "", *map(whole, streaks), "by the session in which they ended"),
    ]
    return Table(
        columns=("figure", "all", "winners", "losers", "formula"), rows=rows, caption="Excursions of closed trades, currency", wide=-1
    )


def _trades(rows: pl.DataFrame) -> Table:
    shown = rows.select("symbol", "first", "sessions", "adverse", "favourable", "profit").iter_rows()
    written = [
        (symbol, day(first), whole(n), whole(low, signed=True), whole(high, signed=True), whole(profit, signed=True))
        for symbol, first, n, low, high, profit in shown
    ]
    return Table(columns=("symbol", "opened", "sessions", "MAE", "MFE", "profit"), rows=written, text_columns=2)


def reads(_: Deployment) -> tuple[str, ...]:
    """The bars, for their highs and lows."""
    return ("bars",)


SECTION = ReportSection(
    title="Trade excursions",
    short="Excursions",
    place=55,
    make=make,
    reads=reads,
    columns={"bars": PRICES},
    is_of_trading=True,
)
