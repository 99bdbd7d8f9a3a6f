"""The quick look at weights: what the targets themselves would have earned, less costs in proportion to what is traded.

At each rebalancing the account is brought to exactly the target weights, whatever it takes:

1. `returns = "open_to_open"`: the targets of a session are traded at the open of the next one, as signals are. `"close_to_close"`: at the very close at which they were decided,
   which nobody can do: an upper bound for what is decided on closes. The trades then count to the next session, whose return is the first that they earn.
2. What is paid: commission, half of the spread, and slippage, each in basis points of what is traded; with a model of impact those of slippage grow with the trade
   (`ats_assets.impact.impact_terms`). The weights are of the equity after these costs.
3. Between two rebalancings positions drift with their prices. A session without targets is no opinion, and nothing is traded. Payments stay in cash until the next targets,
   ratios make more or fewer shares.

Left out, on purpose: lots (any fraction of a share can be held, long or short), the limits on weights, turnover and orders, the no-trade band, what a minimum commission adds, volume
and participation, halts (a symbol without a bar trades at its last close), the haircut of a delisting, interest on cash, what borrowing costs, and margin. Cash is what the weights
leave. So it says what the signal is worth, and the engine `orders` what an account would have made of it. Where there are no costs and limits, nothing is short,
shares are fractional, all symbols trade at all sessions, and each opens where it closed, both come to the same.

Accounts are in floats, shown in whole cents: what rounding leaves is in `pnl`. The value of a position is rounded toward zero.
"""

from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from ats_assets.backtests.benchmark import benchmark_column, benchmark_values
from ats_assets.backtests.engine import BacktestInputs, BacktestResult
from ats_assets.backtests.journal import new_ledgers, result_of
from ats_assets.backtests.ledgers import Ledgers, PositionLedger, SessionLedger
from ats_assets.backtests.market import Market, read_market
from ats_assets.backtests.market_terms import market_terms
from ats_assets.backtests.simulation import marks_at
from ats_assets.backtests.trade_columns import Columns, joined_columns, sums, traded_legs
from ats_assets.errors import ContractError
from ats_assets.impact.impact_terms import ImpactTerms, rates_bps, terms_at
from ats_assets.kernels.weight_limits import Floats
from ats_assets.plugins import Plugin
from ats_assets.portfolio.account import Indices, TradeLedger
from ats_assets.portfolio.costs import Cents, to_cents
from ats_assets.settings import BacktestSettings, Section

SMALLEST_TRADE = 0.005
"""In currency: a change of value below half a cent is no trade, unless it ends the position."""
TURNS = 50
"""Of Newton's method, which mostly needs two or three."""
ROUNDING = 1e-9
"""Of a sum of weights."""


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
        terms = market_terms(market, settings, inputs.impact)[0]
        prices = market.prices(settings.margin, terms)
        book = _Book(market, settings, None if inputs.impact is None else terms)
        for i in range(len(market.sessions)):
            book.pass_session(i, marks_at(i, prices), at_open=self.settings.returns == "open_to_open")
        only = benchmark_column(market, settings.benchmark)
        return result_of(market, book.ledgers(), benchmark_values(prices, float(settings.initial_cash), only))


class _SessionRow(NamedTuple):
    """Money of a session, in currency."""

    equity: float
    equity_at_open: float
    income: float


