"""The risk rules that come with the package, by the kit that a user's own passes, too; and what refuses one that breaks its contract."""

from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.risk import ruled
from ats_assets.risk.rules import (
    blackout,
    concentration,
    confidence,
    correlation,
    evidence,
    exposure,
    limits,
    liquidity,
    regime_filter,
    stops,
    value_at_risk,
    volatility_target,
)
from ats_assets_tests.kits import market
from ats_assets_tests.kits.risk_rules import RiskRuleKit, proposed


class TestLimits(RiskRuleKit):
    plugin = limits.PLUGIN
    small: ClassVar[dict[str, Any]] = {"max_weight": 0.1, "max_gross": 0.5}


class TestVolatilityTarget(RiskRuleKit):
    plugin = volatility_target.PLUGIN
    small: ClassVar[dict[str, Any]] = {"target_volatility": 0.05, "lookback_sessions": 12, "min_sessions": 5}


class TestRegimeFilter(RiskRuleKit):
    plugin = regime_filter.PLUGIN
    small: ClassVar[dict[str, Any]] = {"exposure": (1.0, 0.4)}


class TestConfidence(RiskRuleKit):
    plugin = confidence.PLUGIN


class TestEvidence(RiskRuleKit):
    plugin = evidence.PLUGIN
    small: ClassVar[dict[str, Any]] = {"top_k": 2, "horizon_sessions": 1, "lookback_sessions": 20, "min_sessions": 12, "confidence": 0.6}


class TestValueAtRisk(RiskRuleKit):
    plugin = value_at_risk.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 12, "min_sessions": 5, "max_loss": 0.005}


class TestCorrelation(RiskRuleKit):
    plugin = correlation.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 12, "min_sessions": 5, "threshold": 0.4, "max_cluster": 0.1}


class TestConcentration(RiskRuleKit):
    plugin = concentration.PLUGIN
    small: ClassVar[dict[str, Any]] = {"min_positions": 6.0}


class TestLiquidity(RiskRuleKit):
    plugin = liquidity.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 8, "capital": 5e7}


class TestExposure(RiskRuleKit):
    plugin = exposure.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "max_long": 0.2,
        "max_short": 0.1,
        "max_positions": 4,
        "groups": {"a": {"symbols": ("S0", "S1"), "most": 0.05}},
    }


class TestBlackout(RiskRuleKit):
    plugin = blackout.PLUGIN

    @pytest.fixture(autouse=True)
    def an_event(self, tmp_path: Path) -> None:
        """Earnings of one symbol and a meeting that concerns all."""
        file = tmp_path / "events.csv"
        file.write_text(f"symbol,date,kind\nS1,{market.DAYS[22]},earnings\n*,{market.DAYS[33]},meeting\nS4,{market.DAYS[44]},earnings\n")
        type(self).small = {"events_file": file}


class TestConfidenceByBound(RiskRuleKit):
    plugin = confidence.PLUGIN
    small: ClassVar[dict[str, Any]] = {"by": "bound"}


class TestStops(RiskRuleKit):
    plugin = stops.PLUGIN
    small: ClassVar[dict[str, Any]] = {"max_sessions": 12, "atr_sessions": 3, "peak_atr": 0.5, "stop_percent": 2.0, "target_percent": 3.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop("reason"), "the risk rule mine gave the columns"),
        (lambda rows: rows.head(3), "gave other rows than those proposed"),
        (lambda rows: rows.sort("symbol"), "gave other rows than those proposed"),
        (lambda rows: rows.with_columns(weight=pl.lit(float("nan"))), "a weight that is not finite"),
        (lambda rows: rows.with_columns(weight=pl.lit(None, pl.Float64)), "a weight that is not finite"),
        (lambda rows: rows.with_columns(weight=pl.lit(0.5)), "another weight without a reason"),
    ],
)
def test_a_rule_that_breaks_its_contract_is_named(change: Any, message: str) -> None:
    given = proposed().filter(pl.col("session").is_in(market.DAYS[:2]))
    with pytest.raises(ContractError, match=message):
        ruled("mine", given, change(given.with_columns(reason=pl.lit(None, pl.String))))
