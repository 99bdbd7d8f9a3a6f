"""What the account could have come to: the fan of paths whose returns are drawn again, and how their drawdowns and final values are distributed."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import session_returns
from ats_assets.deployment import Deployment
from ats_assets.reports.charts import BarGroup, Chart, Line, LinePanel, bar_chart, line_chart
from ats_assets.reports.formatting import decimal, percent, whole
from ats_assets.reports.page_blocks import Block, Note, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.risk_analysis.tail_risk import first_moving

WAYS = {
    "stationary": "sessions, in blocks of random length (stationary bootstrap)",
    "blocks": "sessions, in blocks of one length",
    "independent": "sessions, each by itself",
    "by_state": "sessions, by the regimes that follow each other",
    "trades_shuffled": "closing trades, in another order",
    "trades_drawn": "closing trades, drawn with replacement",
}
SHORT = {
    "stationary": "random blocks",
    "blocks": "equal blocks",
    "independent": "sessions",
    "by_state": "by regime",
    "trades_shuffled": "trades, reordered",
    "trades_drawn": "trades, replaced",
}
FAN = {
    0.99: ("99%", "other", "dashed"),
    0.95: ("95%", "gain", "line"),
    0.5: ("median", "third", "line"),
    0.05: ("5%", "loss", "line"),
    0.01: ("1%", "other", "dashed"),
}
TABLES = ("fan", "path_quantiles", "path_summary")


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """A fan for the first way that draws sessions, then tables of all ways."""
    tables = inputs.tables.get("monte_carlo", {})
    if not set(TABLES) <= tables.keys() or tables["path_summary"].is_empty():
        return None
    fan, quantiles, summary = (tables[name] for name in TABLES)
    way = next((one for one in summary["way"] if not one.startswith("trades_")), None)
    first = summary.row(0, named=True)
    told = (
        f"{whole(first['paths'])} paths each, whose returns are drawn again from those of the backtest. They tell of luck in the order and choice of what "
        "happened, not of what never did: a bias of the backtest is in all of them."
    )
    chart = [] if way is None else [_fan(fan.filter(way=way), way, inputs)]
    asked = inputs.shown_settings.get("monte_carlo", {}).get("ways", ())
    absent = [WAYS[way] for way in WAYS if way in str(asked) and way not in summary["way"]]
    if absent:
        told += f" Left out, since fewer than two steps are known: {'; '.join(absent)}."
    return [Note(text=told), *chart, _summaries(summary), _drawdowns(quantiles), _quantiles(quantiles, summary)]


def _fan(fan: pl.DataFrame, way: str, inputs: ReportInputs) -> Chart:
    """The account from its first trade on, and quantiles of as many sessions of the paths, where these are as long."""
    returns = session_returns(inputs.result.equity["equity"].to_numpy())
    first = first_moving(returns)
    sessions: list[date] = inputs.result.equity["session"].to_list()[first:]
    steps = fan.filter(quantile=0.5)["step"].to_list()
    own = np.append(1.0, np.cumprod(1.0 + returns[first:]))
    shown = [step for step in steps if step < len(sessions)]
    lines = [
        Line(name=name, values=100.0 * fan.filter(quantile=quantile)["value"].to_numpy()[: len(shown)], tone=tone, style=style)  # pyright: ignore[reportArgumentType]
        for quantile, (name, tone, style) in FAN.items()
    ]
    lines.append(Line(name="account", values=100.0 * own[shown], tone="own"))
    note = (
        f"Of 100 at the close before the first trade, by {WAYS[way]}. One path in a hundred ends outside the dashed lines on either side."
    )
    return line_chart("monte-carlo", "Fan of paths", note, [sessions[step] for step in shown], [LinePanel(lines=lines, height=280)])


def _summaries(summary: pl.DataFrame) -> Table:
    rows = [
        (
            WAYS[r["way"]],
            whole(r["horizon"]),
            decimal(r["block_length"], 1),
            percent(r["mean_final"] - 1.0, 1, signed=True),
            percent(r["happened_final"] - 1.0, 1, signed=True),
            percent(r["loss_probability"]),
            percent(r["ruin_probability"], 2),
            percent(r["happened_drawdown"]),
            percent(r["deeper_share"]),
        )
        for r in summary.iter_rows(named=True)
    ]
    ruin = percent(1.0 - summary["ruin_share"][0], 0)
    columns = (
        "drawn again",
        "steps",
        "mean block",
        "mean return",
        "happened",
        "P(loss)",
        f"P(loss of {ruin})",
        "drawdown",
        "paths with deeper",
    )
    return Table(columns=columns, rows=rows, wide=0, caption="Ways of drawing")


def _drawdowns(quantiles: pl.DataFrame) -> Chart:
    found = quantiles.filter(figure="drawdown")
    levels = found["quantile"].unique().sort(descending=True).to_list()
    tones = ("own", "third", "fourth", "other", "gain", "loss")
    groups = []
    for n, way in enumerate(found["way"].unique(maintain_order=True)):
        own = dict(found.filter(way=way).select("quantile", "value").iter_rows())
        groups.append(BarGroup(name=WAYS[way], values=[100.0 * own[level] for level in levels], tone=tones[n % len(tones)]))
    names = [percent(1.0 - level, 0) for level in levels]
    note = "The deepest drawdown of a path: so many paths are no deeper. The last is one that one path in a hundred exceeds."
    return bar_chart("drawdown-quantiles", "Distribution of the deepest drawdown (%)", note, names, groups, unit="%")


def _quantiles(quantiles: pl.DataFrame, summary: pl.DataFrame) -> Table:
    levels = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    figures = {
        "final": "final value, of 1",
        "drawdown": "deepest drawdown",
        "longest_under_water": "longest under water, steps",
        "share_under_water": "share of steps under water",
    }
    rows = []
    for way in summary["way"]:
        for figure, name in figures.items():
            own = dict(quantiles.filter(way=way, figure=figure).select("quantile", "value").iter_rows())
            written = [
                whole(own[q]) if figure == "longest_under_water" else decimal(own[q]) if figure == "final" else percent(own[q])
                for q in levels
            ]
            rows.append((SHORT[way], name, *written))
    return Table(columns=("way", "figure", *(percent(q, 0) for q in levels)), rows=rows, text_columns=2, caption="Quantiles over the paths")


def tables(deployment: Deployment) -> dict[str, tuple[str, ...]]:
    """Those of `monte_carlo`, where the settings name it."""
    return {"monte_carlo": TABLES} if deployment.settings.monte_carlo is not None else {}


SECTION = ReportSection(title="Monte Carlo", short="Monte Carlo", place=47, make=make, tables=tables, is_of_trading=True)
