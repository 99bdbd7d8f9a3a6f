"""What a model owes to its features: planted ones are found, and what stands in for another only by clusters; the asset is there where settings want it."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.models import Model
from ats_assets.models.dealt_sequences import DealtSequences
from ats_assets.models.learner import Fitted
from ats_assets.models.sequences import Sequences
from ats_assets.models.training_set import TrainingSet
from ats_assets.settings import ImportanceSettings
from ats_assets.trials import ledger_of
from ats_assets.validation.importance import clusters_of, feature_importance
from ats_assets.validation.schema import FeatureImportance
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.models.fits import lightgbm
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market
from ats_assets_tests.validation.test_asset import CHANGES, LAST, MADE
from ats_assets_tests.validation.test_cross_validation import MODEL, TRAINING, market

EVERY = ImportanceSettings(ways=("features", "clusters", "alone", "contributions"), folds=3)


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    """Of a model on a market with an edge in one feature, which is there twice, and two that know nothing."""
    data = market(seed=4, edge=3.0)
    x = np.column_stack([data.rows.x, data.rows.x[:, 0], np.random.default_rng(0).normal(size=len(data.rows.y))]).astype(np.float32)
    data = replace(data, features=("edge", "idle", "copy", "noise"), rows=replace(data.rows, x=np.ascontiguousarray(x)))
    model = lightgbm(min_data_in_leaf=20, max_rounds=40, feature_fraction=1.0)
    return FeatureImportance.validate(feature_importance([model], data, EVERY, TRAINING))


def of(found: pl.DataFrame, way: str) -> dict[str, float]:
    return dict(found.filter(way=way).select("name", "importance").iter_rows())


def test_what_is_there_twice_is_missed_by_clusters_and_alone_not_one_by_one(found: pl.DataFrame) -> None:
    one_by_one, clusters, alone, moved = (of(found, way) for way in EVERY.ways)
    (pair,) = found.filter(pl.col("way") == "clusters", pl.col("features").list.len() == 2)["features"].to_list()
    assert pair == ["edge", "copy"]
    together = max(clusters, key=lambda name: clusters[name])
    assert together in pair
    assert clusters[together] > 0.2
    assert clusters[together] >= max(one_by_one.values())
    assert min(one_by_one["edge"], one_by_one["copy"]) < clusters[together] / 2
    assert alone["edge"] == alone["copy"] > 0.2
    assert abs(alone["noise"]) < 0.1
    assert sum(moved.values()) == pytest.approx(1.0)
    assert moved["edge"] + moved["copy"] > 0.5 > moved["idle"] > 0.0  # what knows nothing moves scores, too


def test_contributions_of_a_model_that_does_not_tell_them_are_null() -> None:
    told = feature_importance([MODEL], market(), EVERY.model_copy(update={"ways": ("contributions",)}), TRAINING)
    assert told.select("importance", "folds").rows() == [(None, 0), (None, 0)]


LAG = 4


class Lagged:
    """Its score is what the first of its features was some sessions ago, so that the newest row alone tells nothing."""

    settings: Any = TRAINING
    file, library, sequence_sessions = "lagged", "numpy", LAG + 1

    def fit(self, data: TrainingSet, *, threads: int = 1) -> Fitted:
        assert data.train.sequences is not None
        assert data.train.sequences.length == LAG + 1
        return Fitted(content=b"-", scores=np.zeros(len(data.validation.y)), rounds=1, importance={})

    def load(self, content: bytes) -> "Lagged":
        return self

    def predict(self, x: Sequences, *, threads: int = 1) -> np.ndarray:
        return np.nan_to_num(x.rows()[:, 0, 0].astype(np.float64))


def test_a_model_of_sequences_owes_its_skill_to_a_feature_of_past_sessions() -> None:
    random, data = np.random.default_rng(3), market()
    n_sessions, n_symbols = len(data.rows.sizes), int(data.rows.sizes[0])
    x = random.normal(size=(n_sessions, n_symbols, 2)).astype(np.float32)  # what is known of one session says nothing of another
    y = np.roll(x[:, :, 0], LAG, axis=0) + 0.5 * random.normal(size=(n_sessions, n_symbols))
    places = np.arange(x.shape[0] * n_symbols, dtype=np.int32).reshape(n_sessions, n_symbols)
    lags = np.stack(
        [np.where(np.arange(n_sessions)[:, None] >= lag, np.roll(places, lag, axis=0), -1) for lag in range(LAG, -1, -1)], axis=-1
    )
    sequences = Sequences(table=x.reshape(-1, 2), places=lags.reshape(-1, LAG + 1).astype(np.int32))
    data = replace(data, rows=replace(data.rows, x=sequences.table, sequences=sequences, y=y.ravel(), returns=y.ravel()))
    learner: Any = Lagged()
    model = Model(name="lagged", kind="lagged", learner=learner, quick=learner)
    found = feature_importance([model], data, EVERY.model_copy(update={"ways": ("features", "alone")}), TRAINING)
    dealt, alone = of(found, "features"), of(found, "alone")
    assert dealt["a"] > 0.7, "all that it has: the values of past sessions go with those of today"
    assert dealt["b"] == 0.0
    assert alone["a"] == pytest.approx(dealt["a"], abs=0.1)
    assert abs(alone["b"]) < 0.1


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_dealt_sequences_are_the_same_in_parts_of_any_size(size: int) -> None:
    random = np.random.default_rng(0)
    own = Sequences(table=random.normal(size=(50, 3)).astype(np.float32), places=random.integers(-1, 50, size=(40, 6)).astype(np.int32))
    order = random.permutation(40)
    rows = own.rows()
    wanted = rows.copy()
    wanted[:, :, [0, 2]] = rows[order][:, :, [0, 2]]
    parts = list(DealtSequences(sequences=own, columns=(0, 2), order=order).parts(size))
    assert [len(part) for part in parts[:-1]] == [size] * (len(parts) - 1)
    np.testing.assert_array_equal(np.concatenate([part.rows() for part in parts]), wanted)


def test_each_way_has_the_largest_first_with_all_folds(found: pl.DataFrame) -> None:
    assert found["folds"].unique().to_list() == [3]
    for way in EVERY.ways:
        values = found.filter(way=way)["importance"].to_list()
        assert values == sorted(values, reverse=True)
    again = feature_importance([lightgbm(min_data_in_leaf=20)], market(), EVERY.model_copy(update={"ways": ("clusters",)}), TRAINING)
    assert set(again["way"]) == {"clusters"}


def test_missing_values_tell_nothing_of_the_clusters() -> None:
    data = market()
    x = np.column_stack([data.rows.x[:, 0], -data.rows.x[:, 0], np.full(len(data.rows.y), np.nan)]).astype(np.float32)
    x[::7, 1] = np.nan
    data = replace(data, features=("a", "minus_a", "empty"), rows=replace(data.rows, x=x))
    assert sorted(clusters_of(data).values()) == [[0, 1], [2]]


def test_the_asset_is_made_once_for_a_window_and_goes_with_it(tmp_path: Path) -> None:
    plain = build(small_market(tmp_path / "plain"))
    assert "importance" not in {key.to_user_string() for key in plain.resolve_all_asset_keys()}
    changes = {name: values for name, values in CHANGES.items() if name != "cross_validation"}
    deployment = small_market(tmp_path / "asked", **changes, importance={"ways": ("features", "clusters"), "folds": 2})
    make_history(deployment, FIRST, LAST, MADE)
    made = run_job(deployment, "backtest_reports", assets=["importance"]).asset_materializations_for_node("importance")[0]
    assert set(made.metadata) == {"lightgbm: features", "lightgbm: clusters"}
    table = FeatureImportance.validate(deployment.warehouse.read_part("importance", "importance"))
    assert table.filter(way="features").height == 4  # the family trend
    assert [one.trial.kind for one in deployment.of(ledger_of).trials()] == ["importance"]

    def told(of: Deployment) -> dict[str, str]:
        return json.loads(of.warehouse.read_text("importance", "summary.json"))

    assert told(deployment)["as_of"] == "2021-03-08"
    assert not [one for one in healing_of(deployment).stale() if one.asset == "importance"]
    make_history(deployment, date(2021, 3, 15), date(2021, 3, 15), MADE)
    assert [one.asset for one in healing_of(deployment).stale() if one.asset == "importance"] == ["importance"]
    again = Deployment(deployment.settings)
    run_job(again, "backtest_reports", assets=["importance"])
    assert told(again)["as_of"] == "2021-03-15"
