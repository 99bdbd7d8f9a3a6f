"""The contracts of the stage's records: of option contracts at the broker, one partition a session. Prices are for one share of the underlying, money is in dollars."""

from datetime import date
from typing import Annotated, Final

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.execution.order import EntryKind, Leg, Side

OPTION_EVENT_KINDS: Final = [
    *(str(one) for one in (EntryKind.ASSIGNMENT, EntryKind.EXERCISE, EntryKind.EXPIRY, EntryKind.OPTION_SHARES, EntryKind.OPTION_CASH)),
    *(str(one) for one in (EntryKind.SPLIT, EntryKind.CORPORATE_ACTION, EntryKind.FEE)),
]
SIDES, LEGS = [str(one) for one in Side], [str(Leg.OPEN), str(Leg.CLOSE)]
_Instant = Annotated[pl.Datetime, "us", "UTC"]


class _OptionRecord(BaseConfig):
    """Columns are exactly these, in this order."""

    strict = True
    ordered = True


class OptionFills(pa.DataFrameModel):
    """Executions of option contracts in the session, sorted by (session, at, fill_id)."""

    session: date = pa.Field(description="session in which it was executed")
    fill_id: str = pa.Field(unique=True, description="the broker's id of the execution")
    client_order_id: str = pa.Field(description="of the order; a leg has that of its whole order")
    strategy_: str = pa.Field(alias="strategy", nullable=True, description="of options, that decided the order; null where it is not ours")
    contract: str = pa.Field(description="OCC symbol")
    underlying: str = pa.Field(description="root of the contract")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    quantity: float = pa.Field(gt=0, description="contracts")
    multiplier: float = pa.Field(gt=0, description="shares a contract")
    price: float = pa.Field(ge=0, description="paid or received for one share")
    fees: float = pa.Field(description="beside the price")
    cash_flow: float = pa.Field(description="what the account received, fees deducted; negative for a purchase")
    at: _Instant = pa.Field(description="time of the execution")
    decision_session: date = pa.Field(nullable=True, description="session at whose close the order was decided")
    rule: str = pa.Field(nullable=True, description="by which it was decided")

    class Config(_OptionRecord):
        """One row for each execution."""


class OptionEntries(pa.DataFrameModel):
    """What happened to option contracts without an order, sorted by (session, at, entry_id): assignments, exercises, expiries, and the shares that they brought."""

    session: date = pa.Field(description="session that it belongs to")
    entry_id: str = pa.Field(unique=True, description="the broker's id")
    kind: str = pa.Field(isin=OPTION_EVENT_KINDS, description="assignment, exercise, expiry, option_shares, …")
    symbol: str = pa.Field(description="OCC symbol, or the ticker of shares that changed hands")
    quantity: float = pa.Field(description="change of the position")
    cash: float = pa.Field(description="change of the cash")
    at: _Instant = pa.Field(description="when the broker booked it")
    description: str = pa.Field(description="in the broker's words")

    class Config(_OptionRecord):
        """One row for each entry."""


class OptionPositions(pa.DataFrameModel):
    """Option contracts that the broker says are held at the session's close, sorted by (session, contract)."""

    session: date = pa.Field(description="held at its close")
    contract: str = pa.Field(description="OCC symbol")
    underlying: str = pa.Field(description="root of the contract")
    quantity: float = pa.Field(description="contracts, negative for short; never zero")
    multiplier: float = pa.Field(gt=0, description="shares a contract")
    cost: float = pa.Field(nullable=True, description="paid for them in all, negative (received) for short")
    price: float = pa.Field(nullable=True, ge=0, description="that one share is valued at")
    value: float = pa.Field(nullable=True, description="quantity * multiplier * price, to the cent")

    class Config(_OptionRecord):
        """One row for each contract held."""

        unique = ["session", "contract"]  # noqa: RUF012


class OptionBooks(pa.DataFrameModel):
    """The books of the strategies of options at the session's close, sorted by (session, strategy). Plans of shares do not see what is in them."""

    session: date = pa.Field(description="their state at the close")
    strategy_: str = pa.Field(alias="strategy", description="name in the settings")
    cash: float = pa.Field(description="of the book")
    equity: float = pa.Field(description="cash, contracts and shares of the book")
    contracts: float = pa.Field(ge=0, description="held, long and short ones alike")
    shares: str = pa.Field(description='shares held by underlying, such as "AAPL 200"; empty without any')

    class Config(_OptionRecord):
        """One row for each book."""

        unique = ["session", "strategy"]  # noqa: RUF012


