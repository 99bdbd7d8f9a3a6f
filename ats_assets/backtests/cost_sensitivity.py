"""The same targets traded at other costs: zero (gross), the settings' own (net), and multiples of them.

Each multiple is a whole backtest with `scaled_costs`: what is paid for a trade changes the cash, and with it the shares of every later trade, the weights and what the limits
leave of them. Adding costs back to the net curve would leave all that out. The targets stay as they are, since they do not know the account.
"""

from collections.abc import Callable, Sequence

import polars as pl

from ats_assets.backtests.engine import BacktestResult
from ats_assets.backtests.schema import COST_SENSITIVITY_SCHEMA
from ats_assets.settings import BacktestSettings


def scaled_costs(settings: BacktestSettings, multiple: float) -> BacktestSettings:
    """The settings with all that `costs` adds up times `multiple`: commission, spread, slippage, and the rates for borrowed shares and cash.

    What a model of impact says has its own multiple (`MarketImpact.multiple`). The haircut at a delisting is a loss in the market and stays.
    """
    margin = settings.margin
    rates = {name: getattr(margin, name) * multiple for name in ("borrow_bps_a_year", "debit_bps_a_year")}
    rates["borrow_bps_by_symbol"] = {symbol: bps * multiple for symbol, bps in margin.borrow_bps_by_symbol.items()}
    fees = ("commission_bps", "spread_bps", "slippage_bps", "min_commission")
    changes = {name: getattr(settings, name) * multiple for name in fees}
    return settings.model_copy(update=changes | {"margin": margin.model_copy(update=rates)})


def cost_sensitivity(
    result: BacktestResult, settings: BacktestSettings, run: Callable[[BacktestSettings, float], BacktestResult], multiples: Sequence[float]
) -> pl.DataFrame:
    """The equity and the costs of each session at each multiple.

    Parameters
    ----------
    result
        The backtest at the costs of `settings`, which is the multiple 1.
    run
        Makes the backtest again with other settings, and a model of impact that says so many times as much: the same targets, bars and corporate actions.
    multiples
        Of the costs; none for the backtest alone.

    Returns
    -------
    DataFrame
        The contract `CostSensitivity`, sorted by (cost_multiple, session).
    """
    made = {
        multiple: result if multiple == 1.0 else run(scaled_costs(settings, multiple), multiple) for multiple in sorted({1.0, *multiples})
    }
    frames = [
        one.equity.select(pl.lit(multiple, pl.Float64).alias("cost_multiple"), "session", "equity", "costs")
        for multiple, one in made.items()
    ]
    return pl.concat(frames).select(pl.col(name).cast(dtype) for name, dtype in COST_SENSITIVITY_SCHEMA.items())
