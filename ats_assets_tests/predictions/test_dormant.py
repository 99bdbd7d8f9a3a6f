"""A champion whose model is unavailable falls back to its last good model, then to the best of the others, then to nothing; each is told."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ats_assets.models.training_run
from ats_assets.models import fit
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.training_set import TrainingSet
from ats_assets.predictions.dormant import with_stand_ins
from ats_assets.predictions.schema import CHAMPION_SCHEMA, PREDICTIONS_SCHEMA
from ats_assets.serving.queries.saved_models import predictions_of_session
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, differences, files_of, make_history, small_market

GOOD, BROKEN, LAST = date(2021, 1, 25), date(2021, 2, 1), date(2021, 2, 12)
MODELS = EARLY_MODELS["models"] | {"forest": {"kind": "random_forest", "trees": 3, "min_samples_leaf": 5}}
FALLS_BACK: dict[str, Any] = EARLY_MODELS | {
    "models": MODELS,
    "training": EARLY_MODELS["training"] | {"max_age_sessions": 8},
    "champion": {"rule": "fixed", "model": "lightgbm", "dormant": "fall_back"},
}
"""A model of 25 January is 8 sessions old on 4 February."""


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> dict[str, date]:
    """Name of a model -> the session from which on its fits are unavailable; to be filled by the test."""
    from_when: dict[str, date] = {}

    def fails(model: Any, data: TrainingSet, settings: Any, *, threads: int) -> Fitted | Unavailable:
        if data.window.session >= from_when.get(model.name, date.max):
            return Unavailable(reason="nothing varies")
        return fit(model, data, settings, threads=threads)

    monkeypatch.setattr(ats_assets.models.training_run, "fit", fails)
    return from_when


def test_the_last_good_model_then_the_other_then_nothing(tmp_path: Path, breaks: dict[str, date]) -> None:
    breaks.update(lightgbm=BROKEN, forest=date(2021, 2, 8))
    deployment = small_market(tmp_path / "whole", **FALLS_BACK)
    result = make_history(deployment, FIRST, LAST)
    assert result.success
    days = deployment.calendar.sessions(BROKEN, LAST)
    lanes = {name: deployment.warehouse.read(f"{name}_predictions", days) for name in MODELS}
    assert lanes["lightgbm"]["session"].max() == date(2021, 2, 4)
    assert lanes["lightgbm"]["model_session"].unique().to_list() == [GOOD]
    traded = deployment.warehouse.read("predictions", days)
    expected = pl.concat([lanes["lightgbm"], lanes["forest"].filter(pl.col("session") > date(2021, 2, 4))])
    assert traded.equals(expected)
    said = {
        check.partition: check.description
        for check in result.get_asset_check_evaluations()
        if check.check_name == "champion_predicts" and check.partition and not check.passed
    }
    assert said["2021-02-02"] == f"the model of {BROKEN} is unavailable (nothing varies): the last good one, of {GOOD}, predicts"
    assert said["2021-02-05"].startswith("the champion lightgbm has no predictions (nothing varies): those of the best of the others")
    assert min(said) == "2021-02-02"
    session = date(2021, 2, 3)
    assert predictions_of_session(deployment, "lightgbm", session).rows.equals(lanes["lightgbm"].filter(session=session))
    again = small_market(tmp_path / "parts", **FALLS_BACK)
    assert make_history(again, FIRST, date(2021, 2, 2)).success
    assert make_history(again, date(2021, 2, 3), LAST).success
    assert differences(files_of(tmp_path / "parts"), files_of(tmp_path / "whole")) == []


def test_one_model_alone_ends_flat(tmp_path: Path, breaks: dict[str, date]) -> None:
    breaks.update(lightgbm=BROKEN)
    alone = FALLS_BACK | {"models": EARLY_MODELS["models"]}
    deployment = small_market(tmp_path, **alone)
    result = make_history(deployment, FIRST, LAST)
    assert result.success
    assert deployment.warehouse.read("predictions", deployment.calendar.sessions(FIRST, LAST))["session"].max() == date(2021, 2, 4)
    (said,) = {
        check.description
        for check in result.get_asset_check_evaluations()
        if check.check_name == "champion_predicts" and check.partition == "2021-02-05"
    }
    assert said == "no model is usable (nothing varies): nothing is predicted, and positions run out"


def test_stand_ins_are_in_the_order_of_skill() -> None:
    day = date(2024, 1, 2)

    def lane(*symbols: str) -> pl.DataFrame:
        return pl.DataFrame([(symbol, day, 1.0, date(2024, 1, 1)) for symbol in symbols], schema=PREDICTIONS_SCHEMA, orient="row")

    rows = [(day, name, 5, ic, name == "a", "") for name, ic in (("a", 0.3), ("b", None), ("c", 0.1), ("d", 0.2))]
    champion = pl.DataFrame(rows, schema=CHAMPION_SCHEMA, orient="row")
    every = {name: lane(name) for name in "abcd"}
    assert with_stand_ins(champion, every)["symbol"].to_list() == ["a"]
    assert with_stand_ins(champion, every | {"a": lane()})["symbol"].to_list() == ["d"]
    assert with_stand_ins(champion, {name: lane(*(["b"] if name == "b" else [])) for name in "abcd"})["symbol"].to_list() == ["b"]
    assert with_stand_ins(champion, dict.fromkeys("abcd", lane())).is_empty()
