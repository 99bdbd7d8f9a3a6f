"""Where predictions begin: before that a champion is named, and nobody follows it."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.predictions.candidates import candidates


def followed_champion(deployment: Deployment, champion: pl.DataFrame) -> pl.DataFrame:
    """Rows of the contract `Champion` from the first of their sessions on at which a candidate has predictions; all of them where none has.

    Raises
    ------
    CorruptPartitionError
        If what a candidate predicted up to there is damaged.
    """
    first = first_predicted(deployment, sorted(champion["session"].unique()))
    return champion if first is None else champion.filter(pl.col("session") >= first)


def first_predicted(deployment: Deployment, sessions: Sequence[date]) -> date | None:
    """The first of some ascending sessions at which a candidate has predictions stored; None where none has.

    Raises
    ------
    CorruptPartitionError
    """
    warehouse, assets = deployment.warehouse, [*deployment.of(candidates).values()]
    return next(
        (day for day in sessions for asset in assets if warehouse.exists(asset, day) and warehouse.read(asset, [day], ["symbol"]).height),
        None,
    )
