"""Columns that are read as groups: of any type, their values numbered, since float32 can't tell long codes apart."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from ats_assets.errors import ExpressionError
from ats_assets.expressions.builder import GROUP

MOST_GROUPS: Final = 2**24
"""Numbers up to this one are exact in float32."""


def with_groups(panel: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The panel with a numbered column for each of the names; null and NaN are no group.

    Raises
    ------
    ExpressionError
        If the panel lacks a column, or its values are no single values or too many.
    """
    return panel.with_columns(_numbered(panel, name).alias(GROUP + name) for name in names)


def _numbered(panel: pl.DataFrame, name: str) -> pl.Series:
    if name not in panel.columns:
        raise ExpressionError(f"there is no field `${name}` in the panel; it has {', '.join(f'${known}' for known in panel.columns)}")
    column = panel[name]
    if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Unknown):
        raise ExpressionError(f"`${name}` is of the type {column.dtype}, which can't be a group; give strings, numbers or dates")
    values = column.fill_nan(None) if column.dtype.is_float() else column
    known = values.unique().drop_nulls().sort()
    if len(known) > MOST_GROUPS:
        raise ExpressionError(f"`${name}` has {len(known)} groups; {MOST_GROUPS} are the most")
    return values.replace_strict(known, pl.Series(range(len(known)), dtype=pl.UInt32), default=None, return_dtype=pl.UInt32)
