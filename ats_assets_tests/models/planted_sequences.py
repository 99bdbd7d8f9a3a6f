"""A market whose returns follow a pattern of the last twenty sessions, of which today's row tells nothing; and the verdict on a model of it, out of sample."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ats_assets.evaluation import skill, skill_summary
from ats_assets.models import Fitted, Model, fit, training_set
from ats_assets.predictions.inference import predict
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import ModelRecord
from ats_assets_tests.models.fits import CALENDAR, outcomes_of, window_of

LENGTH = 20
PATTERN = np.array([0.0] + [1.0] * 9 + [-1.0] * 10) / np.sqrt(19)
"""By age: what a feature was in the two weeks before today, less what it was in the two before."""


@dataclass(frozen=True, kw_only=True)
class PatternMarket:
    """Features (`seen` tells, the others are noise), forward returns over one session, and the universe."""

    features: pl.DataFrame
    labels: pl.DataFrame
    days: list[date]
    learnt: int

    @property
    def keys(self) -> pl.DataFrame:
        return self.features.select("symbol", "session")


def pattern_market(ic: float, seed: int, *, symbols: int, learnt: int, judged: int) -> PatternMarket:
    """Of sessions to learn from, and to be judged on after them; one row in fifty is missing."""
    random = np.random.default_rng([seed, 20])
    days = CALENDAR.sessions(CALENDAR.first, CALENDAR.offset(CALENDAR.first, LENGTH + learnt + judged))
    values = random.standard_normal((len(days), symbols, 3)).astype(np.float32)
    there = random.random((len(days), symbols)) > 0.02
    signal = np.zeros((len(days), symbols))
    for age, weight in enumerate(PATTERN):
        signal[age:] += weight * (values[: len(days) - age, :, 0] * there[: len(days) - age])
    returns = 0.02 * (ic * signal + np.sqrt(1 - ic**2) * random.standard_normal(signal.shape))
    rows = pl.DataFrame({"session": days}).join(pl.DataFrame({"symbol": [f"S{i:03d}" for i in range(symbols)]}), how="cross")
    columns = {name: pl.Series(values[:, :, i].ravel()) for i, name in enumerate(("seen", "noise_a", "noise_b"))}
    features = (
        rows.with_columns(**columns, there=pl.Series(there.ravel())).filter("there").drop("there").select("symbol", "session", *columns)
    )
    known = dict(zip(days, CALENDAR.sessions(days[0], CALENDAR.last)[2:], strict=False))
    labels = (
        rows.with_columns(forward_return=pl.Series(returns.ravel()), there=pl.Series(there.ravel()), decision_session="session")
        .filter("there")
        .with_columns(
            session=pl.col("session").replace_strict(known, return_dtype=pl.Date),
            horizon_sessions=pl.lit(1, pl.Int32),
            rank=pl.col("forward_return").rank("average").over("decision_session") / pl.len().over("decision_session"),
            exit=pl.lit("open"),
        )
        .select("symbol", "session", "decision_session", "horizon_sessions", "forward_return", "rank", "exit")
    )
    return PatternMarket(features=features, labels=labels, days=days, learnt=learnt)


def out_of_sample(model: Model, market: PatternMarket) -> Any:
    """The summary of skill of one fit, on the sessions after it."""
    fitted_at = market.days[LENGTH + market.learnt]
    settings = TrainingSettings(
        horizon_sessions=1, train_sessions=market.learnt, validation_sessions=market.learnt // 5, min_train_sessions=20, embargo_sessions=0
    )
    window = window_of(fitted_at, settings, model.sequence_sessions)
    labels = market.labels.filter(pl.col("session") <= fitted_at)
    data = training_set(market.features, outcomes_of(labels, settings), market.keys, window, settings)
    found = fit(model, data, settings)
    assert isinstance(found, Fitted), found
    record = ModelRecord.model_construct(name="model", session=fitted_at, fitted_session=fitted_at, features=data.features)
    after = [day for day in market.days if day > fitted_at]
    sequences = model.sequences_in(CALENDAR.window(after[-1], len(after) + LENGTH))
    asked = market.keys.filter(pl.col("session").is_in(after))
    predictions = predict(market.features, asked, record, model.learner.load(found.content), sequences=sequences)
    returns = market.labels.filter(pl.col("session").is_in(after), pl.col("decision_session").is_in(after))
    return skill_summary(skill(predictions, returns, after), 1)
