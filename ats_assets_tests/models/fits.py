"""Small markets with a known signal, to fit models on."""

import functools
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.labels.methods.forward_returns import ForwardReturnLabel
from ats_assets.models import Model, TrainingSet, TrainingWindow, fit, recorded, training_set, training_window
from ats_assets.models.learner import Fitted
from ats_assets.models.learners.lightgbm import Lightgbm, LightgbmSettings
from ats_assets.settings import ForwardReturnsSettings, TrainingSettings
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord

CALENDAR: SessionCalendar = session_calendar("XNYS", date(2015, 1, 1))
SETTINGS = TrainingSettings(
    horizon_sessions=2, train_sessions=80, validation_sessions=15, min_train_sessions=30, embargo_sessions=3, threads=1
)
LIGHTGBM = LightgbmSettings(min_rounds=5, max_rounds=40, early_stopping_rounds=10, min_data_in_leaf=50, bin_sample_rows=1_000)
SESSION = CALENDAR.offset(CALENDAR.first, 120)
FORWARD_RETURNS = ForwardReturnLabel(ForwardReturnsSettings())
SYMBOLS = [f"S{i:02d}" for i in range(40)]


@functools.cache
def market(strength: float = 0.4, settings: TrainingSettings = SETTINGS, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Features, forward returns and universe of 121 sessions; `signal` is correlated with the return by `strength`, the others are noise."""
    random = np.random.default_rng(seed)
    days = CALENDAR.window(SESSION, 121)
    keys = pl.DataFrame({"session": days}).join(pl.DataFrame({"symbol": SYMBOLS}), how="cross")
    noise = random.standard_normal((keys.height, 4)).astype(np.float32)
    noise[random.random(noise.shape) < 0.05] = np.nan
    features = keys.select("symbol", "session").with_columns(
        noise_a=pl.Series(noise[:, 0]), signal=pl.Series(noise[:, 1]), noise_b=pl.Series(noise[:, 2]), noise_c=pl.Series(noise[:, 3])
    )
    signal = np.nan_to_num(noise[:, 1])
    returns = 0.02 * (strength * signal + np.sqrt(1 - strength**2) * random.standard_normal(keys.height))
    known = dict(zip(days, CALENDAR.sessions(days[0], CALENDAR.last)[settings.horizon_sessions + 1 :], strict=False))
    labels = (
        keys.with_columns(
            forward_return=pl.Series(returns),
            decision_session=pl.col("session"),
            horizon_sessions=pl.lit(settings.horizon_sessions, pl.Int32),
        )
        .with_columns(session=pl.col("session").replace_strict(known, return_dtype=pl.Date), exit=pl.lit("open"))
        .with_columns(rank=pl.col("forward_return").rank("average").over("session") / pl.len().over("session"))
        .select("symbol", "session", "decision_session", "horizon_sessions", "forward_return", "rank", "exit")
    )
    universe = keys.filter(pl.col("symbol") != "S00").select("symbol", "session")
    return features, labels, universe


def window_of(session: date = SESSION, settings: TrainingSettings = SETTINGS, sequence_sessions: int = 1) -> TrainingWindow:
    """The window of a model that learns forward returns."""
    return training_window(CALENDAR, session, settings, FORWARD_RETURNS.known_after(settings), sequence_sessions)


def outcomes_of(labels: pl.DataFrame, settings: TrainingSettings = SETTINGS) -> pl.DataFrame:
    """What a model learns of forward returns."""
    return FORWARD_RETURNS.outcomes(labels, settings)


def small_training_set(
    strength: float = 0.4,
    settings: TrainingSettings = SETTINGS,
    session: date = SESSION,
    symbols: int = len(SYMBOLS),
    sequence_sessions: int = 1,
) -> TrainingSet:
    """The training set of the small market, or of its first symbols."""
    features, labels, universe = market(strength, settings)
    universe = universe.filter(pl.col("symbol").is_in(SYMBOLS[: symbols + 1]))
    window = window_of(session, settings, sequence_sessions)
    labels = labels.filter(pl.col("session").is_in(list(window.label_sessions)))
    return training_set(features, outcomes_of(labels, settings), universe, window, settings)


def lightgbm(**changes: object) -> Model:
    """LightGBM with few trees."""
    learner = Lightgbm(LIGHTGBM.model_copy(update=changes))
    return Model(name="lightgbm", kind="lightgbm", learner=learner, quick=learner)


def fitted_lightgbm(data: TrainingSet | None = None, **changes: object) -> Fitted:
    """LightGBM, fitted on the small training set."""
    found = fit(lightgbm(**changes), data or small_training_set(), SETTINGS)
    assert isinstance(found, Fitted), found
    return found


def written(
    store: ModelStore, session: date, fitted: Fitted, data: TrainingSet, versions: dict[str, str] | None = None, **more: Any
) -> ModelRecord:
    """A fit, stored as the asset stores it."""
    return store.write_fitted(session, fitted.content, **recorded(lightgbm(), fitted, data, SETTINGS, versions or {}), **more)
