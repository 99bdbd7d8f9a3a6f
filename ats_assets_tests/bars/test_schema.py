import math
from datetime import date

import polars as pl
import pytest

from ats_assets.bars import BARS_SCHEMA, REJECTED_BARS_SCHEMA, UNIVERSE_SCHEMA
from ats_assets.bars.contracts import Bars, RejectedBars, Universe, bars_violations
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.bars.real_bars import calendar

ROW = {"symbol": "A", "session": date(2024, 1, 2), "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.5, "volume": 1.0, "vwap": None}


@pytest.mark.parametrize(("model", "schema"), [(Bars, BARS_SCHEMA), (RejectedBars, REJECTED_BARS_SCHEMA), (Universe, UNIVERSE_SCHEMA)])
def test_the_contract_has_the_columns_of_the_schema(model: type[Bars], schema: pl.Schema) -> None:
    contract = model.to_schema()
    assert list(contract.columns) == schema.names()
    assert all(column.description for column in contract.columns.values())
    assert schema_violations(model, schema.to_frame()) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"close": math.nan}, "close: not_nullable"),
        ({"close": None}, "close: not_nullable"),
        ({"high": math.inf}, "high: is_finite"),
        ({"volume": -1.0}, "volume: greater_than_or_equal_to"),
        ({"low": 10.2}, "Bars: low_is_the_lowest"),
        ({"high": 10.2}, "Bars: high_is_the_highest"),
        ({"symbol": "A "}, "symbol: is_trimmed"),
        ({"symbol": ""}, "symbol: str_length"),
        ({"session": date(2024, 1, 6)}, "session: 2024-01-06 is not a session of XNYS"),
    ],
)
def test_a_broken_rule_is_named(change: dict[str, object], rule: str) -> None:
    violations = bars_violations(pl.DataFrame([ROW | change], schema=BARS_SCHEMA), calendar())
    assert any(violation.startswith(rule) for violation in violations)


def test_repeats_and_wrong_types_are_named() -> None:
    bars = pl.DataFrame([ROW], schema=BARS_SCHEMA)
    assert any("uniqueness" in violation for violation in bars_violations(pl.concat([bars, bars]), calendar()))
    assert any(
        "volume: dtype" in violation for violation in bars_violations(bars.with_columns(pl.col("volume").cast(pl.Int64)), calendar())
    )
    assert any("column_in_dataframe: low" in violation for violation in bars_violations(bars.drop("low"), calendar()))
