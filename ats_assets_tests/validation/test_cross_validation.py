"""What is really there is found; what only shuffling finds is told as leakage; a fold that leaves nothing says why."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import EvaluationError
from ats_assets.models import Fitted, Model, TrainingSet, TrainingWindow
from ats_assets.models.labelled_rows import LabelledRows, fitted_on, labelled_rows
from ats_assets.models.learner import ExplainingScorer
from ats_assets.settings import CrossValidationSettings, KnownAfter, SelectionSettings, TrainingSettings
from ats_assets.validation import CrossValidation, cross_validated
from ats_assets.validation.schema import PURGED, SHUFFLED, ValidatedPaths, ValidatedSplits
from ats_assets.validation.validation_figures import validation_figures
from ats_assets_tests.models.fits import lightgbm

HORIZON, SYMBOLS, SESSIONS = 10, 12, 240
TRAINING = TrainingSettings(
    label="raw", horizon_sessions=5, train_sessions=SESSIONS, validation_sessions=20, min_train_sessions=20, embargo_sessions=2, threads=1
)


@dataclass
class Nearest:
    """The mean label of the five rows whose features are nearest: it remembers what it is shown."""

    settings: BaseModel
    file = "nearest"
    library = "numpy"

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted:
        assert np.array_equal(data.train.y, data.train.returns), "labels that are not ranked are the outcomes themselves"
        content = np.column_stack([data.train.x, data.train.y]).astype(np.float64).tobytes()
        return Fitted(content=content, scores=np.zeros(len(data.validation.y)), rounds=1, importance={})

    def load(self, content: bytes) -> "Nearest":
        self.rows = np.frombuffer(content).reshape(-1, 3)
        return self

    def predict(self, x: np.ndarray, *, threads: int = 1) -> np.ndarray:
        found = []
        for one in np.array_split(x.astype(np.float64), max(1, len(x) // 200)):
            distance = ((one[:, None, :] - self.rows[None, :, :2]) ** 2).sum(axis=2)
            found.append(self.rows[:, 2][np.argpartition(distance, 5, axis=1)[:, :5]].mean(axis=1))
        return np.concatenate(found)


NEAREST: Any = Nearest(settings=TRAINING)
MODEL = Model(name="nearest", kind="nearest", learner=NEAREST, quick=NEAREST)


def market(seed: int = 0, edge: float = 0.0) -> LabelledRows:
    """Features that move slowly and know nothing but `edge`, and returns of ten sessions, which overlap: neighbours in time resemble each other in both."""
    random = np.random.default_rng(seed)
    calendar = SessionCalendar("XNYS", date(2020, 1, 2))
    days = calendar.sessions(date(2020, 1, 2), date(2022, 1, 3))[: SESSIONS + HORIZON + 1]
    slow = random.normal(size=(SESSIONS, SYMBOLS, 2)).cumsum(axis=0) * 0.1 + random.normal(size=(1, SYMBOLS, 2))
    returns = random.normal(size=(SESSIONS + HORIZON, SYMBOLS))
    ahead = np.stack([returns[t + 1 : t + 1 + HORIZON].sum(axis=0) for t in range(SESSIONS)]) + edge * slow[:, :, 0]
    names = [f"S{number:02}" for number in range(SYMBOLS)]
    keys = pl.DataFrame({"session": [day for day in days[:SESSIONS] for _ in names], "symbol": names * SESSIONS})
    features = keys.with_columns(a=pl.Series(slow[:, :, 0].ravel()), b=pl.Series(slow[:, :, 1].ravel()))
    known = [day for day in days[HORIZON + 1 :] for _ in names]
    outcomes = keys.select("symbol", session=pl.Series(known), decision_session="session", y=pl.Series(ahead.ravel()))
    after = KnownAfter(first=HORIZON + 1, last=HORIZON + 1)
    window = TrainingWindow(
        session=days[-1], train=tuple(days[:SESSIONS]), validation=(), label_sessions=tuple(days), known_after=after, weight_sessions=()
    )
    return labelled_rows(features, outcomes, keys, window=window, settings=TRAINING, calendar=calendar)


def judged(data: LabelledRows, **how: Any) -> CrossValidation:
    found = cross_validated([MODEL], data, CrossValidationSettings(**how), TRAINING)
    ValidatedSplits.validate(found.splits)
    ValidatedPaths.validate(found.paths)
    return found


def test_what_shuffling_finds_in_features_that_know_nothing_is_leakage() -> None:
    data = market()
    found = judged(data, kind="cpcv", blocks=6, test_blocks=2)
    (figures,) = validation_figures(found.splits, found.paths, HORIZON)
    assert (figures.splits, figures.fitted, figures.paths) == (15, 15, 5)
    assert figures.shuffled_rank_ic is not None
    assert figures.rank_ic is not None
    assert figures.shuffled_rank_ic > 0.3
    assert abs(figures.rank_ic) < 0.1
    assert "no edge" in figures.text
    assert f"{figures.leakage:+.4f} of it is knowledge of the outcome" in figures.text


def test_what_is_there_is_found_along_every_path() -> None:
    found = judged(market(edge=6.0), kind="cpcv", blocks=6, test_blocks=2, shuffled=False)
    (figures,) = validation_figures(found.splits, found.paths, HORIZON)
    assert figures.lowest is not None
    assert figures.lowest > 0.2
    assert figures.t_statistic is not None
    assert figures.t_statistic > 3
    assert (figures.shuffled_rank_ic, figures.leakage) == (None, None)
    assert set(found.splits["way"]) == {PURGED}


@pytest.mark.parametrize(
    ("kind", "splits", "paths", "sessions"), [("purged_kfold", 4, 1, SESSIONS), ("walk_forward", 3, 1, 180), ("cpcv", 6, 3, SESSIONS)]
)
def test_each_way_to_split_tests_what_it_says(kind: str, splits: int, paths: int, sessions: int) -> None:
    found = judged(market(), kind=kind, blocks=4, shuffled=True)
    assert found.splits.filter(way=PURGED).height == splits
    assert found.splits.filter(way=SHUFFLED).height == 4
    along = found.paths.filter(way=PURGED)
    assert along["path"].n_unique() == paths
    assert along.filter(path=0)["session"].n_unique() == sessions


def test_a_fold_that_leaves_nothing_is_null_with_its_reason_and_the_others_go_on() -> None:
    data = market()
    early = LabelledRows(
        window=data.window,
        features=data.features,
        rows=data.rows,
        decided=data.decided,
        known=np.where(data.decided < data.decided[0] + 60, data.decided + 400, data.known),
    )
    found = judged(early, kind="purged_kfold", blocks=4, shuffled=False)
    assert found.splits["reason"].to_list()[0] == "nothing is left to train on after purging and embargo"
    assert found.splits["rank_ic"][0] is None
    assert found.splits["reason"].to_list()[1:] == [None] * 3
    (figures,) = validation_figures(found.splits, found.paths, HORIZON)
    assert figures.fitted == 3
    few = cross_validated([MODEL], data, CrossValidationSettings(kind="walk_forward", blocks=12, shuffled=False), TRAINING)
    assert "training.min_train_sessions" in str(few.splits["reason"][0])
    none = cross_validated(
        [MODEL], data, CrossValidationSettings(kind="purged_kfold", shuffled=False), TRAINING.model_copy(update={"min_train_sessions": 999})
    )
    (figures,) = validation_figures(none.splits, none.paths, HORIZON)
    assert figures.text == "nearest: on none of the 6 splits could a model be fitted."


def test_a_window_without_labels_or_with_fewer_sessions_than_blocks_is_refused() -> None:
    data = market()
    short = data.rows.keys["session"].is_in(list(data.window.train[:3]))
    rows = np.flatnonzero(short.to_numpy())
    few = LabelledRows(window=data.window, features=data.features, rows=data.rows, decided=data.decided[rows], known=data.known[rows])
    with pytest.raises(EvaluationError, match="3 decision times can't be cut into 6 blocks"):
        judged(few, kind="cpcv")
    keys = data.rows.keys
    none = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "decision_session": pl.Date, "y": pl.Float64})
    with pytest.raises(EvaluationError, match=r"no decision of the window .* has a label"):
        labelled_rows(
            keys.with_columns(a=0.0), none, keys, window=data.window, settings=TRAINING, calendar=SessionCalendar("XNYS", date(2020, 1, 2))
        )


def test_features_are_chosen_in_each_fold_anew_and_tuning_judges_with_them() -> None:
    """A model of all features was judged where one of the chosen is trained."""
    data = market(seed=4, edge=3.0)
    noise = np.random.default_rng(1).normal(size=(len(data.rows.y), 6)).astype(np.float32)
    x = np.ascontiguousarray(np.column_stack([data.rows.x[:, :1], noise]))
    data = replace(data, features=("edge", *"abcdef"), rows=replace(data.rows, x=x))
    choosing = TRAINING.model_copy(update={"selection": SelectionSettings(least_features=1, resamples=10, block_sessions=5)})
    model = lightgbm(min_data_in_leaf=20, max_rounds=20)
    half = np.flatnonzero(data.decided < np.median(data.decided))
    scorer, plain = fitted_on(model, data, half, choosing), fitted_on(model, data, half, TRAINING)
    assert isinstance(scorer, ExplainingScorer)
    assert isinstance(plain, ExplainingScorer)
    owed, of_all = (one.contributions(x[:50]) for one in (scorer, plain))
    assert owed.shape == of_all.shape == (50, 8)
    (kept,) = (set(map(int, columns)) for columns in data._kept.values() if columns is not None)  # once, from the rows to train on
    left_out = sorted(set(range(7)) - kept)
    assert 0 in kept
    assert len(left_out) >= 3
    assert not owed[:, left_out].any(), "what is not kept makes no score"
    assert of_all[:, left_out].any()
    np.testing.assert_allclose(owed.sum(axis=1), scorer.predict(x[:50]), rtol=1e-9)
    moved = x.copy()
    moved[:, left_out] = 0.0
    np.testing.assert_array_equal(scorer.predict(moved), scorer.predict(x))
