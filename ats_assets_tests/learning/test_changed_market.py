"""The whole graph on three years of bars whose regime changes in the third: what rose goes on rising, then it falls back, and prices move half as much again."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.learning.loop_history import loop_history
from ats_assets_tests.rounds import FULL
from ats_assets_tests.small_market import make_history, small_market

FIRST, CHANGE, LAST = date(2018, 1, 2), date(2020, 5, 15), date(2020, 12, 31)
SYMBOLS = 24
SETTINGS: dict[str, Any] = {
    "calendar": {"first_session": FIRST},
    "universe": {"min_history_sessions": 20, "lookback_sessions": 20, "size": SYMBOLS},
    "features": {"families": ()},
    "labels": {"horizons_sessions": (1,)},
    "models": {"lightgbm": {"min_data_in_leaf": 100, "num_leaves": 4, "min_rounds": 20, "max_rounds": 60}},
    "training": {
        "families": ("trend",),
        "horizon_sessions": 1,
        "train_sessions": 252,
        "validation_sessions": 21,
        "min_train_sessions": 42,
        "embargo_sessions": 1,
        "refit": "quarterly",
        "max_age_sessions": 66,
        "refit_on_drift": True,
        "threads": 1,
    },
    "drift": {"prediction_sessions": 126, "skill_sessions": 42, "refit_train_sessions": 84, "least_sessions_between_refits": 21},
}


def write_bars(file: Path) -> None:
    """Bars in which the rank of the last five sessions' return tells something of the next session's."""
    days = session_calendar("XNYS", FIRST).sessions(FIRST, LAST)
    rng = np.random.default_rng(2020)
    returns = np.zeros((len(days), SYMBOLS))
    for i, day in enumerate(days):
        before = returns[max(0, i - 5) : i].sum(axis=0)
        rank = np.argsort(np.argsort(before)) / (SYMBOLS - 1) - 0.5
        way, size = (0.4, 0.01) if day < CHANGE else (-0.4, 0.015)
        returns[i] = size * (way * rank * 2.0 + rng.standard_normal(SYMBOLS))
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    start = np.vstack([np.full(SYMBOLS, 100.0), close[:-1]])
    high, low = np.maximum(start, close) * 1.001, np.minimum(start, close) * 0.999
    names = [f"S{i:02d}" for i in range(SYMBOLS)]
    frame = {
        "symbol": names * len(days),
        "date": [day for day in days for _ in names],
        "open": start.ravel(),
        "high": high.ravel(),
        "low": low.ravel(),
    }
    pl.DataFrame(frame | {"close": close.ravel(), "volume": np.full(close.size, 1_000_000)}).write_parquet(file)


@pytest.mark.skipif(not FULL, reason="takes minutes: dev.py test --full")
def test_the_loop_finds_the_change_refits_and_says_so(tmp_path: Path) -> None:
    write_bars(tmp_path / "bars.parquet")
    deployment = small_market(tmp_path, **SETTINGS | {"source": {"kind": "files", "files": {"path": tmp_path / "bars.parquet"}}})
    assert make_history(deployment, FIRST, LAST).success
    steps = loop_history(deployment, FIRST, LAST)
    refits = [step for step in steps if step.what == "refit"]
    after = [step for step in refits if step.session >= CHANGE]
    assert deployment.calendar.count(CHANGE, after[0].session) <= 15
    assert "skill (cusum)" in " ".join(step.why for step in after)
    assert sum(step.session < CHANGE for step in refits) <= 5, "in two years of so few features"
    known = [(step.rank_ic, step.rank_ic_due) for step in after if step.rank_ic is not None and step.rank_ic_due is not None]
    assert sum(own - due for own, due in known) > 0.3
