"""What happened in a backtest, collected session by session and turned into its frames at the end."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.backtests.market import Market
from ats_assets.backtests.schema import EQUITY_SCHEMA, POSITIONS_SCHEMA, TRADES_SCHEMA, UNFILLED_SCHEMA
from ats_assets.portfolio import Account, TradePlan, Unfilled
from ats_assets.portfolio.limits import Floats

Columns = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a session brought besides trades, money in cents."""

    equity_at_open: int
    income: int
    """Paid by corporate actions."""
    financing: int
    """Paid for what is borrowed."""
    called: bool
    """For margin, at the close."""


class Journal:
    """The records of one backtest. Money comes in as whole cents and leaves as currency."""

    def __init__(self, market: Market, initial_cents: int) -> None:
        self._days = np.array(market.sessions, dtype="datetime64[D]")
        self._instruments = np.array(market.instruments, dtype=object)
        self._tickers = market.tickers
        self._equity: list[Columns] = []
        self._positions: list[Columns] = []
        self._trades: list[Columns] = []
        self._unfilled: list[Columns] = []
        self._unfilled_now = 0
        self._before = (initial_cents, 0)  # equity and value of the positions at the previous close

    def unfilled(self, i: int, plan: TradePlan, orders: Unfilled) -> None:
        """Orders planned for the open of session `i` that were not filled, or only in part."""
        at, n = orders.at, len(orders.at)
        self._unfilled_now += n
        side = np.where(np.isnan(orders.ordered), plan.target[at] - np.nan_to_num(plan.current[at]), orders.ordered)
        self._unfilled.append(
            {
                "session": np.full(n, self._days[i]),
                "signal_session": np.full(n, self._days[i - 1]),
                "symbol": self._tickers[i][at],
                "instrument": self._instruments[at],
                "side": np.where(side < 0, "sell", "buy"),
                "reason": np.full(n, orders.reason),
                "current_weight": plan.current[at],
                "target_weight": plan.target[at],
                "ordered_shares": np.abs(orders.ordered),
                "filled_shares": orders.filled,
            }
        )

    def close(self, i: int, account: Account, prices: Floats, missing: NDArray[np.int64], changes: Changes) -> None:
        """The state at the close of session `i`, the fills of the session, and its other changes."""
        held = np.flatnonzero(account.shares)
        values = account.values(prices, held)
        value, equity = int(values.sum()), account.cash + int(values.sum())
        weights = values / equity if equity > 0 else np.full(len(held), np.nan)
        paid = {
            part: sum(int(getattr(f.costs, part).sum()) for f in account.fills) for part in ("commission", "spread", "slippage", "total")
        }
        bought = sum(int((f.sign * f.notional).sum()) for f in account.fills)
        traded = sum(int(f.notional.sum()) for f in account.fills if not f.delisted)
        self._equity.append(
            {
                "session": self._days[i].item(),
                "cash": account.cash / 100,
                "positions_value": value / 100,
                "equity": equity / 100,
                "pnl": (value - self._before[1] - bought + changes.income) / 100,
                "income": changes.income / 100,
                "commission": paid["commission"] / 100,
                "spread_cost": paid["spread"] / 100,
                "slippage_cost": paid["slippage"] / 100,
                "financing_cost": changes.financing / 100,
                "costs": (paid["total"] + changes.financing) / 100,
                "traded": traded / 100,
                "turnover": traded / changes.equity_at_open if changes.equity_at_open > 0 else None,
                "gross": float(np.abs(weights).sum()) if equity > 0 else None,
                "net": value / equity if equity > 0 else None,
                "n_positions": len(held),
                "n_trades": sum(len(f.at) for f in account.fills),
                "n_unfilled": self._unfilled_now,
                "margin_call": changes.called,
            }
        )
        self._positions.append(
            {
                "session": np.full(len(held), self._days[i]),
                "symbol": self._tickers[i][held],
                "instrument": self._instruments[held],
                "shares": account.shares[held],
                "price": prices[held],
                "value": values / 100,
                "weight": weights,
                "basis": account.basis[held] / 100,
                "unrealised_pnl": (values - account.basis[held]) / 100,
                "missing_sessions": missing[held],
            }
        )
        self._record_trades(i, account)
        self._unfilled_now = 0
        self._before = (equity, value)

    def _record_trades(self, i: int, account: Account) -> None:
        sequence = 0
        for f in account.fills:
            n = len(f.at)
            sign = np.broadcast_to(f.sign, (n,))
            adverse = f.costs.spread + f.costs.slippage
            self._trades.append(
                {
                    "session": np.full(n, self._days[i]),
                    "sequence": np.arange(sequence, sequence + n),
                    "signal_session": np.full(n, np.datetime64("NaT") if f.delisted else self._days[i - 1], dtype="datetime64[D]"),
                    "symbol": self._tickers[i][f.at],
                    "instrument": self._instruments[f.at],
                    "side": np.where(sign > 0, "buy", "sell"),
                    "effect": np.full(n, "close" if f.closing else "open"),
                    "reason": np.full(n, "delisted" if f.delisted else "rebalance"),
                    "shares": f.shares,
                    "reference_price": f.reference,
                    "price": (f.notional + sign * adverse) / 100 / f.shares,
                    "notional": f.notional / 100,
                    "commission": f.costs.commission / 100,
                    "spread_cost": f.costs.spread / 100,
                    "slippage_cost": f.costs.slippage / 100,
                    "cash_flow": f.cash_flow / 100,
                    "realised_pnl": f.realised / 100 if f.closing else np.full(n, np.nan),
                }
            )
            sequence += n

    def equity_frame(self, benchmark: NDArray[np.float64]) -> pl.DataFrame:
        """The equity contract."""
        columns = {name: [row[name] for row in self._equity] for name in EQUITY_SCHEMA if name != "benchmark"}
        columns["benchmark"] = list(benchmark)
        return pl.DataFrame({name: pl.Series(name, columns[name], dtype=dtype, strict=False) for name, dtype in EQUITY_SCHEMA.items()})

    def positions_frame(self) -> pl.DataFrame:
        """The positions contract."""
        return _frame(self._positions, POSITIONS_SCHEMA).with_columns(pl.col("weight").fill_nan(None)).sort("session", "symbol")

    def trades_frame(self) -> pl.DataFrame:
        """The trades contract."""
        return _frame(self._trades, TRADES_SCHEMA).with_columns(pl.col("realised_pnl").fill_nan(None))

    def unfilled_frame(self) -> pl.DataFrame:
        """The contract of unfilled orders."""
        frame = _frame(self._unfilled, UNFILLED_SCHEMA)
        return frame.with_columns(pl.col("ordered_shares", "current_weight").fill_nan(None)).sort("session", "symbol", "reason")


def _frame(records: list[Columns], schema: pl.Schema) -> pl.DataFrame:
    """One frame of many records of arrays."""
    if not records:
        return pl.DataFrame(schema=schema)
    columns = {name: np.concatenate([record[name] for record in records]) for name in schema}
    return pl.DataFrame({name: _series(name, values, schema[name]) for name, values in columns.items()})


def _series(name: str, values: NDArray[Any], dtype: pl.DataType) -> pl.Series:
    if dtype == pl.String:
        return pl.Series(name, values.tolist(), dtype=pl.String)
    return pl.Series(name, values).cast(dtype)
