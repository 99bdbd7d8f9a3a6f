"""What the checks of sampled bars and of the measures beside them find."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.intraday.bar_faults import faults_of_bars, faults_of_measures
from ats_assets.intraday.microstructure_rows import microstructure_rows
from ats_assets_tests.intraday.test_microstructure_rows import BACK, WINDOW, bars
from ats_assets_tests.intraday.test_sampled_assets import SAMPLERS, deployment_of, stored
from ats_assets_tests.kits.tick_market import TICK_DAYS
from ats_assets_tests.small_market import make_history

Change = Callable[[pl.DataFrame], pl.DataFrame]
SECOND = pl.int_range(pl.len()) == 1


def changed(name: str, value: pl.Expr) -> Change:
    return lambda rows: rows.with_columns(pl.when(SECOND).then(value.cast(rows.schema[name])).otherwise(name).alias(name))


def test_bars_of_a_sampler_have_no_fault() -> None:
    assert faults_of_bars(bars().sort("symbol", "session", "bar")) == []
    assert faults_of_bars(bars().clear()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("low", pl.col("high") * 2), "prices_lie_between"),
        (changed("opened_at", pl.col("known_at") + pl.duration(seconds=1)), "opened_before_known"),
        (changed("bar", pl.lit(7_000)), "bar 7000 of A is not numbered from 0 on"),
        (changed("known_at", pl.col("known_at") + pl.duration(hours=3)), "is known before the one before it"),
        (changed("buy_volume", pl.col("volume") * 2), "bar 1 of A has more bought and sold than traded"),
        (lambda rows: pl.concat([rows, rows.head(1)]), "unique"),
    ],
)
def test_faults_of_bars_are_told(change: Change, said: str) -> None:
    assert said in "; ".join(faults_of_bars(change(bars().sort("symbol", "session", "bar"))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.slice(3), "3 bars have no row, 0 rows no bar"),
        (changed("vpin", pl.lit(1.5)), "vpin: 1 values are not between 0 and 1"),
        (changed("trade_imbalance", pl.lit(-1.5)), "trade_imbalance: 1 values"),
        (lambda rows: rows.drop("vpin"), "vpin"),
    ],
)
def test_faults_of_measures_are_told(change: Change, said: str) -> None:
    rows = microstructure_rows(bars(), TICK_DAYS, TICK_DAYS, window_bars=WINDOW, lookback_sessions=BACK)
    assert faults_of_measures(rows, bars()) == []
    assert said in "; ".join(faults_of_measures(change(rows), bars()))


def test_each_sampler_and_the_measures_have_a_contract_that_blocks(tmp_path: Path) -> None:
    """They had none: a damaged bar would have gone into features and labels."""
    own = {"frame": "dollar_bars", "window_bars": 10}
    graph = build(deployment_of(tmp_path / "graph", own, **SAMPLERS)).resolve_asset_graph()
    contracts = {key.asset_key.to_user_string(): key for key in graph.asset_check_keys if key.name == "contract"}
    for name in (*SAMPLERS, "microstructure"):
        assert graph.get_check_spec(contracts[name]).blocking
    deployment, sessions = stored(tmp_path / "made", own, dollar_bars=SAMPLERS["dollar_bars"])
    result = make_history(deployment, sessions[0], sessions[-1], ["dollar_bars", "microstructure"])
    told = {one.asset_key.to_user_string(): one for one in result.get_asset_check_evaluations()}
    assert {name: one.passed for name, one in told.items()} == {"dollar_bars": True, "microstructure": True}
    assert told["dollar_bars"].severity == dg.AssetCheckSeverity.ERROR
