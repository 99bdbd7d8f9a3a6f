"""Training sets of events: purged between train and validation, nothing later than the session, and the features of the very decisions."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import LookAheadError, SettingsError
from ats_assets.events.choosing import EventModel, event_models
from ats_assets.events.event_scores import event_predictions
from ats_assets.events.event_sets import EventInputs, event_features, event_training_set, event_window
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA
from ats_assets.labels.event_barriers import EventBarrierSettings, triple_barrier_events
from ats_assets.models import Model
from ats_assets.models.learners.logistic import Logistic, LogisticSettings
from ats_assets.models.learners.random_forest import RandomForest, RandomForestSettings
from ats_assets.settings import EventTrainingSettings
from ats_assets_tests.events.lanes import planted_lane
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 8)
FOREST = RandomForest(RandomForestSettings(trees=3, min_samples_leaf=5))
DIRECTION = EventModel(model=Model(name="direction", kind="random_forest", learner=FOREST, quick=FOREST), judges=None)
RULE = EventModel(model=DIRECTION.model, judges="rule")
META = EventModel(model=replace(DIRECTION.model, name="meta"), judges="direction")
SETTINGS = EventTrainingSettings(families=("f",), train_sessions=6, validation_sessions=2, min_train_events=5)


def rows(seed: int, held: int, side: int | None = None) -> tuple[EventInputs, pl.DataFrame]:
    """Every third bar an event, and labels that may reach into later sessions."""
    bars = random_bars(DAYS, symbols=("A", "B"), bars_a_session=20, seed=seed)
    events = bars.filter(pl.col("bar") % 3 == 0, pl.col("closed_by") == "threshold").select(
        "symbol", "session", "known_at", "bar", direction=pl.lit(0, pl.Int8), side=pl.lit(side, pl.Int8)
    )
    barriers = EventBarrierSettings(unit="returns", gain=0.002, loss=0.002, horizon_bars=15, max_sessions=held)
    labels = triple_barrier_events(bars, events, DAYS, barriers)
    frame = bars.select("symbol", "session", "known_at", x=pl.col("close").cast(pl.Float32))
    return EventInputs(events=events, frames={"f": frame}, names={"f": ["x"]}, days=DAYS), labels


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000), held=st.integers(0, 2), embargo=st.integers(0, 1))
def test_no_label_of_the_train_part_overlaps_the_validation_part(seed: int, held: int, embargo: int) -> None:
    inputs, labels = rows(seed, held)
    how = SETTINGS.model_copy(update={"embargo_sessions": embargo})
    session, window = DAYS[6], DAYS[1:7]
    known = labels.filter(pl.col("session") <= session)
    data = event_training_set(DIRECTION, event_features(DIRECTION, inputs, how), known, event_window(session, window, how, held), how)
    assert data.train.keys.height > 10
    assert set(data.validation.keys["session"]) <= set(window[-2:])
    decided = inputs.events.filter(pl.col("session").is_in(data.validation.decision_sessions))["known_at"].min()
    spans = labels.select("symbol", "decided_at", "known_at", x=pl.col("entry_price"))
    prices = pl.DataFrame({"x": data.train.x[:, 0]})
    of_train = (
        inputs.frames["f"]
        .join(prices.unique(), on="x", how="semi")
        .join(spans, left_on=["symbol", "known_at"], right_on=["symbol", "decided_at"])
    )
    assert of_train.height >= data.train.keys.height
    assert data.train.keys["session"].max() < window[-2 - embargo] if embargo else True
    assert (of_train["known_at_right"] <= decided).all()


def test_what_is_learnt_is_the_price_or_the_side() -> None:
    inputs, labels = rows(3, 0)
    window = event_window(DAYS[6], DAYS[1:7], SETTINGS, 0)
    plain = event_training_set(
        DIRECTION, event_features(DIRECTION, inputs, SETTINGS), labels.filter(pl.col("session") <= DAYS[6]), window, SETTINGS
    )
    short, of_short = rows(3, 0, side=-1)
    judged = event_training_set(
        RULE, event_features(RULE, short, SETTINGS), of_short.filter(pl.col("session") <= DAYS[6]), window, SETTINGS
    )
    for data in (plain, judged):
        assert np.array_equal(data.train.y == 1.0, data.train.returns > SETTINGS.min_return_bps / 10_000)
    assert plain.features == ("x",)
    assert judged.features == ("x", "primary_side")
    assert (judged.train.x[:, 1] == -1).all()
    ambiguous = 1.0 - np.mean(plain.train.y + judged.train.y == 1.0)
    assert ambiguous < 0.1  # but where a bar met both barriers, which is a loss for either side


def test_a_model_that_judges_another_has_its_side_and_score_and_no_other_events() -> None:
    inputs, _ = rows(4, 0)
    some = inputs.events.gather_every(2)
    primary = some.with_columns(side=pl.lit(-1, pl.Int8), score=pl.lit(0.3), probability=pl.lit(0.7), model_session=pl.lit(DAYS[0])).select(
        EVENT_PREDICTIONS_SCHEMA.names()
    )
    found = event_features(META, replace(inputs, primary=primary), SETTINGS)
    assert found.height == some.height
    assert found.columns[5:] == ["x", "primary_side", "primary_score"]
    assert (found["side"] == -1).all()
    np.testing.assert_allclose(found["primary_score"], 0.3, rtol=1e-6)


def test_log_odds_become_probabilities_before_a_side_is_taken() -> None:
    """A log-odds of 0.4 was taken for a probability of 0.4, and so for a fall."""
    inputs, _ = rows(4, 0)
    features = event_features(DIRECTION, inputs, SETTINGS).head(3)
    record: Any = SimpleNamespace(features=("x",), name="direction_model", fitted_session=DAYS[0])
    scorer: Any = SimpleNamespace(predict=lambda x, threads=1: np.array([0.4, -2.0, 3.0]))
    learner = Logistic(LogisticSettings())
    logistic = EventModel(model=Model(name="direction", kind="logistic", learner=learner, quick=learner), judges=None)
    found = event_predictions(logistic, features, record, scorer)
    assert found["side"].to_list() == [1, -1, 1]
    assert found["probability"].to_list() == pytest.approx([0.5987, 0.8808, 0.9526], abs=1e-4)
    assert found["score"].to_list() == [0.4, -2.0, 3.0]


def test_labels_of_later_sessions_are_refused() -> None:
    inputs, labels = rows(5, 1)
    window = event_window(DAYS[4], DAYS[1:5], SETTINGS, 1)
    with pytest.raises(LookAheadError, match="up to 2014-05-07 only"):
        event_training_set(DIRECTION, event_features(DIRECTION, inputs, SETTINGS), labels, window, SETTINGS)


def test_rows_that_overlap_less_count_for_more() -> None:
    inputs, labels = rows(6, 0)
    window = event_window(DAYS[6], DAYS[1:7], SETTINGS, 0)
    known = labels.filter(pl.col("session") <= DAYS[6])
    data = event_training_set(DIRECTION, event_features(DIRECTION, inputs, SETTINGS), known, window, SETTINGS)
    assert data.train.weights is not None
    assert data.train.weights.mean() == pytest.approx(1.0)
    assert data.train.weights.max() > 1.2 * data.train.weights.min()
    without = SETTINGS.model_copy(update={"weights": "none"})
    assert event_training_set(DIRECTION, event_features(DIRECTION, inputs, without), known, window, without).train.weights is None


WRONG = {
    "a frame that nothing samples": ({"events": {"frame": "minute_bars"}}, "events.frame is 'minute_bars'"),
    "a model that judges what is no model": ({"event_models": {"meta": {"kind": "random_forest", "judges": "other"}}}, "judges is 'other'"),
    "a rule that is not there": ({"event_models": {"meta": {"kind": "random_forest", "judges": "rule"}}}, "events.side is not set"),
    "the name of a daily model": ({"event_models": {"lightgbm": {}}}, r"\[event_models.lightgbm\] has a name that is taken"),
    "nothing to train on": ({"event_training": {"train_sessions": 2, "validation_sessions": 2}}, "nothing would be left to train on"),
    "a model that is none to trade": ({"event_backtest": {"model": "other"}}, "event_backtest.model is 'other'"),
    "the name of the rule": (
        {"event_models": {"rule": {"kind": "random_forest"}}},
        r"\[event_models.rule\] has the name by which models judge",
    ),
    "a gain above nothing": ({"event_training": {"min_return_bps": float("nan")}}, r"min_return_bps: .*finite number"),
    "models that grow old": ({"event_training": {"refit": "monthly"}}, "up to 23 sessions"),
}


@pytest.mark.parametrize("what", WRONG)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, what: str) -> None:
    changes, message = WRONG[what]
    with pytest.raises(Exception, match=message):
        planted_lane(tmp_path, **changes)


def test_scores_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    """They were cut off at 0 and 1, and taken for some."""
    lane = planted_lane(tmp_path, event_models={"direction": {"kind": "lightgbm", "objective": "lambdarank"}})
    with pytest.raises(SettingsError, match=r"event_models.direction \(lightgbm\) has objective = 'lambdarank', whose scores are no"):
        lane.of(event_models)
