"""A risk rule on one strategy alone: a regime filter in the graph, beside another strategy that it does not touch."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.errors import SettingsError
from ats_assets_tests.regimes.test_assets import market
from ats_assets_tests.small_market import FIRST, make_history, small_market

LAST = date(2021, 2, 26)
FILTERED: dict[str, Any] = {
    "fast": {"kind": "momentum", "lookback_sessions": 5, "skip_sessions": 1, "capital": 0.0},
    "fast_when_calm": {"kind": "risk_ruled", "primary": "fast", "options": {"exposure": [1.0, 0.0]}, "capital": 0.5},
    "always": {"kind": "momentum", "lookback_sessions": 8, "skip_sessions": 1, "capital": 0.5},
}


def test_a_regime_filter_is_put_on_one_strategy_and_leaves_the_other_alone(tmp_path: Path) -> None:
    deployment = market(tmp_path / "made", strategies=FILTERED, risk={}, books={"enabled": False})
    assert make_history(deployment, FIRST, LAST).success
    days = deployment.calendar.sessions(date(2021, 2, 8), LAST)
    rows = {name: deployment.warehouse.read(f"{name}_signals", days, ["symbol", "session", "target_weight"]) for name in FILTERED}
    state = deployment.warehouse.read("regimes", days, ["symbol", "session", "market_p0"])
    both = rows["fast"].join(rows["fast_when_calm"], on=["symbol", "session"], suffix="_ruled").join(state, on=["symbol", "session"])
    known = both.filter(pl.col("market_p0").is_not_nan() & (pl.col("target_weight") != 0))
    assert known["market_p0"].n_unique() > 5
    expected = known["target_weight"] * known["market_p0"].cast(pl.Float64)
    assert known["target_weight_ruled"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-6)
    assert (rows["always"]["target_weight"] != 0).any()
    targets = deployment.warehouse.read("targets", days)
    told = targets.explode("reasons")["reasons"].drop_nulls()
    assert told.len() > 0
    assert told.str.starts_with("fast_when_calm: regime_filter: ").all(), (
        "what all want together has no rule; what the strategy's rule changed is told"
    )


def test_a_rule_that_reads_what_is_no_asset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"reads 'regimes', which it can't"):
        build(small_market(tmp_path, strategies=FILTERED))
    wrong = FILTERED | {"fast_when_calm": {"kind": "risk_ruled", "primary": "fast", "rule": "calm"}}
    with pytest.raises(SettingsError, match="is no risk rule"):
        build(small_market(tmp_path, strategies=wrong))
