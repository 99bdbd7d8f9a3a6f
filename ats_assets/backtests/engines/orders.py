"""The backtest: targets of one session are traded at the open of the next, by the code that plans and fills paper orders.

For each session, in this order:
1. What is borrowed is paid for, for each calendar day since the close before: shares that are short, and cash below zero (`ats_assets.portfolio.margin`).
2. Corporate actions take effect on what was held over the close before (`ats_assets.portfolio.actions`). An order that was decided in old shares is cancelled.
3. A held symbol that has had no bar for more than `max_missing_sessions` is delisted: its position is closed at its last close less the haircut (a short one
   at its last close plus the haircut), at no further cost. So is one whose ticker another takes over, while it is given none. A change of name is nothing: what is held
   is the instrument.
4. The trades that were planned at the previous close are filled at the open (`ats_assets.portfolio.opening`). A symbol without a bar, or with a bar without
   volume, can't be traded: its order is recorded as unfilled and not carried over, since the next targets decide again.
5. Positions are marked at the close, or at the last close known.
6. The session's targets, less what the brake takes from them after losses (`ats_assets.portfolio.drawdown_brake`), become the trades for the next open (`ats_assets.portfolio.planning`), sized by the closes and the equity at the close, for nobody
   knows the open before it. A symbol without a target has the target zero; a session without any targets is no opinion, and nothing is traded after it. Where the
   account is called for margin, what it holds is cut instead, with or without targets, and nothing is opened.

Limit orders (`orders.kind`) that the open does not fill wait within the session for their limit (`ats_assets.portfolio.limit_orders`); the exits of brackets stand for what is held
(`ats_assets.backtests.played_exits`). Where orders are worked in parts
(`orders.algorithm`, `orders.selection`), these are played from the bars inside the session once its open is over (`ats_assets.portfolio.worked_session`); what is left of
either at the close is unfilled.

The targets of the last session have no open to be traded at. All money is in whole cents (int64), so that cash + positions = equity holds exactly.
Where equity at the close is not positive, no weight has a meaning and nothing more is opened. Cash below zero is a debit, which only short positions can cause.
"""

import numpy as np
from pydantic import Field

from ats_assets.backtests.benchmark import benchmark_column, benchmark_values
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.journal import new_ledgers, result_of
from ats_assets.backtests.ledgers import Ledgers, with_more_room
from ats_assets.backtests.market import read_market
from ats_assets.backtests.market_terms import market_terms
from ats_assets.backtests.simulation import Prices, State, TradingRules, nothing_planned, simulate
from ats_assets.backtests.worked_simulation import simulate_worked
from ats_assets.kernels.weight_limits import Floats
from ats_assets.plugins import Plugin
from ats_assets.portfolio import Account
from ats_assets.portfolio.kernel_settings import brake_rules, cost_rules, limit_rules, margin_rules, weight_rules
from ats_assets.settings import Section

PLAIN_SESSION_SECONDS, PLAIN_TARGET_SECONDS = 3e-4, 3e-5
"""What a session takes where nothing is compiled, and each target weight in it that is not zero."""
LOADING_SECONDS, COMPILING_SECONDS = 1.0, 30.0
"""What it takes to load the kernels from the disk, and to compile them."""


class OrdersEngineSettings(Section):
    """Order by order."""

    compiled: bool | None = Field(
        default=None, description="whether the kernels run compiled; the result is the same to the bit; default: where that is faster"
    )


class OrdersEngine:
    """Whole shares, limits, costs and cash, as orders are traded."""

    keeps_limits: bool = True

    def __init__(self, settings: OrdersEngineSettings) -> None:
        self.settings = settings

    def run(self, inputs: BacktestInputs) -> BacktestResult:
        """See `Engine.run`."""
        ranges, settings = inputs.working is not None and inputs.working.orders.has_limits, inputs.settings
        market = read_market(inputs.targets, inputs.bars, inputs.sessions, inputs.actions, inputs.instruments, ranges=ranges)
        if inputs.targets.is_empty():
            return result_of(market, new_ledgers(0, 0), np.zeros(0))
        prices, weights = market.prices(settings.margin, market_terms(market, settings, inputs.impact)[0]), weight_rules(inputs.portfolio)
        rules = TradingRules(
            weights, limit_rules(inputs.limits), cost_rules(settings), margin_rules(settings.margin), brake_rules(inputs.brake)
        )
        column, exits = benchmark_column(market, settings.benchmark), list[int]()
        if inputs.working is not None:
            ledgers, exits = simulate_worked(market, prices, settings.initial_cash, rules, inputs.working)
            benchmark = benchmark_values(prices, float(settings.initial_cash), column)
        else:
            fast = self.settings.compiled
            fast = _is_faster_compiled(prices, rules, settings.initial_cash, inputs.alike) if fast is None else fast
            ledgers, benchmark = _traded(prices, settings.initial_cash, rules, column, compiled=fast)
        return result_of(market, ledgers, benchmark, equity_only=inputs.equity_only, exits=exits)


def _traded(prices: Prices, initial_cash: float, rules: TradingRules, only: int, *, compiled: bool) -> tuple[Ledgers, Floats]:
    """One pass through the sessions, and the benchmark."""
    n_sessions, n = prices.open.shape
    state, ledgers = _opened(initial_cash, n), new_ledgers(n_sessions, n)
    i, planned = 0, nothing_planned()
    run, value = (simulate.compiled, benchmark_values.compiled) if compiled else (simulate, benchmark_values)
    while i < n_sessions:
        i, planned = run(i, prices, state, planned, rules, ledgers)
        ledgers = ledgers if i == n_sessions else with_more_room(ledgers)
    return ledgers, value(prices, float(initial_cash), only)


def _opened(initial_cash: float, n: int) -> State:
    return State(Account.opened(initial_cash, n).holdings, np.zeros(n, dtype=np.int64))


def _is_faster_compiled(prices: Prices, rules: TradingRules, initial_cash: float, alike: int) -> bool:
    """Whether compiled code takes less time, as a rule: to load it takes longer than small backtests do, and to compile it than large ones."""
    seconds = alike * (PLAIN_SESSION_SECONDS * len(prices.open) + PLAIN_TARGET_SECONDS * np.count_nonzero(prices.target_weights))
    if seconds < LOADING_SECONDS:
        return False
    n_sessions, n = prices.open.shape
    of = (0, prices, _opened(initial_cash, n), nothing_planned(), rules, new_ledgers(n_sessions, n))
    return seconds > COMPILING_SECONDS or simulate.is_compiled(*of)


PLUGIN = Plugin(settings=OrdersEngineSettings, make=OrdersEngine)
