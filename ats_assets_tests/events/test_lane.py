"""The lane of events by its assets: the same bytes whatever the range, nothing of later sessions or instants, and models that learn what is there to learn."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.events.choosing import event_families, event_models, event_rules
from ats_assets.events.event_backtest import backtests_of_events
from ats_assets.leakcheck import find_leaks, of_row_form
from ats_assets.trials import ledger_of
from ats_assets_tests.events.lanes import ASSETS, DAYS, FOREST, PULL, made, planted_lane, store_quotes
from ats_assets_tests.small_market import differences, files_of


def root_of(deployment: Deployment) -> Path:
    return deployment.settings.storage.warehouse.parent


def test_partitions_have_the_same_bytes_without_later_sessions_and_in_any_range(lane: Deployment, tmp_path: Path) -> None:
    """The first part is made where the quotes of later sessions do not exist yet; the last session alone."""
    other = planted_lane(tmp_path)
    for days in (DAYS[:6], DAYS[6:9], DAYS[9:]):
        store_quotes(other, days, pull=PULL)
        made(other, days)
    found, expected = files_of(tmp_path), files_of(root_of(lane))
    assert not differences(found, {path: content for path, content in expected.items() if "session=" in path})
    assert sum("meta_predictions" in path for path in found) == len(DAYS)


def test_models_learn_only_of_labels_known_at_their_session_and_predict_only_later_ones(lane: Deployment) -> None:
    for name in ("direction", "meta"):
        predictions = lane.warehouse.read(f"{name}_predictions", DAYS)
        assert predictions.height > 50
        assert (predictions["model_session"] < predictions["session"]).all()
        for record in map(lane.model_store(f"{name}_model").record, DAYS):
            if record.status == "fitted":
                assert record.training is not None
                assert record.validation_window is not None
                assert record.training.last_decision < record.validation_window.first_decision
                assert record.validation_window.last_decision <= record.session


def test_each_model_and_the_backtest_of_each_are_in_the_ledger_of_trials(lane: Deployment) -> None:
    trials = lane.of(ledger_of).trials()
    fits = {one.trial.name: one.trial.tried for one in trials if one.trial.kind == "fit"}
    backtests = {one.trial.what["model"]: one for one in trials if one.trial.kind == "backtest"}
    assert fits.keys() == {"direction_model", "meta_model"}
    assert backtests["direction"].trial.made_of == (fits["direction_model"],)
    assert set(backtests["meta"].trial.made_of) == {*fits.values()}  # it judges the other's side
    series = backtests["meta"].series
    assert series is not None
    assert series["value"].to_list() == lane.warehouse.read_part("event_backtest", "equity")["return_net"].to_list()


def test_the_forest_finds_the_pull_to_the_mean(lane: Deployment) -> None:
    """Prices that come back: the direction can be told, and the report says how well."""
    metrics = json.loads(lane.warehouse.read_text("event_backtest", "metrics.json"))
    direction = metrics["models"]["direction"]
    assert direction["skill"]["auc"] > 0.6
    assert direction["mean_gross_bps"] > 0
    assert metrics["traded"] == "meta"
    page = (lane.warehouse.root / "event_report" / "report.html").read_text(encoding="utf-8")
    assert "2 trials are in the ledger (all backtests)" in page
    assert metrics["models"]["meta"]["verdict"].split(":")[0] in page
    figures = json.loads((lane.warehouse.root / "event_report" / "report.json").read_text(encoding="utf-8"))["figures"]
    assert figures.pop("trials")["count"]["backtests"] == 2
    assert figures == metrics


def test_trades_add_up_and_none_overlaps(lane: Deployment) -> None:
    """Entry at the open of the next bar; net is gross less half the spread on both ways; one position at a time."""
    trades, equity = (lane.warehouse.read_part("event_backtest", part) for part in ("trades", "equity"))
    bars = lane.warehouse.read("tick_bars", DAYS)
    assert trades.height > 5
    assert (trades["decided_at"] <= trades["entered_at"]).all()
    assert (trades["left_at"].shift(1) <= trades["decided_at"]).all()
    gross = trades["side"] * (trades["exit_price"] / trades["entry_price"] - 1)
    np.testing.assert_allclose(trades["return_gross"], gross, atol=1e-12)
    np.testing.assert_allclose(trades["return_net"], trades["return_gross"] - trades["cost"], atol=1e-15)
    np.testing.assert_allclose(trades["cost"] * trades["entry_price"], 5e-5, rtol=0.02)  # half the spread of 5e-5, twice
    opens = trades.join(bars, left_on=["symbol", "entered_at"], right_on=["symbol", "opened_at"], how="left")["open"]
    np.testing.assert_allclose(trades["entry_price"], opens)
    net = trades.group_by("session").agg(pl.col("return_net").sum()).sort("session")
    both = equity.join(net, on="session", how="left", suffix="_sum")
    np.testing.assert_allclose(both["return_net"], both["return_net_sum"].fill_null(0.0), atol=1e-15)
    np.testing.assert_allclose(equity["equity"], (1 + equity["return_net"]).cum_prod())


def test_costs_are_what_the_settings_say(lane: Deployment, tmp_path: Path) -> None:
    dearer = planted_lane(tmp_path, event_backtest={"cost_bps": 3.0, "spread_share": 0.0, "model": "direction", "min_probability": 0.6})
    for name in ("warehouse", "models"):
        shutil.copytree(root_of(lane) / name, tmp_path / name)
    rules = dearer.of(event_rules)
    assert rules is not None
    found = backtests_of_events(dearer, rules, dearer.of(event_models)["direction"])
    np.testing.assert_allclose(found.own.trades["cost"], 6e-4)
    assert (found.own.trades["probability"] > 0.6).all()


def test_nothing_inside_a_session_sees_what_comes_after_an_instant(lane: Deployment) -> None:
    found = of_row_form(lane, 6)
    assert {one.subject.name for one in found} == {
        *(
            "tick_bars",
            "hour_bars",
            "fast",
            "slow",
            "microstructure",
            "bar_regimes",
            "events",
            "event_labels",
            "direction_features",
            "meta_features",
            "direction_model",
            "meta_model",
        )
    }
    for one in found:
        assert find_leaks(one.subject, one.times, draws=3) == [], one.subject.name


def test_measures_of_microstructure_are_learnt_as_a_family_over_bars(tmp_path: Path) -> None:
    """Quotes without sizes: the measures that need volume are missing, the others are there."""
    learnt = {"families": ("fast", "microstructure")}
    measured = {"frame": "tick_bars", "window_bars": 20}
    deployment = planted_lane(tmp_path, event_training=learnt, microstructure=measured, event_models={"direction": FOREST})
    store_quotes(deployment, DAYS[:6], pull=PULL)
    made(
        deployment, DAYS[:6], ["tick_bars", "fast", "microstructure", "events", "event_labels", "direction_model", "direction_predictions"]
    )
    rows = deployment.warehouse.read("microstructure", DAYS[:6])
    assert rows["roll_spread"].is_finite().mean() > 0.9
    assert rows["vpin"].is_nan().all()
    assert deployment.warehouse.read("direction_predictions", DAYS[:6]).height > 20
    assert set(deployment.of(event_families)["microstructure"].factors) > {"roll_spread", "vpin"}


def test_a_rule_gives_the_side_and_a_model_judges_it(tmp_path: Path) -> None:
    """Instead of a first model: momentum, whose positions lose where prices come back, which the meta-model finds out."""
    models = {"meta": FOREST | {"judges": "rule"}}
    deployment = planted_lane(tmp_path, events={"side": "$close / Ref($close, 3) - 1"}, event_models=models)
    store_quotes(deployment, DAYS[:7], pull=PULL)
    made(deployment, DAYS[:7], [name for name in ASSETS if not name.startswith(("direction", "meta_labels"))])
    events, predictions = deployment.warehouse.read("events", DAYS[:7]), deployment.warehouse.read("meta_predictions", DAYS[:7])
    both = predictions.join(events, on=["symbol", "session", "bar"], how="left")
    assert both.height > 20
    assert (both["side"] == both["side_right"]).all()
    assert predictions["probability"].mean() < 0.5
