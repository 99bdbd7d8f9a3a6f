"""The engine of a deployment, what `backtest.engine` names, and a backtest by it."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.backtests.engine import BacktestInputs, BacktestResult, Engine
from ats_assets.corporate_actions.identity import Identities
from ats_assets.deployment import Deployment
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.plugins import ENGINES
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import BacktestSettings, BrakeSettings, OrderLimitSettings, PortfolioSettings


def backtest_engine(deployment: Deployment) -> Engine:
    """The engine; use it as `deployment.of(backtest_engine)`."""
    settings = deployment.settings
    return engine_of(settings.backtest, settings.plugins.folder, settings.storage.data / "engines")


def engine_of(settings: BacktestSettings, folder: Path | None = None, environments: Path | None = None) -> Engine:
    """The engine that the settings name, made of `[backtest.options]`.

    Parameters
    ----------
    folder
        The user's own additions, `plugins.folder`.
    environments
        Where engines that have environments of their own keep them, unless their settings say.

    Raises
    ------
    SettingsError
        If there is no such engine, or it does not know one of the options.

    Examples
    --------
    >>> engine_of(BacktestSettings(engine="weights")).settings
    WeightsEngineSettings(returns='open_to_open')
    """
    shared = {"environments": environments} if environments else None
    return ENGINES.made(settings.engine, settings.options, folder, "backtest.engine", shared=shared)


def run_backtest(
    targets: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: Sequence[date],
    *,
    portfolio: PortfolioSettings,
    settings: BacktestSettings,
    limits: OrderLimitSettings | None = None,
    brake: BrakeSettings | None = None,
    actions: pl.DataFrame | None = None,
    instruments: Identities | None = None,
    impact: MarketImpact | None = None,
    working: WorkingRules | None = None,
    equity_only: bool = False,
    alike: int = 1,
    engine: Engine | None = None,
) -> BacktestResult:
    """Trade the targets over the sessions; for the other parameters see `BacktestInputs`.

    Parameters
    ----------
    engine
        Default: what `settings.engine` names among those that come with the package, or are installed.

    Raises
    ------
    ContractError
        If targets or bars break their contracts, or a target lies outside `sessions`.
    """
    inputs = BacktestInputs(
        targets=targets,
        bars=bars,
        sessions=sessions,
        portfolio=portfolio,
        settings=settings,
        limits=limits,
        brake=brake,
        actions=actions,
        instruments=instruments,
        impact=impact,
        working=working,
        equity_only=equity_only,
        alike=alike,
    )
    return (engine or engine_of(settings)).run(inputs)
