"""Where two frames of features differ."""

from collections.abc import Sequence

import numpy as np
import polars as pl

ABSOLUTE, RELATIVE = 1e-5, 1e-4


def aligned(ours: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """The reference's rows for the keys of ours, in order."""
    keys = ours.select("symbol", "session")
    joined = keys.join(reference, on=["symbol", "session"], how="left", maintain_order="left")
    assert joined.height == ours.height
    return joined


def differing(ours: pl.DataFrame, reference: pl.DataFrame, names: Sequence[str]) -> dict[str, np.ndarray]:
    """For each column, the numbers of the rows where one is missing and the other is not, or |ours - reference| > 1e-5 + 1e-4 |reference|."""
    result = {}
    for name in names:
        left = ours[name].to_numpy().astype(np.float64)
        right = reference[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        result[name] = np.flatnonzero(~near(left, right))
    return result


def near(values: np.ndarray, reference: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Where |values - reference| is within that share of the tolerance, or both are missing."""
    with np.errstate(invalid="ignore"):
        close = (values == reference) | (np.abs(values - reference) <= share * (ABSOLUTE + RELATIVE * np.abs(reference)))
    return close | (np.isnan(values) & np.isnan(reference))
