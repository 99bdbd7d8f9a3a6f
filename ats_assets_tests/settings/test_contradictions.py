"""Settings of models that contradict each other are refused with what to change, and not followed to a result that nobody asked for; each was taken before."""

from pathlib import Path
from typing import Any

import pytest

from ats_assets.definitions import build
from ats_assets.errors import SettingsError
from ats_assets.settings import load_settings
from ats_assets_tests.needs_torch import needs_torch
from ats_assets_tests.small_market import EARLY_MODELS, small_market

TWO: dict[str, Any] = {"lightgbm": {}, "ridge": {}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ensemble": {"models": ("lightgbm", "ridge")}}, "models is set, but rule is 'none'"),
        (
            {"ensemble": {"rule": "skill", "lookback_sessions": 10}},
            r"lookback_sessions \(or drift_lookback_sessions\) is 10, in which no model is judged the 42 times",
        ),
        ({"champion": {"lookback_sessions": 10}}, "lookback_sessions is 10, in which no model is judged the 42 times"),
        ({"champion": {"rule": "challenge", "paired_sessions": 50}}, "a challenger needs 60 judged sessions"),
        (
            {
                "champion": {"rule": "challenge", "paired_sessions": 150},
                "training": {"horizon_sessions": 20},
                "labels": {"horizons_sessions": (20,)},
            },
            "a challenger needs 200 judged sessions",
        ),
        ({"tuning": {"trials": 10}}, "tuning.trials is set, but tuning.models names none"),
        ({"drift": {"refit_train_sessions": 198}, "training": {"refit_on_drift": True}}, "refit_train_sessions is 198, fewer than the 199"),
    ],
)
def test_what_would_come_to_nothing_is_refused(changes: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"models": TWO} | changes
    with pytest.raises(SettingsError, match=said):
        load_settings(**settings)


def test_tables_that_say_what_is_so_anyway_are_taken() -> None:
    load_settings(models=TWO, ensemble={}, tuning={}, champion={})
    load_settings(models=TWO, ensemble={"rule": "equal", "lookback_sessions": 10})


def test_drift_may_be_watched_without_asking_for_refits(tmp_path: Path) -> None:
    """That was no graph at all, but a KeyError."""
    graph = build(small_market(tmp_path, **EARLY_MODELS, drift={})).resolve_asset_graph()
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {"drift", "skill_estimate", "predictions"} <= names
    assert not names & {"lightgbm_refits", "lightgbm_scheduled_predictions"}


@needs_torch
@pytest.mark.parametrize(
    "model",
    [
        {"kind": "dlinear", "inputs": "returns"},
        {"kind": "lstm", "inputs": "prices"},
        {"kind": "qlib_zoo", "model": "GRU"},
    ],
)
def test_no_feature_can_be_left_out_of_a_row_that_is_a_sequence(tmp_path: Path, model: dict[str, Any]) -> None:
    """The fit failed then, and said that features which are there were not."""
    choosing = {"training": EARLY_MODELS["training"] | {"selection": {}}}
    with pytest.raises(
        SettingsError, match=r"\[training.selection\] leaves features out, but those of a row are a sequence to the model net"
    ):
        build(small_market(tmp_path, **choosing, models={"net": model}))
    build(small_market(tmp_path, **choosing, models={"net": {"kind": "dlinear"}, "rows": {"kind": "qlib_zoo", "model": "MLP"}}))


def test_models_of_one_row_that_are_given_a_length_of_sequences_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sequence_sessions is 20, but qlib's LGB looks at one row"):
        build(small_market(tmp_path, models={"trees": {"kind": "qlib_zoo", "model": "LGB", "sequence_sessions": 20}}))
