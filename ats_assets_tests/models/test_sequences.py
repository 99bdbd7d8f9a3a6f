"""Sequences: what lies in the table for a row is its symbol's last sessions of the calendar, and assets of models that look at them keep the invariant."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, ModelError, SettingsError
from ats_assets.events.choosing import event_models
from ats_assets.leakcheck.detection import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets.models import models, training_set, training_window
from ats_assets.models.sequences import SequenceWindow, sequences_of
from ats_assets.serving.queries.saved_models import predictions_of_file, predictions_of_session
from ats_assets_tests.models.fits import CALENDAR, FORWARD_RETURNS, SESSION, SETTINGS, market, outcomes_of
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, differences, files_of, forget, make_history, small_market, without_the_future

DAYS = tuple(date(2024, 1, 1) + timedelta(n) for n in range(9))
LENGTH = 4

RECENT = '''"""The mean of each feature over the last sessions that have it, weighed by its covariance with the label; a missing row counts as none."""

import json

import numpy as np

from ats_assets.models.learner import Fitted
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class RecentSettings(Section):
    sequence_sessions: int = 4


class Recent:
    file, library = "model.json.txt", "numpy"

    def __init__(self, settings, weights=None):
        self.settings, self.weights = settings, weights
        self.sequence_sessions = settings.sequence_sessions

    def fit(self, data, *, threads=1):
        seen = means(data.train.sequences)
        assert np.array_equal(data.train.sequences.rows()[:, -1], data.train.x, equal_nan=True)
        weights = (seen * data.train.y[:, None]).sum(axis=0)
        content = json.dumps(weights.tolist()).encode()
        scores = self.load(content).predict(data.validation.sequences)
        return Fitted(content=content, scores=scores, rounds=1, importance=dict(zip(data.features, np.abs(weights).tolist())))

    def load(self, content):
        return Recent(self.settings, np.array(json.loads(content)))

    def predict(self, x, *, threads=1):
        return (means(x) * self.weights).sum(axis=1)


def means(sequences):
    rows = sequences.rows().astype(float)
    rows = np.where(np.abs(rows) < 1e6, rows, np.nan)
    total, count = np.zeros(rows[:, 0].shape), np.zeros(rows[:, 0].shape)
    for age in range(rows.shape[1]):
        total += np.nan_to_num(rows[:, age])
        count += np.isfinite(rows[:, age])
    return total / np.maximum(count, 1)


PLUGIN = Plugin(settings=RecentSettings, make=Recent, quick={"sequence_sessions": 3})
'''


@given(st.lists(st.sampled_from([(s, d) for s in "ABC" for d in range(9)]), unique=True, min_size=1), st.integers(1, 12))
def test_a_sequence_is_the_symbols_last_sessions_of_the_calendar(present: list[tuple[str, int]], length: int) -> None:
    """By hand, row by row: the row of that symbol at that session, or none."""
    value = {key: float(n) for n, key in enumerate(present)}
    features = pl.DataFrame(
        [(symbol, DAYS[day], value[symbol, day], -value[symbol, day]) for symbol, day in present],
        schema={"symbol": pl.String, "session": pl.Date, "a": pl.Float32, "b": pl.Float32},
        orient="row",
    )
    keys = features.select("session", "symbol").sort("session", "symbol")
    parts = [keys[: len(present) // 2], keys[len(present) // 2 :]]
    found = sequences_of(parts, features, ("a", "b"), SequenceWindow(length=length, sessions=DAYS))
    assert found[0].table is found[1].table
    for part, sequences in zip(parts, found, strict=True):
        rows = sequences.rows()
        assert rows.shape == (part.height, length, 2)
        for number, (session, symbol) in enumerate(part.iter_rows()):
            days = [DAYS.index(session) - age for age in reversed(range(length))]
            expected = [value.get((symbol, day), np.nan) for day in days]
            assert np.array_equal(rows[number, :, 0], expected, equal_nan=True)
            assert np.array_equal(rows[number, :, 1], np.negative(expected), equal_nan=True)


def test_the_table_of_a_training_set_holds_each_row_once_and_both_parts_share_it() -> None:
    features, labels, universe = market()
    window = training_window(CALENDAR, SESSION, SETTINGS, FORWARD_RETURNS.known_after(SETTINGS), 20)
    assert window.sequences is not None
    assert window.sequences.sessions == tuple(CALENDAR.sessions(CALENDAR.offset(window.train[0], -19), window.validation[-1]))
    known = outcomes_of(labels).filter(pl.col("session").is_in(list(window.label_sessions)))
    gone = features.filter((pl.col("symbol") != "S07") | (pl.col("session") != window.train[5]))
    data = training_set(
        gone, known.filter((pl.col("symbol") != "S07") | (pl.col("decision_session") != window.train[5])), universe, window, SETTINGS
    )
    train, held_out = data.train.sequences, data.validation.sequences
    assert train is not None
    assert held_out is not None
    assert train.table is held_out.table
    assert len(train.table) == 39 * len(window.sequences.sessions) - 1  # S00 is never a member
    for rows, sequences in ((data.train, train), (data.validation, held_out)):
        assert sequences.places.dtype == np.int32
        assert np.array_equal(sequences.rows()[:, -1], rows.x, equal_nan=True)
    at = data.train.keys.with_row_index().filter(pl.col("symbol") == "S07", pl.col("session") == window.train[8])["index"].item()
    assert train.places[at].tolist().index(-1) == 16
    plain = training_set(
        features, known, universe, training_window(CALENDAR, SESSION, SETTINGS, FORWARD_RETURNS.known_after(SETTINGS)), SETTINGS
    )
    assert plain.train.sequences is None


def test_two_rows_of_a_symbol_at_a_session_are_refused() -> None:
    features = pl.DataFrame({"symbol": ["A"] * 3, "session": [DAYS[0], DAYS[0], DAYS[1]], "a": [1.0, 2.0, 3.0]})
    with pytest.raises(ContractError, match="A has two rows of features at 2024-01-01"):
        sequences_of([features[2:]], features, ("a",), SequenceWindow(length=2, sessions=DAYS))


def settings_of(root: Path, **changes: object) -> dict[str, Any]:
    """Of the small market with a model that looks at four sessions."""
    file = root / "plugins" / "learners" / "recent.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(RECENT, encoding="utf-8")
    training = {**EARLY_MODELS["training"], "families": ("trend",)}
    how = {"models": {"recent": {}}, "plugins": {"folder": root / "plugins"}, "training": training, "features": {"families": ()}}
    return {**how, **changes}


def of_recent(root: Path, **changes: object) -> Deployment:
    return small_market(root, **settings_of(root, **changes))


def test_partitions_of_a_model_of_sequences_are_the_same_alone_in_a_range_by_command_and_without_the_future(tmp_path: Path) -> None:
    """All that is asked of any model's partitions; the learner itself asserts that the last row of a sequence is the decision's own."""
    deployment = of_recent(tmp_path)
    last = deployment.calendar.offset(FIRST, 30)
    assert make_history(deployment, FIRST, last).success
    expected = files_of(tmp_path)
    record = deployment.model_store("recent_model").active(last)
    assert record.status == "fitted"
    for day in (last, deployment.calendar.offset(last, -6)):
        forget(tmp_path, [day])
        make_history(deployment, day, day)
        assert differences(files_of(tmp_path), expected) == [], day
    assert without_the_future(tmp_path, day, tmp_path / "until", **settings_of(tmp_path)) == []
    asked = predictions_of_session(deployment, None, last)
    stored = deployment.warehouse.read("predictions", [last])
    assert asked.rows.equals(stored)
    assert asked.rows.height == 10
    assert [*asked.data["trend"]] == [day.isoformat() for day in deployment.calendar.window(last, LENGTH)]

    window = deployment.calendar.window(last, LENGTH)
    rows = deployment.warehouse.read("trend", window).join(stored.select("symbol"), on="symbol", how="semi")
    rows.write_parquet(tmp_path / "rows.parquet")
    told = predictions_of_file(deployment, None, tmp_path / "rows.parquet", last)
    assert told.rows.filter(session=last).sort("symbol")["score"].equals(stored.sort("symbol")["score"])
    rows.drop("session").write_parquet(tmp_path / "undated.parquet")
    with pytest.raises(ModelError, match=r"looks at sequences of 4 sessions, so .*undated\.parquet needs the columns symbol and session"):
        predictions_of_file(deployment, None, tmp_path / "undated.parquet", last)

    bars, days = stored_bars(deployment, 25, 20)
    (subject,) = (one for one in of_deployment(deployment, bars, days) if one.name == "recent_model")
    assert subject.result()["model"].str.len_chars().max() == 64  # there is a fit to look into
    assert find_leaks(subject, days, draws=2) == []


def test_a_model_of_events_has_no_sequences_of_sessions(tmp_path: Path) -> None:
    samplers = {"minutes": {"kind": "minutes"}}
    deployment = of_recent(tmp_path, event_models={"other": {"kind": "recent"}}, samplers=samplers, events={"frame": "minutes"})
    with pytest.raises(SettingsError, match=r"event_models\.other \(recent\) looks at sequences of 4 sessions"):
        deployment.of(event_models)


def test_a_model_of_sequences_refuses_rows_that_have_none(tmp_path: Path) -> None:
    (model,) = of_recent(tmp_path).of(models).values()
    features, labels, universe = market()
    known = FORWARD_RETURNS.known_after(SETTINGS)
    for length, said in ((1, "none"), (3, "some of 3")):
        window = training_window(CALENDAR, SESSION, SETTINGS, known, length)
        outcomes = outcomes_of(labels).filter(pl.col("session") <= SESSION)
        data = training_set(features, outcomes, universe, window, SETTINGS)
        with pytest.raises(ModelError, match=f"looks at sequences of 4 sessions, and these rows have {said}"):
            model.inputs(data.train)
