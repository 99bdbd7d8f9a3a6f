"""Analyses of the backtest."""

from dataclasses import asdict
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.model_segments import model_segments
from ats_assets.regimes.choosing import regimes
from ats_assets.reports.comparison import stored_comparison
from ats_assets.reports.regime_figures import NamedStates, performance_by_state, states_of
from ats_assets.serving.queries.analyses.analysis import AnalysisFound, newest_rows, stored_parts

_EQUITY = ("session", "equity", "benchmark")
_MONTE_CARLO = ("fan", "path_summary", "path_quantiles", "tail_estimates", "stress", "factor_exposures", "capacity")
_ACTIVE = ("periods", "groups", "sessions")


def segments(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Each fit on the sessions between it and the next, which it had not seen, and what the account came to while it was the newest."""
    judged = newest_rows(deployment, "skill", sessions)
    if judged is None:
        return None
    horizon = deployment.settings.training.horizon_sessions
    equity = _equity(deployment)
    held = equity.select("session", "equity") if equity is not None else pl.DataFrame(schema={"session": pl.Date, "equity": pl.Float64})
    rows = [asdict(one) for one in model_segments(judged, held, horizon)]
    return (
        AnalysisFound(tables={"segments": pl.DataFrame(rows, infer_schema_length=None)}, facts={"horizon_sessions": horizon})
        if rows
        else None
    )


def performance_by_regime(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """What account and benchmark earned in sessions before which the market was in each state, and the filtered probabilities of the states."""
    equity, performance, probabilities = _equity(deployment), [], []
    for asset, one in deployment.of(regimes).items():
        rows = newest_rows(deployment, asset, sessions)
        states = None if rows is None else states_of(one.name, rows)
        if states is None:
            continue
        probabilities += [{"asset": asset, **row} for row in _probabilities(states)]
        if equity is not None and not states.of_symbols:
            performance += [{"asset": asset, **asdict(row)} for row in performance_by_state(states, equity, deployment.settings.backtest)]
    if not probabilities:
        return None
    tables = {"performance": performance, "probabilities": probabilities}
    return AnalysisFound(tables={name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items()})


def _probabilities(states: NamedStates) -> list[dict[str, Any]]:
    return [
        {"session": session, "state": k, "probability": values[k]} for session, *values in states.shares.iter_rows() for k in states.used
    ]


def knowledge(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """The strategy under both kinds of knowledge, as it was compared last; None, too, where that was of another backtest."""
    del sessions  # it is of the whole
    found = stored_comparison(deployment) if _equity(deployment) is not None else None
    return None if found is None else AnalysisFound(facts=found.plain())


def monte_carlo(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Fans of paths drawn again, how deep they fell, tails, stress and capacity."""
    return _whole(deployment, "monte_carlo", _MONTE_CARLO, sessions)


def active_return(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """The account's return over its universe's, by period, by group and by session."""
    return _whole(deployment, "active_return", _ACTIVE, sessions)


def strategy_performance(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Each strategy's own book of the backtest, and who or what made the profit."""
    found = _whole(deployment, "strategy_books", ("equity", "attribution"), sessions)
    if found is None:
        return None
    columns = ("session", "strategy", "allocated", "equity", "pnl", "n_positions")
    return AnalysisFound(tables={**found.tables, "equity": found.tables["equity"].select(columns)})


def _whole(deployment: Deployment, asset: str, parts: tuple[str, ...], sessions: int) -> AnalysisFound | None:
    """The tables of an asset, those by session cut to the newest."""
    tables = stored_parts(deployment, asset, parts)
    if not tables or all(rows.is_empty() for rows in tables.values()):
        return None
    return AnalysisFound(tables={name: _newest(rows, sessions) for name, rows in tables.items()})


def _newest(rows: pl.DataFrame, sessions: int) -> pl.DataFrame:
    if "session" not in rows.columns:
        return rows
    days = rows["session"].unique().sort().tail(sessions)
    return rows.filter(pl.col("session") >= days[0]) if len(days) else rows


def _equity(deployment: Deployment) -> pl.DataFrame | None:
    tables = stored_parts(deployment, "backtest", ("equity",))
    return tables["equity"].select(_EQUITY) if tables else None
