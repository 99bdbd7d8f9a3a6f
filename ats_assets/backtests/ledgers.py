"""What a backtest writes down while it goes through the sessions, as kernels have it; money in cents."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.account import Indices, TradeLedger
from ats_assets.portfolio.costs import Cents
from ats_assets.portfolio.opening import UnfilledLedger

_Table = TypeVar("_Table", bound=tuple[Any, ...])


class SessionLedger(NamedTuple):
    """By session, arrays of shape (n_sessions,)."""

    cash: Cents
    value: Cents
    pnl: Cents
    income: Cents
    commission: Cents
    spread: Cents
    slippage: Cents
    financing: Cents
    traded: Cents
    equity_at_open: Cents
    gross: Floats
    n_positions: NDArray[np.int64]
    n_trades: NDArray[np.int64]
    n_unfilled: NDArray[np.int64]
    called: Booleans


class PositionLedger(NamedTuple):
    """What is held at each close, arrays of which the first `used` rows, of shape (1,), are filled."""

    used: NDArray[np.int64]
    session: NDArray[np.int64]
    at: Indices
    shares: Floats
    price: Floats
    value: Cents
    basis: Cents
    weight: Floats
    missing: NDArray[np.int64]


class Ledgers(NamedTuple):
    """What happened; the last three are columns of `unfilled`."""

    sessions: SessionLedger
    trades: TradeLedger
    positions: PositionLedger
    unfilled: UnfilledLedger
    unfilled_session: NDArray[np.int64]
    unfilled_current: Floats
    unfilled_target: Floats


def with_more_room(ledgers: Ledgers) -> Ledgers:
    """The same ledgers with twice the room."""
    return Ledgers(
        sessions=ledgers.sessions,
        trades=_longer(ledgers.trades),
        positions=_longer(ledgers.positions),
        unfilled=_longer(ledgers.unfilled),
        unfilled_session=np.resize(ledgers.unfilled_session, 2 * len(ledgers.unfilled_session)),
        unfilled_current=np.resize(ledgers.unfilled_current, 2 * len(ledgers.unfilled_current)),
        unfilled_target=np.resize(ledgers.unfilled_target, 2 * len(ledgers.unfilled_target)),
    )


def _longer(ledger: _Table) -> _Table:
    table: Any = ledger
    return table._make(column if len(column) == 1 else np.resize(column, 2 * len(column)) for column in ledger)
