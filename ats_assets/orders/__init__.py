"""Orders: from signals to a broker, exactly once, and what came of them."""

from ats_assets.orders.broker import Broker, BrokerError, NotSentError, OrderRejectedError, OutcomeUnknownError
from ats_assets.orders.order import (
    AccountState,
    BrokerOrder,
    Fill,
    Instrument,
    Leg,
    OrderIntent,
    OrderKind,
    OrderStatus,
    Position,
    Side,
    client_order_id,
)

__all__ = [
    "AccountState",
    "Broker",
    "BrokerError",
    "BrokerOrder",
    "Fill",
    "Instrument",
    "Leg",
    "NotSentError",
    "OrderIntent",
    "OrderKind",
    "OrderRejectedError",
    "OrderStatus",
    "OutcomeUnknownError",
    "Position",
    "Side",
    "client_order_id",
]
