from datetime import UTC, date, datetime

import polars as pl

from ats_assets.alerts import Severity
from ats_assets.execution.breaches import breached_limits

DAY, NOW = date(2024, 3, 1), datetime(2024, 3, 1, 22, tzinfo=UTC)


def plan(*rows: tuple[str, str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"symbol": pl.String, "reason": pl.String}, orient="row")
    return frame.with_columns(leg=pl.lit("open"), quantity=pl.lit(10.0), wanted=pl.lit(25.0))


def test_what_a_limit_has_cut_is_a_warning_that_names_it() -> None:
    told = breached_limits(DAY, plan(("B", "limit_order"), ("A", None), ("C", "no_bar")), NOW)
    assert told is not None
    assert (told.severity, told.title) == (Severity.WARNING, "Limits cut 1 order of 2024-03-01")
    assert "B (order): 10 of 25 shares" in told.text
    assert "C" not in told.text


def test_many_are_counted() -> None:
    told = breached_limits(DAY, plan(*[(f"S{i}", "limit_day") for i in range(8)]), NOW)
    assert told is not None
    assert "and 3 more" in told.text


def test_without_any_nobody_is_told() -> None:
    assert breached_limits(DAY, plan(("A", None), ("B", "too_small")), NOW) is None