class _Book:
    """What is held, arrays of shape (n_instruments,), and what has happened so far."""

    def __init__(self, market: Market, settings: BacktestSettings, terms: ImpactTerms | None) -> None:
        n = len(market.instruments)
        self._market, self._settings, self._terms = market, settings, terms
        self._shares, self._cash = np.zeros(n), float(settings.initial_cash)
        self._basis, self._missing = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._sessions: list[_SessionRow] = []
        self._trades: list[Columns] = []
        self._positions: list[Columns] = []

    def pass_session(self, i: int, marks: Floats, *, at_open: bool) -> None:
        """Trade the targets of the session before, at the open (`marks`) or at the close before it, and mark at the close."""
        market, opened, income = self._market, self._cash, 0.0
        if i and not at_open:
            opened = self._equity(market.last_close[i - 1])
            self._rebalance(i, market.last_close[i - 1])
        if i:
            income = _value(self._shares, market.paid[i])
            self._shares, self._cash = self._shares * market.ratio[i], self._cash + income
        if i and at_open:
            opened = self._equity(marks)
            self._rebalance(i, marks)
        self._missing = np.where(np.isnan(market.open[i]), self._missing + 1, 0)
        self._sessions.append(_SessionRow(self._equity(market.last_close[i]), opened, income))
        at = np.flatnonzero(self._shares)
        price, held = market.last_close[i, at], self._shares[at]
        value = np.trunc(held * price * 100.0 + np.sign(held) * 1e-6).astype(np.int64)
        columns: Columns = {"session": np.full(len(at), i), "at": at, "shares": held, "price": price, "value": value}
        self._positions.append(columns | {"basis": self._basis[at], "missing": self._missing[at]})

    def _equity(self, prices: Floats) -> float:
        return self._cash + _value(self._shares, prices)

    def _rebalance(self, i: int, prices: Floats) -> None:
        """Bring the account to the targets of the session before `i`; where there are none, or no equity, leave it."""
        market, equity = self._market, self._equity(prices)
        first, last = market.target_bounds[i - 1], market.target_bounds[i]
        if first == last or equity <= 0.0:
            return
        target = np.zeros(len(prices))
        target[market.target_columns[first:last]] = market.target_weights[first:last]
        target[~(prices > 0.0)] = 0.0  # NaN is not: it has had no bar yet
        target = _paid_for(target, i, market)
        held, settings = np.where(self._shares != 0.0, self._shares * prices, 0.0), self._settings
        rate = (settings.commission_bps + settings.spread_bps / 2 + settings.slippage_bps) / 1e4
        terms = None if self._terms is None else terms_at(self._terms, i)
        if terms is not None:
            rate = settings.commission_bps / 1e4
        invested = _left(equity, target, held, rate, terms)
        wanted = target * invested
        ended = (target == 0.0) & (self._shares != 0.0)
        moved = (np.abs(wanted - held) >= SMALLEST_TRADE) | ended
        shares = np.where(moved, np.divide(wanted, prices, out=np.zeros_like(wanted), where=target != 0.0), self._shares)
        of_trades = None if terms is None else rates_bps(np.abs(wanted - held), terms)
        rates = None if terms is None or of_trades is None else (terms.spread_bps / 2.0, of_trades[0])

        def costs_of(notional: Cents, at: Indices) -> dict[str, Cents]:
            return _costs(notional, settings, None if rates is None else (rates[0][at], rates[1][at]))

        self._trades += traded_legs(i, self._shares, shares, prices, self._basis, costs_of)
        sold = (held - wanted)[moved]
        self._cash += float(sold.sum()) - rate * float(np.abs(sold).sum())
        if terms is not None and of_trades is not None:
            self._cash -= float((np.abs(wanted - held) * (terms.spread_bps / 2.0 + of_trades[0]))[moved].sum()) / 1e4
        self._shares = shares

    def ledgers(self) -> Ledgers:
        """What has happened, as the journal reads it."""
        n, trades, positions = len(self._sessions), joined_columns(self._trades), joined_columns(self._positions)
        equity, opened, income = (to_cents(column) for column in zip(*self._sessions, strict=True))
        value, spent = sums(n, positions, "value"), {name: sums(n, trades, name) for name in ("commission", "spread", "slippage")}
        whole = equity[positions["session"]]
        weight = np.where(whole > 0, positions["value"] / np.where(whole > 0, whole, 1), np.nan)
        sessions = SessionLedger(
            cash=equity - value,
            value=value,
            pnl=np.diff(equity, prepend=equity[:1]) + sum(spent.values()),
            income=income,
            financing=np.zeros(n, dtype=np.int64),
            traded=sums(n, trades, "notional"),
            equity_at_open=opened,
            gross=np.bincount(positions["session"], np.abs(np.nan_to_num(weight)), n).astype(np.float64),
            n_positions=np.bincount(positions["session"], minlength=n),
            n_trades=np.bincount(trades["session"], minlength=n),
            n_unfilled=np.zeros(n, dtype=np.int64),
            called=np.zeros(n, dtype=np.bool_),
            **spent,
        )
        return new_ledgers(0, 0)._replace(
            sessions=sessions,
            trades=TradeLedger(used=np.array([len(trades["at"])]), **trades),
            positions=PositionLedger(used=np.array([len(positions["at"])]), weight=weight, **positions),
        )


def _value(shares: Floats, prices: Floats) -> float:
    """Of what is held; the prices of all else may be NaN."""
    return float(np.where(shares != 0.0, shares * prices, 0.0).sum())


def _left(equity: float, target: Floats, held: Floats, rate: float, terms: ImpactTerms | None) -> float:
    """What costs leave of the equity, where they depend on what is traded and that on what they leave: x + rate * sum of |target * x - held| = equity.

    The left side is convex and made of straight pieces, so from the right Newton's method comes to the solution itself, however high the rate. There is none where to
    end all positions costs more than the equity; then nothing is left to hold. A model's costs are added to it: they are convex in what is traded, too.
    """
    left = equity
    for _ in range(TURNS):
        change = target * left - held
        beyond = left + rate * float(np.abs(change).sum()) - equity
        slope = 1.0 + rate * float((target * np.sign(change)).sum())
        if terms is not None:
            slippage, marginal = rates_bps(np.abs(change), terms)
            beyond += float((np.abs(change) * (terms.spread_bps / 2.0 + slippage)).sum()) / 1e4
            slope += float((target * np.sign(change) * (terms.spread_bps / 2.0 + marginal)).sum()) / 1e4
        if slope <= 0.0 or beyond <= 0.0:
            break
        before, left = left, left - beyond / slope
        if left == before:
            break
    return max(0.0, left)


def _paid_for(target: Floats, i: int, market: Market) -> Floats:
    """The targets, refused where the equity does not pay for them."""
    size = float(target.sum())
    if size <= 1.0 or (target < 0.0).any():
        return target
    if size > 1.0 + ROUNDING:
        raise ContractError(
            f"the targets of {market.sessions[i - 1]} add up to {size:.6g} of the equity and none is short, so there is no cash to pay for them, "
            "and the engine weights lends none: lower portfolio.max_net, or choose backtest.engine = 'orders'"
        )
    return target / size


def _costs(notional: Cents, settings: BacktestSettings, of_model: tuple[Floats, Floats] | None) -> dict[str, Cents]:
    """Of trades, in cents, each in proportion; half spread and slippage are a model's, where there is one."""
    spread, slippage = (settings.spread_bps / 2, settings.slippage_bps) if of_model is None else of_model
    rates: dict[str, float | Floats] = {"commission": settings.commission_bps, "spread": spread, "slippage": slippage}
    return {name: np.rint(notional * bps / 1e4).astype(np.int64) for name, bps in rates.items()}


PLUGIN = Plugin(settings=WeightsEngineSettings, make=WeightsEngine)
