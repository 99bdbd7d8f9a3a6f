"""The parent's half of the exchange with a child: jobs to Arrow files, and the answers back, of which nothing is believed before it is looked at.

A job is the market as matrices of shape (n_sessions, n_columns), laid out in rows, sessions one after the other: `open`, at which a trade of the session is filled (NaN where
nothing can be), `close`, carried forward (NaN before the first bar), and `weight`, decided at the close before (NaN: what is held stays). An answer has the orders, one row for
each session and column in which there was any, signed for sales, and the engine's own account at each close. The child's half is `scripts/run_jobs.py`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ats_assets.errors import EngineError
from ats_assets.kernels.weight_limits import Floats

PROTOCOL = 1
ORDERS = pl.Schema({"row": pl.Int64, "column": pl.Int64, **dict.fromkeys(("ordered", "filled", "price", "fees"), pl.Float64())})
ACCOUNT = pl.Schema(dict.fromkeys(("cash", "value"), pl.Float64()))


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a child is to trade; see the module."""

    sessions: list[str]
    open: Floats
    close: Floats
    weight: Floats
    cash: float
    costs: dict[str, float]
    fractional_shares: bool


@dataclass(frozen=True, kw_only=True)
class ChildAnswer:
    """What became of a job: its orders, and the account at each close, in currency and as the engine has it."""

    orders: pl.DataFrame
    account: pl.DataFrame
    version: str


def write_jobs(jobs: list[Job], folder: Path) -> None:
    """The files that a child reads."""
    for number, job in enumerate(jobs):
        market = {name: getattr(job, name).reshape(-1) for name in ("open", "close", "weight")}
        pl.DataFrame(market).write_ipc(folder / f"{number}.arrow", compression="uncompressed")
        told = {"sessions": job.sessions, "columns": job.open.shape[1], "cash": job.cash, "costs": job.costs}
        told["fractional_shares"] = job.fractional_shares
        folder.joinpath(f"{number}.json").write_text(json.dumps(told), encoding="utf-8")
    folder.joinpath("request.json").write_text(json.dumps({"protocol": PROTOCOL, "jobs": len(jobs)}), encoding="utf-8")


def read_answers(jobs: list[Job], folder: Path, name: str) -> list[ChildAnswer]:
    """The answers of a child that has ended well.

    Raises
    ------
    EngineError
        If one is not there, not whole, or can't be: another shape, no number, more filled than ordered, a price that was not the open.
    """
    told = _told(folder / "answer.json", name)
    return [
        ChildAnswer(
            orders=_judged(_table(folder, f"{number}-orders.arrow", told, ORDERS, name), job, name),
            account=_account(_table(folder, f"{number}-account.arrow", told, ACCOUNT, name), job, name),
            version=str(told.get("version", "")),
        )
        for number, job in enumerate(jobs)
    ]


def _told(file: Path, name: str) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise EngineError(f"the engine {name} ended without an answer") from None
    except ValueError as error:
        raise EngineError(f"the engine {name} answered something that is no JSON: {error}") from error
    if not isinstance(told, dict) or told.get("protocol") != PROTOCOL or not isinstance(told.get("files"), dict):
        raise EngineError(f"the engine {name} answered by another protocol than {PROTOCOL}: delete its environment, and it is rebuilt")
    return told


def _table(folder: Path, file: str, told: dict[str, Any], schema: pl.Schema, name: str) -> pl.DataFrame:
    path = folder / file
    if file not in told["files"] or not path.is_file():
        raise EngineError(f"the engine {name} left no {file}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != told["files"][file]:
        raise EngineError(f"{file} of the engine {name} is not as it was written: the disk may be full or damaged; run it again")
    try:
        frame = pl.read_ipc(path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise EngineError(f"{file} of the engine {name} is no Arrow file: {error}") from error
    if frame.schema != schema or frame.null_count().sum_horizontal().sum():
        raise EngineError(f"{file} of the engine {name} has the columns {dict(frame.schema)}, or gaps in them; expected {dict(schema)}")
    return frame


def _judged(orders: pl.DataFrame, job: Job, name: str) -> pl.DataFrame:
    """The orders, sorted by session and column, one row for each."""
    row, column = orders["row"].to_numpy(), orders["column"].to_numpy()
    n_sessions, n = job.open.shape
    inside = (row >= 0) & (row < n_sessions) & (column >= 0) & (column < n)
    _refuse(orders, ~inside, name, "lies outside the market")
    ordered, filled = orders["ordered"].to_numpy(), orders["filled"].to_numpy()
    _refuse(orders, ~(np.isfinite(ordered) & np.isfinite(filled)), name, "is no number")
    beyond = (np.abs(filled) > np.abs(ordered) * (1 + 1e-9) + 1e-9) | ((filled != 0.0) & (np.sign(filled) != np.sign(ordered)))
    _refuse(orders, beyond, name, "fills more than was ordered")
    at_open = np.isclose(orders["price"].to_numpy(), job.open[row, column], rtol=1e-12, atol=0.0)
    _refuse(orders, (filled != 0.0) & ~at_open, name, "is not filled at the open")
    _refuse(orders, orders.select("row", "column").is_duplicated().to_numpy(), name, "comes twice")
    return orders.sort("row", "column")


def _account(account: pl.DataFrame, job: Job, name: str) -> pl.DataFrame:
    if len(account) != len(job.sessions) or not np.isfinite(account.to_numpy()).all():
        raise EngineError(
            f"the account of the engine {name} has {len(account)} rows for {len(job.sessions)} sessions, or values that are no numbers"
        )
    return account


def _refuse(orders: pl.DataFrame, which: "np.ndarray[Any, np.dtype[np.bool_]]", name: str, why: str) -> None:
    if which.any():
        raise EngineError(f"an order of the engine {name} {why}: {orders.row(int(np.flatnonzero(which)[0]), named=True)}")
