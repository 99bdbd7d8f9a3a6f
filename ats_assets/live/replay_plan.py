"""The orders that a replay works: those of the stored plan, or of a file."""

from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.algorithms.choosing import AT_OPEN, chosen_algorithm
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.order import OrderIntent, client_order_id
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.orders.order_plan import intents_of

_COLUMNS = ("symbol", "side", "quantity")


def planned_orders(deployment: Deployment, session: date, file: Path | None) -> tuple[OrderIntent, ...]:
    """The orders that were decided at the close before a session.

    Parameters
    ----------
    file
        CSV with symbol, side (buy, sell), quantity, and perhaps leg (open, close); worked by `orders.algorithm`. None: the stored plan, which may be none.

    Raises
    ------
    AtsError
        If the file is no such plan.
    """
    before, strategy = deployment.calendar.before(session), deployment.settings.orders.strategy
    if file is None:
        stored = deployment.warehouse.exists("order_plan", before)
        return tuple(intents_of(deployment.warehouse.read("order_plan", [before]), strategy)) if stored else ()
    try:
        rows = pl.read_csv(file, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise AtsError(f"{file} can't be read as CSV: {error}") from None
    if lacking := [name for name in _COLUMNS if name not in rows.columns]:
        raise AtsError(f"{file} lacks the columns {', '.join(lacking)}: a plan has {', '.join(_COLUMNS)}")
    name = deployment.settings.orders.algorithm
    chosen = chosen_algorithm(deployment.settings, name)
    work = None if name == AT_OPEN else WorkPlan(algorithm=name, kind=chosen.kind, settings=chosen.settings.model_dump(mode="json"))
    closes = _closes(deployment, before)
    return tuple(_intent(row, before, strategy, work, closes, file) for row in rows.iter_rows(named=True))


def _intent(row: dict[str, str], session: date, strategy: str, work: WorkPlan | None, closes: dict[str, float], file: Path) -> OrderIntent:  # noqa: PLR0917
    try:
        side, quantity = Side(row["side"].strip().lower()), exact(float(row["quantity"]))
        leg = Leg((row.get("leg") or "").strip().lower() or ("open" if side is Side.BUY else "close"))
    except (ValueError, AttributeError) as error:
        raise AtsError(f"{file}: {row} is no order ({error})") from None
    if quantity <= 0:
        raise AtsError(f"{file}: {row} is no order: its quantity must be above 0")
    symbol = row["symbol"].strip()
    return OrderIntent(
        client_order_id=client_order_id(session, strategy, symbol, leg),
        session=session,
        strategy=strategy,
        symbol=symbol,
        side=side,
        leg=leg,
        quantity=quantity,
        kind=OrderKind.MARKET_ON_OPEN if work is None else OrderKind.WORKED,
        decision_price=exact(closes.get(symbol, 0.0)),
        work=work,
    )


def _closes(deployment: Deployment, session: date) -> dict[str, float]:
    if not deployment.warehouse.exists("bars", session):
        return {}
    return dict(deployment.warehouse.read("bars", [session], ["symbol", "close"]).iter_rows())
