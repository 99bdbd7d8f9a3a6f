"""The rule of confidence by hand: in proportion, or by the bound net of costs, with each change's reason."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.impact.priced_trades import PricedTrades
from ats_assets.intervals.schema import INTERVALS_SCHEMA
from ats_assets.risk import risk_rules
from ats_assets.risk.rule import PROPOSED_SCHEMA, ruled
from ats_assets.risk.rules.confidence import ConfidenceRule, ConfidenceRuleSettings
from ats_assets_tests.small_market import small_market

DAY = date(2024, 1, 2)
ROWS = [  # expected, lower, upper, level, adapted, width, confidence
    ("A", 0.02, 0.002, 0.038, 0.9, 0.9, 0.036, 0.60),
    ("B", 0.02, -0.01, 0.05, 0.9, 0.9, 0.06, 0.53),
    ("C", -0.03, -0.05, -0.01, 0.9, 0.9, 0.04, 0.7),
    ("D", 0.01, None, None, 0.9, 1.01, None, 0.52),
    ("E", None, None, None, 0.9, None, None, None),
]
INTERVALS = pl.DataFrame([(row[0], DAY, *row[1:]) for row in ROWS], schema=INTERVALS_SCHEMA, orient="row")


def held(weights: dict[str, float], **changes: object) -> dict[str, tuple[float, str | None]]:
    book = pl.DataFrame([(symbol, DAY, weight) for symbol, weight in weights.items()], schema=PROPOSED_SCHEMA, orient="row")
    rule = ConfidenceRule(ConfidenceRuleSettings.model_validate(changes))
    found = ruled("sure", book, rule.apply(book, {"prediction_intervals": INTERVALS}, [DAY], [DAY]))
    return {symbol: (weight, reason) for symbol, weight, reason in found.select("symbol", "weight", "reason").iter_rows()}


def test_weights_rise_with_the_confidence_in_their_own_direction() -> None:
    found = held({"A": 0.2, "B": 0.2, "C": 0.2, "D": 0.2, "E": 0.2, "Z": 0.2})
    assert found["A"] == (0.2, None)
    assert found["B"] == (pytest.approx(0.12), "sure: a long is right with a confidence of 53.0%: times 0.6000")
    assert found["C"] == (0.0, "sure: a long is right with a confidence of 30.0%: times 0.0000")
    assert found["D"][0] == pytest.approx(0.08)
    assert found["E"] == found["Z"] == (0.2, None), "without an interval a weight stays, by default"
    short = held({"A": -0.2, "C": -0.2})
    assert short["A"][0] == 0.0
    assert short["C"] == (-0.2, None)


def test_by_bound_only_what_is_beyond_costs_at_the_worse_end_is_held() -> None:
    found = held({"A": 0.2, "B": 0.2, "C": -0.2, "D": 0.2, "E": 0.2}, by="bound", unknown=0.5)
    assert found["A"] == (0.2, None)
    assert found["B"] == (0.0, "sure: a long gains -1.00% at the worse end of its interval, and costs are 0.10%: times 0.0000")
    assert found["C"] == (-0.2, None)
    assert found["D"] == (0.0, "sure: its interval has no end: times 0.0000")
    assert found["E"] == (0.1, "sure: there is no interval yet: times 0.5000")
    assert held({"A": 0.2}, by="bound", costs_bps=30.0)["A"][0] == 0.0


def test_costs_are_those_of_the_backtest_both_ways(tmp_path) -> None:
    deployment = small_market(
        tmp_path, risk={"confidence": {}}, confidence={}, backtest={"commission_bps": 3.0, "spread_bps": 8.0, "slippage_bps": 1.0}
    )
    (settings,) = [one.rule.settings for one in deployment.of(risk_rules) if one.name == "confidence"]
    assert isinstance(settings, ConfidenceRuleSettings)
    assert settings.costs_bps is None
    assert 1e4 * 2.0 * settings.trades.prices().one_way(np.array([1e5])) == pytest.approx([16.0])


def test_a_least_commission_makes_small_positions_dearer() -> None:
    """B gains 0.2 % at least: enough for a hundred thousand, and not for a thousand, of which the commission alone takes as much."""
    trades = PricedTrades(commission_bps=0.0, spread_bps=0.0, slippage_bps=0.0, min_commission=1.0)
    large, small = (held({"A": 0.2}, by="bound", trades=trades, capital=capital)["A"] for capital in (1e6, 5e2))
    assert large == (0.2, None)
    assert small[0] == 0.0
    assert "and costs are 2.00%" in str(small[1])


def test_more_confidence_must_hold_more() -> None:
    with pytest.raises(ValidationError, match="more confidence must hold more"):
        ConfidenceRuleSettings(none_at=0.6, full_at=0.55)
