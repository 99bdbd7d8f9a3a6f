"""What an engine must be able to do: trade the targets of one session after its close, over history, and say what came of it.

An engine is handed targets and bars, and gives frames in the contracts of `ats_assets/backtests/schema.py`, so that figures and reports are the same for all. What it leaves
out (lots, costs that are not proportional, what can't be traded) its docstring says. A row of its equity is made of what was known at that session's close alone, and of the
targets of the sessions before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
from pydantic import BaseModel

from ats_assets.corporate_actions.identity import Identities
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import BacktestSettings, BrakeSettings, OrderLimitSettings, PortfolioSettings


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """The frames of a backtest; their contracts are in `ats_assets/backtests/schema.py`."""

    equity: pl.DataFrame
    positions: pl.DataFrame
    trades: pl.DataFrame
    unfilled: pl.DataFrame


class LaterResult(BacktestResult):
    """A result whose frames are made when they are first asked for: millions of rows take longer to write than the account that they are of.

    Parameters
    ----------
    equity
        The one that is there.
    makers
        The names of the others -> what makes each.
    """

    def __init__(self, equity: pl.DataFrame, makers: Mapping[str, Callable[[], pl.DataFrame]]) -> None:
        object.__setattr__(self, "equity", equity)
        object.__setattr__(self, "_makers", dict(makers))

    def __getattr__(self, name: str) -> pl.DataFrame:
        """A frame that is not there yet."""
        makers = self.__dict__.get("_makers", {})
        if name not in makers:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        object.__setattr__(self, name, makers[name]())
        del makers[name]  # and what it was made of, with the last
        return self.__dict__[name]


@dataclass(frozen=True, kw_only=True)
class BacktestInputs:
    """What is traded.

    Parameters
    ----------
    targets
        Columns session, symbol, target_weight (the targets contract has them), one row for each symbol of the universe.
    bars
        Columns session, symbol, open, close, volume (the bars contract has them).
    sessions
        The sessions of the calendar to go through; those before the first targets are left out.
    portfolio
        The limits on weights.
    settings
        Cash, costs, delisting, benchmark.
    limits
        Of orders, `orders.limits` of the settings; default none.
    brake
        How the account's losses lower exposure, `orders.brake` of the settings; default not at all.
    actions
        Rows of the contract `CorporateActions`; default none, for prices that are adjusted.
    instruments
        Who bears which ticker when; default: as the changes of name among the actions tell.
    impact
        A model of market impact with what it needs; default: the fixed rates of the settings, and no bound of participation.
    working
        How orders are worked in parts, and the sessions that they are played from; default: all are for the open.
    equity_only
        Nobody reads positions, trades and unfilled: an engine may leave them empty. The equity is the same.
    alike
        How many backtests of these targets are made one after the other, so that an engine can tell what is worth preparing. The result is the same.
    """

    targets: pl.DataFrame
    bars: pl.DataFrame
    sessions: Sequence[date]
    portfolio: PortfolioSettings
    settings: BacktestSettings
    limits: OrderLimitSettings | None = None
    brake: BrakeSettings | None = None
    actions: pl.DataFrame | None = None
    instruments: Identities | None = None
    impact: MarketImpact | None = None
    working: WorkingRules | None = None
    equity_only: bool = False
    alike: int = 1


class Engine(Protocol):
    """One kind of engine, with its settings.

    One whose results are made by code that it imports nowhere names those modules in an attribute `code_by_name`, so that they count in the version of the backtest's code.
    """

    settings: BaseModel
    keeps_limits: bool
    """Whether it keeps the limits of `[portfolio]`, the turnover limit among them: what is held can then lag behind the targets, and the report says so."""

    def run(self, inputs: BacktestInputs) -> BacktestResult:
        """Trade the targets over the sessions.

        Raises
        ------
        ContractError
            If targets or bars break their contracts, or a target lies outside the sessions.
        """
        ...
