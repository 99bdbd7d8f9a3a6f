"""An analysis as it is asked for: its tables and facts, or what makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment


@dataclass(frozen=True, kw_only=True)
class AnalysisFound:
    """What is stored of an analysis.

    Attributes
    ----------
    tables
        Name -> rows, in the order in which they are shown.
    facts
        What is true of the whole.
    """

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One that can be asked for.

    Attributes
    ----------
    what_to_do
        Where nothing is stored.
    make
        Reads what is stored of at most so many of the newest sessions; None where nothing is.
    """

    title: str
    what_to_do: str
    make: Callable[[Deployment, int], AnalysisFound | None]


def analysed(deployment: Deployment, name: str, analysis: Analysis, sessions: int) -> dict[str, Any]:
    """The analysis as the service tells it; one that is not stored says what makes it.

    Raises
    ------
    CorruptPartitionError
    """
    found = analysis.make(deployment, sessions)
    told = {"name": name, "title": analysis.title, "stored": found is not None, "what_to_do": None if found else analysis.what_to_do}
    there = found or AnalysisFound()
    return told | {"facts": dict(there.facts), "tables": {table: rows.to_dicts() for table, rows in there.tables.items()}}


def stored_parts(deployment: Deployment, asset: str, parts: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The tables of an asset that is stored as a whole; nothing where one is missing."""
    warehouse = deployment.warehouse
    if not all(warehouse.part(asset, part).is_file() for part in parts):
        return {}
    return {part: warehouse.read_part(asset, part) for part in parts}


def newest_rows(deployment: Deployment, asset: str, sessions: int) -> pl.DataFrame | None:
    """The rows of the newest sessions of an asset; None where none is stored."""
    days = deployment.valid_sessions(asset)[-sessions:]
    return deployment.warehouse.read(asset, days) if days else None
