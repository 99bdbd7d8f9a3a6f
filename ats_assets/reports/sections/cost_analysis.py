"""Gross and net, what higher costs would have left, and what was paid and turned over."""

from collections.abc import Sequence

import polars as pl

from ats_assets.backtests.metrics import break_even_multiple, cost_cases
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.formatting import decimal, multiple, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection

TURNOVER_SESSIONS = 21


def make(inputs: ReportInputs) -> Sequence[Block]:
    """The table of cost multiples, and costs and turnover over time."""
    m = inputs.metrics
    told = (
        f"One-way, {multiple(m.turnover_a_year)} the equity is turned over a year: half of what was bought and sold. "
        f"Costs are {percent(m.costs_a_year, 2)} of equity a year, {decimal(_basis_points(inputs), 1)} basis points of what was traded."
    )
    blocks: list[Block] = [Note(text=told), _parts(inputs), *_sensitivity(inputs), _over_time(inputs.result.equity)]
    return blocks


def _basis_points(inputs: ReportInputs) -> float | None:
    traded = float(inputs.result.equity["traded"].sum())
    paid = float(inputs.result.equity["costs"].sum()) - float(inputs.result.equity["financing_cost"].sum())
    return paid / traded * 1e4 if traded > 0 else None


PARTS = (
    ("commission", "commission"),
    ("half spread", "spread_cost"),
    ("slippage", "slippage_cost"),
    ("borrowing", "financing_cost"),
    ("all", "costs"),
)
"""What costs are made of, with the column of each."""


def _parts(inputs: ReportInputs) -> Table:
    """What was paid for what: in currency, of all costs, of what was traded, of the mean equity a year."""
    equity = inputs.result.equity
    paid, traded = float(equity["costs"].sum()), float(equity["traded"].sum())
    years = inputs.metrics.sessions / inputs.settings.sessions_per_year
    mean = equity["equity"].mean()
    held = float(mean) * years if isinstance(mean, float) and mean > 0 and years > 0 else None
    rows = []
    for name, column in PARTS:
        own = float(equity[column].sum())
        if own or name != "borrowing":
            of_traded = own / traded * 1e4 if traded > 0 and name not in {"borrowing", "all"} else None
            rows.append(
                (name, whole(own), percent(own / paid if paid else None), decimal(of_traded, 2), percent(own / held if held else None, 2))
            )
    columns = ("costs", "paid", "share", "bp of what was traded", "of equity a year")
    return Table(columns=columns, rows=rows, caption="What the costs are made of")


def _sensitivity(inputs: ReportInputs) -> list[Block]:
    cases = cost_cases(inputs.costs, inputs.settings)
    if len(cases) < 2:
        return []
    names = {0.0: "none (gross)", 1.0: "as set (net)"}
    rows = [
        (
            names.get(case.multiple, f"{case.multiple:g} times"),
            percent(case.total_return, 1, signed=True),
            percent(case.annual_return, 1, signed=True),
            decimal(case.sharpe),
            percent(case.max_drawdown, 1),
            whole(case.costs),
        )
        for case in cases
    ]
    m, even = inputs.metrics, break_even_multiple(cases)
    rows.append(
        (
            "benchmark",
            percent(m.benchmark_return, 1, signed=True),
            percent(m.benchmark_annual_return, 1, signed=True),
            decimal(m.benchmark_sharpe),
            percent(m.benchmark_max_drawdown, 1),
            "0",
        )
    )
    ends = f" The return is gone at about {even:.1f} times the costs." if even is not None else ""
    note = (
        "Each row is a backtest of its own: the same targets traded with commission, spread, slippage and borrowing rates times the multiple, so that cash, shares and limits follow; "
        f"nothing is added back to a curve.{ends}"
    )
    columns = ("costs", "total return", "annual return", "Sharpe ratio", "maximum drawdown", "paid")
    return [Heading(text="Sensitivity to costs", note=note), Table(columns=columns, rows=rows)]


def _over_time(equity: pl.DataFrame) -> Block:
    parts = [("commission", "commission", "own"), ("spread_cost", "half spread", "third"), ("slippage_cost", "slippage", "other")]
    parts += [("financing_cost", "borrowing", "loss")] * bool(equity["financing_cost"].sum())
    costs = [Line(name=name, values=equity[column].cum_sum(), tone=tone, style="band") for column, name, tone in parts]
    turnover = equity["turnover"].fill_null(0.0).rolling_mean(TURNOVER_SESSIONS, min_samples=1) * 100.0
    panels = [
        LinePanel(lines=costs, height=180, unit="money", label="costs so far"),
        LinePanel(lines=[Line(name="turnover", values=turnover, tone="ink")], height=110, unit="%", zero=True, label="turnover a session"),
    ]
    note = f"Turnover of a session: bought and sold over equity at the open, mean of {TURNOVER_SESSIONS} sessions."
    return line_chart("costs", "Costs so far (currency) and turnover (% a session, both ways)", note, equity["session"].to_list(), panels)


SECTION = ReportSection(title="Costs and turnover", short="Costs", place=60, make=make, is_of_trading=True)
