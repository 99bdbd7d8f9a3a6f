"""From the targets of a session, and what the account holds at its close, to the orders for the next open.

The trades are those of `ats_assets.portfolio.plan_trades`, which the backtest makes, too; here they become orders: one for each leg, with an id of its own,
with a limit price and exits where the settings ask for them. It is a pure function of partitions and settings.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from ats_assets.algorithms.price_grid import on_grid, price_away
from ats_assets.corporate_actions.identity import INSTRUMENT, NAME_CHANGES_SCHEMA, Identities
from ats_assets.errors import ContractError
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Side, client_order_id, exact
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.orders.schema import ORDER_PLAN_SCHEMA, OrderPlan
from ats_assets.portfolio import SHARE_DECIMALS, plan_trades, to_cents
from ats_assets.portfolio.allowed_changes import ANY, change_codes, change_of_others, change_under_brake
from ats_assets.settings import MarginSettings, OrdersSettings, PortfolioSettings

_INCREMENTS = ("price_increment", "quantity_increment", "min_quantity")


def order_plan(
    session: date,
    *,
    targets: pl.DataFrame,
    bars: pl.DataFrame,
    positions: pl.DataFrame,
    account: pl.DataFrame,
    instruments: pl.DataFrame,
    portfolio: PortfolioSettings,
    orders: OrdersSettings,
    fractional: bool,
    margin: MarginSettings | None = None,
    known: Identities | None = None,
    exposure: float = 1.0,
) -> pl.DataFrame:
    """The orders decided at the close of `session`.

    Parameters
    ----------
    targets, bars, positions, account, instruments
        The partitions of `session`; without any targets there is no opinion, and nothing is traded but what a margin call cuts.
    fractional
        Whether parts of a share may be traded, where the broker can. Short positions are whole shares.
    margin
        The rules of margin; None for none.
    known
        Who bears which ticker; None: no ticker was ever changed.
    exposure
        What the brake leaves of the targets (`ats_assets.portfolio.drawdown_brake`).

    Returns
    -------
    DataFrame of the contract `OrderPlan`.

    Raises
    ------
    ContractError
        If the account is not known.
    """
    if account.height != 1:
        raise ContractError(f"account of session {session} has {account.height} rows: make it with ats trade before orders are planned")
    table = _table(targets, bars, positions, instruments)
    held = table["quantity"].to_numpy()
    plan = plan_trades(
        held=held,
        prices=table["price"].to_numpy(),
        cash_cents=int(to_cents(account["cash"][0])),
        target=None if targets.is_empty() else table["target_weight"].to_numpy() * exposure,
        changes=np.array(
            [change_under_brake(*row, exposure) for row in table.select("change", "target_weight").iter_rows()], dtype=np.int64
        ),
        quoted=table["quoted"].to_numpy(),
        traded=table["traded"].to_numpy(),
        portfolio=portfolio,
        limits=orders.limits,
        fractional=table["fractionable"].to_numpy() & fractional,
        buying_power=float(account["buying_power"][0]),
        tradable=table["tradable"].to_numpy(),
        shortable=table["shortable"].to_numpy(),
        openable=table["openable"].to_numpy(),
        margin_factors=table["margin_factor"].to_numpy(),
        margin=margin,
    )
    named = ("shares", "wanted", "closing", "current", "reasons")
    planned = table.with_columns(**{name: pl.Series(getattr(plan, name)) for name in named}, target_weight=pl.Series(plan.target))
    known = known or Identities(NAME_CHANGES_SCHEMA.to_frame())
    named_rows = ({**row, INSTRUMENT: known.of(row["symbol"], session)} for row in planned.iter_rows(named=True))
    rows = [leg for row in named_rows for leg in _legs(session, row, orders)]
    return OrderPlan.validate(pl.DataFrame(rows, schema=ORDER_PLAN_SCHEMA, orient="row").sort("session", "symbol", "leg"))


def intents_of(plan: pl.DataFrame, strategy: str) -> list[OrderIntent]:
    """The orders of a plan, in the order in which they are sent: what closes a position first, since it frees buying power, then by symbol."""
    sent = plan.filter(pl.col("client_order_id").is_not_null())
    rows = sorted(sent.iter_rows(named=True), key=lambda row: (row["leg"] != Leg.CLOSE, row["side"] != Side.SELL, row["symbol"]))
    return [
        OrderIntent(
            client_order_id=row["client_order_id"],
            session=row["session"],
            strategy=strategy,
            symbol=row["symbol"],
            side=Side(row["side"]),
            leg=Leg(row["leg"]),
            quantity=exact(row["quantity"]),
            kind=OrderKind(row["kind"]),
            decision_price=exact(row["decision_price"]),
            limit_price=_exact_or_none(row["limit_price"]),
            take_profit=_exact_or_none(row["take_profit"]),
            stop_loss=_exact_or_none(row["stop_loss"]),
            instrument=row.get(INSTRUMENT),  # a plan that was stored by an older program names none
            work=WorkPlan.of(row["work"]) if row.get("work") else None,
        )
        for row in rows
    ]


def _exact_or_none(value: float | None) -> Decimal | None:
    return None if value is None else exact(value)


def _table(targets: pl.DataFrame, bars: pl.DataFrame, positions: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
    """One row for each symbol that is held or wanted, sorted by symbol. Of a symbol that the broker was not asked for, or that is not priced in dollars, no order is sent."""
    codes = change_codes(targets)
    allowed = targets.with_columns(change=pl.Series(codes, dtype=pl.Int64))
    wanted = allowed.filter((pl.col("target_weight") != 0.0) | (pl.col("change") != ANY)).select("symbol", "target_weight", "change")
    dollars = ~pl.col("symbol").str.contains("/", literal=True) | pl.col("symbol").str.ends_with("/USD")  # as `grid.is_in_dollars`
    closes = bars.select("symbol", "close", pl.lit(value=True).alias("quoted"), (pl.col("volume") > 0).alias("traded"))
    return (
        positions.select("symbol", "quantity", pl.col("price").alias("last"))
        .join(wanted, on="symbol", how="full", coalesce=True)
        .join(closes, on="symbol", how="left")
        .join(_known(instruments), on="symbol", how="left")
        .select(
            "symbol",
            pl.col("quantity", "target_weight").fill_null(0.0),
            pl.col("change").fill_null(change_of_others(codes)),
            pl.coalesce("close", pl.when(pl.col("last") > 0).then("last"), pl.lit(float("nan"))).alias("price"),
            pl.col("quoted", "traded", "tradable", "fractionable", "shortable", "openable").fill_null(value=False),
            pl.col("margin_factor").fill_null(1.0),
            *_INCREMENTS,
        )
        .with_columns(
            pl.when(dollars).then("price").otherwise(float("nan")).alias("price"),
            pl.col("tradable") & dollars,
        )
        .sort("symbol")
    )


def _known(instruments: pl.DataFrame) -> pl.DataFrame:
    """What the broker says, with what it was not asked for when older partitions were made."""
    asked = {"openable": pl.col("tradable"), "margin_factor": pl.lit(1.0)} | dict.fromkeys(_INCREMENTS, pl.lit(None, dtype=pl.Float64))
    added = instruments.with_columns(**{name: value for name, value in asked.items() if name not in instruments.columns})
    return added.select("symbol", "tradable", "fractionable", "shortable", *asked)


def _legs(session: date, row: Mapping[str, Any], settings: OrdersSettings) -> Iterator[tuple[Any, ...]]:
    """The orders for one symbol; one of no shares where it should be traded and is not."""
    shares, closing, reason = row["shares"], row["closing"], row["reasons"] or None
    if not shares and reason is None:
        return
    wanted, price, current = (value if math.isfinite(value) else None for value in (row["wanted"], row["price"], row["current"]))
    direction = shares or wanted or row["target_weight"] - (current or 0.0)
    side = Side.SELL if direction < 0 else Side.BUY
    parts = [(Leg.CLOSE, closing), (Leg.OPEN, round(abs(shares) - closing, SHARE_DECIMALS))]
    legs = [(leg, sendable) for leg, asked in parts if (sendable := _sendable(row, asked)) > 0.0]
    if not legs:
        legs = [(Leg.CLOSE if row["quantity"] * direction < 0 else Leg.OPEN, 0.0)]
        reason = reason or "too_small"
    for leg, quantity in legs:
        kind, bounds = collared(leg, side, row, settings) if quantity and price else (OrderKind(settings.kind), (None, None, None))
        yield (
            session,
            row["symbol"],
            row[INSTRUMENT],
            str(leg),
            client_order_id(session, settings.strategy, row["symbol"], leg) if quantity else None,
            str(side),
            quantity,
            None if wanted is None else abs(wanted),
            str(kind),
            price,
            *bounds,
            round(quantity * (price or 0.0), 2),
            current,
            row["target_weight"],
            reason,
        )


def _sendable(row: Mapping[str, Any], quantity: float) -> float:
    """The part of a quantity that can be ordered: a multiple of the instrument's increment, nothing below its smallest order."""
    if row["quantity_increment"] is not None:
        quantity = float(on_grid(exact(quantity), exact(row["quantity_increment"]), up=False))
    return 0.0 if row["min_quantity"] is not None and quantity < row["min_quantity"] else quantity


def collared(
    leg: Leg, side: Side, row: Mapping[str, Any], settings: OrdersSettings
) -> tuple[OrderKind, tuple[float | None, float | None, float | None]]:
    """How a leg is sent: kind, and limit price, take-profit and stop-loss. What closes a position has no exits of its own."""
    kind = OrderKind(settings.kind)
    if kind is OrderKind.MARKET_ON_OPEN:
        return kind, (None, None, None)
    limit = _away(row, side.sign * settings.collar_bps)
    if leg is Leg.CLOSE or kind is OrderKind.LIMIT:
        return OrderKind.LIMIT, (limit, None, None)
    return kind, (limit, _away(row, side.sign * settings.take_profit_bps), _away(row, -side.sign * settings.stop_loss_bps))


def _away(row: Mapping[str, Any], bps: float) -> float:
    """A price so many basis points away, on the instrument's grid, rounded toward the price."""
    increment: Decimal | None = None if row["price_increment"] is None else exact(row["price_increment"])
    return float(price_away(row["symbol"], exact(row["price"]), bps, increment))
