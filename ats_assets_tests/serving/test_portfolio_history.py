"""What each symbol has brought, from the trade state of a real deployment."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import insert, select

from ats_assets.deployment import Deployment
from ats_assets.serving.queries.portfolio_history import profit_between
from ats_assets.trade_state import open_trade_state
from ats_assets.trade_state.tables import account_snapshots, entries, positions


def test_what_a_delisting_paid_is_its_symbols_profit_and_no_other(own_deployment: Deployment) -> None:
    """It was told as a loss of the whole value of the position, and as another profit of as much."""
    with open_trade_state(own_deployment.settings) as state, state.begin() as connection:
        before = profit_between(connection, None, None)
        assert before is not None
        row = connection.execute(select(positions).where(positions.c.snapshot_id == before.end.id)).first()
        assert row is not None
        paid = row.quantity * row.price
        connection.execute(positions.delete().where(positions.c.snapshot_id == before.end.id, positions.c.symbol == row.symbol))
        cash = account_snapshots.update().where(account_snapshots.c.id == before.end.id)
        connection.execute(cash.values(cash=before.end.cash + paid))
        at = before.end.at - timedelta(minutes=1)
        entry = {"entry_id": "delisted", "kind": "corporate_action", "symbol": row.symbol, "quantity": -row.quantity, "cash": paid}
        connection.execute(insert(entries).values(**entry, at=at, recorded_at=at, description="delisted"))
        after = profit_between(connection, None, None)
    assert after is not None
    was, now = ({one["symbol"]: one["profit"] for one in told.symbols} for told in (before, after))
    assert abs(now[row.symbol] - was[row.symbol]) <= Decimal("0.01")
    assert abs(after.other - before.other) <= Decimal("0.01")
    assert after.profit == before.profit
