"""Figures of partitions: numbers that each materialisation carries, and that Dagster plots over the sessions.

Functions of the stages make them of the rows that are stored, so they are part of no asset's code: what is shown may change without making a partition stale.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment

Shown = Mapping[date, Mapping[str, dg.MetadataValue]]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How the figures of an asset are made: a row for each session that has figures, with numbers beside `session`; null or not finite where there is none.

    Parameters
    ----------
    rows
        The name of the number of rows; empty: none. Of an asset that keeps vintages there is no other figure.
    make
        Of the asset's rows.
    of_changes
        Of the asset's rows, and the sessions in order: from the one before the first, if it is stored, to the last.
    """

    rows: str = ""
    make: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    of_changes: Callable[[pl.DataFrame, Sequence[date]], pl.DataFrame] | None = None


def figures_of(deployment: Deployment, asset: str, figures: Figures, frame: pl.DataFrame, sessions: Sequence[date]) -> Shown:
    """Session -> its figures, by name."""
    if figures.make is not None:
        made = figures.make(frame)
    elif figures.of_changes is not None:
        before = deployment.known(deployment.calendar.window(sessions[0], 2)[:-1])
        stored = [day for day in before if deployment.warehouse.exists(asset, day)]
        rows = pl.concat([deployment.warehouse.read(asset, stored), frame], how="diagonal") if stored else frame
        made = figures.of_changes(rows, [*stored, *sessions]).filter(pl.col("session").is_in(list(sessions)))
    else:
        return {}
    return {row.pop("session"): _numbers(row) for row in made.iter_rows(named=True)}


def _numbers(row: Mapping[str, float | int | None]) -> dict[str, dg.MetadataValue]:
    found = {name: value for name, value in row.items() if value is not None and abs(value) < float("inf")}
    return {name: dg.MetadataValue.int(n) if isinstance(n, int) else dg.MetadataValue.float(n) for name, n in found.items()}
