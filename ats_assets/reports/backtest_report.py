"""The backtest report: one HTML file that needs nothing else, and whose bytes depend on its input alone."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ats_assets.backtests import BacktestMetrics, BacktestResult
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.reports.figures import Figure, costs_figure, equity_figure, exposure_figure, ic_figure, quantile_figure
from ats_assets.reports.report_tables import (
    SHOWN_TARGETS,
    figures_table,
    headlines,
    monthly_returns,
    skill_table,
    symbol_tables,
    targets_table,
    trade_tables,
    unfilled_table,
)

TEMPLATES = Path(__file__).parent / "templates"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
METHOD_NOTE = (
    "Targets of one session are traded at the open of the next; weights are limited by the same code as live orders; shares are counted in whole cents, "
    "cash is never borrowed to open a position, and a symbol without a bar is not traded."
)


def backtest_report(
    result: BacktestResult,
    metrics: BacktestMetrics,
    *,
    title: str = "Backtest",
    benchmark: str | None = None,
    skill: pl.DataFrame | None = None,
    horizon_sessions: int | None = None,
    targets: pl.DataFrame | None = None,
    next_session: date | None = None,
    lineage: Mapping[str, Mapping[str, object]] | None = None,
    knowledge: tuple[str, Sequence[tuple[str, str, str]]] | None = None,
) -> str:
    """The report as HTML, about 5 MB (Plotly's script is in it).

    Parameters
    ----------
    result, metrics
        The backtest and its figures.
    title
        The page's heading.
    benchmark
        The benchmark's symbol; default: the equally weighted universe.
    skill
        Rows of the skill contract, for the verdict and the charts of the information coefficient.
    horizon_sessions
        The model's own horizon: the verdict is passed on it.
    targets
        Rows of the targets contract; those of the newest session are shown.
    next_session
        The session at whose open they are traded.
    lineage
        Tables for the last section, such as {"Data": {"bars": version}, "Settings": {…}}; values are written with `str`.
    knowledge
        What there is to say of restatements, and (figure, as known at each close, on corrected history) for each row of the table; no section without it.
    """
    known = skill if skill is not None and len(skill) else None
    summary = skill_summary(skill, horizon_sessions) if skill is not None else None
    figures = _figures(result, benchmark, known, horizon_sessions)
    winners, losers = symbol_tables(result)
    gains, losses = trade_tables(result.trades)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("backtest.html").render(
        title=title,
        subtitle=_subtitle(metrics),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        plotly=Markup(plotly_script()),  # noqa: S704 - the library's own file
        figures={"ic": None, "quantiles": None} | figures,
        figure_data=script_json({name: {"data": f.data, "layout": f.layout} for name, f in figures.items()}),
        headlines=headlines(metrics),
        all_figures=figures_table(metrics),
        monthly=monthly_returns(result.equity),
        months=MONTHS,
        skill_summary=summary,
        skill_rows=skill_table(summary) if summary else None,
        unfilled=unfilled_table(result.unfilled),
        winners=winners,
        losers=losers,
        gains=gains,
        losses=losses,
        targets=targets_table(targets) if targets is not None and len(targets) else None,
        targets_note=_targets_note(targets, next_session),
        lineage=_lineage(metrics, lineage or {}),
        method_note=METHOD_NOTE,
        knowledge=knowledge,
    )


def _figures(result: BacktestResult, benchmark: str | None, skill: pl.DataFrame | None, horizon: int | None) -> dict[str, Figure]:
    figures = [
        equity_figure(result.equity, benchmark or "equally weighted universe"),
        exposure_figure(result.equity),
        costs_figure(result.equity),
    ]
    if skill is not None:
        horizons = sorted(set(skill["horizon_sessions"]))
        figures += [ic_figure(skill, horizons[0] if horizon is None or horizon not in horizons else horizon), quantile_figure(skill)]
    return {figure.id: figure for figure in figures}


def _subtitle(metrics: BacktestMetrics) -> str:
    if metrics.first_session is None:
        return "No targets, so nothing was traded."
    return (
        f"{metrics.first_session} to {metrics.last_session}, {metrics.sessions:,} sessions; targets traded at the next open, after costs."
    )


def _targets_note(targets: pl.DataFrame | None, next_session: date | None) -> str:
    if targets is None or not len(targets):
        return ""
    newest = targets.filter(pl.col("session") == targets["session"].max())
    count = len(newest.filter(pl.col("target_weight") != 0))
    when = "the next open" if next_session is None else f"the open of {next_session}"
    shown = f"the {SHOWN_TARGETS} largest are shown; " if count > SHOWN_TARGETS else ""
    return (
        f"Known at the close of {newest['session'][0]}, to be traded at {when}: {count} of {len(newest)} symbols have a weight; {shown}"
        "proposed is the share of equity that the strategies call for together, target what the risk rules leave of it; "
        "turnover limit and no-trade band come in trading."
    )


def _lineage(metrics: BacktestMetrics, given: Mapping[str, Mapping[str, object]]) -> list[tuple[str, list[tuple[str, str]]]]:
    own = {"first session": metrics.first_session, "last session": metrics.last_session, "sessions with a return": metrics.sessions}
    return [(name, [(key, str(value)) for key, value in rows.items()]) for name, rows in ({"Sessions": own} | dict(given)).items()]


def script_json(value: object) -> Markup:
    """JSON that can stand inside a script element."""
    return Markup(json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))  # noqa: S704 - escaped here


def plotly_script() -> str:
    """Plotly's script, to be put into a page."""
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - slow to import

    return get_plotlyjs()
