"""Orders: from signals to a broker, exactly once, and what came of them."""

from ats_assets.orders.alpaca_broker import AlpacaBroker
from ats_assets.orders.broker import (
    Broker,
    BrokerError,
    DuplicateOrderError,
    KeysRefusedError,
    NotSentError,
    OrderRejectedError,
    OutcomeUnknownError,
)
from ats_assets.orders.clock import Clock, SystemClock
from ats_assets.orders.executor import Executor
from ats_assets.orders.kill_switch import KillSwitch
from ats_assets.orders.lease import HeldLease, break_lease
from ats_assets.orders.order import (
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
from ats_assets.orders.outcome import (
    AccountMismatchError,
    Difference,
    DifferenceKind,
    Execution,
    ExecutorBusyError,
    Halt,
    IntentState,
    LeaseLostError,
    Outcome,
    Settlement,
)
from ats_assets.orders.shift import AlertSink, Patience
from ats_assets.orders.watching import Bell, Pace, watch

__all__ = [
    "AccountEntry",
    "AccountMismatchError",
    "AccountState",
    "AlertSink",
    "AlpacaBroker",
    "Bell",
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
    "OrderRejectedError",
    "OrderStatus",
    "Outcome",
    "OutcomeUnknownError",
    "Pace",
    "Patience",
    "Position",
    "Settlement",
    "Side",
    "SystemClock",
    "break_lease",
    "client_order_id",
    "watch",
]
