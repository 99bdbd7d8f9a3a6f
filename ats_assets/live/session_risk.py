"""Risk inside a session, by the functions of the backtest and of the plan: the brake on the account's own losses, the risk rules on what is held, the limits on each order.

A breach is what these functions would not have let the close before begin with: the brake's floor reached (`max_drawdown`, or a session's loss of `max_session_loss`), or a rule of
`[live.rules]` that would cut a weight which is held. What the brake takes little by little is left to the next plan.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from ats_assets.algorithms.algorithm import Parent
from ats_assets.algorithms.order_words import Leg, Side
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.session_state import LiveState
from ats_assets.portfolio.drawdown_brake import exposure_factor
from ats_assets.portfolio.kernel_settings import brake_rules
from ats_assets.portfolio.order_limits import limited_trades
from ats_assets.risk.rule import PROPOSED_SCHEMA, ruled

_STEP = 1.0 - 1e-12


@dataclass(frozen=True, kw_only=True)
class RiskFigures:
    """The book at an instant. Money is in currency, what has `share` in its name is a share of equity.

    Attributes
    ----------
    profit
        Since the last close: the change of equity.
    exposure
        That the brake would leave of targets now.
    unpriced
        Symbols that are held and have no price: their value is not in the figures.
    """

    equity: float
    cash: float
    profit: float
    gross_share: float
    net_share: float
    largest_share: float
    largest_symbol: str | None
    positions: int
    exposure: float
    unpriced: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """As a decision has it."""
        return asdict(self) | {"unpriced": list(self.unpriced)}


def risk_figures(state: LiveState, rules: LiveRules) -> RiskFigures | None:
    """The figures; None while the account is not known, or has nothing."""
    account = state.account
    if account is None:
        return None
    priced = {symbol: state.price_of(symbol) for symbol, shares in sorted(account.positions.items()) if shares}
    values = {symbol: account.positions[symbol] * price for symbol, price in priced.items() if price is not None}
    equity = account.cash + sum(values.values())
    if equity <= 0.0 and not values:
        return None
    before, largest = state.begun.equities, max(values, key=lambda symbol: abs(values[symbol]), default=None)
    scale = 1.0 / equity if equity > 0.0 else 0.0
    return RiskFigures(
        equity=equity,
        cash=account.cash,
        profit=equity - before[-1] if before else 0.0,
        gross_share=sum(map(abs, values.values())) * scale,
        net_share=sum(values.values()) * scale,
        largest_share=abs(values[largest]) * scale if largest else 0.0,
        largest_symbol=largest,
        positions=len(values),
        exposure=_exposure(state, equity, rules),
        unpriced=tuple(symbol for symbol, price in priced.items() if price is None),
    )


def breach(state: LiveState, figures: RiskFigures, rules: LiveRules) -> str | None:
    """The limit that is broken, with its figures; None where none is."""
    if figures.equity <= 0.0:
        return f"equity is {figures.equity:,.2f}, not above zero"
    if why := _braked(state, figures, rules):
        return why
    if not rules.risk_rules or state.account is None:
        return None
    prices = {symbol: state.price_of(symbol) for symbol in state.account.positions}
    rows = [
        (symbol, state.session, shares * price / figures.equity)
        for symbol, shares in sorted(state.account.positions.items())
        if shares and (price := prices[symbol]) is not None
    ]
    held = pl.DataFrame(rows, schema=PROPOSED_SCHEMA, orient="row")
    for name, rule in rules.risk_rules.items():
        allowed = ruled(name, held, rule.apply(held, {}, [state.session], [state.session]))
        cut = allowed.filter(pl.col("reason").is_not_null())
        if not cut.is_empty():
            symbol, reason = cut.select("symbol", "reason").row(0)
            return f"{symbol}: {reason}"
    return None


def allowed_quantity(state: LiveState, parent: Parent, quantity: Decimal, rules: LiveRules) -> tuple[Decimal, str | None]:
    """How much of an order `orders.limits` allow at the prices of now, and the limit that cuts it: the same function as for the plan, which judged by the close before.

    An order that closes a position is never cut.
    """
    price, figures = state.price_of(parent.symbol), risk_figures(state, rules)
    if parent.leg is not Leg.OPEN or price is None or figures is None or state.account is None:
        return quantity, None
    symbols = sorted({parent.symbol, *state.account.positions})
    prices = np.array([state.price_of(symbol) or np.nan for symbol in symbols])
    known = np.isfinite(prices)
    place = symbols.index(parent.symbol)
    held = np.array([state.account.positions.get(symbol, 0.0) for symbol in symbols])
    wanted = np.zeros(len(symbols))
    wanted[place] = parent.side.sign * float(quantity)
    made = limited_trades(
        wanted[known],
        held=held[known],
        prices=prices[known],
        equity=max(figures.equity, 1e-9),
        limits=rules.limits,
        fractional=rules.fractional,
    )
    i = int(known[:place].sum())
    most = parent.on_quantity_grid(Decimal(repr(abs(float(made.shares[i])))))
    return (quantity, None) if most >= quantity else (most, f"limit_{made.cut_by[i]}")


def closing_orders(state: LiveState) -> Mapping[str, tuple[Side, Decimal]]:
    """What would close every position, by symbol: side and shares."""
    held = {} if state.account is None else state.account.positions
    return {
        symbol: (Side.SELL if shares > 0 else Side.BUY, Decimal(repr(abs(shares)))) for symbol, shares in sorted(held.items()) if shares
    }


def _exposure(state: LiveState, equity: float, rules: LiveRules) -> float:
    return float(exposure_factor(*_closes(state, equity), brake_rules(rules.brake)))


def _braked(state: LiveState, figures: RiskFigures, rules: LiveRules) -> str | None:
    """Whether the brake is at its floor now, and was not at the close before."""
    if not rules.brake.is_on or not state.begun.equities:
        return None
    stepped = brake_rules(rules.brake)
    stepped = stepped._replace(brake_from=stepped.max_drawdown * _STEP)
    begun = state.begun
    before = exposure_factor(np.array(begun.equities), np.array(begun.paid_in), stepped)
    now = exposure_factor(*_closes(state, figures.equity), stepped)
    if now >= before:
        return None
    loss = -figures.profit / begun.equities[-1]
    return f"orders.brake leaves {now:.0%} of the targets, {before:.0%} at the close before: the session has lost {loss:.2%} of equity ({-figures.profit:,.2f})"


def _closes(state: LiveState, equity: float) -> tuple[np.ndarray, np.ndarray]:
    begun = state.begun
    return np.array([*begun.equities, equity]), np.array([*begun.paid_in, 0.0])
