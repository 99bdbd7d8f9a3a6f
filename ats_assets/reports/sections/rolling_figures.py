"""Sharpe and Sortino ratio, volatility and beta over windows of half a year and a year."""

from collections.abc import Sequence

import numpy as np

from ats_assets.backtests.metrics import (
    Floats,
    risk_free_of_session,
    rolling_beta,
    rolling_sharpe,
    rolling_sortino,
    rolling_volatility,
    session_returns,
)
from ats_assets.reports.charts import Line, LinePanel, line_chart
from ats_assets.reports.page_blocks import Block, Note
from ats_assets.reports.report_section import ReportInputs, ReportSection


def make(inputs: ReportInputs) -> Sequence[Block]:
    """Four charts, over the sessions that the shorter window is full at."""
    equity, year = inputs.result.equity, inputs.settings.sessions_per_year
    half = year // 2
    own, other = (session_returns(equity[name].to_numpy()) for name in ("equity", "benchmark"))
    if len(own) < half + 2:
        return [Note(text=f"The history has {len(own)} returns, fewer than the {half} of the shortest window.")]
    free, days = risk_free_of_session(inputs.settings), equity["session"].to_list()[half:]

    def line(name: str, values: Floats, tone: str) -> Line:
        return Line(name=name, values=values[half - 1 :], tone=tone, style="dashed" if tone == "other" else "line")

    def long(name: str, values: Floats) -> list[Line]:
        return [line(name, values, "third")] if np.isfinite(values).any() else []

    sharpe = [
        line(f"account, {half} sessions", rolling_sharpe(own - free, half, year), "own"),
        *long(f"account, {year} sessions", rolling_sharpe(own - free, year, year)),
        line(f"benchmark, {half} sessions", rolling_sharpe(other - free, half, year), "other"),
    ]
    sortino = [
        line(f"account, {half} sessions", rolling_sortino(own - free, half, year), "own"),
        line(f"benchmark, {half} sessions", rolling_sortino(other - free, half, year), "other"),
    ]
    volatility = [
        line(f"account, {half} sessions", rolling_volatility(own, half, year) * 100.0, "own"),
        line(f"benchmark, {half} sessions", rolling_volatility(other, half, year) * 100.0, "other"),
    ]
    beta = [line(f"{half} sessions", rolling_beta(own, other, half), "own"), *long(f"{year} sessions", rolling_beta(own, other, year))]
    return [
        line_chart(
            "sharpe",
            "Rolling Sharpe ratio",
            "Annual, of the returns of the window that ends at each session.",
            days,
            [LinePanel(lines=sharpe, height=200, zero=True)],
        ),
        line_chart("sortino", "Rolling Sortino ratio", "", days, [LinePanel(lines=sortino, height=180, zero=True)]),
        line_chart("volatility", "Rolling volatility (% a year)", "", days, [LinePanel(lines=volatility, height=180, unit="%")]),
        line_chart(
            "beta",
            "Rolling beta",
            f"Of the account's returns to those of the benchmark ({inputs.benchmark_name}).",
            days,
            [LinePanel(lines=beta, height=180)],
        ),
    ]


SECTION = ReportSection(title="Rolling figures", short="Rolling", place=40, make=make, is_of_trading=True)
