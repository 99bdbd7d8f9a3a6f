"""Random weight matrices for comparing engines: prices in cents that move a lot, halts, quiet and missing sessions, long, short, and more than cash pays for."""

import numpy as np
import polars as pl

from ats_assets.backtests import BacktestInputs
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import random_market

FREE = PortfolioSettings(max_weight=1, max_gross=10, max_net=10, max_turnover=4, no_trade_band=0)
LENT_FOR_NOTHING = MarginSettings(borrow_bps_a_year=0, debit_bps_a_year=0, maintenance_share_long=0, maintenance_share_short=0)


def random_weights(seed: int) -> BacktestInputs:
    """One of four kinds by turns: long or also short, up to 180% of equity, in whole shares or in parts."""
    random = np.random.default_rng([seed, 7])
    shorts, parts = seed % 2 == 1, seed % 4 >= 2
    bars, targets, days = random_market(seed, int(random.integers(5, 30)), int(random.integers(2, 9)), shorts=shorts)
    size = float(random.choice([0.5, 1.0, 1.0] if not shorts else [1.0, 1.5, 1.8]))
    targets = targets.with_columns(target_weight=(pl.col("target_weight") * size).clip(-1, 1))
    costs = {name: float(random.choice([0.0, 1.0, 12.5])) for name in ("commission_bps", "spread_bps", "slippage_bps")}
    settings = BacktestSettings(
        initial_cash=float(random.choice([10_000, 250_000.5, 1e6])),
        fractional_shares=parts,
        max_missing_sessions=100,
        margin=LENT_FOR_NOTHING,
        **costs,
    )
    return BacktestInputs(targets=targets, bars=bars, sessions=days, portfolio=FREE, settings=settings)
