"""What the single trades came to, and how long positions were held."""

from collections.abc import Sequence

import polars as pl

from ats_assets.backtests.metrics import holding_spells, trade_figures
from ats_assets.reports.charts import BarGroup, bar_chart
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.report_tables import symbol_tables, trade_tables

LONGEST = 20
"""Sessions; positions that were held for longer are one bar."""


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Figures of the closing trades, holding periods, and who gained and lost most."""
    trades, spells = inputs.result.trades, holding_spells(inputs.result.positions, inputs.result.equity["session"])
    of, closed = trade_figures(trades), spells.filter("closed")
    rows = [
        ("closing trades", whole(of.closed), f"of {whole(len(trades))} trades"),
        ("win rate", percent(of.win_rate), "closing trades that gained, after costs"),
        ("profit factor", decimal(of.profit_factor), "gains over losses"),
        ("average win", whole(of.average_win, signed=True), "currency"),
        ("average loss", whole(of.average_loss, signed=True), "currency"),
        ("payoff ratio", decimal(of.payoff_ratio), "average win over average loss"),
        ("expectancy", whole(of.expectancy, signed=True), "mean of a closing trade, currency"),
        ("holding period, mean", decimal(inputs.metrics.holding_sessions, 1), "sessions from flat to flat, of positions that were closed"),
        (
            "holding period, median",
            decimal(closed["sessions"].median(), 1),
            f"of {whole(closed.height)}; {whole(spells.height - closed.height)} are still held",
        ),
    ]
    winners, losers = symbol_tables(inputs.result)
    gains, losses = trade_tables(trades)
    return [
        Pair(
            cells=[
                [
                    Table(
                        columns=("figure", "value", "what it is"),
                        rows=rows,
                        wide=-1,
                        caption="Closing trades, after costs of both sides",
                    )
                ],
                [_holding(closed)],
            ]
        ),
        Heading(text="Winners and losers", note="Profit and loss in currency, after costs, at average cost."),
        Pair(
            cells=[
                [Heading(text="Symbols that gained most"), winners],
                [Heading(text="Symbols that lost most"), losers],
                [Heading(text="Closing trades that gained most"), gains],
                [Heading(text="Closing trades that lost most"), losses],
            ]
        ),
    ]


def _holding(closed: pl.DataFrame) -> Block:
    lengths = closed["sessions"].cast(pl.Int64).clip(1, LONGEST)
    counts = [float((lengths == n).sum()) for n in range(1, LONGEST + 1)]
    names = [*map(str, range(1, LONGEST)), f"{LONGEST}+"]
    return bar_chart(
        "holding",
        "Positions by sessions held",
        "",
        names,
        [BarGroup(name="positions", values=counts, tone="own")],
        height=210,
        most_names=10,
    )


SECTION = ReportSection(title="Trades", short="Trades", place=50, make=make, is_of_trading=True)
