"""The sections of the ensemble and of the neighbouring horizons say what their tables hold."""

import numpy as np
import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.evaluation import mean_error
from ats_assets.evaluation.neighbouring_horizons import holds_on_neighbours
from ats_assets.predictions.choosing import ensemble_rule_of
from ats_assets.predictions.combined_scores import combined
from ats_assets.predictions.ensemble import weight_rows
from ats_assets.predictions.model_evidence import judged_decisions
from ats_assets.reports.charts import Chart
from ats_assets.reports.formatting import decimal
from ats_assets.reports.page_blocks import Block, HeatMap, Note, Table
from ats_assets.reports.report_section import ReportInputs, sections
from ats_assets.settings import EnsembleSettings, load_settings
from ats_assets.validation.timeframes import timeframe_tables
from ats_assets_tests.evaluation.planted_horizons import decaying_signal, skill_of
from ats_assets_tests.predictions.judged_models import DAYS, outcomes_of, predictions_of

HOW = EnsembleSettings(rule="skill", lookback_sessions=60, min_judged_sessions=5)


def inputs(**values: object) -> ReportInputs:
    return ReportInputs(result=None, metrics=None, horizon_sessions=1, **values)  # pyright: ignore[reportArgumentType]


def one(blocks: list[Block], kind: type) -> list:
    return [block for block in blocks if isinstance(block, kind)]


@pytest.fixture(scope="module")
def rows() -> dict[str, pl.DataFrame]:
    rng = np.random.default_rng(2)
    returns = rng.standard_normal((120, 25))
    models = {name: predictions_of(ic * returns + rng.standard_normal(returns.shape)) for name, ic in (("good", 0.4), ("fair", 0.1))}
    outcomes = outcomes_of(returns * 0.02)
    judged, there = judged_decisions(models, outcomes), {name: set(frame["session"]) for name, frame in models.items()}
    refits = {DAYS[session]: DAYS[session - session % 10] for session in range(60, 120)}
    weights = weight_rows(judged, there, refits, DAYS, rule=ensemble_rule_of(HOW), settings=HOW, horizon_sessions=1)
    scores = {"ensemble": combined(weights, models), **models}
    return {"ensemble_weights": weights, "forward_returns": outcomes} | {f"{name}_predictions": frame for name, frame in scores.items()}


def test_the_ensemble_is_compared_with_its_models_at_the_same_decisions(rows: dict[str, pl.DataFrame]) -> None:
    blocks = list(sections()["model_ensemble"].make(inputs(rows=rows)) or ())
    (table,), (chart,), (heat,) = (one(blocks, kind) for kind in (Table, Chart, HeatMap))
    names = ["good", "fair", "ensemble"]
    ics = np.array([d.rank_ic for d in judged_decisions({n: rows[f"{n}_predictions"] for n in names}, rows["forward_returns"])])
    ics = ics[~np.isnan(ics).any(axis=1)]
    assert len(ics) == 58, "decisions that the ensemble made, and whose outcomes are known"
    gain = ics[:, 2] - ics[:, 0]
    told = "".join(note.text for note in one(blocks, Note))
    assert f"{decimal(float(gain.mean()), 4, signed=True)} (± {mean_error(gain, 1):.4f}) from the best of its models" in told
    assert [row[0] for row in table.rows] == ["good", "fair", "mean of the models", "ensemble"]
    assert table.rows[0][3] == f"{ics[:, 0].mean():+.4f}"
    assert table.rows[3][5] == "–"
    assert [band for band, _ in chart.legend] == ["good", "fair"]
    assert [row.name for row in heat.rows] == names
    assert [heat.rows[i].cells[i][0] for i in range(3)] == ["1.00"] * 3


def test_weights_are_told_before_anything_is_judged_and_without_them_there_is_no_section(rows: dict[str, pl.DataFrame]) -> None:
    make = sections()["model_ensemble"].make
    early = rows | {"forward_returns": rows["forward_returns"].filter(pl.col("session") < DAYS[60])}
    told = "".join(note.text for note in one(list(make(inputs(rows=early)) or ()), Note))
    assert "Newest weights: good" in told
    assert "have not been judged at the same decisions yet" in told
    assert make(inputs(rows={})) is None


def test_the_sections_read_nothing_unless_settings_ask_for_it() -> None:
    plain = Deployment(load_settings())
    asked = Deployment(
        load_settings(models={"a": {"kind": "lightgbm"}, "b": {"kind": "lightgbm"}}, ensemble={"rule": "equal"}, timeframe_validation={})
    )
    ensemble, horizons = sections()["model_ensemble"], sections()["neighbouring_timeframes"]
    assert ensemble.reads(plain) == ()
    assert horizons.tables(plain) == {}
    assert set(ensemble.reads(asked)) == {"ensemble_weights", "a_predictions", "b_predictions", "ensemble_predictions", "forward_returns"}
    assert horizons.tables(asked) == {"timeframe_validation": ("horizons", "verdicts")}


def test_each_horizon_has_a_row_and_each_model_its_verdict() -> None:
    verdict = holds_on_neighbours(skill_of(*decaying_signal(0, half_life=3.0, strength=0.3), (1, 5, 20)), 5)
    make = sections()["neighbouring_timeframes"].make
    blocks = list(make(inputs(tables={"timeframe_validation": timeframe_tables({"mine": verdict})})) or ())
    (table,) = one(blocks, Table)
    assert [row[:3] for row in table.rows] == [("mine", "1", "neighbour"), ("mine", "5", "own"), ("mine", "20", "neighbour")]
    assert f"mine {verdict.text}." in [note.text for note in one(blocks, Note)]
    assert make(inputs()) is None
