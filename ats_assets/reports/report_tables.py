"""Tables of symbols, trades, orders and targets in the backtest report: rows of written numbers."""

import polars as pl

from ats_assets.backtests import BacktestResult
from ats_assets.reports.formatting import day, decimal, percent, whole
from ats_assets.reports.page_blocks import Table

LARGEST = 10
SHOWN_TARGETS = 40


def symbol_tables(result: BacktestResult) -> tuple[Table, Table]:
    """The instruments that gained and lost most, realised and not, after costs, under the newest ticker of each."""
    realised = result.trades.group_by("instrument", maintain_order=True).agg(
        pl.col("symbol").last(), pl.col("realised_pnl").sum(), pl.len().alias("trades")
    )
    last = result.equity["session"][-1] if len(result.equity) else None
    held = result.positions.filter(pl.col("session") == pl.lit(last, pl.Date)).select("instrument", "unrealised_pnl", held="symbol")
    total = (
        realised.join(held, on="instrument", how="left")
        .with_columns(pl.coalesce("held", "symbol").alias("symbol"))
        .with_columns(pl.col("unrealised_pnl").fill_null(0.0))
        .with_columns((pl.col("realised_pnl") + pl.col("unrealised_pnl")).alias("total"))
        .sort("total", "symbol", descending=[True, False])
    )
    columns = ("symbol", "P&L", "realised", "unrealised", "trades")

    def rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
        ordered = frame.select("symbol", "total", "realised_pnl", "unrealised_pnl", "trades").iter_rows()
        return [(s, whole(t, signed=True), whole(r, signed=True), whole(u, signed=True), whole(n)) for s, t, r, u, n in ordered]

    winners, losers = total.filter(pl.col("total") > 0).head(LARGEST), total.filter(pl.col("total") < 0).tail(LARGEST).reverse()
    return Table(columns=columns, rows=rows(winners)), Table(columns=columns, rows=rows(losers))


def trade_tables(trades: pl.DataFrame) -> tuple[Table, Table]:
    """The closing trades that gained and lost most."""
    closed = trades.filter(pl.col("realised_pnl").is_not_null()).sort(
        "realised_pnl", "session", "sequence", descending=[True, False, False]
    )
    columns = ("symbol", "closed", "side", "shares", "price", "P&L")

    def rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
        ordered = frame.select("symbol", "session", "side", "reason", "shares", "price", "realised_pnl").iter_rows()
        return [
            (s, day(d), side if reason == "rebalance" else reason, _shares(n), decimal(p), whole(gain, signed=True))
            for s, d, side, reason, n, p, gain in ordered
        ]

    gains, losses = (
        closed.filter(pl.col("realised_pnl") > 0).head(LARGEST),
        closed.filter(pl.col("realised_pnl") < 0).tail(LARGEST).reverse(),
    )
    return Table(columns=columns, rows=rows(gains), text_columns=3), Table(columns=columns, rows=rows(losses), text_columns=3)


UNFILLED_REASONS = {
    "no_bar": "the symbol had no bar: a halt, or not listed (any more)",
    "no_volume": "the bar had no volume: nobody traded",
    "cash": "the cash paid for a part only; all buys of the session were scaled alike",
    "too_small": "less than one share, or than a cent",
    "costs_exceed_value": "the sale would have cost more than it brought in",
    "participation": "more than the share of the session's volume that one order may be (impact.max_participation)",
    "no_equity": "the account was worth nothing any more",
    "margin_call": "the account was called for margin: nothing is opened, and what is held is cut",
    "corporate_action": "a split came between the decision and the open",
    "not_tradable": "the broker takes no orders for the symbol",
    "limit_short": "a short sale that orders.limits.allow_short, or the broker, does not allow",
    "limit_opening": "the broker takes no orders that open or enlarge a position in the symbol",
    "limit_order": "cut to the notional that one order may have",
    "limit_day": "cut to the notional that the orders of a session may have",
    "limit_position": "cut to the value that a position may have",
    "limit_gross": "cut to the value that all positions may have",
    "limit_margin": "cut to what the equity may bear as initial margin",
    "limit_buying_power": "cut to the broker's buying power",
    "limit_lot": "cut to whole lots",
    "limit_min_trade": "too small an order to be sent",
    "no_minute_bars": "an order to be worked within the session, of which there are no minute bars",
    "limit_not_reached": "the market did not reach the order's limit in the session (orders.collar_bps)",
    "position_gone": "an exit of a bracket had ended the position before the order came to its limit",
    "unfilled_in_session": "the algorithm came to its end with a part unfilled (orders.unfilled, or its limits)",
}


def unfilled_table(unfilled: pl.DataFrame) -> Table:
    """Orders that were not filled or only in part, by reason."""
    counted = unfilled.group_by("reason").agg(pl.len(), pl.col("symbol").n_unique(), pl.col("session").max()).sort("reason")
    rows = [(UNFILLED_REASONS[reason], whole(n), whole(symbols), day(last)) for reason, n, symbols, last in counted.iter_rows()]
    return Table(columns=("reason", "orders", "symbols", "last"), rows=rows, wide=0)


def targets_table(targets: pl.DataFrame) -> Table:
    """What is wanted, or proposed, after the newest session, the largest first, and why a rule changed it."""
    sizes = pl.max_horizontal(pl.col("target_weight", "proposed_weight").abs())
    newest = targets.filter(pl.col("session") == targets["session"].max(), sizes > 0)
    shown = newest.sort(pl.col("target_weight").abs(), sizes, "symbol", descending=[True, True, False]).head(SHOWN_TARGETS)
    rows = [
        (
            r["symbol"],
            "long" if r["target_weight"] > 0 else "short" if r["target_weight"] < 0 else "flat",
            percent(r["proposed_weight"], 2, signed=True),
            percent(r["target_weight"], 2, signed=True),
            ", ".join(r["strategies"]),
            "; ".join(r["reasons"]),
        )
        for r in shown.iter_rows(named=True)
    ]
    columns = ("symbol", "direction", "proposed", "target weight", "strategies", "changed by")
    return Table(columns=columns, rows=rows, text_columns=2)


def _shares(number: float) -> str:
    return whole(number) if number == int(number) else decimal(number, 4)
