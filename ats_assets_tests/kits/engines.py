"""What every backtest engine must do: derive a class `Test…` from `EngineKit` and name the plugin.

class TestMine(EngineKit):
    plugin = PLUGIN
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.backtests import (
    BacktestInputs,
    BacktestPositions,
    BacktestResult,
    Engine,
    Equity,
    Trades,
    Unfilled,
    backtest_metrics,
)
from ats_assets.errors import ContractError
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import bars_of, random_actions, random_market, signals_of, weekdays
from ats_assets_tests.kits.settings import judge_settings

CONTRACTS = {"equity": Equity, "positions": BacktestPositions, "trades": Trades, "unfilled": Unfilled}
SEEDS = range(6)


def market(seed: int, *, shorts: bool) -> BacktestInputs:
    """Missing bars, bars without volume, listings and ends, splits and payments, sessions without targets, costs of every kind."""
    bars, targets, days = random_market(seed, 25, 8, shorts=shorts)
    settings = BacktestSettings(initial_cash=100_000, commission_bps=5, spread_bps=10, slippage_bps=3, max_missing_sessions=4)
    actions = random_actions(seed, bars.filter(pl.col("symbol").is_in(["S0", "S1", "S2"])))
    free = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0)
    return BacktestInputs(targets=targets, bars=bars, sessions=days, portfolio=free, settings=settings, actions=actions)


def until(inputs: BacktestInputs, last: date) -> BacktestInputs:
    """The same market as it was known at a close."""
    assert inputs.actions is not None
    frames = {name: getattr(inputs, name).filter(pl.col("session") <= last) for name in ("targets", "bars", "actions")}
    return replace(inputs, sessions=[day for day in inputs.sessions if day <= last], **frames)


class EngineKit:
    """The tests of one engine on random markets."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}

    def engine(self) -> Engine:
        return self.plugin.make(self.plugin.settings.model_validate(dict(self.small)))

    def run(self, inputs: BacktestInputs) -> BacktestResult:
        return self.engine().run(inputs)

    @pytest.mark.parametrize("shorts", [False, True])
    def test_frames_satisfy_the_contracts_and_there_are_figures(self, shorts: bool) -> None:
        traded = 0
        for seed in SEEDS:
            inputs = market(seed, shorts=shorts)
            result = self.run(inputs)
            for table, contract in CONTRACTS.items():
                contract.validate(getattr(result, table), lazy=True)
            assert backtest_metrics(result, inputs.settings).sessions == len(result.equity) - 1
            assert result.equity["session"].to_list() == [day for day in inputs.sessions if day >= inputs.targets["session"].min()]
            assert result.equity["equity"][0] == inputs.settings.initial_cash
            traded += len(result.trades)
        assert traded > 20

    def test_tables_agree_with_each_other(self) -> None:
        """Positions are the equity's, costs and notionals the trades'."""
        for seed in SEEDS:
            result = self.run(market(seed, shorts=seed % 2 == 0))
            held = result.positions.group_by("session").agg(pl.col("value").sum(), n=pl.len())
            paid = result.trades.group_by("session").agg(pl.col("commission", "spread_cost", "slippage_cost").sum(), trades=pl.len())
            both = result.equity.join(held, on="session", how="left").join(paid, on="session", how="left", suffix="_paid").fill_null(0)
            for ours, theirs in (
                ("positions_value", "value"),
                *((f"{c}", f"{c}_paid") for c in ("commission", "spread_cost", "slippage_cost")),
            ):
                assert both[ours].to_list() == pytest.approx(both[theirs].to_list(), abs=1e-6), ours
            assert both["n_positions"].to_list() == both["n"].to_list()
            assert both["n_trades"].to_list() == both["trades"].to_list()

    def test_the_same_inputs_give_the_same_bytes_in_any_order_of_rows(self) -> None:
        inputs = market(1, shorts=True)
        first, again = self.run(inputs), self.run(inputs)
        shuffled = {name: getattr(inputs, name).sample(fraction=1.0, shuffle=True, seed=3) for name in ("targets", "bars", "actions")}
        other = self.run(replace(inputs, **shuffled))
        for table in (field.name for field in fields(BacktestResult)):
            assert getattr(first, table).equals(getattr(again, table)), table
            assert getattr(first, table).equals(getattr(other, table)), table

    def test_what_is_known_at_a_close_is_enough_for_its_row(self) -> None:
        inputs = market(2, shorts=True)
        whole = self.run(inputs)
        for last in (inputs.sessions[8], inputs.sessions[17]):
            part = self.run(until(inputs, last))
            for table in (field.name for field in fields(BacktestResult)):
                assert getattr(part, table).equals(getattr(whole, table).filter(pl.col("session") <= last)), table

    def test_the_targets_of_a_session_change_nothing_before_the_next(self) -> None:
        inputs = market(3, shorts=False)
        day = inputs.sessions[12]
        other = inputs.targets.with_columns(pl.when(pl.col("session") >= day).then(0.0).otherwise("target_weight").alias("target_weight"))
        before, after = self.run(inputs), self.run(replace(inputs, targets=other))
        assert before.equity.filter(pl.col("session") <= day).equals(after.equity.filter(pl.col("session") <= day))
        assert not before.equity.equals(after.equity)

    def test_without_targets_nothing_is_traded(self) -> None:
        inputs = market(1, shorts=False)
        nothing = self.run(replace(inputs, targets=inputs.targets.clear()))
        assert all(getattr(nothing, table).is_empty() for table in CONTRACTS)
        flat = self.run(replace(inputs, targets=inputs.targets.with_columns(target_weight=pl.lit(0.0))))
        assert set(flat.equity["equity"]) == {inputs.settings.initial_cash}
        assert flat.trades.is_empty()

    def test_costs_are_a_loss(self) -> None:
        inputs = market(4, shorts=False)
        fees = dict.fromkeys(("commission_bps", "spread_bps", "slippage_bps"), 0.0)
        free = self.run(replace(inputs, settings=inputs.settings.model_copy(update=fees)))
        dear = self.run(inputs)
        assert free.equity["costs"].sum() == 0.0
        assert dear.equity["costs"].sum() > 0.0

    def test_what_is_wrong_is_named(self) -> None:
        inputs = market(1, shorts=False)
        stranger = signals_of([("S0", date(1999, 1, 4), 0.5)])
        with pytest.raises(ContractError, match="S0 in session 1999-01-04: lies outside the sessions"):
            self.run(replace(inputs, targets=stranger))
        nan = signals_of([("S0", inputs.sessions[3], float("nan"))])
        with pytest.raises(ContractError, match="no finite target_weight"):
            self.run(replace(inputs, targets=nan))
        twice = pl.concat([inputs.bars, inputs.bars.head(1)])
        with pytest.raises(ContractError, match="comes twice"):
            self.run(replace(inputs, bars=twice))

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)

    def test_it_keeps_the_turnover_limit_if_it_says_so(self) -> None:
        """Half of the equity is wanted, a fifth may be traded in a session."""
        days = weekdays(3)
        bars = bars_of([("A", day, 100.0, 100.0) for day in days])
        portfolio = PortfolioSettings(max_weight=1, max_turnover=0.2)
        free = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0)
        made = self.run(
            BacktestInputs(targets=signals_of([("A", days[0], 0.5)]), bars=bars, sessions=days, portfolio=portfolio, settings=free)
        )
        held = made.equity["gross"].max()
        assert held == pytest.approx(0.2 if self.engine().keeps_limits else 0.5, abs=0.001)
