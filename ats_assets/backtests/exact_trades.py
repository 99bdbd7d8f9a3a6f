"""The trades that bring an account to target weights exactly, and what they cost, as kernels of one session."""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import NamedTuple

import numpy as np

from ats_assets.impact.impact_terms import ImpactTerms, moved_bps
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import TradeLedger
from ats_assets.portfolio.costs import Cents

SMALLEST_TRADE = 0.005
"""In currency: a change of value below half a cent is no trade, unless it ends the position."""
TURNS = 50
"""Of Newton's method, which mostly needs two or three."""


class ExactRules(NamedTuple):
    """Of the settings, in basis points of what is traded."""

    commission_bps: float
    half_spread_bps: float
    slippage_bps: float
    modelled: bool
    """Whether half spread and slippage are a model's, which the terms of the market have, in place of the two above."""
    at_open: bool
    """Whether targets are traded at the next open, or at the very close at which they were decided."""


class ExactBuffers(NamedTuple):
    """What is worked out for one session, arrays of shape (n_instruments,) that each session writes anew."""

    price: Floats
    """Of a share, at the open."""
    target: Floats
    held: Floats
    """Value, in currency."""
    after: Floats
    """Shares."""
    closed: Floats
    """Shares of a trade that makes a position smaller or ends it."""
    opened: Floats
    """Shares of a trade that begins a position or makes it larger; one that turns a position around is both."""
    half_spread: Floats
    slippage: Floats
    size: Floats
    """For a sum that is being made."""
    pull: Floats
    """Likewise."""


def new_exact_buffers(n_instruments: int) -> ExactBuffers:
    """One to write to."""
    return ExactBuffers(*(np.zeros(n_instruments) for _ in ExactBuffers._fields))


@kernel
def costs_left(equity: float, rate: float, rules: ExactRules, terms: ImpactTerms, buffers: ExactBuffers) -> float:
    """What costs leave of the equity, where they depend on what is traded and that on what they leave: x + rate * sum of |target * x - held| = equity.

    The left side is convex and made of straight pieces, so from the right Newton's method comes to the solution itself, however high the rate. There is none where to
    end all positions costs more than the equity; then nothing is left to hold. A model's costs are added to it: they are convex in what is traded, too.
    """
    left = equity
    for _ in range(TURNS):
        for j in range(len(buffers.target)):
            change = buffers.target[j] * left - buffers.held[j]
            buffers.size[j] = abs(change)
            buffers.pull[j] = buffers.target[j] if change > 0.0 else (-buffers.target[j] if change < 0.0 else 0.0)
        beyond = left + rate * total(buffers.size) - equity
        slope = 1.0 + rate * total(buffers.pull)
        if rules.modelled:
            for j in range(len(buffers.target)):
                paid, added = _model_bps(buffers.size[j], j, terms)
                buffers.size[j] *= terms.spread_bps[j] / 2.0 + paid
                buffers.pull[j] *= terms.spread_bps[j] / 2.0 + added
            beyond += total(buffers.size) / 1e4
            slope += total(buffers.pull) / 1e4
        if slope <= 0.0 or beyond <= 0.0:
            break
        before = left
        left -= beyond / slope
        if left == before:
            break
    return max(0.0, left)


@kernel
def _model_bps(value: float, at: int, terms: ImpactTerms) -> tuple[float, float]:
    """Slippage of a trade of some value, and of what is added to it; `ats_assets.impact.impact_terms.rates_bps` for one symbol."""
    participation = value / terms.dollar_volume[at]
    permanent, temporary = terms.permanent_power, terms.temporary_power
    moved = moved_bps(participation, terms.permanent_bps[at], permanent, terms.temporary_bps[at], temporary)
    added = moved_bps(
        participation, (1.0 + permanent) * terms.permanent_bps[at], permanent, (1.0 + temporary) * terms.temporary_bps[at], temporary
    )
    return terms.fixed_bps[at] + moved, terms.fixed_bps[at] + added


@kernel
def resize(
    invested: float, rate: float, prices: Floats, shares: Floats, rules: ExactRules, terms: ImpactTerms, buffers: ExactBuffers
) -> tuple[float, float]:
    """The shares after the session's trades, and the legs to them. Returns what the trades bring, commission paid, and what a model says they cost, in currency."""
    moved = 0
    for j in range(len(shares)):  # loops over few arrays each, which the compiler can show to be apart, and vectorises
        wanted = buffers.target[j] * invested
        sold = buffers.held[j] - wanted
        trades = abs(sold) >= SMALLEST_TRADE or (buffers.target[j] == 0.0 and shares[j] != 0.0)
        exact = wanted / prices[j] if buffers.target[j] != 0.0 else 0.0
        buffers.after[j] = exact if trades else shares[j]
        buffers.pull[j] = sold
        moved += trades
    for j in range(len(shares)):
        buffers.size[j] = abs(buffers.pull[j])
    if moved < len(shares):
        _leave_out_small(shares, buffers)
    left = total(buffers.pull[:moved]) - rate * total(buffers.size[:moved])
    for j in range(len(shares)):
        before, after = shares[j], buffers.after[j]
        grown = abs(after) - abs(before)
        stays = (before > 0.0) == (after > 0.0) and (before < 0.0) == (after < 0.0)
        buffers.closed[j] = max(0.0, -grown) if stays else abs(before)
        buffers.opened[j] = max(0.0, grown) if stays else abs(after)
    return left, _model_costs(invested, shares, terms, buffers) if rules.modelled else 0.0


