"""What plans see of an account that people trade as well: not the shares that orders of people have bought.

Else the next plan would sell them, since no target names them.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.deployment import Deployment
from ats_assets.execution.names import known_identities
from ats_assets.execution.order import exact
from ats_assets.execution.trading import session_at
from ats_assets.requests.manual_book import manual_shares, part_of
from ats_assets.trade_state import open_trade_state


def without_shares_of_people(deployment: Deployment, session: date, positions: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `Positions` at the close of a session, less what people hold of them; the same frame where they hold nothing."""
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        if not manual_shares(connection):
            return positions
        known, calendar = known_identities(deployment, session), deployment.calendar
        book = manual_shares(connection, calendar.closes_at(session), name_of=lambda symbol, at: known.of(symbol, session_at(calendar, at)))
    return positions_without(positions, book)


def positions_without(positions: pl.DataFrame, book: Mapping[str, Decimal]) -> pl.DataFrame:
    """The rows less a book's part of each, by instrument; cost and value in proportion.

    Examples
    --------
    >>> held = pl.DataFrame({"instrument": ["a", "b"], "quantity": [30.0, 5.0], "cost": [60.0, None], "value": [90.0, 10.0]})
    >>> positions_without(held, {"a": Decimal(10), "b": Decimal(5)}).rows()
    [('a', 20.0, 40.0, 60.0)]
    """
    return pl.DataFrame([left for row in positions.iter_rows(named=True) if (left := _left(row, book))], schema=positions.schema)


def _left(row: Mapping[str, Any], book: Mapping[str, Decimal]) -> dict[str, Any] | None:
    held = exact(row["quantity"])
    left = held - part_of(book.get(row[INSTRUMENT], Decimal(0)), held)
    if left == held:
        return dict(row)
    share = float(left / held)
    return (
        {**row, "quantity": float(left)} | {name: None if row[name] is None else row[name] * share for name in ("cost", "value")}
        if left
        else None
    )
