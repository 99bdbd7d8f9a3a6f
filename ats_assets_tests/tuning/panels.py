"""Panels of labelled rows in which a parameter matters, or nothing does."""

from datetime import date
from functools import lru_cache

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.models import Model, TrainingWindow
from ats_assets.models.labelled_rows import LabelledRows
from ats_assets.models.learners.lightgbm import PLUGIN, Lightgbm, LightgbmSettings
from ats_assets.models.training_set import CrossSections
from ats_assets.settings import KnownAfter, Search, SearchRange, TrainingSettings

CALENDAR: SessionCalendar = session_calendar("XNYS", date(2015, 1, 1))
TRAINING = TrainingSettings(
    label="raw", horizon_sessions=1, train_sessions=120, validation_sessions=20, min_train_sessions=20, embargo_sessions=1, threads=1
)
KNOWN = KnownAfter(first=2, last=2)
LEAVES: dict[str, Search] = {"num_leaves": SearchRange(low=2, high=16)}


def stumps(**changes: object) -> Model:
    """LightGBM that splits once a tree: it can't see what two features say only together."""
    settings = LightgbmSettings(num_leaves=2, min_rounds=5, max_rounds=15, early_stopping_rounds=5, min_data_in_leaf=20, learning_rate=0.3)
    learner = Lightgbm(settings.model_copy(update={"bin_sample_rows": 1_000, "feature_fraction": 1.0, **changes}))
    return Model(name="lightgbm", kind="lightgbm", learner=learner, quick=learner, make=PLUGIN.make, space=LEAVES)


@lru_cache(maxsize=4)
def panel(sessions: int, symbols: int, strength: float, seed: int) -> LabelledRows:
    """Rows whose label is the sign of the product of two features, with that correlation, and noise."""
    random = np.random.default_rng(seed)
    n = sessions * symbols
    x = random.standard_normal((n, 4)).astype(np.float32)
    y = strength * np.sign(x[:, 0] * x[:, 1]) + np.sqrt(1 - strength**2) * random.standard_normal(n)
    days = CALENDAR.window(CALENDAR.offset(CALENDAR.first, sessions + 20), sessions)
    names = [f"S{i:03d}" for i in range(symbols)]
    keys = pl.DataFrame({"session": [day for day in days for _ in names], "symbol": names * sessions})
    decided = np.repeat([CALENDAR.position(day) for day in days], symbols).astype(np.int64)
    rows = CrossSections(keys=keys, x=x, y=y, returns=y, sizes=np.full(sessions, symbols, dtype=np.int64))
    window = TrainingWindow(session=CALENDAR.offset(days[-1], 2), train=tuple(days), validation=(), label_sessions=(), known_after=KNOWN)
    return LabelledRows(window=window, features=("a", "b", "c", "d"), rows=rows, decided=decided, known=decided + KNOWN.last)


def part(data: LabelledRows, first: int, last: int) -> LabelledRows:
    """The decisions from one session to before another, by their places in the panel."""
    size = int(data.rows.sizes[0])
    at = slice(first * size, last * size)
    rows = CrossSections(
        keys=data.rows.keys[at], x=data.rows.x[at], y=data.rows.y[at], returns=data.rows.returns[at], sizes=data.rows.sizes[first:last]
    )
    days = data.window.train[first:last]
    window = TrainingWindow(session=CALENDAR.offset(days[-1], 2), train=days, validation=(), label_sessions=(), known_after=KNOWN)
    return LabelledRows(window=window, features=data.features, rows=rows, decided=data.decided[at], known=data.known[at])
