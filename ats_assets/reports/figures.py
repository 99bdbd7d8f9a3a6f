"""The charts of the reports as Plotly's own JSON (data and layout): plain dictionaries, so that the same input gives the same bytes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import drawdowns
from ats_assets.evaluation.schema import QUANTILES

INK, MUTED, GRID = "#1b2430", "#5c6773", "#e6eaee"
OWN, OTHER, GAIN, LOSS, THIRD = "#1f5fa8", "#98a2ad", "#2a7d4f", "#b3372f", "#c08a1e"
HORIZON_COLOURS = (OWN, THIRD, GAIN, "#7a4fa3", LOSS)
ROLLING_SESSIONS = 63

Trace = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart: its title with units, a line that explains it, and what Plotly draws."""

    id: str
    title: str
    note: str
    height: int
    data: list[Trace]
    layout: dict[str, Any]


def equity_figure(equity: pl.DataFrame, benchmark_name: str) -> Figure:
    """Growth of the account and the benchmark, and their drawdowns beneath."""
    days = _days(equity["session"])
    own, other = equity["equity"].to_numpy(), equity["benchmark"].to_numpy()
    data = [
        _line(days, own, "account", OWN, legendrank=1),
        _line(days, other, benchmark_name, OTHER, legendrank=2),
        _line(days, drawdowns(own) * 100, "account", OWN, yaxis="y2", fill="tozeroy", fillcolor="rgba(31,95,168,0.12)", showlegend=False),
        _line(days, drawdowns(other) * 100, benchmark_name, OTHER, yaxis="y2", showlegend=False),
    ]
    layout = _layout(
        yaxis={"domain": [0.38, 1], "title": {"text": "equity"}, "tickformat": ",.3~s"},
        yaxis2={"domain": [0, 0.3], "title": {"text": "drawdown"}, "ticksuffix": "%"},
        xaxis={"anchor": "y2"},
    )
    note = f"After costs, marked at each close. Beneath: the distance from the highest value so far. Benchmark: {benchmark_name}, without costs."
    return Figure(id="equity", title="Equity (currency) and drawdown (%)", note=note, height=460, data=data, layout=layout)


def exposure_figure(equity: pl.DataFrame) -> Figure:
    """Gross and net exposure, number of positions."""
    days = _days(equity["session"])
    data = [
        _line(days, equity["gross"] * 100, "gross", OWN),
        _line(days, equity["net"] * 100, "net", THIRD, line={"color": THIRD, "width": 1.6, "dash": "dot"}),
        _line(days, equity["n_positions"], "positions", OTHER, yaxis="y2", line={"color": OTHER, "width": 1.4, "shape": "hv"}),
    ]
    layout = _layout(
        yaxis={"domain": [0.42, 1], "ticksuffix": "%", "rangemode": "tozero"},
        yaxis2={"domain": [0, 0.3], "title": {"text": "positions"}, "rangemode": "tozero"},
        xaxis={"anchor": "y2"},
    )
    note = "Gross: the positions' absolute values; net: longs less shorts. Both as shares of equity at the close."
    return Figure(id="exposure", title="Exposure (% of equity) and number of positions", note=note, height=360, data=data, layout=layout)


def costs_figure(equity: pl.DataFrame) -> Figure:
    """Costs so far, by kind, and the turnover."""
    days = _days(equity["session"])
    parts = [("commission", "commission", OWN), ("spread_cost", "half spread", THIRD), ("slippage_cost", "slippage", OTHER)]
    parts += [("financing_cost", "borrowing", LOSS)] * bool(equity["financing_cost"].sum())
    data = [
        _line(days, equity[column].cum_sum(), name, colour, stackgroup="costs", line={"width": 0.5, "color": colour})
        for column, name, colour in parts
    ]
    turnover = equity["turnover"].fill_null(0.0).rolling_mean(21, min_samples=1) * 100
    data.append(_line(days, turnover, "turnover", INK, yaxis="y2", line={"color": INK, "width": 1.2}))
    layout = _layout(
        yaxis={"domain": [0.42, 1], "rangemode": "tozero", "tickformat": ",.3~s"},
        yaxis2={"domain": [0, 0.3], "title": {"text": "turnover"}, "ticksuffix": "%", "rangemode": "tozero"},
        xaxis={"anchor": "y2"},
        legend={"traceorder": "normal"},
    )
    note = "Costs add up from the start. Turnover: notional bought and sold over equity at the open, mean of 21 sessions."
    return Figure(id="costs", title="Costs so far (currency) and turnover (% a session)", note=note, height=360, data=data, layout=layout)


