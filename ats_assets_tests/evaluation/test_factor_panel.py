from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.evaluation.factor_panel import factor_panel, known_outcomes
from ats_assets.evaluation.factor_skill import factor_skill

DAYS = [date(2024, 1, day) for day in (2, 3, 4)]


def rows_of(names: list[list[str]]) -> pl.DataFrame:
    """One row for each symbol of each session; the instrument is the first letter."""
    pairs = [(symbol, day) for day, symbols in zip(DAYS, names, strict=True) for symbol in symbols]
    frame = pl.DataFrame(pairs, schema={"symbol": pl.String, "session": pl.Date}, orient="row")
    return frame.with_columns(instrument=pl.col("symbol").str.head(1))


def test_a_change_of_name_is_no_turnover_and_the_outcome_is_that_of_the_name_then() -> None:
    rows = rows_of([["A", "B", "C", "D", "E"], ["A", "B", "C", "D", "E2"], ["A2", "B", "C", "D", "E2"]])
    values = pl.Series([1.0, 2.0, 3.0, 4.0, 5.0] * 3, dtype=pl.Float32)
    returns = pl.DataFrame(
        {"symbol": ["E", "E2", "E2", "A"], "decision_session": [DAYS[0], DAYS[1], DAYS[0], DAYS[1]], "forward_return": [0.1, 0.2, 0.3, 0.4]}
    ).with_columns(horizon_sessions=pl.lit(1, pl.Int32))
    panel = factor_panel(rows, DAYS)
    assert panel.shape == (3, 5)
    outcomes = known_outcomes(panel, rows, returns, [1])
    nan = np.nan
    expected = [[nan, nan, nan, nan, 0.1], [0.4, nan, nan, nan, 0.2], [nan] * 5]  # nobody was called E2 at first
    np.testing.assert_array_equal(outcomes.horizons[0].returns, expected)
    found = factor_skill("it", panel.matrix(values), outcomes, n_rows=len(rows))
    assert (found.turnover, found.rank_autocorrelation) == (0.0, pytest.approx(1.0))
    by_name = factor_panel(rows.drop("instrument"), DAYS)
    assert by_name.shape == (3, 7)
    other = known_outcomes(by_name, rows, returns, [1])
    assert factor_skill("it", by_name.matrix(values), other, n_rows=len(rows)).turnover == 0.5  # what it would be by ticker


def test_infinite_values_are_no_values() -> None:
    rows = rows_of([["A", "B"], ["A", "B"], ["A", "B"]])
    found = factor_panel(rows, DAYS).matrix(pl.Series([1.0, np.inf, np.nan, -np.inf, 2.0, 3.0]))
    np.testing.assert_array_equal(found, [[1.0, np.nan], [np.nan, np.nan], [2.0, 3.0]])


def test_a_row_that_is_there_twice_is_an_error_that_names_it() -> None:
    with pytest.raises(ContractError, match="B has more than one row at 2024-01-03"):
        factor_panel(rows_of([["A", "B"], ["A", "B", "B"], ["A"]]), DAYS)
