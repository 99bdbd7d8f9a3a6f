"""Exposure, what was held against what was wanted, and orders that were not filled."""

from collections.abc import Sequence

import polars as pl

from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import percent
from ats_assets.reports.page_blocks import Block, Heading
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.reports.report_tables import unfilled_table


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
    return [chart, *_wanted(inputs), Heading(text="Unfilled orders", note=unfilled), unfilled_table(inputs.result.unfilled)]


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
