"""The contracts of the stage's frames. Quantities are shares, money is in the currency of the account; one partition is one session."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.execution.order import Leg, OrderKind, Side
from ats_assets.portfolio import TRADE_REASONS

SIDES, LEGS, KINDS = ([str(one) for one in kind] for kind in (Side, Leg, OrderKind))
PLANNED_LEGS, PLANNED_KINDS = [one for one in LEGS if one != Leg.EXIT], [one for one in KINDS if one != OrderKind.OCO]
"""A plan has no exits: the executor gives them to shares that lack them."""


class _Exact(BaseConfig):
    """Columns are exactly these, in this order."""

    strict = True
    ordered = True


class OrderPlan(pa.DataFrameModel):
    """What was decided at the session's close for the next open, sorted by (session, symbol, leg): orders, and trades that are wanted and not made, with the reason."""

    session: date = pa.Field(description="session at whose close it was decided")
    symbol: str = pa.Field(description="ticker, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    leg: str = pa.Field(isin=PLANNED_LEGS, description="close reduces a position, open enlarges one; a change of side is two orders")
    client_order_id: str = pa.Field(nullable=True, description="under which the broker knows the order; null where none is sent")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    quantity: float = pa.Field(ge=0, description="shares to trade; zero where no order is sent")
    wanted: float = pa.Field(nullable=True, ge=0, description="shares before limits; null where there was no price to size the order with")
    kind: str = pa.Field(isin=PLANNED_KINDS, description="how the order is to be filled")
    decision_price: float = pa.Field(nullable=True, gt=0, description="the close, or the last one known")
    limit_price: float = pa.Field(nullable=True, gt=0, description="of a limit or bracket order")
    take_profit: float = pa.Field(nullable=True, gt=0, description="of a bracket order")
    stop_loss: float = pa.Field(nullable=True, gt=0, description="of a bracket order")
    notional: float = pa.Field(ge=0, description="quantity * decision price")
    current_weight: float = pa.Field(nullable=True, description="share of equity held at the close")
    target_weight: float = pa.Field(description="of the signal; zero for a symbol that is to leave")
    reason: str = pa.Field(nullable=True, isin=list(TRADE_REASONS), description="why there is no order, or a smaller one")

    class Config(_Exact):
        """One row for each leg."""

        unique = ["session", "symbol", "leg"]  # noqa: RUF012


class WorkedOrderPlan(OrderPlan):
    """The plan where orders may be worked in parts (`orders.algorithm`, `orders.selection`)."""

    work: str = pa.Field(nullable=True, description="JSON: how the order is worked in parts, and why so; null where it is sent as one")

    class Config(OrderPlan.Config):
        """As the plan."""


class Orders(pa.DataFrameModel):
    """What became of each order when it was sent, sorted by (session, client_order_id)."""

    session: date = pa.Field(description="session at whose close it was decided")
    client_order_id: str = pa.Field(unique=True, description="under which the broker knows the order")
    symbol: str = pa.Field(description="ticker, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    leg: str = pa.Field(isin=LEGS, description="close reduces a position, open enlarges one, exit leaves one at a profit or a loss")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    quantity: float = pa.Field(gt=0, description="shares")
    kind: str = pa.Field(isin=KINDS, description="how the order is to be filled")
    state: str = pa.Field(description="accepted, rejected, …: of the intent, after it was sent")
    reason: str = pa.Field(nullable=True, description="why it was not accepted")
    broker_order_id: str = pa.Field(nullable=True, description="the broker's id; null where it has none")
    submitted_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description="by the broker's clock")

    class Config(_Exact):
        """One row for each intent."""


class Fills(pa.DataFrameModel):
    """Executions in the session, sorted by (session, at, fill_id)."""

    session: date = pa.Field(description="session in which it was executed")
    fill_id: str = pa.Field(unique=True, description="the broker's id of the execution")
    client_order_id: str = pa.Field(description="of the order")
    symbol: str = pa.Field(description="ticker, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    quantity: float = pa.Field(gt=0, description="shares")
    price: float = pa.Field(ge=0, description="paid or received for a share")
    fees: float = pa.Field(description="commission and other fees, beside the price")
    cash_flow: float = pa.Field(description="what the account received, fees deducted; negative for a buy")
    at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="time of the execution")
    decision_session: date = pa.Field(nullable=True, description="session at whose close the order was decided; null where it is not ours")
    decision_price: float = pa.Field(nullable=True, gt=0, description="the close that it was decided at")

    class Config(_Exact):
        """One row for each execution."""


class Positions(pa.DataFrameModel):
    """What the broker says is held at the session's close, sorted by (session, symbol)."""

    session: date = pa.Field(description="held at its close")
    symbol: str = pa.Field(description="ticker, as in the bars")
    instrument: str = pa.Field(description="id across changes of name: the source and the first ticker (docs/corporate_actions.md)")
    quantity: float = pa.Field(description="shares, negative for short; never zero")
    cost: float = pa.Field(
        nullable=True, description="paid for them in all, negative (received) for short; null where it is not in dollars"
    )
    price: float = pa.Field(nullable=True, ge=0, description="that they are valued at; null where the broker has none, or none in dollars")
    value: float = pa.Field(nullable=True, description="quantity * price, to the cent")

    class Config(_Exact):
        """One row for each symbol held."""

        unique = ["session", "symbol"]  # noqa: RUF012


class AccountAtClose(pa.DataFrameModel):
    """The account at the session's close, one row a session."""

    session: date = pa.Field(unique=True, description="its state at the close")
    broker: str = pa.Field(description="paper or alpaca")
    account_id: str = pa.Field(description="the broker's")
    cash: float = pa.Field(description="negative where it is borrowed")
    equity: float = pa.Field(description="cash and positions")
    buying_power: float = pa.Field(description="what the broker lets new positions cost")
    trading_blocked: bool = pa.Field(description="whether the broker takes no orders")
    differences: str = pa.Field(nullable=True, description="what does not agree with our own records, in words; null where all does")
    at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="when the broker said so")

    class Config(_Exact):
        """One row a session."""


