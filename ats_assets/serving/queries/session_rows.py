"""Rows of assets with a partition a session: of one session, and of one symbol over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.serving.queries.versions_read import joint_version

Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class RowsOfSymbol:
    """The rows of a symbol, the newest session first.

    Attributes
    ----------
    before
        The session before which the next page goes on; None: there is nothing before.
    """

    rows: Rows
    version: str
    before: date | None


MADE_BY_TRADING = frozenset({"execution_quality"})
"""Of what is told here: `ats run` makes none of it."""


def newest_stored(deployment: Deployment, asset: str, asked: date | None) -> date:
    """The session that was asked for, else the newest that is stored of an asset.

    Raises
    ------
    CalendarError
        If what was asked for is no session.
    MissingPartitionError
        If it is not stored, or nothing is.
    """
    if asked is not None:
        deployment.calendar.position(asked)
        deployment.warehouse.require(asset, [asked])
        return asked
    stored = deployment.valid_sessions(asset)
    if not stored:
        how = "ats trade" if asset in MADE_BY_TRADING else f"ats run --select '+{asset}'"
        raise MissingPartitionError(f"{asset} is not stored in {deployment.warehouse.root}: make it with {how}")
    return stored[-1]


def rows_of_symbol(
    deployment: Deployment,
    asset: str,
    symbol: str,
    *,
    first: date | None = None,
    last: date | None = None,
    before: date | None = None,
    sessions: int,
    columns: Sequence[str] | None = None,
) -> RowsOfSymbol:
    """The rows of a symbol in an asset, in so many sessions at most.

    Raises
    ------
    CorruptPartitionError
        If a partition is damaged.
    """
    days = [
        day for day in reversed(deployment.valid_sessions(asset)) if (first or day) <= day <= (last or day) and day < (before or date.max)
    ]
    shown = days[:sessions]
    version = joint_version(deployment, ((asset, day) for day in shown))
    frame = deployment.warehouse.read(asset, shown, columns).filter(symbol=symbol) if shown else pl.DataFrame()
    return RowsOfSymbol(rows=frame.to_dicts(), version=version, before=shown[-1] if len(days) > len(shown) else None)


def columns_stored(deployment: Deployment, asset: str) -> dict[str, Any]:
    """Column -> type, of the newest partition of an asset."""
    stored = deployment.valid_sessions(asset)
    if not stored:
        return {}
    newest = deployment.warehouse.path(asset, stored[-1])
    deployment.warehouse.root_folder.at_hand([newest])
    return dict(pl.read_parquet_schema(newest))
