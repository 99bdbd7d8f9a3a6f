"""Operators that look at one row at a time, and shifts. NumPy computes them; numbers stay in single precision until a window widens them, as in qlib."""

from collections.abc import Callable

import numpy as np

from ats_assets.expressions.arrays import Floats, Values
from ats_assets.expressions.block import Block


def column(block: Block, name: str) -> Values:
    """A column of the panel."""
    return block.columns[name]


def rowwise(function: Callable[..., Values]) -> Callable[..., Values]:
    """A step of a NumPy function of the operands' values."""

    def evaluate(_block: Block, *values: Values | float) -> Values:
        return function(*values)

    evaluate.__name__ = function.__name__
    return evaluate


def as_number(_block: Block, condition: Values) -> Values:
    """1 where a condition holds, else 0."""
    return condition.astype(np.float32)


def is_known(_block: Block, value: Values) -> Values:
    """1 where a value is there, 0 where it is missing."""
    return (~np.isnan(value)).astype(np.float32)


def window_input(_block: Block, value: Values) -> Floats:
    """What windows see: double precision, and infinities are missing."""
    wide = value.astype(np.float64)
    wide[~np.isfinite(wide)] = np.nan
    return wide


def shift(block: Block, value: Values, lag: int, lookback: int) -> Values:
    """The value `lag` rows ago; missing where nothing that it is computed from (`lookback` rows) is there.

    Without that rule a comparison would be false on rows before the symbol's first one, or missing, depending on where the data begins.
    """
    result = np.full_like(value, np.nan)
    result[lag:] = np.where(block.known(lookback)[: value.size - lag], value[: value.size - lag], np.nan)
    return result