class Instruments(pa.DataFrameModel):
    """What the broker says of the symbols that are held or wanted, sorted by (session, symbol)."""

    session: date = pa.Field(description="asked after its close")
    symbol: str = pa.Field(description="ticker, as in the bars")
    tradable: bool = pa.Field(description="whether orders are taken")
    fractionable: bool = pa.Field(description="whether parts of a share can be traded")
    shortable: bool = pa.Field(description="whether it can be borrowed")
    reason: str = pa.Field(nullable=True, description="why it is not tradable, or why no position in it is opened or enlarged")
    openable: bool = pa.Field(description="whether a position may be opened or enlarged; what is held can be closed where it is tradable")
    margin_factor: float = pa.Field(
        ge=1, description="buying power that one unit of currency of it takes: above one where less is lent on it"
    )
    price_increment: float = pa.Field(nullable=True, gt=0, description="of the prices of orders; null: by the rule of its market")
    quantity_increment: float = pa.Field(nullable=True, gt=0, description="of the quantities of orders, where the broker says one")
    min_quantity: float = pa.Field(nullable=True, gt=0, description="of an order, where the broker says one")

    class Config(_Exact):
        """One row for each symbol."""

        unique = ["session", "symbol"]  # noqa: RUF012


class ExecutionQuality(pa.DataFrameModel):
    """What the orders for the session's open came to, sorted by (session, client_order_id). Slippage is positive where it cost money."""

    session: date = pa.Field(description="session in which they were to be filled")
    client_order_id: str = pa.Field(unique=True, description="of the order")
    symbol: str = pa.Field(description="ticker, as in the bars")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    ordered: float = pa.Field(gt=0, description="shares")
    filled: float = pa.Field(ge=0, description="shares")
    fill_rate: float = pa.Field(ge=0, description="filled / ordered")
    status: str = pa.Field(description="of the order at the broker, when the session was settled")
    reason: str = pa.Field(nullable=True, description="why it was not filled, or only in part")
    average_price: float = pa.Field(nullable=True, ge=0, description="paid or received for a share, fees apart")
    fees: float = pa.Field(description="commission and others")
    decision_price: float = pa.Field(nullable=True, gt=0, description="the close that it was decided at")
    arrival_price: float = pa.Field(nullable=True, gt=0, description="the session's open")
    vwap_price: float = pa.Field(nullable=True, description="the session's volume-weighted average price, where the source has one")
    slippage_decision_bps: float = pa.Field(nullable=True, description="against the decision price")
    slippage_arrival_bps: float = pa.Field(nullable=True, description="against the arrival price")
    slippage_vwap_bps: float = pa.Field(nullable=True, description="against the VWAP")
    latency_seconds: float = pa.Field(
        nullable=True, description="from the open, or from the submission if that was later, to the first execution"
    )

    class Config(_Exact):
        """One row for each order."""


