"""Trades as columns, for engines that know what is held before and after each session: the legs between the two, and sums of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import Indices, TradeLedger
from ats_assets.portfolio.costs import Cents, to_cents

Columns = dict[str, NDArray[Any]]


def traded_legs(  # noqa: PLR0917 - arrays by position, as kernels take them
    i: int, held: Floats, shares: Floats, prices: Floats, basis: Cents, costs_of: Callable[[Cents, Indices], dict[str, Cents]]
) -> list[Columns]:
    """The trades of session `i` from `held` to `shares`, as columns of `TradeLedger`: sells before buys, and of either what closes before what opens.

    Parameters
    ----------
    held, shares, prices, basis
        ndarrays of shape (n_instruments,). A closing trade takes its part of the basis along, an opening one adds to it: `basis` is changed where it stands.
    costs_of
        Commission, spread and slippage, in cents, of the notionals of some instruments.
    """
    before, after, stays = np.abs(held), np.abs(shares), np.sign(held) == np.sign(shares)
    closed = np.where(stays, np.maximum(before - after, 0.0), before)
    opened = np.where(stays, np.maximum(after - before, 0.0), after)
    legs = []
    for traded, sign, closing in (
        (np.where(held > 0.0, closed, 0.0), -1, True),
        (np.where(shares < 0.0, opened, 0.0), -1, False),
        (np.where(held < 0.0, closed, 0.0), 1, True),
        (np.where(shares > 0.0, opened, 0.0), 1, False),
    ):
        at = np.flatnonzero(traded)
        notional = to_cents(traded[at] * prices[at])
        costs = costs_of(notional, at)
        flow = -sign * notional - sum(costs.values())
        if closing:
            part = np.where(traded[at] == before[at], basis[at], np.rint(basis[at] * traded[at] / before[at])).astype(np.int64)
            basis[at] -= part
        else:
            part = flow
            basis[at] -= flow
        kind = {"sign": sign, "closing": closing, "delisted": False, "session": i}
        columns: Columns = {name: np.full(len(at), value) for name, value in kind.items()}
        columns |= {"at": at, "shares": traded[at], "reference": prices[at], "notional": notional}
        legs.append(columns | costs | {"cash_flow": flow, "realised": flow - part})
    return legs


def joined_columns(parts: list[Columns]) -> Columns:
    """The columns of all, one after the other."""
    if not parts:
        return {name: np.zeros(0, dtype=np.int64) for name in TradeLedger._fields[1:]}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def sums(n: int, columns: Columns, name: str) -> Cents:
    """By session, of shape (n_sessions,)."""
    total = np.zeros(n, dtype=np.int64)
    np.add.at(total, columns["session"], columns[name])
    return total
