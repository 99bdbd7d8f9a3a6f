import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import ats_assets.models.training_run
from ats_assets.errors import ModelError
from ats_assets.models import fit
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.training_set import TrainingSet
from ats_assets.storage.artefacts import ModelStore
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

LAST = date(2021, 2, 12)
BROKEN = date(2021, 2, 1)


def test_of_fits_at_once_those_before_a_failed_one_are_stored_and_none_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = small_market(tmp_path, **EARLY_MODELS | {"training": EARLY_MODELS["training"] | {"threads": 3}})
    make_history(deployment, FIRST, LAST, ["raw_bars", "bars", "rejected_bars", "raw_corporate_actions"])
    make_history(deployment, FIRST, LAST, ["corporate_actions", "rejected_corporate_actions", "universe"])
    make_history(deployment, FIRST, LAST, ["alpha158", "trend", "forward_returns"])
    asked: set[int] = set()

    def fails_once(model: Any, data: TrainingSet, settings: Any, *, threads: int) -> Fitted | Unavailable:
        asked.add(threads)
        if data.window.session == BROKEN:
            raise ModelError("no luck")
        if data.window.session > BROKEN:
            time.sleep(0.5)
        return fit(model, data, settings, threads=threads)

    monkeypatch.setattr(ats_assets.models.training_run, "fit", fails_once)
    with pytest.raises(ModelError, match="no luck"):
        make_history(deployment, FIRST, LAST, ["lightgbm_model"])
    assert not [one for one in threading.enumerate() if one.name.startswith("ahead")]  # no fit went on behind the failed step
    store = ModelStore(tmp_path / "models", "lightgbm_model")
    stored = store.stored_sessions()
    assert stored
    assert max(stored) < BROKEN
    assert {store.record(session).status for session in stored} == {"fitted", "unavailable"}
    assert asked == {1}
