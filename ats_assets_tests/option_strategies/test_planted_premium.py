"""Planted truth: where options cost more than the underlying's movement is worth, sellers of them earn that difference and buyers pay it; where they do not, nothing is left but costs.

What each fill is worth is known exactly here: its price against that of the kernels at the volatility that the underlying really has. The profit of a strategy is the sum of those differences, and noise
of mean zero. Most of the noise is what a hedge at each close would take out, whose mean is zero, too, so that few seeds are enough for a narrow test.
"""

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest

from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.options.contract import Right, contract_of
from ats_assets.options.valuation import option_values
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets_tests.kits import option_market as markets
from ats_assets_tests.rounds import rounds

REAL = 0.30
SESSIONS = 64
SEEDS = rounds(6, 40)
FREE = OptionFillRules(spread_share=Decimal(1))
COSTLY = OptionFillRules(spread_share=Decimal(1), fee_per_contract=Decimal("0.65"))
SOON = {"days": 24, "days_tolerance": 6}
TO_THE_END = {"profit_target": 1.0, "close_days": 0}
STRATEGIES: dict[str, tuple[str, dict[str, Any], int]] = {
    "short straddles": (
        "straddle",
        {"call": {**SOON, "delta": 0.5, "delta_tolerance": 0.3}, "exits": TO_THE_END, "sizing": {"max_share": 0.9}},
        1,
    ),
    "cash-secured puts": ("cash_secured_put", {"puts": {**SOON, "delta": 0.4, "delta_tolerance": 0.3}, "exits": {"profit_target": 1.0}}, 1),
    "the wheel": ("wheel", {"puts": {**SOON, "delta": 0.4, "delta_tolerance": 0.3}, "calls": SOON, "calls_below_cost": True}, 1),
    "long straddles": ("straddle", {"side": "long", "call": {**SOON, "delta": 0.5, "delta_tolerance": 0.3}, "exits": TO_THE_END}, -1),
}
"""By name: the kind, its settings, and whether it sells premium or buys it."""


@cache
def played(seed: int, implied: float, half_spread: float) -> markets.OptionMarket:
    """A market whose sessions all move by the real volatility, and whose options are priced at the implied one."""
    closes = markets.paths(seed, ("XYZ",), SESSIONS, REAL)
    chains = markets.chains_of(
        ("XYZ",),
        closes,
        implied=implied,
        skew=0.0,
        half_spread=lambda middle: np.minimum(half_spread, middle),
        weeks=(0, 1, 2, 3, 4),
        grid=0.05,
        reach=0.35,
        trading_time=True,
    )
    days = markets.trading_days(SESSIONS)
    return markets.OptionMarket(
        sessions=days, chains=chains, spots={day: {"XYZ": float(close)} for day, close in zip(days, closes[:, 0], strict=True)}
    )


def worth(symbols: list[str], days: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Strikes, and sessions to expiry over 252."""
    contracts = [contract_of(symbol) for symbol in symbols]
    years = markets.sessions_between(days, [one.expiry for one in contracts]) / 252
    return np.array([float(one.strike) for one in contracts]), years


def true_values(symbols: list[str], days: list[Any], spots: np.ndarray) -> dict[str, np.ndarray]:
    """Prices and deltas at the real volatility; at expiry what is paid."""
    strikes, years = worth(symbols, days)
    call = np.array([contract_of(symbol).right is Right.CALL for symbol in symbols])
    found = option_values(spots, strikes, np.maximum(years, 1e-9), 0.0, 0.0, REAL, call)
    return {name: found[name] for name in ("price", "delta")}


def life(name: str, seed: int, implied: float, half_spread: float, rules: OptionFillRules) -> tuple[float, float]:
    """The profit of one market less what a hedge at each close would have taken out, and what its fills were worth, fees among it."""
    kind, own, _ = STRATEGIES[name]
    plugin = OPTION_STRATEGIES.find(kind)
    market = played(seed, implied, half_spread)
    steps = list(markets.run(plugin.make(plugin.settings.model_validate(own)), market, rules=rules))
    spots = {day: market.spots[day]["XYZ"] for day in market.sessions}
    moves = dict(zip(market.sessions, np.append(np.diff([spots[day] for day in market.sessions]), 0.0), strict=True))
    held = [(step.view.session, one.contract.symbol, one.quantity * one.multiplier) for step in steps for one in step.view.held]
    days, symbols, quantities = (list(column) for column in zip(*held, strict=True))
    values = true_values(symbols, days, np.array([spots[day] for day in days]))
    hedge = float(np.sum(np.array(quantities) * values["delta"] * np.array([moves[day] for day in days])))
    hedge += sum(float(step.view.shares.get("XYZ", 0)) * moves[step.view.session] for step in steps)
    last = steps[-1].view
    at_end = np.array(days) == last.session
    final = (
        float(last.cash)
        + float(last.shares.get("XYZ", 0)) * spots[last.session]
        + float(np.sum(np.array(quantities)[at_end] * values["price"][at_end]))
    )
    flows = steps[-1].book.flows
    traded = [(day, what, n, float(amount)) for day, sort, what, n, amount in flows if sort == "premium"]
    fair = true_values([one[1] for one in traded], [one[0] for one in traded], np.array([spots[one[0]] for one in traded]))["price"]
    gained = sum(amount for *_, amount in traded) + float(np.sum(100 * np.array([one[2] for one in traded]) * fair))
    fees = sum(float(amount) for _, sort, _, _, amount in flows if sort == "fee")
    return final - 60_000 - hedge, gained + fees


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize(
    ("implied", "half_spread", "rules"), [(0.39, 0.0, FREE), (REAL, 0.0, FREE), (REAL, 0.03, COSTLY)], ids=["dear", "fair", "costs"]
)
def test_sellers_earn_the_premium_over_the_real_volatility_and_nothing_else(
    name: str, implied: float, half_spread: float, rules: OptionFillRules
) -> None:
    found = np.array([life(name, seed, implied, half_spread, rules) for seed in range(SEEDS)])
    profit, planted = found.mean(axis=0)
    error = (found[:, 0] - found[:, 1]).std(ddof=1) / np.sqrt(SEEDS)
    assert abs(profit - planted) < 3.5 * error, f"{profit:.0f} earned, {planted:.0f} planted, standard error {error:.0f}"
    if implied > REAL:
        side = STRATEGIES[name][2]
        assert side * planted > 5 * error, f"{planted:.0f} planted is no more than the noise of {error:.0f}: the test could not tell"
        assert side * profit > 0
    elif half_spread:
        assert planted < -30  # spreads and fees
    else:
        assert planted == pytest.approx(0.0, abs=5.0)  # prices to the cent
