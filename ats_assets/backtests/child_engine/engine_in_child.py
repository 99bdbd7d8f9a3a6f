"""An engine of others as one of ours: the market to a child process and its orders back, so that nothing of the engine is ever imported here.

1. What the engine does not know is refused by the setting's name (`left_out.py`).
2. Its environment is made, where it is not there yet (`engine_environment.py`): that is when its licence is told, and the only time that anything is installed.
3. The market is laid out as `read_market` does it for our own engines: what can't be filled at an open has no price there, and what can't be judged at a close no weight.
4. The child trades (`child_process.py`, `scripts/`), and its orders are made into the tables of every backtest (`rebuilt_account.py`).
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from ats_assets.backtests.child_engine.child_process import run_child
from ats_assets.backtests.child_engine.engine_environment import SCRIPTS, EngineEnvironment
from ats_assets.backtests.child_engine.job_files import ChildAnswer, Job, read_answers, write_jobs
from ats_assets.backtests.child_engine.left_out import LeftOut, refuse_what_is_left_out
from ats_assets.backtests.child_engine.rebuilt_account import rebuilt
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.journal import new_ledgers, result_of
from ats_assets.backtests.market import Market, read_market
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.allowed_changes import NONE, changes_of_all
from ats_assets.settings import BacktestSettings, Section


class ChildEngineSettings(Section):
    """Of an engine in a process of its own."""

    environments: Path = Field(default=Path("data/engines"), description="folder of the environments; default: `engines` in storage.data")
    timeout_seconds: float = Field(default=3_600.0, gt=0, description="after which the engine is ended")
    leave_out: tuple[LeftOut, ...] = Field(default=(), description="settings that the engine does not know, and that are not to be kept")


@dataclass(frozen=True, kw_only=True)
class ChildResult:
    """A backtest, and the engine's own account at each close: session, cash, value, in currency, parts of a cent included."""

    result: BacktestResult
    account: pl.DataFrame


class EngineInChild:
    """An engine of others; a class of it names the environment."""

    keeps_limits: bool = False
    environment: ClassVar[EngineEnvironment]
    min_commission: ClassVar[bool] = False
    """Whether it knows `backtest.min_commission`."""
    rules: ClassVar[tuple[str, ...]] = ()
    """By which its trades differ from ours, the likeliest first (`engine_rules.RULES`)."""
    code_by_name: ClassVar[tuple[str, ...]] = (f"{__package__}.scripts",)
    """What makes its results and is imported by nothing."""

    def __init__(self, settings: ChildEngineSettings) -> None:
        self.settings = settings

    def run(self, inputs: BacktestInputs) -> BacktestResult:
        """See `Engine.run`.

        Raises
        ------
        ContractError
            Also if the settings or the market hold what the engine does not know.
        EngineError
            If it can't be installed, or came to no answer.
        """
        return self.run_all([inputs])[0].result

    def run_all(self, all_inputs: Sequence[BacktestInputs]) -> list[ChildResult]:
        """Several backtests by one child: to start it takes longer than a small one."""
        name = self.environment.name
        for inputs in all_inputs:
            refuse_what_is_left_out(inputs, name, self.settings.leave_out, min_commission=self.min_commission)
        markets = [read_market(one.targets, one.bars, one.sessions, one.actions, one.instruments) for one in all_inputs]
        weights = [weights_at_open(market) for market in markets]
        jobs = [_job(*one) for one in zip(markets, weights, (inputs.settings for inputs in all_inputs), strict=True)]
        there = [number for number, job in enumerate(jobs) if job.sessions and job.open.shape[1]]
        answers = dict(zip(there, self._answers([jobs[number] for number in there]), strict=True)) if there else {}
        results = []
        for number, (market, weight, inputs) in enumerate(zip(markets, weights, all_inputs, strict=True)):
            days = pl.Series("session", market.sessions, dtype=pl.Date)
            if number in answers and len(inputs.targets):
                made = rebuilt(market, weight, answers[number], inputs, name)
                results.append(
                    ChildResult(result=made, account=answers[number].account.with_columns(days).select("session", "cash", "value"))
                )
            else:
                nothing = pl.DataFrame(schema={"session": pl.Date, "cash": pl.Float64, "value": pl.Float64})
                results.append(ChildResult(result=result_of(market, new_ledgers(0, 0), np.zeros(0)), account=nothing))
        return results

    def _answers(self, jobs: list[Job]) -> list[ChildAnswer]:
        name, environments = self.environment.name, self.settings.environments
        python = self.environment.made(environments)
        with tempfile.TemporaryDirectory(prefix=f"ats-{name}-") as made:
            folder = Path(made)
            write_jobs(jobs, folder)
            script, home = SCRIPTS / f"{name}_script.py", self.environment.folder(environments)
            run_child(python, script, folder, timeout_seconds=self.settings.timeout_seconds, name=name, home=home)
            return read_answers(jobs, folder, name)


def weights_at_open(market: Market) -> Floats:
    """The weights to trade to at each open, of shape (n_sessions, n_instruments), decided at the close before.

    NaN leaves what is held: in a session after one without targets, and where the close before is of a bar without volume, or of none, and the position is not to leave
    altogether; and of a position that is to stay. A symbol without a target has the target zero, but not one that has had no price yet, nor any where all positions stay. One that may only be
    made smaller is brought to its target: what the account holds is not known here.
    """
    weight = np.full(market.open.shape, np.nan)
    for i in range(1, len(weight)):
        first, last = market.target_bounds[i - 1], market.target_bounds[i]
        if first == last:
            continue
        wanted = np.zeros(len(market.instruments))
        wanted[market.target_columns[first:last]] = market.target_weights[first:last]
        changes = changes_of_all(len(wanted), market.target_columns[first:last], market.target_changes[first:last])
        quoted = ~np.isnan(market.open[i - 1])
        movable = np.isfinite(market.last_close[i - 1]) & ((quoted & market.traded[i - 1]) | (wanted == 0.0))
        weight[i] = np.where(movable & (changes != NONE), wanted, np.nan)
    return weight


def _job(market: Market, weight: Floats, settings: BacktestSettings) -> Job:
    names = ("commission_bps", "spread_bps", "slippage_bps", "min_commission")
    return Job(
        sessions=[day.isoformat() for day in market.sessions],
        open=np.where(market.traded, market.open, np.nan),
        close=market.last_close,
        weight=weight,
        cash=round(settings.initial_cash, 2),
        costs={name: float(getattr(settings, name)) for name in names},
        fractional_shares=settings.fractional_shares,
    )
