"""The engine that the settings name: its code counts, its result is stored and reported, and an unknown one is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ats_assets.backtests import backtest_engine, engine_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.leakcheck import find_leaks, of_deployment
from ats_assets.leakcheck.subjects import stored_bars
from ats_assets.settings import BacktestSettings
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market

LAST = date(2021, 2, 5)
OWN = """
from ats_assets.backtests.engines.weights import WeightsEngine, WeightsEngineSettings
from ats_assets.plugins import Plugin

class Mine(WeightsEngine):
    pass

PLUGIN = Plugin(settings=WeightsEngineSettings, make=Mine)
"""


def versions(deployment: Deployment) -> dict[str, str | None]:
    return {spec.key.path[-1]: spec.code_version for spec in build(deployment).resolve_all_asset_specs()}


def test_the_engines_code_is_the_backtests_alone(tmp_path: Path) -> None:
    plain, other = (versions(small_market(tmp_path, backtest={"engine": name})) for name in ("orders", "weights"))
    assert plain == versions(small_market(tmp_path))
    assert {name for name, version in plain.items() if other[name] != version} == {"backtest"}


@pytest.mark.slow
def test_a_backtest_by_weights_is_stored_reported_and_sees_no_future(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, last_session=LAST, **EARLY_MODELS, backtest={"engine": "weights", "fractional_shares": False})
    make_history(deployment, FIRST, LAST)
    run_job(deployment, "backtest_reports")
    shares = deployment.warehouse.read_part("backtest", "positions")["shares"]
    assert len(shares) > 20
    assert (shares != shares.round()).any(), "no lots"
    assert deployment.warehouse.read_part("backtest", "unfilled").is_empty()
    page = next((tmp_path / "warehouse").rglob("report.html")).read_text(encoding="utf-8")
    assert "by the engine weights" in page
    bars, days = stored_bars(deployment, 10, 12)  # all of which have targets
    (subject,) = (one for one in of_deployment(deployment, bars, days) if one.name == "backtest")
    assert find_leaks(subject, days, draws=2) == []


def test_an_engine_of_ones_own_is_a_file_in_the_folder_of_additions(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "engines").mkdir(parents=True)
    (tmp_path / "plugins" / "engines" / "mine.py").write_text(OWN)
    plugins: dict[str, Any] = {"plugins": {"folder": tmp_path / "plugins"}, "backtest": {"engine": "mine"}}
    assert type(small_market(tmp_path, **plugins).of(backtest_engine)).__name__ == "Mine"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            BacktestSettings(engine="zipline"),
            r"backtest.engine is 'zipline', which is no backtest engine: choose one of backtrader, orders, vectorbt, weights",
        ),
        (
            BacktestSettings(engine="weights", options={"lots": 1}),
            r"\[backtest.engine\] has 1 wrong setting: lots: there is no such setting; there are returns",
        ),
        (BacktestSettings(options={"returns": "open_to_open"}), r"returns: there is no such setting; there are compiled"),
    ],
)
def test_what_can_not_be_made_is_named(chosen: BacktestSettings, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        engine_of(chosen)
