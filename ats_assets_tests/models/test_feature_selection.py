"""A model of selected features: chosen in its own training window, recorded, and predicted with, and with no others."""

from datetime import date
from pathlib import Path

import pytest

from ats_assets.errors import ModelError
from ats_assets.predictions.inference import predict
from ats_assets.serving.queries.saved_models import predictions_of_session
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market, without_the_future

LAST = date(2021, 2, 12)
SELECTION = {"resamples": 10, "block_sessions": 2, "least_features": 3, "kept_share": 0.9}
SELECTED = EARLY_MODELS | {"training": EARLY_MODELS["training"] | {"selection": SELECTION}}


def test_what_is_selected_is_recorded_and_predicted_with(tmp_path: Path) -> None:
    deployment = small_market(tmp_path / "whole", **SELECTED)
    assert make_history(deployment, FIRST, LAST).success
    record = deployment.model_store("lightgbm_model").active(LAST)
    assert record.selected is not None
    features = deployment.warehouse.read("alpha158", [LAST])
    offered = list(record.selected.offered)
    assert offered[:158] == [column for column in features.columns if column not in {"symbol", "session"}]
    assert list(record.features) == [name for name in offered if name in record.features]
    assert 3 <= len(record.features) < len(offered)
    shares = record.selected.chosen_share
    assert all(shares[name] >= 0.9 for name in record.features) or len(record.features) == 3
    assert min(shares[name] for name in record.features) >= max(shares[name] for name in offered if name not in record.features)
    session = date(2021, 2, 10)
    assert predictions_of_session(deployment, None, session).rows.equals(deployment.warehouse.read("predictions", [session]))
    assert without_the_future(tmp_path / "whole", date(2021, 2, 8), tmp_path / "past", **SELECTED) == [], "a refit session"
    with pytest.raises(ModelError, match=r"expects \d+ features, found 157"):
        predict(features.drop("KMID"), deployment.warehouse.read("universe", [LAST]), record, scorer=None)  # pyright: ignore[reportArgumentType]
