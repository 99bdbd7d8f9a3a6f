"""A net as an asset: its partitions, and those of its predictions, are the same bytes alone and in a range, and nothing of it sees the future."""

from pathlib import Path
from typing import Any

from ats_assets.leakcheck.detection import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets.serving.queries.saved_models import predictions_of_session
from ats_assets_tests.needs_torch import needs_torch
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, differences, files_of, forget, make_history, small_market, without_the_future

pytestmark = needs_torch

LSTM = {"hidden": 4, "layers": 1, "min_epochs": 1, "max_epochs": 2, "sequence_sessions": 5, "batch_rows": 32}
HOW: dict[str, Any] = {
    "models": {"lstm": LSTM},
    "training": {**EARLY_MODELS["training"], "families": ("trend",)},
    "features": {"families": ()},
}


def test_a_net_keeps_the_invariant(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, **HOW)
    last = deployment.calendar.offset(FIRST, 25)
    assert make_history(deployment, FIRST, last).success
    record = deployment.model_store("lstm_model").active(last)
    assert (record.learner, record.file, record.status) == ("lstm", "model.safetensors", "fitted")
    assert record.versions["torch"]
    expected, before = files_of(tmp_path), deployment.calendar.offset(last, -6)
    for day in (last, before):
        forget(tmp_path, [day])
        make_history(deployment, day, day)
        assert differences(files_of(tmp_path), expected) == [], day
    assert without_the_future(tmp_path, before, tmp_path / "until", **HOW) == []
    stored = deployment.warehouse.read("predictions", [last])
    assert stored["score"].n_unique() > 1
    assert predictions_of_session(deployment, None, last).rows.equals(stored)
    bars, days = stored_bars(deployment, 25, 20)
    (subject,) = (one for one in of_deployment(deployment, bars, days) if one.name == "lstm_model")
    assert subject.result()["model"].str.len_chars().max() == 64
    assert find_leaks(subject, days, draws=1) == []
