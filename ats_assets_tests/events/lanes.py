"""A lane of events over planted bars: settings of it, and its frames made by the very functions that the assets call."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday import QUOTES_SCHEMA
from ats_assets.settings import load_settings
from ats_assets_tests.events.small_bars import weekdays
from ats_assets_tests.small_market import run_job

DAYS = weekdays(date(2014, 5, 1), 10)
ASSETS = (
    "tick_bars",
    "hour_bars",
    "fast",
    "slow",
    "microstructure",
    "bar_regimes",
    "events",
    "event_labels",
    "direction_model",
    "direction_predictions",
    "meta_labels",
    "meta_model",
    "meta_predictions",
)
PULL = 0.01
"""With which each quote comes back to its mean: what there is to learn."""

FAMILY = """
frame = "tick_bars"
[terms]
calm = "Std($return, 20)"
[features]
REV5 = "($close / Ref($close, 5) - 1) / $calm"
DEV = "($close / Mean($close, 60) - 1) / $calm"
VOL = "$calm"
RATE = "$ticks / Mean($ticks, 10)"
"""
SLOW = """
frame = "hour_bars"
[features]
TREND = "$close / Mean($close, 4) - 1"
"""
EVENT_TRAINING = {
    "families": ("fast", "slow", "microstructure", "bar_regimes"),
    "train_sessions": 4,
    "validation_sessions": 1,
    "min_train_events": 40,
    "refit": "session",
    "max_age_sessions": 5,
    "threads": 1,
}
"""Of lanes of a few sessions."""
FOREST = {"kind": "random_forest", "trees": 20, "max_depth": 4, "min_samples_leaf": 10}


def lane_settings(root: Path, **changes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sections of the settings of a lane under `root`: a direction model and a meta-model, refitted at each session."""
    families = root / "features"
    families.mkdir(parents=True, exist_ok=True)
    (families / "fast.toml").write_text(FAMILY, encoding="utf-8")
    (families / "slow.toml").write_text(SLOW, encoding="utf-8")
    sections: dict[str, dict[str, Any]] = {
        "calendar": {"exchange": "24/5", "first_session": date(2014, 4, 1)},
        "storage": {"warehouse": root / "warehouse", "models": root / "models", "data": root / "data", "fsync": False},
        "features": {"folder": families},
        "intraday": {"quotes": {"path": "quotes"}, "lookback_sessions": 2},
        "samplers": {
            "tick_bars": {"kind": "tick", "source": "quotes", "threshold": 50},
            "hour_bars": {"kind": "time", "source": "quotes", "seconds": 3600},
        },
        "events": {
            "frame": "tick_bars",
            "cusum": {"threshold": 0.7, "min_volatility_bars": 5, "volatility_span_bars": 10},
            "barriers": {"gain": 2.0, "loss": 2.0, "horizon_bars": 6, "min_volatility_bars": 5, "volatility_span_bars": 10},
        },
        "bar_regimes": {"frame": "hour_bars", "train_sessions": 2, "min_bars": 50, "filter_bars": 20, "match_fits": 1, "starts": 1},
        "microstructure": {"frame": "tick_bars", "window_bars": 10},
        "event_training": EVENT_TRAINING,
        "event_models": {"direction": FOREST, "meta": FOREST | {"judges": "direction"}},
        "mlflow": {"enabled": False},
    }
    return changed(sections, changes)


def changed(sections: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sections with some of their values changed; of the models all are replaced."""
    kept = {name: dict(values) for name, values in sections.items()}
    return kept | {name: (kept.get(name, {}) if name != "event_models" else {}) | dict(values) for name, values in changes.items()}


def planted_lane(root: Path, **changes: Mapping[str, Any]) -> Deployment:
    """The deployment of such a lane."""
    return Deployment(load_settings(**lane_settings(root, **changes)))


def random_quotes(day: date, *, symbol: str = "NZDUSD", n: int = 4_000, seed: int = 0, pull: float = 0.0) -> pl.DataFrame:
    """Quotes of a session: a random walk, or one that comes back to its mean by `pull` of the way with each quote."""
    random = np.random.default_rng([seed, day.toordinal()])
    steps = 2e-5 * random.standard_normal(n)
    path = np.zeros(n)
    for i in range(1, n):
        path[i] = (1.0 - pull) * path[i - 1] + steps[i]
    seconds = np.sort(random.choice(86_000_000, size=n, replace=False))
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)  # noqa: UP017
    mid = 0.86 * np.exp(path)
    rows = pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "session": [day] * n,
            "at": pl.Series([start] * n).cast(pl.Datetime("ns", "UTC")) + pl.Series(seconds).cast(pl.Duration("ms")),
            "sequence": np.arange(n),
            "bid": mid - 2.5e-5,
            "ask": mid + 2.5e-5,
        }
    )
    return rows.select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype).alias(name) for name, dtype in QUOTES_SCHEMA.items()
    )


def store_quotes(deployment: Deployment, days: Sequence[date], **how: Any) -> None:
    """Quotes of some sessions in the warehouse, as if delivered and screened."""
    for day in days:
        quotes = random_quotes(day, **how)
        deployment.warehouse.write("quotes", day, quotes)
        deployment.warehouse.write("raw_quotes", day, quotes)


def made(deployment: Deployment, days: Sequence[date], assets: Sequence[str] = ASSETS) -> None:
    """Make assets over a range of sessions."""
    deployment.asked_sessions = tuple(DAYS)
    run_job(deployment, "history", days, assets)
