"""A chain of two expiries by hand, and a small market with options, for the tests of the stage."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.options.contract import symbols_of
from ats_assets.options.option_source import chain_order
from ats_assets.options.schema import KEY
from ats_assets_tests.small_market import small_market

SESSION = date(2021, 1, 4)
"""A Monday."""
CHAINS = ("raw_option_chains", "option_chains", "rejected_option_chains")


def market_with_options(root: Path, chains: dict[str, Any] | None = None, **options: Any) -> Deployment:
    """The small market with synthetic chains on two of its symbols, or others."""
    return small_market(root, options={"chains": chains or {"kind": "synthetic"}} | options)


def contract_row(strike: float | None = 100.0, right: str | None = "C", **changes: Any) -> dict[str, Any]:
    """A sound row: spot 100, twelve days to go, a spread of ten cents about a fair price."""
    beyond = 0.0 if strike is None else 100.0 - strike
    worth = 2.0 + max(beyond if right == "C" else -beyond, 0.0)
    row: dict[str, Any] = {
        "underlying": "AAA",
        "session": SESSION,
        "date": SESSION,
        "expiry": date(2021, 1, 15),
        "strike": strike,
        "right": right,
    }
    return row | {"bid": worth - 0.05, "ask": worth + 0.05, "underlying_price": 100.0, "open_interest": 10.0} | changes


def delivered(*rows: dict[str, Any]) -> pl.DataFrame:
    """The rows as a delivery."""
    frame = chain_order(pl.DataFrame(list(rows), infer_schema_length=None))
    written = symbols_of(*(pl.col(name) for name in KEY))
    return frame if "contract" in (rows[0] if rows else {}) else frame.with_columns(contract=written)
