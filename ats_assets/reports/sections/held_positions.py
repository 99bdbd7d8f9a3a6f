"""Exposure, what was held against what was wanted, and orders that were not filled."""

from collections.abc import Sequence

import polars as pl

from ats_assets.backtests import BacktestResult
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import percent
from ats_assets.reports.page_blocks import Block, Heading, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.report_tables import unfilled_table

ALLOCATED = 10
"""Symbols that have a row of their own."""


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Two charts and the table of reasons."""
    equity = inputs.result.equity
    exposure = [
        Line(name="gross", values=equity["gross"] * 100.0, tone="own"),
        Line(name="net", values=equity["net"] * 100.0, tone="third", style="dashed"),
    ]
    if bool((equity["gross"] - equity["net"] > 1e-9).any()):
        exposure.append(Line(name="long", values=(equity["gross"] + equity["net"]) * 50.0, tone="gain"))
        exposure.append(Line(name="short", values=(equity["net"] - equity["gross"]) * 50.0, tone="loss"))
    note = "Gross: the positions' absolute values; net: longs less shorts. As shares of equity at the close."
    chart = line_chart(
        "exposure",
        "Exposure (% of equity)",
        note,
        equity["session"].to_list(),
        [LinePanel(lines=exposure, height=150, unit="%", zero=True)],
    )
    unfilled = "Orders that were not filled, or only in part. They are not carried over: the next targets decide again."
    return [
        chart,
        *_allocation(inputs.result),
        *_wanted(inputs),
        Heading(text="Unfilled orders", note=unfilled),
        unfilled_table(inputs.result.unfilled),
    ]


def _allocation(result: BacktestResult) -> list[Block]:
    """What equity was in, on the mean of all sessions: the largest symbols, the others together, and what was in none."""
    n = result.equity.height
    held = result.positions.filter(pl.col("weight").is_not_null())
    by_symbol = held.group_by("instrument").agg(
        pl.col("symbol").last(),
        mean=pl.col("weight").sum() / n,
        size=pl.col("weight").abs().sum() / n,
        sessions=pl.len(),
        largest=pl.col("weight").get(pl.col("weight").abs().arg_max()),
    )
    if by_symbol.is_empty():
        return []
    ordered = by_symbol.sort("size", "symbol", descending=[True, False])
    largest, others = ordered.head(ALLOCATED), ordered.slice(ALLOCATED)
    rows = [
        (symbol, percent(mean, 2, signed=True), percent(sessions / n), percent(most, 1, signed=True), percent(size, 2))
        for symbol, mean, size, sessions, most in largest.select("symbol", "mean", "size", "sessions", "largest").iter_rows()
    ]
    if others.height:
        mean, size = float(others["mean"].sum()), float(others["size"].sum())
        rows.append((f"{others.height} others", percent(mean, 2, signed=True), "", "", percent(size, 2)))
    rows.append(("not invested", percent(1.0 - float(by_symbol["mean"].sum()), 2, signed=True), "", "", ""))
    most = float(largest["size"][0]) or 1.0
    bars = [
        *(size / most for size in largest["size"]),
        *[0.0] * (len(rows) - largest.height),
    ]  # beside those of single symbols the others' would be all
    note = "Means over all sessions of the weights at the close: sum of weight / sessions, and of |weight| / sessions."
    columns = ("symbol", "mean weight", "sessions held", "largest weight", "mean size")
    return [Heading(text="Asset allocation", note=note), Table(columns=columns, rows=rows, bars=bars)]


def _wanted(inputs: ReportInputs) -> list[Block]:
    wanted = inputs.wanted
    if wanted.is_empty():
        return []
    rows = (
        inputs.result.equity.select("session", "turnover").with_columns(pl.col("turnover").shift(-1)).join(wanted, on="session", how="left")
    )
    names = [
        Line(name="symbols held", values=rows["held_positions"], tone="own", style="step"),
        Line(name="symbols wanted", values=rows["wanted_positions"], tone="third", style="step"),
    ]
    turnover = [
        Line(name="wanted turnover", values=rows["wanted_turnover"] * 100.0, tone="other"),
        Line(name="traded at the next open", values=rows["turnover"] * 100.0, tone="ink"),
        Line(name="limit", values=rows["turnover_limit"] * 100.0, tone="loss", style="dashed"),
    ]
    limited = wanted["turnover_limit"].is_not_null().any()
    note = (
        "At each close. The engine of this backtest keeps no turnover limit."
        if not limited
        else (
            f"At each close. The turnover limit binds in {percent(inputs.metrics.turnover_limit_share)} of the sessions: "
            "then all changes are cut alike, and what is held lags behind what is wanted."
        )
    )
    panels = [
        LinePanel(lines=names, height=130, zero=True, label="symbols"),
        LinePanel(lines=turnover, height=150, unit="%", zero=True, label="turnover, both ways"),
    ]
    return [line_chart("wanted", "Held against wanted", note, inputs.result.equity["session"].to_list(), panels)]


SECTION = ReportSection(title="Positions and limits", short="Positions", place=70, make=make, is_of_trading=True)
