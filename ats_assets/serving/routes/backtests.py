"""Backtests and reports."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from ats_assets.serving.pages import Cursor, Limit
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.stored_backtests import (
    backtest_figures,
    backtest_table,
    backtest_tables,
    backtest_version,
    figures_told,
    is_backtest,
    stored_backtests,
)
from ats_assets.serving.queries.stored_reports import report_page, stored_reports
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, AskedOf, Routes
from ats_assets.serving.row_models import page_example, page_model

ROUTES = Routes("backtests")
_Name = Annotated[str, Path(min_length=1, max_length=64)]
_FIGURES: dict[str, Any] = dict.fromkeys(figures_told({}), (float | None, ...))
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox allow-scripts"
)
"""Of a report's page: its scripts are in it, reach nothing, and have no origin whose cookies they could use."""


class _Told(BaseModel):
    """A backtest."""

    name: str
    title: str
    first: date | None = Field(description="session of its equity")
    last: date | None
    data_version: str


BacktestTold = create_model("BacktestTold", __base__=_Told, **_FIGURES)


class BacktestList(BaseModel):
    """Every backtest that is stored."""

    data: list[BacktestTold]  # pyright: ignore[reportInvalidTypeForm]
    next: None = None


class BacktestFigures(BaseModel):
    """The figures of a backtest."""

    name: str
    data_version: str
    tables: list[str] = Field(description="of which /api/v1/backtests/{name}/{table} tells the rows")
    figures: dict[str, Any] = Field(description="docs/report.md says what each is")


class TableRow(BaseModel):
    """A row of a table, whose columns docs/report.md has."""

    model_config = ConfigDict(extra="allow")


class ReportTold(BaseModel):
    """A report."""

    name: str
    made_at: datetime
    bytes: int
    version: str = Field(description="SHA-256 of the page")


class ReportList(BaseModel):
    """Every report that is stored."""

    data: list[ReportTold]
    next: None = None


_TOLD = {"name": "backtest", "title": "of the targets, on daily bars", "first": "2021-12-02", "last": "2023-12-29", "data_version": "5f0c…"}
_EXAMPLE = _TOLD | dict.fromkeys(_FIGURES, 0.3)
_ONE = {"name": "backtest", "data_version": "5f0c…", "tables": ["equity", "trades"], "figures": {"sharpe": 1.2, "max_drawdown": -0.11}}
_EQUITY = {"session": "2023-12-29", "equity": 173_900.0, "benchmark": 135_800.0}
_REPORT = {"name": "backtest", "made_at": "2023-12-29T22:31:00Z", "bytes": 1_204_000, "version": "5f0c…"}


@ROUTES.get(
    "/backtests", role=Role.READ, model=BacktestList, example={"data": [_EXAMPLE], "next": None}, statuses=(503,), summary="Backtests"
)
def get_backtests(ask: Ask) -> Response:
    """Each backtest that is stored, with the figures by which they are compared."""
    return ask.answer(lambda: {"data": stored_backtests(ask.deployment), "next": None})


@ROUTES.get(
    "/backtests/{name}", role=Role.READ, model=BacktestFigures, example=_ONE, statuses=(404, 503), summary="The figures of a backtest"
)
def get_backtest(ask: Ask, name: _Name) -> Response:
    """All figures, and the names of its tables."""
    version = _version(ask, name)
    told = {"name": name, "data_version": version, "tables": backtest_tables(ask.deployment, name)}
    return ask.answer(lambda: told | {"figures": backtest_figures(ask.deployment, name)}, version=version)


@ROUTES.get(
    "/backtests/{name}/{table}",
    role=Role.READ,
    model=page_model("BacktestTable", TableRow),
    example=page_example([_EQUITY], session=None),
    statuses=(404, 409, 503),
    summary="A table of a backtest",
)
def get_backtest_table(ask: Ask, name: _Name, table: _Name, limit: Limit = None, cursor: Cursor = None) -> Response:
    """Equity, positions, trades, unfilled orders, sensitivity to costs, and what else it has; in the order in which it is stored."""
    version = _version(ask, name)
    frame = backtest_table(ask.deployment, name, table)
    return ask.listing(frame.to_dicts, ask.page(limit, cursor), version=version)


@ROUTES.get("/reports", role=Role.READ, model=ReportList, example={"data": [_REPORT], "next": None}, statuses=(503,), summary="Reports")
def get_reports(ask: Ask) -> Response:
    """Each report that is stored."""
    rows = [{name: value for name, value in asdict(one).items() if name != "path"} for one in stored_reports(ask.deployment).values()]
    return ask.answer(lambda: {"data": rows, "next": None})


@ROUTES.get("/reports/{name}", role=Role.READ, media_type="text/html", statuses=(404, 503), summary="The page of a report")
def get_report(ask: Ask, name: _Name) -> Response:
    """The report as one HTML page, whose scripts and styles are in it."""
    found = stored_reports(ask.deployment).get(name)
    if found is None:
        raise not_found(
            f"there is no report {name!r}: /api/v1/reports lists those that there are, and ats report makes that of the backtest"
        )
    return ask.document(lambda: report_page(found), version=found.version, media_type="text/html; charset=utf-8", policy=_PAGE_POLICY)


def _version(ask: AskedOf, name: str) -> str:
    if not is_backtest(ask.deployment, name):
        raise not_found(f"there is no backtest {name!r}: /api/v1/backtests lists those that are stored, and ats run makes them")
    return backtest_version(ask.deployment, name)
