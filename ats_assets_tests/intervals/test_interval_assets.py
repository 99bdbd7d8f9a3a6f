"""`prediction_intervals` in the graph: made of what was known, judged by its check, and followed by the risk rule."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.errors import SettingsError
from ats_assets.intervals.contracts import PredictionIntervals
from ats_assets.intervals.return_intervals import interval_windows, return_intervals
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market, without_the_future

LAST = date(2021, 2, 26)
CONFIDENCE = {
    "confidence": {
        "scale_sessions": 8,
        "min_scale_outcomes": 4,
        "calibration_sessions": 10,
        "min_calibration_rows": 30,
        "restart": "monthly",
    },
    "risk": {"sure": {"kind": "confidence", "full_at": 0.7}},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("intervals")
    make_history(small_market(folder, last_session=LAST, **EARLY_MODELS, **CONFIDENCE), FIRST, LAST)
    return folder


def test_the_asset_is_the_pure_function_of_the_windows_that_it_reads(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **EARLY_MODELS, **CONFIDENCE)
    settings, calendar = deployment.settings.confidence, deployment.calendar
    assert settings is not None
    windows = interval_windows(settings, 1, calendar.exchange)
    stored = deployment.warehouse.read("prediction_intervals", [LAST])
    PredictionIntervals.validate(stored)
    assert stored["width"].null_count() == 0
    known = deployment.known(calendar.window(LAST, windows.predictions + 1))
    predictions, returns = (deployment.warehouse.read(name, known) for name in ("predictions", "forward_returns"))
    alone = return_intervals(predictions, returns, known, [LAST], settings, calendar=calendar, horizon_sessions=1)
    assert alone.equals(stored)
    assert without_the_future(root, date(2021, 2, 12), root.parent / "alone", **EARLY_MODELS, **CONFIDENCE) == []


def test_targets_are_scaled_by_the_rule_with_its_reasons(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **EARLY_MODELS, **CONFIDENCE)
    days = deployment.calendar.sessions(date(2021, 2, 8), LAST)
    targets = deployment.warehouse.read("targets", days)
    reasons = targets.explode("reasons")["reasons"].drop_nulls()
    assert reasons.str.starts_with("sure: a long is right with a confidence of ").any()
    held = targets.filter(pl.col("proposed_weight") > 0)
    assert (held["target_weight"] <= held["proposed_weight"] + 1e-12).all()
    assert (held["target_weight"] < held["proposed_weight"] - 1e-6).any()


def test_the_check_tells_coverage_of_each_session(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **EARLY_MODELS, **CONFIDENCE)
    evaluations = run_job(deployment, "history", [LAST], ["prediction_intervals"]).get_asset_check_evaluations()
    (evaluation,) = (one for one in evaluations if one.check_name == "interval_coverage")
    assert "of the returns of" in (evaluation.description or "")
    assert {"coverage", "sessions", "newest_coverage"} <= evaluation.metadata.keys()
    assert 0.5 < float(evaluation.metadata["coverage"].value) <= 1.0  # pyright: ignore[reportArgumentType]


def test_the_leak_check_judges_intervals(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **EARLY_MODELS, **CONFIDENCE)
    bars, days = stored_bars(deployment, 30, 12)
    (subject,) = [one for one in of_deployment(deployment, bars, days) if one.name == "prediction_intervals"]
    made = subject.result()
    assert made["width"].is_not_null().sum() > 50
    later = {
        name: one.rows.with_columns(pl.when(pl.col("session") > days[-5]).then(-3.0 * pl.col(column)).otherwise(column).alias(column))
        for (name, one), column in zip(subject.inputs.items(), ("score", "forward_return"), strict=True)
    }
    before = pl.col("session") <= days[-5]
    assert subject.result(later).filter(before).equals(made.filter(before))


def test_without_a_table_there_is_no_asset_and_a_rule_that_reads_it_is_told_how_to_get_one(tmp_path: Path) -> None:
    assert "prediction_intervals" not in {key.path[-1] for key in build(small_market(tmp_path)).resolve_asset_graph().get_all_asset_keys()}
    with pytest.raises(SettingsError, match=r"reads 'prediction_intervals', which it can't.*a table \[confidence\] makes it an asset"):
        build(small_market(tmp_path, risk={"confidence": {}}))
