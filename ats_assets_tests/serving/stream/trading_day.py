"""What an executor writes into a trade state, a small thing at a time, and what the trade state holds, by plain queries of its own."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from ats_assets.trade_state import TradeState
from ats_assets.trade_state.tables import account_snapshots, audit, fills, halts, intents, metadata, orders, positions

SESSION = date(2024, 3, 4)
AT = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)


class TradingDay:
    """Writes orders, fills and halts."""

    def __init__(self, state: TradeState) -> None:
        self.state = state
        self._numbers = itertools.count(1)

    def empty(self) -> None:
        """Nothing was ever traded."""
        with self.state.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name != "schema_version":
                    connection.execute(table.delete())

    def baseline(self, cash: str = "10000") -> None:
        """Trading begins."""
        money = {"cash": Decimal(cash), "equity": Decimal(cash), "buying_power": Decimal(cash)}
        with self.state.begin() as connection:
            connection.execute(
                account_snapshots.insert().values(kind="baseline", broker="paper", account_id="a", at=AT, trading_blocked=False, **money)
            )

    def order(self, symbol: str = "AAPL", session: date = SESSION) -> str:
        """An order is decided; its id."""
        number = next(self._numbers)
        name = f"main-{session:%Y%m%d}-{symbol}-{number}"
        what = {"symbol": symbol, "side": "buy", "quantity": Decimal(10)}
        values = what | {"client_order_id": name, "session": session, "strategy": "main", "leg": "open", "kind": "market", "attempts": 0}
        with self.state.begin() as connection:
            connection.execute(
                intents.insert().values(**values, decision_price=Decimal("10.5"), state="planned", planned_at=AT, updated_at=AT)
            )
        return name

    def move(self, name: str, state: str) -> None:
        """It goes on."""
        with self.state.begin() as connection:
            connection.execute(update(intents).where(intents.c.client_order_id == name).values(state=state))

    def fill(self, name: str, price: str = "10.25", at: datetime = AT) -> str:
        """It is filled, in part; the fill's id."""
        number = next(self._numbers)
        fill_id = f"f{number}"
        with self.state.begin() as connection:
            symbol = connection.execute(select(intents.c.symbol).where(intents.c.client_order_id == name)).scalar_one()
            baseline = connection.execute(
                select(account_snapshots.c.id).order_by(account_snapshots.c.id.desc()).limit(1)
            ).scalar_one_or_none()
            of = {"broker_order_id": f"b-{name}", "client_order_id": name, "intent_id": name, "symbol": symbol, "side": "buy"}
            values = of | {"quantity": Decimal(1), "price": Decimal(price), "fees": Decimal("0.01"), "baseline_id": baseline}
            recorded = AT + timedelta(seconds=number)
            connection.execute(fills.insert().values(fill_id=fill_id, **values, at=at, recorded_at=recorded))
            if connection.execute(select(orders.c.intent_id).where(orders.c.intent_id == name)).first() is None:
                told = of | {"quantity": Decimal(10), "status": "partially_filled", "filled_quantity": Decimal(1)}
                connection.execute(orders.insert().values(**told, submitted_at=AT, updated_at=AT))
            connection.execute(audit.insert().values(at=recorded, who="test", what="fill", client_order_id=name, details={}))
        return fill_id

    def halt(self, reason: str = "too much was lost") -> None:
        """Trading stops."""
        with self.state.begin() as connection:
            connection.execute(halts.insert().values(at=AT, reason=reason))

    def resume(self) -> None:
        """It goes on."""
        with self.state.begin() as connection:
            connection.execute(update(halts).where(halts.c.cleared_at.is_(None)).values(cleared_at=AT, cleared_by="me"))

    def truth(self) -> dict[str, dict[str, Any]]:
        """What topics should hold, of each row what tells it from all others."""
        with self.state.begin() as connection:
            told: dict[str, dict[str, Any]] = {
                "orders": {row.client_order_id: row.state for row in connection.execute(select(intents))},
                "fills": {row.fill_id: format(row.price, "f") for row in connection.execute(select(fills))},
                "halts": {str(row.id): row.cleared_at is None for row in connection.execute(select(halts))},
            }
            held: dict[str, Decimal] = {row.symbol: row.quantity for row in connection.execute(select(positions))}
            for row in connection.execute(select(fills).where(fills.c.baseline_id.is_not(None), fills.c.at > AT)):
                held[row.symbol] = held.get(row.symbol, Decimal(0)) + row.quantity
        return told | {"positions": {symbol: format(quantity, "f") for symbol, quantity in held.items() if quantity}}
