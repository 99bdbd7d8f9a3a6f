"""The equity beside the benchmark's, and the returns of each month and year."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import matching_factor, period_returns, session_returns
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import DASH, MONTHS, percent
from ats_assets.reports.page_blocks import Block, Heading, HeatMap, HeatRow, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

DEEPEST_MONTH, DEEPEST_YEAR = 0.08, 0.25
"""The return at which the colour of a cell is full."""


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Equity, months, years."""
    equity = inputs.result.equity
    lines = [
        Line(name="account", values=equity["equity"], tone="own"),
        Line(name=inputs.benchmark_name, values=equity["benchmark"], tone="other"),
    ]
    if (gross := _gross(inputs)) is not None:
        lines.insert(1, Line(name="account before costs", values=gross, tone="third", style="dashed"))
    net = "the same targets traded at no cost; " if gross is not None else ""
    note = f"Marked at each close. The account after costs; {net}the benchmark, which has none."
    chart = line_chart(
        "equity", "Equity (currency)", note, equity["session"].to_list(), [LinePanel(lines=lines, height=330, unit="money", log=True)]
    )
    months, years = period_returns(equity, "month"), period_returns(equity, "year")
    return [
        chart,
        *_matched(equity, inputs.benchmark_name),
        Heading(
            text="Returns by month (%)",
            note=f"The account after costs; beneath it the benchmark ({inputs.benchmark_name}). The first and last month may be incomplete.",
        ),
        heat_map(months, years),
        Heading(text="Returns by year"),
        _years(years),
    ]


def _matched(equity: pl.DataFrame, benchmark: str) -> list[Block]:
    """The benchmark at the account's volatility, so that what is left between the lines is no matter of how much was risked; nothing where either has none."""
    own, other = (session_returns(equity[name].to_numpy()) for name in ("equity", "benchmark"))
    factor = matching_factor(own, other)
    if factor is None:
        return []
    lines = [
        Line(name="account", values=np.concatenate([[0.0], np.cumprod(1.0 + own) - 1.0]) * 100.0, tone="own"),
        Line(
            name=f"{benchmark} × {factor:.2f}", values=np.concatenate([[0.0], np.cumprod(1.0 + factor * other) - 1.0]) * 100.0, tone="other"
        ),
    ]
    note = "Each session's return of the benchmark times one factor, which gives it the account's volatility over the whole history; compounded."
    panel = LinePanel(lines=lines, height=220, unit="%", zero=True)
    return [line_chart("matched", "Return at the same volatility (%)", note, equity["session"].to_list(), [panel])]


def heat_map(months: pl.DataFrame, years: pl.DataFrame) -> HeatMap:
    """A row a year for the account, and a quiet one for the benchmark, from `period_returns` of months and of years."""
    of_month = {day: (own, other) for day, own, other, _ in months.iter_rows()}
    rows = []
    for year, *of_year, _ in years.iter_rows():
        for which, name in enumerate((str(year.year), "benchmark")):
            cells = [
                _cell(
                    of_month.get(date(year.year, month, 1), (None, None))[which], DEEPEST_MONTH, there=date(year.year, month, 1) in of_month
                )
                for month in range(1, 13)
            ]
            rows.append(HeatRow(name=name, cells=[*cells, _cell(of_year[which], DEEPEST_YEAR)], quiet=which == 1))
    return HeatMap(columns=(*MONTHS, "year"), rows=rows, caption="Returns in per cent")


def _cell(value: float | None, deepest: float, *, there: bool = True) -> tuple[str, float]:
    if value is None or not np.isfinite(value):
        return (DASH if there else "", 0.0)
    return percent(value, signed=True).rstrip("%"), value / deepest


def _gross(inputs: ReportInputs) -> pl.Series | None:
    gross = inputs.costs.filter(cost_multiple=0.0).sort("session")
    return gross["equity"] if gross.height == inputs.result.equity.height and gross.height else None


def _years(years: pl.DataFrame) -> Table:
    rows = []
    for year, own, other, sessions in years.iter_rows():
        beyond = own - other if own is not None and other is not None else None
        rows.append(
            (str(year.year), percent(own, 2, signed=True), percent(other, 2, signed=True), percent(beyond, 2, signed=True), str(sessions))
        )
    return Table(columns=("year", "account", "benchmark", "account less benchmark", "sessions"), rows=rows)


SECTION = ReportSection(title="Returns", short="Returns", place=10, make=make, is_of_trading=True)
