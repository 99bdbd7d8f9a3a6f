"""A deployment with everything stored that backtests, models and data are judged by: what days of runs leave behind, in the stages' own columns."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.active_returns.schema import SCHEMAS as ACTIVE
from ats_assets.bars.named_gaps import BAR_GAPS_SCHEMA
from ats_assets.books.schema import SCHEMAS as BOOKS
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.reports.comparison import KnowledgeComparison, KnowledgeFigures, store_comparison
from ats_assets.risk_analysis.schema import SCHEMAS as MONTE_CARLO
from ats_assets.settings import RegimeSettings, regime_columns
from ats_assets.validation.schema import IMPORTANCE_SCHEMA, SPLITS_SCHEMA
from ats_assets_tests.monitoring.watched_deployment import ask_vendor
from ats_assets_tests.serving.made_deployment import deployment_in

REGIMES = RegimeSettings(max_states=2)
BOOK = {"momentum": 300.0, "model_scores": -100.0}
"""Strategy -> what it made in each session."""


def judged(home: Path) -> Deployment:
    """Put everything into a made deployment."""
    made = deployment_in(home, regimes={"market": {"kind": "hmm", "max_states": 2}})
    equity = made.warehouse.read_part("backtest", "equity")
    days: list[date] = equity["session"].to_list()
    _write_monte_carlo(made)
    _write_active_return(made, days)
    _write_books(made, days)
    _write_sessions(made, days)
    _write_validation(made)
    one, other = (KnowledgeFigures(total_return=value, sharpe=1.0, max_drawdown=-0.1, mean_rank_ic=0.02) for value in (0.10, 0.15))
    version = made.warehouse.footer_of(made.warehouse.part("backtest", "equity")).data_version
    store_comparison(made, KnowledgeComparison(backtest=version, point_in_time=one, restated=other, signals=620, signals_that_differ=31))
    for status in (200, 429):
        ask_vendor(made, status)
    return made


def _parts(made: Deployment, asset: str, schemas: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> None:
    for part, schema in schemas.items():
        made.warehouse.write_part(asset, part, pl.DataFrame(rows.get(part, []), schema=schema))


def _write_monte_carlo(made: Deployment) -> None:
    fan = [
        {"way": "stationary", "quantile": q, "step": step, "value": 1.0 + (q - 0.4) * step / 20}
        for q in (0.05, 0.5, 0.95)
        for step in range(21)
    ]
    path = {"way": "stationary", "paths": 500, "horizon": 20, "drawn_from": 26, "block_length": 3.0, "ruin_share": 0.5}
    path |= {"ruin_probability": 0.0, "loss_probability": 0.25, "mean_final": 1.1, "happened_final": 1.12, "happened_drawdown": -0.04}
    tail = {"estimate": "historical", "tail": 0.05, "value_at_risk": -0.0157, "expected_shortfall": -0.02}
    shock = {"kind": "shock", "name": "benchmark falls by 10%", "account": -0.09, "benchmark": -0.1}
    capital = {"multiple": 1.0, "capital": 1e6, "impact_a_year": 0.02, "annual_return": 0.1}
    rows = {"fan": fan, "path_summary": [path | {"deeper_share": 0.6}], "tail_estimates": [tail], "stress": [shock], "capacity": [capital]}
    _parts(made, "monte_carlo", MONTE_CARLO, rows)


def _write_active_return(made: Deployment, days: list[date]) -> None:
    effects = {"allocation": 0.01, "selection": -0.004, "interaction": 0.0, "trading": 0.001, "costs": -0.002}
    whole = {"first": days[0], "last": days[-1], "sessions": len(days), "account": 0.03, "benchmark": 0.025, "active": 0.005, **effects}
    group = {"group": "energy", "weight": 0.4, "benchmark_weight": 0.3, "account": 0.02, "benchmark": 0.01, "active": 0.006}
    sessions = [{"session": day, "account": 0.001, "benchmark": 0.0005} for day in days]
    rows = {
        "periods": [{"period": "2021-03", **whole}, {"period": "all", **whole}],
        "groups": [{"period": "all", **group}],
        "sessions": sessions,
    }
    _parts(made, "active_return", ACTIVE, rows)


def _write_books(made: Deployment, days: list[date]) -> None:
    equity = [{"session": day, "strategy": name, "pnl": pnl, "equity": 1e5, "allocated": 1e5} for day in days for name, pnl in BOOK.items()]
    attribution = [
        {"dimension": dimension, "part": name, "pnl": pnl, "costs": 1.0, "profit": pnl * len(days), "share": pnl / 200}
        for dimension in ("strategy", "model")
        for name, pnl in BOOK.items()
    ]
    _parts(made, "strategy_books", BOOKS, {"equity": equity, "attribution": attribution})


def _write_sessions(made: Deployment, days: list[date]) -> None:
    columns = {"symbol": pl.String, "session": pl.Date, **dict.fromkeys(regime_columns("market", REGIMES), pl.Float32)}
    for n, day in enumerate(days):
        state = n // 5 % 2
        chances = {"market_p0": 1.0 - state, "market_p1": float(state), "market_state": float(state)}
        made.warehouse.write("regimes", day, pl.DataFrame([{"symbol": "SYN0000", "session": day, **chances}], schema=columns))
        test = {
            "session": day,
            "model": "lightgbm",
            "of": "features",
            "figure": 0.1 * n,
            "threshold": 2.0,
            "alarm": n > 20,
            "about": "ROC5 3.0",
        }
        made.warehouse.write("drift", day, pl.DataFrame([test | {"test": name} for name in ("psi", "ks")], schema=DRIFT_SCHEMA))
        gap = {"session": day, "symbol": "SYN0001", "reason": "quarantined", "details": "close_missing"}
        made.warehouse.write("bar_gaps", day, pl.DataFrame([gap], schema=BAR_GAPS_SCHEMA))


def _write_validation(made: Deployment) -> None:
    split = {"model": "lightgbm", "way": "purged", "split": 0, "blocks": "0", "train_rows": 100, "test_rows": 50, "rank_ic": 0.01}
    _parts(made, "cross_validation", {"splits": SPLITS_SCHEMA}, {"splits": [split]})
    made.warehouse.write_text("cross_validation", "summary.json", '{"as_of": "2021-03-29", "models": [{"text": "lightgbm: no edge"}]}')
    found = {"model": "lightgbm", "way": "features", "name": "ROC5", "features": ["ROC5"], "importance": 0.01, "standard_error": 0.002}
    _parts(made, "importance", {"importance": IMPORTANCE_SCHEMA}, {"importance": [found | {"folds": 5}]})
