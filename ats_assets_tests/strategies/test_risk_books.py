"""Books by risk as assets: a session alone and a range are the same bytes, and a fallback is told."""

import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import PortfolioError, SettingsError
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets.portfolio import target_weights
from ats_assets.settings import PortfolioSettings
from ats_assets_tests.small_market import FIRST, make_history, small_market

STRATEGY = {"strategies": {"momentum": {"lookback_sessions": 10, "skip_sessions": 1}}}
LAST = date(2021, 3, 5)


def market(root: Path, **portfolio: object) -> Deployment:
    return small_market(root, last_session=LAST, portfolio={"holding_sessions": 1, **portfolio}, **STRATEGY)


@pytest.mark.parametrize("options", [{"costs_bps": 20.0, "skill": 0.2}, {"costs_bps": 0.0}])
def test_a_session_alone_has_the_bytes_of_a_range(tmp_path: Path, options: dict[str, float]) -> None:
    """With costs a session's book follows that of the session before, since the first session of its month."""
    own = {"method": "mean_variance", "options": {"lookback_sessions": 20, "candidates": 6, **options}}
    whole, alone = market(tmp_path / "range", **own), market(tmp_path / "alone", **own)
    upto = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "universe")
    sessions = whole.calendar.sessions(FIRST, LAST)
    make_history(whole, sessions[0], sessions[-1], (*upto, "signals"))
    make_history(alone, sessions[0], sessions[-1], upto)
    for day in (sessions[-1], sessions[-4]):
        make_history(alone, day, day, ("signals",))
        assert alone.warehouse.data_versions("signals", [day]) == whole.warehouse.data_versions("signals", [day])
    held = whole.warehouse.read("signals", [sessions[-1]])
    assert held["target_weight"].sum() == pytest.approx(0.6, abs=0.41)
    assert held.filter(pl.col("target_weight") > 0).height >= 2


def test_a_fallback_is_told_and_looking_ahead_is_watched(tmp_path: Path) -> None:
    groups = {"few": {"symbols": ["SYN01", "SYN02"], "least": 0.9}}
    deployment = market(
        tmp_path,
        method="minimum_variance",
        options={"lookback_sessions": 20, "groups": groups, "fallback": "inverse_volatility"},
        max_weight=0.2,
    )
    sessions = deployment.calendar.sessions(FIRST, LAST)
    result = make_history(deployment, sessions[0], sessions[-1])
    told = [event for event in result.get_asset_materialization_events() if event.asset_key and event.asset_key.path[-1] == "signals"]
    text = str(told[-1].materialization.metadata["fallbacks"].value)
    assert "few at least 0.9" in text
    assert "inverse_volatility" in text
    assert deployment.warehouse.read("signals", [sessions[-1]]).is_empty(), "the fallback does not keep the limit either"
    first = make_history(deployment, sessions[0], sessions[0], ("signals",))
    assert "fallbacks" not in first.asset_materializations_for_node("signals")[0].metadata, "what was said of others is not said again"
    several = small_market(
        tmp_path,
        last_session=LAST,
        portfolio={"method": "minimum_variance", "options": {"lookback_sessions": 20, "groups": groups}, "max_weight": 0.2},
        strategies={name: {"kind": "momentum", "lookback_sessions": 10, "skip_sessions": 1, "capital": 0.5} for name in ("one", "other")},
    )
    result = make_history(several, sessions[-1], sessions[-1], ("one_signals",))
    text = str(result.asset_materializations_for_node("one_signals")[0].metadata["fallbacks"].value)
    assert text.endswith("What is held stays, or is made smaller by risk rules and the brake; the other strategies trade theirs")
    factors = {"up": {"asset": "trend", "column": "UP10", "least": 0.55, "unit": "value"}}
    limited = market(tmp_path, method="minimum_variance", options={"lookback_sessions": 20, "factors": factors})
    make_history(limited, sessions[-1], sessions[-1], ("signals", "targets"))
    exposures = limited.warehouse.read("trend", [sessions[-1]], ["symbol", "UP10"])
    book = limited.warehouse.read("signals", [sessions[-1]]).join(exposures, on="symbol")
    held = float((book["target_weight"] * book["UP10"]).sum() / book["target_weight"].sum())
    assert held >= 0.55 - 1e-6 or book["reason"].str.contains("up at least 0.55").all()
    bars, days = stored_bars(deployment, 40, 8)
    assert "signals" in {subject.name for subject in of_deployment(deployment, bars, days)}


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        ({"asset": "trent", "column": "UP10"}, "portfolio.options.factors.up reads 'trent', which it can't: it may read alpha158"),
        ({"asset": "trend", "column": "UP11"}, "portfolio.options.factors.up reads 'UP11', which is no number in trend"),
        ({"asset": "trend", "column": "symbol"}, "which is no number in trend"),
    ],
)
def test_a_factor_that_is_not_there_is_refused_at_the_start(tmp_path: Path, factor: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        build(market(tmp_path, method="minimum_variance", options={"factors": {"up": {**factor, "most": 1.0}}}))


def test_scores_alone_are_not_enough_for_it() -> None:
    with pytest.raises(PortfolioError, match="minimum_variance weighs risk"):
        target_weights(pl.Series([1.0, 2.0]).to_numpy(), PortfolioSettings(method="minimum_variance"))
