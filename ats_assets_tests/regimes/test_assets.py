"""Regimes as assets (that the default graph has none its snapshot holds): the same bytes alone and in a range, as features of a model and as a risk rule."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.features.choosing import model_families
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.regimes import FilteredStates, RegimeModel, filtered_states
from ats_assets.regimes.estimation import smoothed_states
from ats_assets.regimes.regime_model import lagged
from ats_assets.settings import RegimeSettings
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

LAST = date(2021, 3, 19)
QUICK = {
    "max_states": 2,
    "starts": 1,
    "refit": "weekly",
    "match_refits": 1,
    "train_sessions": 30,
    "min_train_sessions": 20,
    "filter_sessions": 10,
    "observations": ["return"],
}
ASSETS = ("regime_observations", "regime_fits", "regimes")


def market(root: Path, **changes: Mapping[str, Any]) -> Deployment:
    training = EARLY_MODELS["training"] | {"families": ("alpha158", "regimes")}
    sections: dict[str, Any] = EARLY_MODELS | {
        "training": training,
        "regimes": {"market": QUICK},
        "risk": {"calm": {"kind": "regime_filter"}},
    }
    return small_market(root, last_session=LAST, **sections | changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = market(tmp_path_factory.mktemp("regimes"))
    assert make_history(deployment, FIRST, LAST).success
    return deployment


def test_a_history_holds_estimations_at_refit_sessions_alone_and_a_regime_for_each_bar(made: Deployment) -> None:
    sessions = made.calendar.sessions(FIRST, LAST)
    fits = made.warehouse.read("regime_fits", sessions)
    assert fits["session"].unique().sort().to_list() == [day for day in sessions[20:] if day.weekday() == 0 or day == date(2021, 2, 16)]
    regimes, bars = made.warehouse.read("regimes", sessions), made.warehouse.read("bars", sessions, ["symbol", "session"])
    assert regimes.select("symbol", "session").equals(bars.sort("session", "symbol"))
    known = regimes.filter(pl.col("market_state").is_not_nan())
    assert known["session"].min() == fits["session"].min()
    assert known.group_by("session").agg(pl.col("market_p0").n_unique())["market_p0"].to_list() == [1] * known["session"].n_unique()


def test_a_partition_made_alone_has_the_same_bytes(made: Deployment) -> None:
    warehouse = made.warehouse
    for day in (date(2021, 3, 15), date(2021, 3, 17)):
        before = {asset: warehouse.path(asset, day).read_bytes() for asset in ASSETS}
        assert make_history(made, day, day, list(ASSETS)).success
        assert {asset: warehouse.path(asset, day).read_bytes() for asset in ASSETS} == before, day


def test_a_model_learns_from_them_and_targets_say_why_they_are_smaller(made: Deployment) -> None:
    sessions = made.calendar.sessions(FIRST, LAST)
    store = made.model_store("lightgbm_model")
    assert {"market_p0", "market_entropy", "market_sessions_in_state"} <= set(store.active(sessions[-1]).features)
    targets = made.warehouse.read("targets", sessions[-10:])
    reasons = targets["reasons"].explode().drop_nulls()
    assert reasons.str.contains(r"calm: market is in state \d with probability \d+%: times 0\.").any()


def test_several_entries_have_assets_and_features_of_their_own(tmp_path: Path) -> None:
    two = {"market": QUICK, "fast": QUICK | {"kind": "mixture"}}
    deployment = small_market(tmp_path, training={"families": ("alpha158", "market_regimes", "fast_regimes")}, regimes=two)
    assert list(deployment.of(model_families)) == ["alpha158", "market_regimes", "fast_regimes"]
    names = {key.path[-1] for key in build(deployment).resolve_asset_graph().get_all_asset_keys()}
    assert {f"{name}_{what}" for name in ("market", "fast") for what in ("regimes", "regime_fits", "regime_observations")} <= names
    assert "regimes" not in names


def test_a_family_of_regimes_without_a_table_says_what_is_missing(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, training={"families": ("alpha158", "regimes")})
    with pytest.raises(SettingsError, match=r"a table \[regimes\.<name>\] says which"):
        deployment.of(model_families)


def test_a_rule_that_reads_regimes_which_are_no_asset_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the risk rule calm reads 'regimes', which it can't"):
        build(small_market(tmp_path, risk={"calm": {"kind": "regime_filter"}}))


@pytest.mark.parametrize("changes", [{"form": "micro"}, {"kind": "markov_switching"}])
def test_the_leak_check_judges_them_and_accuses_none(made: Deployment, changes: dict[str, object]) -> None:
    settings = made.settings.model_copy(update={"regimes": {"market": RegimeSettings.model_validate(QUICK | changes)}})
    bars, days = stored_bars(made, 54, 8)
    found = {one.name: one for one in of_deployment(Deployment(settings), bars, days)}["regimes"]
    whole = found.make({name: one.rows for name, one in found.inputs.items()})
    assert whole["market_state"].is_not_nan().sum() > 50
    assert find_leaks(found, days, draws=2) == []


def test_the_leak_check_finds_smoothed_probabilities(made: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def smoothed(model: RegimeModel, observations: np.ndarray, first: np.ndarray, sequence: np.ndarray | None = None) -> FilteredStates:
        known = filtered_states(model, observations, first, sequence)
        values = np.nan_to_num(observations)
        later, _ = smoothed_states(model, values, lagged(values, 0), np.arange(len(values)) == 0)
        return replace(known, probabilities=later)

    monkeypatch.setattr("ats_assets.regimes.regime_features.filtered_states", smoothed)
    bars, days = stored_bars(made, 54, 8)
    found = {one.name: one for one in of_deployment(made, bars, days)}["regimes"]
    leaks = find_leaks(found, days, draws=2)
    assert isinstance(leaks, list)
    assert "market_p0" in {leak.column for leak in leaks}
