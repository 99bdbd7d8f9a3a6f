"""A section of the backtest report: one file in `sections/`, which holds one object `SECTION`.

To add a section, write `sections/<name>.py` with a `SECTION`; nothing else names it. What it reads beside the backtest it says in `reads`, so that the report depends on it and is
stale when it changes; the rows are in `ReportInputs.rows`, and the fits of models in `ReportInputs.fits`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from ats_assets.backtests import COST_SENSITIVITY_SCHEMA, WANTED_SCHEMA, BacktestMetrics, BacktestResult
from ats_assets.deployment import Deployment
from ats_assets.evaluation.trial_selection import Selection
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.reports.page_blocks import Block
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets.storage.model_record import ModelRecord

PACKAGE = "ats_assets.reports.sections"


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """All that sections are made from.

    Attributes
    ----------
    result, metrics
        The backtest and its figures.
    costs, wanted
        Rows of the contracts `CostSensitivity` and `Wanted`.
    settings, portfolio
        That it was made with.
    benchmark
        The benchmark's symbol; None for the equally weighted universe.
    horizon_sessions
        The model's own horizon: the verdict is passed on it.
    next_session
        The session at whose open the newest targets are traded.
    sessions
        Of the calendar, from the first of the backtest to the last.
    rows
        By the name of each asset that a section reads: its rows at these sessions; an asset that is not stored there has none.
    tables
        By the name of each asset without partitions that a section reads: its tables by their names; none where it is not stored.
    fits
        By the asset of each model: the records of its fits at these sessions, and of those before that are active there.
    provenance
        Tables for the last section, such as {"Data": {"bars": version}}; values are written with `str`.
    shown_settings
        Section -> setting -> value.
    selection, ledger_fault
        What is left of the Sharpe ratio of so many trials; and what is wrong with their ledger, or None.
    knowledge
        What there is to say of restatements, and (figure, as known at each close, on corrected history) for each row of the table.
    impact
        The model of impact that the backtest traded by, with what it knew; None for fixed rates.
    """

    result: BacktestResult
    metrics: BacktestMetrics
    settings: BacktestSettings = field(default_factory=BacktestSettings)
    portfolio: PortfolioSettings = field(default_factory=PortfolioSettings)
    costs: pl.DataFrame = field(default_factory=COST_SENSITIVITY_SCHEMA.to_frame)
    wanted: pl.DataFrame = field(default_factory=WANTED_SCHEMA.to_frame)
    title: str = "Backtest"
    benchmark: str | None = None
    horizon_sessions: int | None = None
    next_session: date | None = None
    sessions: Sequence[date] = ()
    rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, pl.DataFrame]] = field(default_factory=dict)
    fits: Mapping[str, Sequence[ModelRecord]] = field(default_factory=dict)
    provenance: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    shown_settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    selection: Selection | None = None
    ledger_fault: str | None = None
    knowledge: tuple[str, Sequence[tuple[str, str, str]]] | None = None
    impact: MarketImpact | None = None

    @property
    def benchmark_name(self) -> str:
        """What the benchmark is called in charts."""
        return self.benchmark or "equally weighted universe"

    def of(self, asset: str) -> pl.DataFrame | None:
        """The rows of an asset; None where there are none."""
        rows = self.rows.get(asset)
        return rows if rows is not None and rows.height else None


def reads_nothing(_: Deployment) -> tuple[str, ...]:
    """Of a section that is made of the backtest alone."""
    return ()


def no_tables(_: Deployment) -> Mapping[str, tuple[str, ...]]:
    """Of a section that reads no table of an asset without partitions, beside the backtest's."""
    return {}


def all_sessions(_: Deployment) -> Mapping[str, int]:
    """Of a section that reads all sessions of the backtest."""
    return {}


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """One section.

    Parameters
    ----------
    title, short
        The heading, and the name in the navigation.
    place
        Where it stands: sections are sorted by it.
    make
        Its blocks; None where there is nothing to say, and the section is left out.
    reads
        The names of the assets that it reads beside `backtest`; models by their assets' names.
    newest
        By the name of an asset that it reads, how many of the newest sessions are enough.
    tables
        By the names of assets without partitions that it reads, the tables of each.
    columns
        By the name of an asset, the columns that are read of it; default: all.
    is_of_trading
        Whether it is about what was traded alone: it is left out where nothing was.
    """

    title: str
    short: str
    place: int
    make: Callable[[ReportInputs], Sequence[Block] | None]
    reads: Callable[[Deployment], tuple[str, ...]] = reads_nothing
    tables: Callable[[Deployment], Mapping[str, tuple[str, ...]]] = no_tables
    newest: Callable[[Deployment], Mapping[str, int]] = all_sessions
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_of_trading: bool = False


@functools.cache
def sections() -> Mapping[str, ReportSection]:
    """Every section by its name, in the order of the page.

    Examples
    --------
    >>> list(sections())[:4]
    ['overview', 'return_history', 'drawdown_periods', 'return_distribution']
    """
    names = [module.name for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__)]
    found: dict[str, ReportSection] = {name: importlib.import_module(f"{PACKAGE}.{name}").SECTION for name in names}
    return dict(sorted(found.items(), key=lambda item: (item[1].place, item[0])))
