"""Portfolio construction, shared by backtests and orders: scores to weights, limits, rebalancing, sizes in shares, costs."""

from ats_assets.kernels.weight_limits import cap_weights, holds, limit_gross, limit_net, within_limits
from ats_assets.portfolio.account import Account, TradeBatch
from ats_assets.portfolio.actions import CANCELLED, ActionsApplied, apply_actions, counted_payment, price_after, session_actions
from ats_assets.portfolio.costs import TradeCosts, fill_price, notional_cents, to_cents, trade_costs
from ats_assets.portfolio.margin import borrow_fees, borrow_rates, called_for_margin, debit_interest
from ats_assets.portfolio.method import Method
from ats_assets.portfolio.opening import UnfilledBatch, close_delisted, fill_at_open
from ats_assets.portfolio.order_limits import LimitedTrades, limited_trades
from ats_assets.portfolio.planning import TRADE_REASONS, TradePlan, plan_trades
from ats_assets.portfolio.rebalance import desired_weights, wants_trade
from ats_assets.portfolio.sizing import SHARE_DECIMALS, affordable_shares, round_down, shares_to_hold
from ats_assets.portfolio.weights import score_ranks, target_weights

__all__ = [
    "CANCELLED",
    "SHARE_DECIMALS",
    "TRADE_REASONS",
    "Account",
    "ActionsApplied",
    "LimitedTrades",
    "Method",
    "TradeBatch",
    "TradeCosts",
    "TradePlan",
    "UnfilledBatch",
    "affordable_shares",
    "apply_actions",
    "borrow_fees",
    "borrow_rates",
    "called_for_margin",
    "cap_weights",
    "close_delisted",
    "counted_payment",
    "debit_interest",
    "desired_weights",
    "fill_at_open",
    "fill_price",
    "holds",
    "limit_gross",
    "limit_net",
    "limited_trades",
    "notional_cents",
    "plan_trades",
    "price_after",
    "round_down",
    "score_ranks",
    "session_actions",
    "shares_to_hold",
    "target_weights",
    "to_cents",
    "trade_costs",
    "wants_trade",
    "within_limits",
]
