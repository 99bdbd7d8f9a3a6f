"""The quick look at weights: what the targets themselves would have earned, less costs in proportion to what is traded.

At each rebalancing the account is brought to exactly the target weights, whatever it takes:

1. `returns = "open_to_open"`: the targets of a session are traded at the open of the next one, as signals are. `"close_to_close"`: at the very close at which they were decided,
   which nobody can do: an upper bound for what is decided on closes. The trades then count to the next session, whose return is the first that they earn.
2. What is paid: commission, half of the spread, and slippage, each in basis points of what is traded; with a model of impact those of slippage grow with the trade
   (`ats_assets.impact.impact_terms`). The weights are of the equity after these costs.
3. Between two rebalancings positions drift with their prices. A session without targets is no opinion, and nothing is traded. Payments stay in cash until the next targets,
   ratios make more or fewer shares.

Left out, on purpose: lots (any fraction of a share can be held, long or short), the limits on weights, turnover and orders, the kind of these and how they are worked, the no-trade band, what a minimum commission adds, volume
and participation, halts (a symbol without a bar trades at its last close), the haircut of a delisting, interest on cash, what borrowing costs, and margin. Cash is what the weights
leave. So it says what the signal is worth, and the engine `orders` what an account would have made of it. Where there are no costs and limits, nothing is short,
shares are fractional, all symbols trade at all sessions, and each opens where it closed, both come to the same.

Accounts are in floats, shown in whole cents: what rounding leaves is in `pnl`. The value of a position is rounded toward zero.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from ats_assets.backtests.benchmark import benchmark_column, benchmark_values
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.exact_account import ExactLedgers, held_exactly, with_tables
from ats_assets.backtests.exact_trades import ExactRules
from ats_assets.backtests.journal import new_ledgers, result_later, result_of
from ats_assets.backtests.ledgers import Ledgers, SessionLedger
from ats_assets.backtests.market import Market, read_market
from ats_assets.backtests.market_terms import market_terms
from ats_assets.backtests.simulation import Prices
from ats_assets.errors import ContractError
from ats_assets.plugins import Plugin
from ats_assets.portfolio.costs import to_cents
from ats_assets.settings import BacktestSettings, Section


class WeightsEngineSettings(Section):
    """Target weights, held exactly."""

    returns: Literal["open_to_open", "close_to_close"] = Field(
        default="open_to_open", description="traded at the next open, or at the close of the decision, which nobody can do"
    )


class WeightsEngine:
    """The returns of target weights, less costs in proportion to what is traded."""

    keeps_limits: bool = False

    def __init__(self, settings: WeightsEngineSettings) -> None:
        self.settings = settings

    def run(self, inputs: BacktestInputs) -> BacktestResult:
        """See `Engine.run`.

        Raises
        ------
        ContractError
            Also if targets without a short one add up to more than the equity: there is no cash to pay for them.
        """
        market, settings = read_market(inputs.targets, inputs.bars, inputs.sessions, inputs.actions, inputs.instruments), inputs.settings
        if inputs.targets.is_empty():
            return result_of(market, new_ledgers(0, 0), np.zeros(0))
        prices = market.prices(settings.margin, market_terms(market, settings, inputs.impact)[0])
        rules = self._rules(settings, modelled=inputs.impact is not None)
        return accounted(market, prices, rules, inputs)

    def _rules(self, settings: BacktestSettings, *, modelled: bool) -> ExactRules:
        return ExactRules(
            commission_bps=float(settings.commission_bps),
            half_spread_bps=settings.spread_bps / 2,
            slippage_bps=float(settings.slippage_bps),
            modelled=modelled,
            at_open=self.settings.returns == "open_to_open",
        )


def accounted(market: Market, prices: Prices, rules: ExactRules, inputs: BacktestInputs) -> BacktestResult:
    """The account of a market, with a frame of trades or positions when it is asked for."""
    cash, only = float(inputs.settings.initial_cash), benchmark_column(market, inputs.settings.benchmark)
    made = held_exactly(prices, rules, cash)
    if made.refused >= 0:
        raise _unpaid(market, made.refused)
    result = result_of(market, _ledgers(made), benchmark_values(prices, cash, only), equity_only=True)
    if inputs.equity_only:
        return result
    return result_later(market, result.equity, lambda: _ledgers(with_tables(made, prices, rules, cash)))


def _unpaid(market: Market, session: int) -> ContractError:
    first, last = market.target_bounds[session - 1], market.target_bounds[session]
    priced = ~np.isnan(market.last_close[session - 1]) | (market.open[session] > 0.0)
    size = float(market.target_weights[first:last][priced[market.target_columns[first:last]]].sum())
    return ContractError(
        f"the targets of {market.sessions[session - 1]} add up to {size:.6g} of the equity and none is short, so there is no cash to pay for them, "
        "and the engine weights lends none: lower portfolio.max_net, or choose backtest.engine = 'orders'"
    )


def _ledgers(made: ExactLedgers) -> Ledgers:
    """What has happened, as the journal reads it."""
    rows, nothing = made.sessions, np.zeros(len(made.sessions.equity), dtype=np.int64)
    equity = to_cents(rows.equity)
    sessions = SessionLedger(
        cash=equity - rows.value,
        value=rows.value,
        pnl=np.diff(equity, prepend=equity[:1]) + (rows.commission + rows.spread + rows.slippage),
        income=to_cents(rows.income),
        commission=rows.commission,
        spread=rows.spread,
        slippage=rows.slippage,
        financing=nothing,
        traded=rows.traded,
        equity_at_open=to_cents(rows.opened),
        gross=rows.gross,
        n_positions=rows.n_positions,
        n_trades=rows.n_trades,
        n_unfilled=nothing,
        called=np.zeros(len(equity), dtype=np.bool_),
    )
    return new_ledgers(0, 0)._replace(sessions=sessions, trades=made.trades, positions=made.positions)


PLUGIN = Plugin(settings=WeightsEngineSettings, make=WeightsEngine)
