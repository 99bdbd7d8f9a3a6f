"""What the rows of a fit take in memory, told before they are read (`runs.max_memory_mb`).

A fit needs its window as a whole: it can't be made in parts, and rows that were left out to make it fit would make another model than the one that the settings describe. So a window that
does not fit is refused, with what it needs and which settings make it smaller; fewer fits are made at once before that.
"""

import math
from typing import Final

import numpy as np

from ats_assets.deployment import Deployment
from ats_assets.errors import MemoryLimitError
from ats_assets.features.choosing import model_families

COPIES: Final = 4.0
"""Of the features as float32: as read, joined with labels, as a matrix, and binned by the learner with what it keeps of each row."""
BESIDE: Final = 200
"""Bytes of a row beside its features: keys, label, scores."""
ROWS_AT_ONCE: Final = 1_000_000
"""Rows of training sets that are in memory at once, unless a single one has more: of 158 features they take 0.6 GB."""


def fit_row_bytes(deployment: Deployment) -> float:
    """What a row of a training set takes, its copies included."""
    factors = sum(len(family.factors) for family in deployment.of(model_families).values())
    return COPIES * factors * np.dtype(np.float32).itemsize + BESIDE


def rows_at_once(deployment: Deployment) -> int:
    """Rows of training sets that are in memory at once, those of all fits that are under way together."""
    bound = deployment.settings.runs.fit_bytes
    return ROWS_AT_ONCE if bound is None else min(ROWS_AT_ONCE, int(bound / fit_row_bytes(deployment)))


def require_fit(deployment: Deployment, what: str, rows: int) -> None:
    """See that the rows of a fit fit into memory, before their features are read.

    Raises
    ------
    MemoryLimitError
        Saying what it needs, and what makes it smaller.
    """
    runs, training = deployment.settings.runs, deployment.settings.training
    needed = rows * fit_row_bytes(deployment)
    if runs.fit_bytes is None or needed <= runs.fit_bytes:
        return
    least = math.ceil(runs.max_memory_for_fit(needed) / 100) * 100
    raise MemoryLimitError(
        f"{what} takes about {needed / 2**20:,.0f} MB for {rows:,} rows; runs.max_memory_mb = {runs.max_memory_mb} leaves {runs.fit_bytes / 2**20:,.0f} MB to fits: "
        f"set it to {least} or more, or learn from less: universe.size (now {deployment.settings.universe.size}), "
        f"training.train_sessions (now {training.train_sessions}), training.families"
    )