_TIME = pl.Datetime("us", "UTC")
_F, _S, _B = pl.Float64(), pl.String(), pl.Boolean()
ORDER_PLAN_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("symbol", "instrument", "leg", "client_order_id", "side"), _S),
        **dict.fromkeys(("quantity", "wanted"), _F),
        "kind": _S,
        **dict.fromkeys(("decision_price", "limit_price", "take_profit", "stop_loss", "notional", "current_weight", "target_weight"), _F),
        "reason": _S,
    }
)
WORKED_ORDER_PLAN_SCHEMA = pl.Schema({**ORDER_PLAN_SCHEMA, "work": pl.String})
ORDERS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("client_order_id", "symbol", "instrument", "leg", "side"), _S),
        "quantity": _F,
        **dict.fromkeys(("kind", "state", "reason", "broker_order_id"), _S),
        "submitted_at": _TIME,
    }
)
FILLS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("fill_id", "client_order_id", "symbol", "instrument", "side"), _S),
        **dict.fromkeys(("quantity", "price", "fees", "cash_flow"), _F),
        "at": _TIME,
        "decision_session": pl.Date,
        "decision_price": _F,
    }
)
POSITIONS_SCHEMA = pl.Schema(
    {"session": pl.Date, "symbol": _S, "instrument": _S, **dict.fromkeys(("quantity", "cost", "price", "value"), _F)}
)
ACCOUNT_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("broker", "account_id"), _S),
        **dict.fromkeys(("cash", "equity", "buying_power"), _F),
        "trading_blocked": _B,
        "differences": _S,
        "at": _TIME,
    }
)
INSTRUMENTS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "symbol": _S,
        **dict.fromkeys(("tradable", "fractionable", "shortable"), _B),
        "reason": _S,
        "openable": _B,
        **dict.fromkeys(("margin_factor", "price_increment", "quantity_increment", "min_quantity"), _F),
    }
)
EXECUTION_QUALITY_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("client_order_id", "symbol", "side"), _S),
        **dict.fromkeys(("ordered", "filled", "fill_rate"), _F),
        **dict.fromkeys(("status", "reason"), _S),
        **dict.fromkeys(("average_price", "fees", "decision_price", "arrival_price", "vwap_price"), _F),
        **dict.fromkeys(("slippage_decision_bps", "slippage_arrival_bps", "slippage_vwap_bps", "latency_seconds"), _F),
    }
)
SCHEMAS = {
    "fills": FILLS_SCHEMA,
    "positions": POSITIONS_SCHEMA,
    "account": ACCOUNT_SCHEMA,
    "instruments": INSTRUMENTS_SCHEMA,
    "execution_quality": EXECUTION_QUALITY_SCHEMA,
    "order_plan": ORDER_PLAN_SCHEMA,
    "orders": ORDERS_SCHEMA,
}
"""The schema of each frame, by the name of its asset."""
