"""A nested walk-forward says what tuning was worth: something where a parameter matters, nothing on noise, whatever its folds had promised."""

import json
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.settings import TuningSettings
from ats_assets.tuning import worth_run
from ats_assets.tuning.contracts import TuningWorth
from ats_assets.tuning.schema import PERIODS_SCHEMA, WORTH_SCHEMA
from ats_assets.tuning.study import study
from ats_assets.tuning.tried_trials import chosen_trial
from ats_assets.tuning.tuned_rows import try_parameters, tuned_rows
from ats_assets.tuning.worth import WorthFigures, period_worth, worth_figures
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, make_history, run_job
from ats_assets_tests.tuning.panels import LEAVES, TRAINING, panel, part, stumps
from ats_assets_tests.tuning.tuned_market import LAST, TUNED, copied, tuned_market

pytest.importorskip("optuna")
HOW = TuningSettings(trials=6, folds=3, random_trials=4, generation=3, margin=0.0, penalty=0.0)
SEEDS = rounds(2, 20)


def nested(strength: float, seed: int) -> WorthFigures:
    """Three periods of 40 sessions, each after a tuning on the 100 before it and a gap for the labels."""
    data, model = panel(226, 40, strength, seed), stumps(max_rounds=6, min_rounds=3)
    sessions, periods = [WORTH_SCHEMA.to_frame()], []
    for first in (0, 42, 84):
        train, tested = part(data, first, first + 100), part(data, first + 102, first + 142)
        rows = tuned_rows(train, TRAINING, HOW)
        trials = study(model, LEAVES, HOW, lambda asked, rows=rows: (try_parameters(model, rows, one, threads=1) for one in asked))
        chosen, _ = chosen_trial(trials, penalty=0.0, margin=0.0)
        found = period_worth(model, dict(trials[chosen].parameters), train, tested, TRAINING)
        assert isinstance(found, pl.DataFrame), found
        sessions.append(found)
        gain = (trials[chosen].rank_ic or 0.0) - (trials[0].rank_ic or 0.0)
        periods.append((model.name, train.window.session, gain if chosen else None, "", None))
    table = TuningWorth.validate(pl.concat(sessions))
    (figures,) = worth_figures(table, pl.DataFrame(periods, schema=PERIODS_SCHEMA, orient="row"), TRAINING.horizon_sessions)
    return figures


def test_where_a_parameter_matters_tuning_was_worth_something() -> None:
    found = nested(0.3, seed=3)
    assert (found.verdict, found.sessions, found.periods, found.changed) == ("something", 120, 3, 3)
    assert found.worth is not None
    assert found.worth > 0.05
    assert found.text.startswith("lightgbm: tuning was worth +0.")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_on_noise_it_was_worth_nothing_though_its_folds_had_promised_something(seed: int) -> None:
    found = nested(0.0, seed=100 + seed)
    assert found.verdict == "nothing", found.text
    assert found.promised is None or found.promised > 0


def test_the_figures_are_those_of_the_differences() -> None:
    """Worked by hand: gains of 0.02 and 0.04, whose mean is 0.03."""
    days = pl.date_range(pl.date(2024, 1, 2), pl.date(2024, 1, 3), eager=True)
    tuned = pl.Series([TUNED[0], TUNED[0]])
    rows = pl.DataFrame({"model": "a", "tuned_session": tuned, "session": days, "tuned": [0.05, 0.03], "own": [0.03, -0.01]})
    periods = pl.DataFrame([("a", TUNED[0], 0.5, "", None), ("a", TUNED[1], 0.7, "", "no rows")], schema=PERIODS_SCHEMA, orient="row")
    (found,) = worth_figures(rows, periods, 1)
    assert found.worth == pytest.approx(0.03)
    assert (found.tuned, found.own) == (pytest.approx(0.04), pytest.approx(0.01))
    assert (found.sessions, found.periods, found.changed, found.promised) == (2, 1, 1, 0.5)
    (unknown,) = worth_figures(rows.clear(), periods, 1)
    assert unknown.verdict == "not known"
    assert "is not known yet" in unknown.text
    same = rows.with_columns(tuned=pl.col("own"))
    (kept,) = worth_figures(same, periods.with_columns(promised=pl.lit(None, pl.Float64)), 1)
    assert kept.text == "a: tuning was worth nothing: it chose the model's own settings over 2 sessions of 1 period."


@pytest.fixture(scope="module")
def market(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = tuned_market(copied(made, tmp_path_factory.mktemp("worth") / "world"))
    make_history(deployment, FIRST, LAST, ["lightgbm_tuning"])
    run_job(deployment, "backtest_reports", assets=["tuning_worth"])
    return deployment


def test_the_asset_compares_each_period_on_decisions_that_neither_fit_has_seen(market: Deployment) -> None:
    rows = TuningWorth.validate(market.warehouse.read_part("tuning_worth", "sessions"))
    for tuned, following in zip(TUNED, (TUNED[1], LAST), strict=True):
        of = rows.filter(tuned_session=tuned)["session"]
        assert of.min() == market.calendar.offset(tuned, 1)
        assert of.max() <= following  # the first prediction by the next tuning is a session later
    assert rows["session"].max() == market.calendar.offset(LAST, -2)  # whose outcomes were known at the last one
    periods = market.warehouse.read_part("tuning_worth", "periods")
    assert periods["tuned_session"].to_list() == list(TUNED)
    assert periods["reason"].null_count() == 2
    assert healing_of(market).stale() == []


def test_a_period_that_has_not_changed_is_not_compared_again(market: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    before = market.warehouse.read_part("tuning_worth", "sessions")
    monkeypatch.setattr(worth_run, "period_worth", None)  # a comparison would fail
    run_job(tuned_market(market.warehouse.root.parent), "backtest_reports", assets=["tuning_worth"])
    assert market.warehouse.read_part("tuning_worth", "sessions").equals(before)


def test_it_is_not_there_where_it_is_not_wanted(tmp_path: Path) -> None:
    from ats_assets.automation.jobs import whole_assets  # noqa: PLC0415
    from ats_assets.tuning.assets import assets  # noqa: PLC0415

    without = tuned_market(tmp_path, worth=False)
    assert [asset.key.path[-1] for asset in assets(without)] == ["lightgbm_tuning"]
    assert "tuning_worth" not in whole_assets(without)
    assert "tuning_worth" in whole_assets(tuned_market(tmp_path))
    assert json.loads(without.settings.tuning.model_dump_json())["worth"] is False