class OptionDecisions(pa.DataFrameModel):
    """What each strategy of options decided at the session's close, of what it really held, sorted by (session, strategy, number): a row for each position and underlying."""

    session: date = pa.Field(description="session at whose close it was decided")
    strategy_: str = pa.Field(alias="strategy", description="name in the settings")
    number: int = pa.Field(ge=0, description="among the decisions of the strategy, in its order")
    underlying: str = pa.Field(description="that it is about")
    action: str = pa.Field(description="open, close, roll, hold, let_expire, exercise or skip")
    rule: str = pa.Field(description="code of the rule that decided")
    reason: str = pa.Field(description="with the numbers that decided")
    legs: str = pa.Field(description='such as "-2 AAPL140621P00090000"; of a hold the positions that it is about')
    limit_price: float = pa.Field(nullable=True, description="net of one unit for one share, positive where it is paid; null: at any quote")

    class Config(_OptionRecord):
        """One row for each decision."""

        unique = ["session", "strategy", "number"]  # noqa: RUF012


class OptionPlan(pa.DataFrameModel):
    """The orders for option contracts that follow, sorted by (session, strategy, number), and those that are not sent, with the reason."""

    session: date = pa.Field(description="session at whose close it was decided")
    strategy_: str = pa.Field(alias="strategy", description="of options")
    number: int = pa.Field(ge=0, description="of the decision")
    client_order_id: str = pa.Field(nullable=True, description="under which the broker knows the order; null where none is sent")
    symbol: str = pa.Field(nullable=True, description="OCC symbol, or the name of several legs together")
    underlying: str = pa.Field(description="that it is about")
    action: str = pa.Field(description="open, close, roll or exercise")
    rule: str = pa.Field(description="code of the rule that decided")
    leg: str = pa.Field(nullable=True, isin=LEGS, description="close where no leg opens anything")
    quantity: float = pa.Field(ge=0, description="units; zero where no order is sent")
    legs: str = pa.Field(nullable=True, description="of one unit: symbol, signed ratio, open or close, multiplier of each")
    limit_price: float = pa.Field(nullable=True, description="net of one unit for one share")
    decision_price: float = pa.Field(nullable=True, description="what a unit was worth at the close, for one share")
    reason: str = pa.Field(nullable=True, description="why no order is sent")

    class Config(_OptionRecord):
        """One row for each decision that trades."""

        unique = ["session", "strategy", "number"]  # noqa: RUF012


class OptionOrders(pa.DataFrameModel):
    """What became of each order for option contracts when it was sent, sorted by (session, client_order_id)."""

    session: date = pa.Field(description="session at whose close it was decided")
    client_order_id: str = pa.Field(unique=True, description="under which the broker knows the order")
    strategy_: str = pa.Field(alias="strategy", description="of options")
    symbol: str = pa.Field(description="OCC symbol, or the name of several legs together")
    leg: str = pa.Field(isin=LEGS, description="close where no leg opens anything")
    quantity: float = pa.Field(gt=0, description="units")
    legs: str = pa.Field(description="of one unit")
    limit_price: float = pa.Field(nullable=True, description="net of one unit for one share")
    state: str = pa.Field(description="accepted, rejected, …: of the intent, after it was sent")
    reason: str = pa.Field(nullable=True, description="why it was not accepted")
    broker_order_id: str = pa.Field(nullable=True, description="the broker's id; null where it has none")
    submitted_at: _Instant = pa.Field(nullable=True, description="by the broker's clock")

    class Config(_OptionRecord):
        """One row for each order."""


_F, _S, _I = pl.Float64(), pl.String(), pl.Int64()
_AT = pl.Datetime("us", "UTC")
OPTION_FILLS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("fill_id", "client_order_id", "strategy", "contract", "underlying", "side"), _S),
        **dict.fromkeys(("quantity", "multiplier", "price", "fees", "cash_flow"), _F),
        "at": _AT,
        "decision_session": pl.Date,
        "rule": _S,
    }
)
OPTION_ENTRIES_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("entry_id", "kind", "symbol"), _S),
        "quantity": _F,
        "cash": _F,
        "at": _AT,
        "description": _S,
    }
)
OPTION_POSITIONS_SCHEMA = pl.Schema(
    {"session": pl.Date, "contract": _S, "underlying": _S, **dict.fromkeys(("quantity", "multiplier", "cost", "price", "value"), _F)}
)
OPTION_BOOKS_SCHEMA = pl.Schema({"session": pl.Date, "strategy": _S, **dict.fromkeys(("cash", "equity", "contracts"), _F), "shares": _S})
OPTION_DECISIONS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "strategy": _S,
        "number": _I,
        **dict.fromkeys(("underlying", "action", "rule", "reason", "legs"), _S),
        "limit_price": _F,
    }
)
OPTION_PLAN_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "strategy": _S,
        "number": _I,
        **dict.fromkeys(("client_order_id", "symbol", "underlying", "action", "rule", "leg"), _S),
        "quantity": _F,
        "legs": _S,
        **dict.fromkeys(("limit_price", "decision_price"), _F),
        "reason": _S,
    }
)
OPTION_ORDERS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("client_order_id", "strategy", "symbol", "leg"), _S),
        "quantity": _F,
        "legs": _S,
        "limit_price": _F,
        **dict.fromkeys(("state", "reason", "broker_order_id"), _S),
        "submitted_at": _AT,
    }
)
