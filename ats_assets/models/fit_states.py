"""A fit before and after it is made, as a run hands it on."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from ats_assets.models.choosing import Model
from ats_assets.models.confusion import Confusion
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.training_set import TrainingWindow
from ats_assets.storage.footer import Upstream
from ats_assets.storage.model_record import TunedParameters


@dataclass(frozen=True, kw_only=True)
class WantedFit:
    """A fit, and what has been read for it: features, labels and universe, where there is something to learn from, and weights, where rows have some; the model, with what tuning chose."""

    session: date
    model: Model
    window: TrainingWindow
    versions: dict[str, str]
    upstream: Upstream
    frames: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame] | None = None
    weights: pl.DataFrame | None = None
    tuned: TunedParameters | None = None


@dataclass(frozen=True, kw_only=True)
class FitOver:
    """A fit that is over. `recorded` is what its record says; `started` and `ended` are seconds since 1970, 0 where nothing was fitted."""

    wanted: WantedFit
    found: Fitted | Unavailable | Exception
    recorded: dict[str, Any] = field(default_factory=dict)
    confusion: Confusion | None = None
    started: float = 0.0
    ended: float = 0.0
