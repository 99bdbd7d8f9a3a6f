"""Execution: orders are sent to a broker exactly once, and their results are recorded and reconciled."""

from ats_assets.execution.broker import (
    Broker,
    BrokerError,
    DuplicateOrderError,
    KeysRefusedError,
    NotSentError,
    OrderRejectedError,
    OutcomeUnknownError,
)
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.lease import HeldLease, break_lease
from ats_assets.execution.order import (
    AccountEntry,
    AccountState,
    BrokerOrder,
    EntryKind,
    Fill,
    ForeignOrder,
    Instrument,
    Leg,
    OrderIntent,
    OrderKind,
    OrderStatus,
    Position,
    Side,
    client_order_id,
)
from ats_assets.execution.outcome import (
    AccountMismatchError,
    Difference,
    DifferenceKind,
    Execution,
    ExecutorBusyError,
    Halt,
    IntentState,
    LeaseLostError,
    OrderOutcome,
    Settlement,
)
from ats_assets.execution.watching import WakeSignal, WatchIntervals, watch
from ats_assets.trade_state.kill_switch import KillSwitch

__all__ = [
    "AccountEntry",
    "AccountMismatchError",
    "AccountState",
    "Broker",
    "BrokerError",
    "BrokerOrder",
    "Clock",
    "Difference",
    "DifferenceKind",
    "DuplicateOrderError",
    "EntryKind",
    "Execution",
    "Executor",
    "ExecutorBusyError",
    "Fill",
    "ForeignOrder",
    "Halt",
    "HeldLease",
    "Instrument",
    "IntentState",
    "KeysRefusedError",
    "KillSwitch",
    "LeaseLostError",
    "Leg",
    "NotSentError",
    "OrderIntent",
    "OrderKind",
    "OrderOutcome",
    "OrderRejectedError",
    "OrderStatus",
    "OutcomeUnknownError",
    "Position",
    "Settlement",
    "Side",
    "SystemClock",
    "Timeouts",
    "WakeSignal",
    "WatchIntervals",
    "break_lease",
    "client_order_id",
    "watch",
]
