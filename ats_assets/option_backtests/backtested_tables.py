"""The rows of an options backtest as frames of their contracts, and the cycles that follow from them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from pandera.polars import DataFrameModel

from ats_assets.option_backtests.contracts import CONTRACTS
from ats_assets.option_backtests.session_loop import Rows

CYCLES = "cycles"


def option_tables(rows: Rows) -> dict[str, pl.DataFrame]:
    """The tables, each checked against its contract.

    Raises
    ------
    pandera.errors.SchemaError
        If one breaks it.
    """
    found = {}
    for name, contract in CONTRACTS.items():
        made = cycle_rows(rows) if name == CYCLES else rows.get(name, [])
        found[name] = _frame(made, contract)
        contract.validate(found[name])
    return found


def table_schema(contract: type[DataFrameModel]) -> pl.Schema:
    """The columns of a contract.

    Examples
    --------
    >>> table_schema(CONTRACTS["cycles"]).names()[:2]
    ['strategy', 'underlying']
    """
    return pl.Schema({name: column.dtype.type for name, column in contract.to_schema().columns.items()})  # pyright: ignore[reportAttributeAccessIssue]


def _frame(rows: list[dict[str, Any]], contract: type[DataFrameModel]) -> pl.DataFrame:
    schema = table_schema(contract)
    columns = {name: [_plain(row[name]) for row in rows] for name in schema}
    return pl.DataFrame(columns, schema)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def cycle_rows(rows: Rows) -> list[dict[str, Any]]:
    """From flat to flat: what each strategy earned with an underlying while it held something of it."""
    held: defaultdict[tuple[str, str], set[date]] = defaultdict(set)
    for row in rows["positions"]:
        held[row["strategy"], row["underlying"]].add(row["session"])
    pnl: defaultdict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
    for row in rows["attribution"]:
        if row["underlying"] is not None:
            pnl[row["strategy"], row["underlying"]][row["session"]] = row["pnl"]
    return [cycle for key, gains in sorted(pnl.items()) for cycle in _cycles(key, gains, held[key])]


def _cycles(key: tuple[str, str], gains: Mapping[date, Decimal], held: set[date]) -> list[dict[str, Any]]:
    """A session with P&L belongs to the cycle that is open then; one that ends flat ends it."""
    found: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    for session, gain in sorted(gains.items()):
        if current is None:
            current = {"strategy": key[0], "underlying": key[1], "first_session": session, "pnl": Decimal(0)}
            found.append(current)
        current["pnl"] += gain
        ended = session not in held
        current |= {"last_session": session, "days": (session - current["first_session"]).days, "ended": ended}
        current = None if ended else current
    return found
