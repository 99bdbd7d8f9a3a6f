"""Small markets with a known signal, to fit models on."""

from datetime import date

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.models import TrainingSet, training_set, training_window
from ats_assets.settings import LightgbmSettings

CALENDAR: SessionCalendar = session_calendar("XNYS", date(2015, 1, 1))
SETTINGS = LightgbmSettings(
    horizon_sessions=2,
    train_sessions=80,
    validation_sessions=15,
    min_train_sessions=30,
    embargo_sessions=3,
    min_rounds=5,
    max_rounds=40,
    early_stopping_rounds=10,
    min_data_in_leaf=50,
    bin_sample_rows=1_000,
    threads=1,
)
SESSION = CALENDAR.offset(CALENDAR.first, 120)
SYMBOLS = [f"S{i:02d}" for i in range(40)]


def market(strength: float = 0.4, settings: LightgbmSettings = SETTINGS, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
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


def small_training_set(strength: float = 0.4, settings: LightgbmSettings = SETTINGS, session: date = SESSION) -> TrainingSet:
    """The training set of the small market."""
    features, labels, universe = market(strength, settings)
    window = training_window(CALENDAR, session, settings)
    return training_set(features, labels.filter(pl.col("session").is_in(list(window.label_sessions))), universe, window, settings)
