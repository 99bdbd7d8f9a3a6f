"""How far the account fell below its highest value, and the worst times."""

from collections.abc import Sequence

from ats_assets.backtests.metrics import drawdowns, worst_drawdowns
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import day, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection


def make(inputs: ReportInputs) -> Sequence[Block]:
    """The distance from the peak, and the five deepest drawdowns."""
    equity = inputs.result.equity
    days, values = equity["session"].to_list(), equity["equity"].to_numpy()
    lines = [
        Line(name="account", values=drawdowns(values) * 100.0, tone="own", style="area"),
        Line(name=inputs.benchmark_name, values=drawdowns(equity["benchmark"].to_numpy()) * 100.0, tone="other"),
    ]
    chart = line_chart(
        "drawdown", "Drawdown (%)", "The distance from the highest close so far.", days, [LinePanel(lines=lines, height=200, unit="%")]
    )
    rows = [
        (
            day(one.peak),
            day(one.trough),
            day(one.recovery) if one.recovery else "not yet",
            percent(one.depth, 2),
            whole(one.sessions),
            whole(one.sessions_down),
        )
        for one in worst_drawdowns(days, values)
    ]
    columns = ("peak", "trough", "recovery", "depth", "length, sessions", "of these down")
    note = "From the session of the peak to the first close that is not below it. A drawdown that has not recovered is counted to the end."
    return [chart, Heading(text="The five worst", note=note), Table(columns=columns, rows=rows, text_columns=3)]


SECTION = ReportSection(title="Drawdowns", short="Drawdowns", place=20, make=make, is_of_trading=True)
