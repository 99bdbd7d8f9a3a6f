"""Signals of given bars where several models compete: the ensemble as champion, with the bits of the assets, and at a session that the warehouse does not know yet."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.corporate_actions.identity import NAME_CHANGE
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.runs.bar_signals.signals_of_bars import BarSignals, signals_of_bars
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, copy_until, make_history, small_market

LAST = date(2021, 2, 11)
"""A Thursday; models are fitted weekly."""
CHANGES = EARLY_MODELS | {
    "models": {
        "lightgbm": EARLY_MODELS["models"]["lightgbm"],
        "other": {"kind": "lightgbm", "min_data_in_leaf": 2, "max_rounds": 9, "seed": 3},
    },
    "ensemble": {"rule": "equal"},
    "champion": {"rule": "fixed", "model": "ensemble"},
    "portfolio": {
        "method": "minimum_variance",
        "options": {"lookback_sessions": 20, "candidates": 6, "factors": {"trend": {"asset": "alpha158", "column": "ROC20", "most": 0.2}}},
    },
    "strategies": {"model_scores": {"calibration_sessions": 8, "min_calibration_rows": 20, "calibration": "best"}},
}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    root = tmp_path_factory.mktemp("bar_signals")
    deployment = small_market(root, last_session=LAST, **CHANGES)
    make_history(deployment, FIRST, LAST)
    return deployment


def given_files(deployment: Deployment, folder: Path) -> tuple[Path, Path]:
    """Bars and corporate actions as files."""
    days = deployment.calendar.sessions(FIRST, LAST)
    told = deployment.warehouse.read("corporate_actions", days).filter(pl.col("kind") != NAME_CHANGE)
    deployment.warehouse.read("bars", days).write_parquet(folder / "bars.parquet")
    told.select("symbol", "kind", "ratio", "cash", date="session").write_csv(folder / "actions.csv")
    return folder / "bars.parquet", folder / "actions.csv"


def made(deployment: Deployment, folder: Path, **how) -> BarSignals:
    bars, actions = given_files(deployment, folder)
    return signals_of_bars(how.pop("of", deployment), bars, actions=actions, **how)


def test_the_ensemble_has_the_bits_of_the_asset(market: Deployment, tmp_path: Path) -> None:
    for day in market.calendar.sessions(date(2021, 2, 3), LAST):
        found = made(market, tmp_path, session=day)
        assert found.signals.equals(market.warehouse.read("signals", [day]))
        assert set(found.records) == {"lightgbm", "other"}
    assert found.rows["probability"].null_count() == 0
    for name in ("lightgbm", "other", "ensemble"):
        one = made(market, tmp_path, model=name).signals
        stored = market.warehouse.read(f"{name}_predictions", [LAST])
        assert one.select("symbol", "score").equals(stored.select("symbol", "score"))


def test_a_session_that_the_warehouse_does_not_know_has_the_same_scores_and_says_what_is_older(market: Deployment, tmp_path: Path) -> None:
    root = market.settings.storage.warehouse.parent
    before = market.calendar.offset(LAST, -1)
    copy_until(root, tmp_path / "copy", before)
    behind = small_market(tmp_path / "copy", last_session=LAST, **CHANGES)
    found = made(market, tmp_path, of=behind)
    assert found.session == LAST
    assert found.signals.select("symbol", "score").equals(market.warehouse.read("signals", [LAST]).select("symbol", "score"))
    assert found.rows["probability"].null_count() == found.rows.height
    assert f"the champion is that of {before}, the newest stored" in found.notes
    assert any(note.startswith(f"no probability: forward_returns of {LAST} is not stored") for note in found.notes)
    early = small_market(tmp_path / "nothing", last_session=LAST, **CHANGES)
    with pytest.raises(MissingPartitionError, match="no champion is stored up to 2021-02-11: make it with ats run"):
        made(market, tmp_path, of=early)