@kernel
def _leave_out_small(shares: Floats, buffers: ExactBuffers) -> None:
    """Those that trade come first among `pull` and `size`."""
    k = 0
    for j in range(len(shares)):
        if buffers.size[j] >= SMALLEST_TRADE or (buffers.target[j] == 0.0 and shares[j] != 0.0):
            buffers.pull[k], buffers.size[k] = buffers.pull[j], buffers.size[j]
            k += 1


@kernel
def _model_costs(invested: float, shares: Floats, terms: ImpactTerms, buffers: ExactBuffers) -> float:
    """In currency; the rates of each trade are left on the buffers."""
    moved = 0
    for j in range(len(shares)):
        value = abs(buffers.target[j] * invested - buffers.held[j])
        buffers.half_spread[j] = terms.spread_bps[j] / 2.0
        buffers.slippage[j] = _model_bps(value, j, terms)[0]
        if value >= SMALLEST_TRADE or (buffers.target[j] == 0.0 and shares[j] != 0.0):
            buffers.size[moved] = value * (buffers.half_spread[j] + buffers.slippage[j])
            moved += 1
    return total(buffers.size[:moved]) / 1e4


@kernel
def trade_totals(prices: Floats, rules: ExactRules, buffers: ExactBuffers) -> tuple[int, int, int, int, int]:
    """Of the session's trades: how many, and the sums of their notional, commission, spread and slippage, in cents."""
    n, turned = 0, 0
    for j in range(len(prices)):
        traded = buffers.closed[j] + buffers.opened[j] * (
            buffers.closed[j] == 0.0
        )  # without a branch between loads, which keeps it from being vectorised
        buffers.size[j] = np.rint(traded * prices[j] * 100.0) if traded != 0.0 else 0.0
        n += traded != 0.0
        turned += buffers.closed[j] != 0.0 and buffers.opened[j] != 0.0
    notional, commission, spread, slippage = _leg_totals(rules, buffers)
    if turned:  # two trades each, of which the one above has closed
        for j in range(len(prices)):
            buffers.size[j] = (
                np.rint(buffers.opened[j] * prices[j] * 100.0) if buffers.closed[j] != 0.0 and buffers.opened[j] != 0.0 else 0.0
            )
        more = _leg_totals(rules, buffers)
        return n + turned, notional + more[0], commission + more[1], spread + more[2], slippage + more[3]
    return n, notional, commission, spread, slippage


@kernel
def _leg_totals(rules: ExactRules, buffers: ExactBuffers) -> tuple[int, int, int, int]:
    """The sums of the notionals on the buffers, in cents, and of what they cost, each rounded by itself."""
    notional = total(buffers.size)
    for j in range(len(buffers.size)):
        buffers.pull[j] = np.rint(buffers.size[j] * rules.commission_bps / 1e4)
    commission = total(buffers.pull)
    for j in range(len(buffers.size)):
        buffers.pull[j] = np.rint(buffers.size[j] * buffers.half_spread[j] / 1e4)
    spread = total(buffers.pull)
    for j in range(len(buffers.size)):
        buffers.pull[j] = np.rint(buffers.size[j] * buffers.slippage[j] / 1e4)
    return int(notional), int(commission), int(spread), int(total(buffers.pull))


@kernel
def write_legs(i: int, prices: Floats, shares: Floats, basis: Cents, rules: ExactRules, buffers: ExactBuffers, trades: TradeLedger) -> None:
    """The trades of session `i` from `shares` on: sells before buys, and of either what closes before what opens.

    A closing trade takes its part of the basis along, an opening one adds to it: `basis` is changed where it stands.
    """
    for leg in range(4):
        sign, closing = -1 if leg < 2 else 1, leg % 2 == 0
        traded = buffers.closed if closing else buffers.opened
        for j in range(len(shares)):
            stands = shares[j] if closing else buffers.after[j]
            if traded[j] != 0.0 and (stands > 0.0) == (closing == (sign < 0)):
                _write_trade(i, j, sign, closing, traded[j], prices[j], shares[j], basis, rules, buffers, trades)


@kernel
def _write_trade(
    i: int,
    j: int,
    sign: int,
    closing: bool,
    traded: float,
    price: float,
    held: float,
    basis: Cents,
    rules: ExactRules,
    buffers: ExactBuffers,
    trades: TradeLedger,
) -> None:
    notional = np.rint(traded * price * 100.0)
    commission = int(np.rint(notional * rules.commission_bps / 1e4))
    spread, slippage = int(np.rint(notional * buffers.half_spread[j] / 1e4)), int(np.rint(notional * buffers.slippage[j] / 1e4))
    flow = -sign * int(notional) - (commission + spread + slippage)
    part = flow
    if closing:
        part = basis[j] if traded == abs(held) else int(np.rint(basis[j] * traded / abs(held)))
    basis[j] -= part
    k = trades.used[0]
    trades.session[k], trades.at[k], trades.sign[k], trades.closing[k] = i, j, sign, closing
    trades.shares[k], trades.reference[k], trades.notional[k] = traded, price, int(notional)
    trades.commission[k], trades.spread[k], trades.slippage[k] = commission, spread, slippage
    trades.cash_flow[k], trades.realised[k] = flow, flow - part
    trades.used[0] = k + 1
