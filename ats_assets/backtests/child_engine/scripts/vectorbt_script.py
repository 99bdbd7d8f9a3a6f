"""Target weights by vectorbt (Apache 2.0 with the Commons Clause), run in its own environment alone by `run_jobs.py`; no other file may import vectorbt.

`Portfolio.from_orders` with target percent: sized by the closes before (`val_price`) and the account as it was then, filled at the open, one cash for all, sales before buys.
Its own rules hold for the rest: cash is spent in the order of the orders' values, what short sales brought in included, and a buy that it does not pay for is cut. Fees are one
rate, and no sum is rounded to the cent. Where shares are whole, it rounds what is traded, not what is held.
"""

from typing import Any

import numpy as np
import vectorbt as vbt  # pyright: ignore[reportMissingImports] - in the child's environment alone

VERSION = f"vectorbt {vbt.__version__}"


def made_by_vectorbt(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One backtest; what a job is and what is answered `run_jobs.py` and `job_files.py` say."""
    weight, close = job["weight"], job["close"]
    n_sessions, n = weight.shape
    costs = job["costs"]
    fees = (costs["commission_bps"] + costs["spread_bps"] / 2 + costs["slippage_bps"]) / 1e4
    before = np.vstack([np.full((1, n), np.nan), close[:-1]]) if n_sessions else close
    valued = np.where(np.isfinite(before), before, 1.0)  # what has no price yet is not held
    size, price = (
        np.nan_to_num(weight),
        np.where(np.isnan(weight), np.nan, job["open"]),
    )  # an order without a size is ignored, one without a price too
    made = vbt.Portfolio.from_orders(
        np.where(np.isfinite(close), close, 1.0),
        size=size,
        size_type="targetpercent",
        direction="both",
        price=price,
        val_price=valued,
        fees=fees,
        size_granularity=np.nan if job["fractional_shares"] else 1.0,
        init_cash=job["cash"],
        cash_sharing=True,
        group_by=np.zeros(n, dtype=np.int64),
        call_seq="auto",
        freq="1D",
    )
    records = made.orders.values
    sign = np.where(records["side"] == 0, 1.0, -1.0)
    filled = np.zeros((n_sessions, n))
    filled[records["idx"], records["col"]] = sign * records["size"]
    held = np.cumsum(filled, axis=0)
    cash = np.asarray(made.cash(), dtype=np.float64).reshape(-1)
    value = np.asarray(made.value(), dtype=np.float64).reshape(-1)
    ordered = _ordered(weight, job, held, valued, cash)
    row, column = np.nonzero((ordered != 0.0) | (filled != 0.0))
    paid = np.zeros((n_sessions, n))
    paid[records["idx"], records["col"]] = records["fees"]
    table = {"row": row, "column": column, "ordered": ordered[row, column], "filled": filled[row, column]}
    return {
        "orders": table | {"price": np.where(table["filled"] != 0.0, job["open"][row, column], np.nan), "fees": paid[row, column]},
        "account": {"cash": cash, "value": value},
    }


def _ordered(weight: Any, job: dict[str, Any], held: Any, valued: Any, cash: Any) -> Any:
    """What the targets asked for, in shares, of shape (n_sessions, n_columns)."""
    before = np.vstack([np.zeros((1, weight.shape[1])), held[:-1]])
    value = np.append(job["cash"], cash[:-1]) + (before * valued).sum(axis=1)
    wanted = np.where(np.isnan(weight) | (value[:, None] <= 0.0), 0.0, weight * value[:, None] / valued - before)
    size = np.abs(wanted)
    size = size if job["fractional_shares"] else size // 1.0
    return np.sign(wanted) * np.where(size * valued < 0.005, 0.0, size)  # less than half a cent is nobody's order


TRADE = made_by_vectorbt
