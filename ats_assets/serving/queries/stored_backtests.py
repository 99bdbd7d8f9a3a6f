"""The backtests that are stored: their figures, and their tables."""

import json
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError

FIGURES = "metrics.json"
_TITLES = {
    "backtest": "of the targets, on daily bars",
    "event_backtest": "of the events inside sessions",
    "option_backtest": "of the strategies of options",
}
"""Asset -> what is backtested."""


def stored_backtests(deployment: Deployment) -> list[dict[str, Any]]:
    """Each backtest that is stored, with its span and the figures by which it is compared."""
    found = []
    for name, title in _TITLES.items():
        if not deployment.warehouse.root.joinpath(name, FIGURES).is_file():
            continue
        figures = backtest_figures(deployment, name)
        span = _span(deployment, name)
        found.append(
            {"name": name, "title": title, "first": span[0], "last": span[1], "data_version": backtest_version(deployment, name)}
            | figures_told(figures)
        )
    return found


def figures_told(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures by which backtests are compared; None where one is not known."""
    names = ("total_return", "annual_return", "sharpe", "sortino", "max_drawdown", "volatility", "turnover_a_year", "costs_a_year")
    return {name: figures.get(name) for name in names}


def backtest_figures(deployment: Deployment, name: str) -> dict[str, Any]:
    """All figures of a backtest.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If it is not stored, or damaged.
    """
    return json.loads(deployment.warehouse.read_text(name, FIGURES))


def backtest_version(deployment: Deployment, name: str) -> str:
    """The data version of a backtest's figures, which follow from its tables."""
    return deployment.warehouse.footer_of_text(deployment.warehouse.root / name / FIGURES).data_version


def backtest_tables(deployment: Deployment, name: str) -> list[str]:
    """The names of its tables."""
    return sorted(file.stem for file in (deployment.warehouse.root / name).glob("*.parquet"))


def backtest_table(deployment: Deployment, name: str, table: str) -> pl.DataFrame:
    """One table of a backtest.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    if table not in backtest_tables(deployment, name):
        raise MissingPartitionError(f"{name} has no table {table!r}: it has {', '.join(backtest_tables(deployment, name)) or 'none'}")
    return deployment.warehouse.read_part(name, table)


def is_backtest(deployment: Deployment, name: str) -> bool:
    """Whether a backtest of that name is stored."""
    return name in _TITLES and deployment.warehouse.root.joinpath(name, FIGURES).is_file()


def _span(deployment: Deployment, name: str) -> tuple[date | None, date | None]:
    if "equity" not in backtest_tables(deployment, name):
        return None, None
    equity = deployment.warehouse.read_part(name, "equity")
    if "session" not in equity.columns or equity.is_empty():
        return None, None
    return equity["session"].min(), equity["session"].max()  # pyright: ignore[reportReturnType]
