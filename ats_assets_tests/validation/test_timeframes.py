"""The asset `timeframe_validation`: there where settings want it, and what it says of planted scores."""

from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.predictions.schema import CHAMPION_SCHEMA, PREDICTIONS_SCHEMA
from ats_assets.validation.assets import assets
from ats_assets_tests.evaluation.planted_horizons import Matrix, decaying_signal, mined_noise, sums_ahead
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import FIRST, run_job, small_market

CHANGES = {
    "timeframe_validation": {"lookback_sessions": 250},
    "labels": {"horizons_sessions": (1, 5, 20)},
    "training": {"horizon_sessions": 5},
    "calendar": {"first_session": FIRST},
}


def planted(root: Path, scores: dict[str, Matrix], returns: Matrix) -> Deployment:
    """A warehouse with predictions and forward returns alone."""
    models = {name: {"kind": "lightgbm"} for name in scores}
    deployment = small_market(root, **CHANGES, models=models)  # pyright: ignore[reportArgumentType]
    days = deployment.calendar.window(deployment.calendar.offset(FIRST, len(returns) - 1), len(returns))
    symbols = [f"S{i:02d}" for i in range(returns.shape[1])]
    of = {name: f"{name}_predictions" if len(scores) > 1 else "predictions" for name in scores}
    for t, day in enumerate(days[1:], start=1):
        for name, values in scores.items():
            rows = {"symbol": symbols, "session": [day] * len(symbols), "score": values[t], "model_session": [days[0]] * len(symbols)}
            deployment.warehouse.write(of[name], day, pl.DataFrame(rows, schema=PREDICTIONS_SCHEMA))
    ahead = {h: sums_ahead(returns * 0.01, h) for h in (1, 5, 20)}
    for t, day in enumerate(days):
        parts = [
            pl.DataFrame(
                {
                    "symbol": symbols,
                    "session": day,
                    "decision_session": days[t - h - 1],
                    "horizon_sessions": h,
                    "forward_return": np.expm1(outcomes[t - h - 1]),
                    "rank": 0.5,
                    "exit": "open",
                }
            ).cast(dict(FORWARD_RETURNS_SCHEMA))
            for h, outcomes in ahead.items()
            if 0 <= t - h - 1 < len(outcomes)
        ]
        deployment.warehouse.write("forward_returns", day, pl.concat([FORWARD_RETURNS_SCHEMA.to_frame(), *parts]))
    return deployment


def checked(deployment: Deployment) -> tuple[bool, str | None]:
    """What the check says."""
    (result,) = run_job(deployment, "backtest_reports", assets=["timeframe_validation"]).get_asset_check_evaluations()
    assert (result.check_name, result.severity) == ("holds_on_neighbours", dg.AssetCheckSeverity.WARN)
    return result.passed, result.description


def test_it_is_an_asset_only_where_settings_want_it(tmp_path: Path) -> None:
    assert [asset.key.path[-1] for asset in assets(small_market(tmp_path, timeframe_validation={}))] == ["timeframe_validation"]
    assert assets(small_market(tmp_path)) == []


def test_without_outcomes_it_says_what_to_make(tmp_path: Path) -> None:
    with pytest.raises(MissingPartitionError, match="no forward_returns are stored"):
        run_job(small_market(tmp_path, **CHANGES), "backtest_reports", assets=["timeframe_validation"])  # pyright: ignore[reportArgumentType]


def test_of_two_models_the_real_one_holds_and_the_mined_one_does_not(tmp_path: Path) -> None:
    real, returns = decaying_signal(0, half_life=3.0, strength=0.3, shape=(300, 30))
    mined, _ = mined_noise(1, horizon=5, shape=(300, 30))
    deployment = planted(tmp_path, {"real": real, "mined": mined}, returns)
    run_job(deployment, "backtest_reports", assets=["timeframe_validation"])
    horizons, verdicts = (deployment.warehouse.read_part("timeframe_validation", part) for part in ("horizons", "verdicts"))
    assert dict(verdicts.select("model", "holds").iter_rows()) == {"real": True, "mined": False}
    assert horizons["horizon_sessions"].to_list() == [1, 5, 20] * 2
    assert horizons.filter("is_own")["horizon_sessions"].to_list() == [5, 5]
    assert horizons["sessions"].to_list() == [250] * 6, "of the newest 250 sessions of outcomes"
    assert not any(one.asset == "timeframe_validation" for one in healing_of(deployment).stale())
    assert checked(deployment) == (False, "no model is traded yet")
    day = deployment.valid_sessions("forward_returns")[-1]
    for name, holds in (("real", True), ("mined", False)):
        of = [(day, model, 40, 0.02, model == name, "because") for model in ("real", "mined")]
        deployment.warehouse.write("champion", day, pl.DataFrame(of, schema=CHAMPION_SCHEMA, orient="row"))
        passed, text = checked(deployment)
        assert passed == holds
        assert text.startswith(f"{name}, which is traded, {'holds' if holds else 'does not hold'}: over ")


def test_one_model_is_judged_by_the_predictions_that_are_traded(tmp_path: Path) -> None:
    real, returns = decaying_signal(0, half_life=3.0, strength=0.3, shape=(110, 12))
    deployment = planted(tmp_path, {"only": real}, returns)
    run_job(deployment, "backtest_reports", assets=["timeframe_validation"])
    (told,) = deployment.warehouse.read_part("timeframe_validation", "verdicts").iter_rows(named=True)
    assert told == {
        "model": "only",
        "holds": False,
        "text": "does not hold: 88 sessions with an outcome are too few to judge, 200 are needed",
    }
