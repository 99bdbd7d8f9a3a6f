"""Other futures: the same rows up to a session, or an instant, and different ones after it."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final

import numpy as np
import polars as pl
from polars import selectors

KINDS: Final[Mapping[str, str]] = {
    "changed": "every number after the session is scaled by a factor of its own",
    "extreme": "numbers after the session grow a thousandfold, so that extremes and scales of the sample change",
    "thinned": "one symbol in three has no rows after the session",
    "ended": "there are no rows after the session",
}
"""What can happen to the rows that were not known yet."""


def perturbed(rows: pl.DataFrame, known: str, last: date | datetime, kind: str, *, seed: int, keep: Collection[str] = ()) -> pl.DataFrame:
    """The rows with those changed that were known after `last`; their order stays.

    Parameters
    ----------
    rows
        A frame with the column `known`.
    kind
        One of `KINDS`.
    seed
        Of the factors.
    keep
        Numeric columns that name a row rather than measure something.
    """
    later = pl.col(known) > last
    if kind == "ended":
        return rows.filter(~later)
    if kind == "thinned":
        if "symbol" not in rows.columns:
            return rows.filter(~later)
        gone = rows["symbol"].unique().sort().to_list()[seed % 3 :: 3]
        return rows.filter(~(later & pl.col("symbol").is_in(gone)))
    random = np.random.default_rng(seed)
    changed: list[pl.Expr] = []
    for name in rows.select(selectors.numeric()).columns:
        if name in keep:
            continue
        factors = np.exp(0.5 * random.standard_normal(rows.height)) * (1_000.0 if kind == "extreme" else 1.0)
        value = (pl.col(name) * pl.Series(factors)).cast(rows.schema[name], strict=False)
        changed.append(pl.when(later).then(value).otherwise(pl.col(name)).alias(name))
    return rows.with_columns(changed)