def ic_figure(skill: pl.DataFrame, horizon: int) -> Figure:
    """Rolling mean of the rank IC over the model's horizon, and cumulative rank IC over each horizon."""
    main = _of(skill, horizon)
    rolling = main["rank_ic"].fill_null(strategy="zero").rolling_mean(ROLLING_SESSIONS, min_samples=min(10, ROLLING_SESSIONS))
    days = _days(main["decision_session"])
    data = [_line(days, rolling, f"mean of {ROLLING_SESSIONS} sessions, horizon {horizon}", INK, legendrank=1)]
    for colour, h in zip(HORIZON_COLOURS, sorted(set(skill["horizon_sessions"])), strict=False):
        rows = _of(skill, h)
        data.append(
            _line(_days(rows["decision_session"]), rows["rank_ic"].fill_null(0.0).cum_sum(), f"cumulative, horizon {h}", colour, yaxis="y2")
        )
    layout = _layout(
        yaxis={"domain": [0.55, 1], "title": {"text": "rolling mean"}, "zeroline": True, "zerolinecolor": OTHER},
        yaxis2={"domain": [0, 0.45], "title": {"text": "cumulative"}, "zerolinecolor": OTHER},
        xaxis={"anchor": "y2"},
    )
    note = "Rank correlation of each session's scores with the returns that followed, out of sample. A steady climb is skill; a flat or jagged line is not."
    return Figure(id="ic", title="Rank information coefficient over time", note=note, height=420, data=data, layout=layout)


def quantile_figure(skill: pl.DataFrame) -> Figure:
    """Mean forward return of each quantile of the score, less the mean of all, over each horizon."""
    names = [f"Q{q + 1}" for q in range(QUANTILES)]
    names = [f"{names[0]} (worst)", *names[1:-1], f"{names[-1]} (best)"]
    data = []
    for colour, h in zip(HORIZON_COLOURS, sorted(set(skill["horizon_sessions"])), strict=False):
        rows = _of(skill, h)
        means = [rows["quantile_returns"].list.get(q, null_on_oob=True).drop_nulls().mean() for q in range(QUANTILES)]
        known = [m for m in means if isinstance(m, float)]
        centre = sum(known) / len(known) if known else 0.0
        values = [round((m - centre) * 1e4, 3) if isinstance(m, float) else None for m in means]
        data.append({"type": "bar", "x": names, "y": values, "name": f"{h} session{'s' if h > 1 else ''}", "marker": {"color": colour}})
    layout = _layout(yaxis={"title": {"text": "basis points"}, "zerolinecolor": OTHER}, barmode="group", hovermode="closest")
    note = "Mean return over the horizon by fifth of the score, less the mean of the five. With skill the bars rise from left to right."
    return Figure(id="quantiles", title="Return by quantile of the score (basis points)", note=note, height=300, data=data, layout=layout)


def account_figure(account: pl.DataFrame) -> Figure:
    """Equity and cash of an account by session."""
    days = _days(account["session"])
    data = [_line(days, account["equity"], "equity", OWN), _line(days, account["cash"], "cash", OTHER)]
    note = "What the broker said at each close."
    layout = _layout(yaxis={"tickformat": ",.4~s"})
    return Figure(id="account", title="Equity and cash (currency)", note=note, height=300, data=data, layout=layout)


def slippage_figure(by_session: pl.DataFrame) -> Figure:
    """Mean slippage of each session against the arrival price and the VWAP."""
    days = _days(by_session["session"])
    data = [
        {"type": "bar", "x": days, "y": _rounded(by_session["slippage_arrival_bps"]), "name": "against the open", "marker": {"color": OWN}},
        {"type": "bar", "x": days, "y": _rounded(by_session["slippage_vwap_bps"]), "name": "against the VWAP", "marker": {"color": OTHER}},
    ]
    layout = _layout(yaxis={"title": {"text": "basis points"}, "zerolinecolor": OTHER}, barmode="group")
    note = "Positive where it cost money. Against the VWAP single sessions scatter widely; the mean of many should be near the costs."
    return Figure(id="slippage", title="Slippage by session (basis points)", note=note, height=280, data=data, layout=layout)


def _rounded(values: pl.Series) -> list[float | None]:
    return [None if v is None else float(f"{v:.6g}") for v in values.to_list()]


def _of(skill: pl.DataFrame, horizon: int) -> pl.DataFrame:
    return skill.filter(horizon_sessions=horizon).sort("decision_session")


def _days(sessions: pl.Series) -> list[str]:
    return sessions.dt.to_string("%Y-%m-%d").to_list()


def _line(x: list[str], y: pl.Series | np.ndarray, name: str, colour: str, **more: object) -> Trace:
    values = y.to_list() if isinstance(y, pl.Series) else y.tolist()
    rounded = [None if v is None or not np.isfinite(v) else float(f"{v:.6g}") for v in values]
    return {"type": "scatter", "mode": "lines", "x": x, "y": rounded, "name": name, "line": {"color": colour, "width": 1.6}, **more}


def _layout(**more: Any) -> dict[str, Any]:
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True}
    layout: dict[str, Any] = {
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 12, "color": MUTED},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 48, "r": 16, "t": 8, "b": 28},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hovermode": "x unified",
        "xaxis": axis | {"showgrid": False},
        "yaxis": axis,
    }
    for name, values in more.items():
        before = axis if name == "yaxis2" else layout.get(name)
        layout[name] = before | values if isinstance(before, dict) else values
    return layout
