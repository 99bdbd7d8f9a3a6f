"""`ats predict` with models of events: the bits of the asset, rows of a file, and what all was made of."""

from pathlib import Path

import polars as pl
import pytest

from ats_assets.cli.predict.predicting import provenance
from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError, SettingsError
from ats_assets.events.choosing import event_models
from ats_assets.events.event_lane import event_lane
from ats_assets.serving.queries.saved_models import predictions_of_file, predictions_of_session
from ats_assets_tests.events.lanes import DAYS


@pytest.mark.parametrize("name", ["direction", "meta"])
def test_a_session_has_the_bits_of_the_asset(lane: Deployment, name: str) -> None:
    for session in (DAYS[-3], None):
        found = predictions_of_session(lane, name, session)
        stored = lane.warehouse.read(f"{name}_predictions", [session or DAYS[-1]])
        assert found.rows.equals(stored)
        assert stored.height > 3
    said = "\n".join(provenance(found.record, found.data))
    assert found.record.model_sha256 is not None
    assert found.record.model_sha256 in said
    assert lane.data_versions("fast", DAYS[-1:])[str(DAYS[-1])] in said
    assert found.record.versions["code"] in said


def test_rows_of_a_file_are_scored_and_keep_their_other_columns(lane: Deployment, tmp_path: Path) -> None:
    lane_of = event_lane(lane, lane.of(event_models)["direction"])
    frames = {name: lane.warehouse.read(name, DAYS[-2:]) for name in (*lane_of.features_of, *lane_of.decided_by)}
    features = lane_of.features(frames, DAYS[-2:]).filter(session=DAYS[-1])
    stored = lane.warehouse.read("direction_predictions", DAYS[-1:])
    parquet, text = tmp_path / "rows.parquet", tmp_path / "rows.csv"
    features.write_parquet(parquet)
    features.write_csv(text, float_precision=9)
    for file in (parquet, text):
        found = predictions_of_file(lane, "direction", file, DAYS[-2])
        assert found.rows["score"].to_list() == stored["score"].to_list()
        assert found.rows.columns == ["symbol", "session", "known_at", "bar", "side", "score"]


def test_what_can_not_be_predicted_is_said(lane: Deployment, tmp_path: Path) -> None:
    assert predictions_of_session(lane, None, None).record.name == "meta_model"
    with pytest.raises(SettingsError, match="choose one of lightgbm, direction, meta"):
        predictions_of_session(lane, "other", None)
    with pytest.raises(ModelError, match="no direction_model was there before 2014-05-01"):
        predictions_of_session(lane, "direction", DAYS[0])
    rows = tmp_path / "rows.csv"
    pl.DataFrame({"REV5": [1.0]}).write_csv(rows)
    with pytest.raises(ModelError, match="lacks 28 of the 29 features of direction_model: DEV, VOL, RATE, TREND, roll_spread"):
        predictions_of_file(lane, "direction", rows, None)
    rows.write_bytes(b"")
    with pytest.raises(SettingsError, match="can't be read as a CSV file"):
        predictions_of_file(lane, "direction", rows, None)
    pl.DataFrame({name: ["many"] for name in lane.model_store("direction_model").active(DAYS[-1]).features}).write_csv(rows)
    with pytest.raises(ModelError, match="no numbers"):
        predictions_of_file(lane, "direction", rows, None)
