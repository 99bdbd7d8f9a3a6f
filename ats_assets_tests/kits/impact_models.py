"""What every model of market impact must do: derive a class `Test…` from `ImpactModelKit` and name the plugin.

class TestMine(ImpactModelKit):
    plugin = PLUGIN
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ats_assets.impact import ImpactInputs, ImpactModel, impact_costs
from ats_assets.impact.impact_model import WHY, ImpactCosts
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings
from ats_assets_tests.kits.settings import judge_settings
from ats_assets_tests.rounds import rounds

RATES = BacktestSettings(spread_bps=4.0, slippage_bps=2.0)
Trades = dict[str, NDArray[np.float64]]


def random_trades(seed: int, n: int = rounds(2_000, 200_000)) -> Trades:
    """Of all sizes, calm and wild, some of them with durations and shares outstanding that are not known, some whose market does not move."""
    random = np.random.default_rng(seed)
    return {
        "quantity": 10.0 ** random.uniform(0, 7, n),
        "price": 10.0 ** random.uniform(-2, 3.7, n),
        "day_volume": 10.0 ** random.uniform(3, 9, n),
        "volatility": np.where(random.random(n) < 0.05, 0.0, random.uniform(0.0, 0.2, n)),
        "half_spread": np.where(random.random(n) < 0.05, 0.0, random.uniform(0.0, 0.02, n)),
        "duration_days": random.choice([np.nan, 0.05, 0.5, 1.0], n),
        "shares_outstanding": random.choice([np.nan, 1e6, 1e10], n),
    }


class ImpactModelKit:
    """The tests of one model on random trades."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}

    def model(self) -> ImpactModel:
        return self.plugin.make(self.plugin.settings.model_validate(dict(self.small)))

    def cost(self, trades: Mapping[str, Any], side: int = 1) -> ImpactCosts:
        return impact_costs(self.model(), ImpactInputs.of(side=side, **trades), RATES)

    def test_no_cost_is_below_zero_and_the_parts_add_up(self) -> None:
        made = self.cost(random_trades(1))
        parts = np.stack([made.permanent, made.temporary, made.fixed, made.spread])
        assert np.isfinite(parts).all()
        assert (parts >= 0.0).all()
        np.testing.assert_allclose(parts.sum(axis=0), made.total, rtol=1e-12)
        assert made.total.max() > 0.0

    def test_a_larger_trade_costs_no_smaller_share(self) -> None:
        trades = random_trades(2)
        times = 10.0 ** np.random.default_rng(3).uniform(0, 3, len(trades["quantity"]))
        larger = self.cost({**trades, "quantity": trades["quantity"] * times})
        assert (larger.total >= self.cost(trades).total * (1.0 - 1e-12)).all()

    def test_buys_and_sells_cost_the_same(self) -> None:
        trades = random_trades(4)
        assert self.cost(trades, 1).total.tolist() == self.cost(trades, -1).total.tolist()

    def test_a_split_changes_no_cost(self) -> None:
        trades = random_trades(5)
        ratio = np.random.default_rng(6).choice([2.0, 0.1, 1.5, 7.0], len(trades["quantity"]))
        new = {name: trades[name] * ratio for name in ("quantity", "day_volume", "shares_outstanding")}
        after = self.cost({**trades, **new, "price": trades["price"] / ratio})
        np.testing.assert_allclose(after.total, self.cost(trades).total, rtol=1e-9)

    def test_a_trade_of_nothing_costs_nothing(self) -> None:
        trades = random_trades(7)
        assert not self.cost({**trades, "quantity": 0.0}).total.any()

    def test_the_same_trades_cost_the_same_alone_and_among_others(self) -> None:
        trades = random_trades(8, 50)
        whole = self.cost(trades).total
        for i in range(50):
            assert self.cost({name: values[i] for name, values in trades.items()}).total[0] == whole[i]

    def test_where_an_input_is_lacking_the_fixed_rates_are_taken_and_the_reason_is_told(self) -> None:
        whole = {"quantity": 1e4, "price": 50.0, "day_volume": 1e6, "volatility": 0.02, "half_spread": 0.001}
        lacking = {"dollar_volume": ("day_volume", "no_volume"), "volatility": ("volatility", "no_volatility")}
        lacking["half_spread"] = ("half_spread", "no_spread")
        for need in self.model().needs:
            name, why = lacking[need]
            for none in (np.nan, *([0.0] if name == "day_volume" else [])):
                made = self.cost({**whole, name: none})
                assert WHY[made.why[0]] == why
                assert round(made.total[0] * 1e4, 9) == RATES.spread_bps / 2 + RATES.slippage_bps

    def test_its_settings_are_those_of_an_addition(self) -> None:
        judge_settings(self.plugin)
