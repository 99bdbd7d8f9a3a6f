"""Factors of corporate actions: CRSP's convention, by hand; and what they leave as it was."""

from datetime import date

import polars as pl
import pytest

from ats_assets.corporate_actions.adjustment import ADJUSTMENTS_SCHEMA, adjustments
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA

DAYS = [date(2020, 1, day) for day in (2, 3, 6, 7)]
BARS = pl.DataFrame({"symbol": ["A", "A", "B", "B"], "session": [DAYS[0], DAYS[2], DAYS[1], DAYS[2]], "close": [100.0, 49.0, 20.0, 19.0]})


def actions(*rows: tuple[str, date, str, float | None, float | None]) -> pl.DataFrame:
    columns = ("symbol", "session", "kind", "ratio", "cash")
    return pl.DataFrame(
        [dict.fromkeys(CORPORATE_ACTIONS_SCHEMA) | dict(zip(columns, row, strict=True)) for row in rows], CORPORATE_ACTIONS_SCHEMA
    )


def test_a_split_a_dividend_and_both() -> None:
    known = actions(
        ("A", DAYS[2], "split", 2.0, None),
        ("A", DAYS[2], "cash_dividend", None, 1.0),
        ("A", DAYS[2], "cash_dividend", None, 3.0),
        ("B", DAYS[2], "stock_dividend", 1.25, None),
        ("B", DAYS[3], "spin_off", None, 1.9),
    )
    both = adjustments(known, BARS, "splits_and_dividends")
    assert both.schema == ADJUSTMENTS_SCHEMA
    assert both.select("symbol", "session").rows() == [("A", DAYS[2]), ("B", DAYS[2]), ("B", DAYS[3])]
    assert both["price"].to_list() == pytest.approx([(1 - 4 / 100) / 2, 0.8, 0.9], rel=1e-15)
    assert both["volume"].to_list() == [2.0, 1.25, 1.0]
    assert adjustments(known, BARS, "splits")["price"].to_list() == [0.5, 0.8]
    assert adjustments(known, BARS, "none").is_empty()
    assert adjustments(known.reverse(), BARS.reverse(), "splits_and_dividends").equals(both)


@pytest.mark.parametrize(
    "row",
    [
        ("A", DAYS[0], "cash_dividend", None, 1.0),  # no close before it
        ("C", DAYS[2], "cash_dividend", None, 1.0),  # no bars at all
        ("A", DAYS[2], "cash_dividend", None, 100.0),  # nothing would be left
        ("A", DAYS[2], "merger", 2.0, 50.0),
        ("A", DAYS[2], "spin_off", None, None),
    ],
)
def test_what_scales_nothing(row: tuple[str, date, str, float | None, float | None]) -> None:
    assert adjustments(actions(row), BARS, "splits_and_dividends").is_empty()


def test_a_payment_after_a_split_without_a_bar_between_is_held_against_the_new_share() -> None:
    """100 at the last close, then 2 for 1 and 10 for each of the two: they are worth 50, so 0.8 of it is left (0.9 was said). A bar between them is what counts."""
    days = [date(2020, 2, day) for day in (3, 4, 5, 6, 7)]
    rows = [("A", days[1], "split", 2.0, None), ("A", days[2], "cash_dividend", None, 10.0), ("A", days[3], "cash_dividend", None, 10.0)]
    closes = pl.DataFrame({"symbol": "A", "session": [days[0], days[4]], "close": [100.0, 30.0]})
    assert adjustments(actions(*rows), closes, "splits_and_dividends")["price"].to_list() == [0.5, 0.8, 0.75]
    between = closes.vstack(pl.DataFrame({"symbol": ["A"], "session": [days[2]], "close": [20.0]}))
    assert adjustments(actions(*rows), between, "splits_and_dividends")["price"].to_list() == [0.5, 0.8, 0.5]
    worthless = actions(rows[0], ("A", days[2], "cash_dividend", None, 60.0))
    assert adjustments(worthless, closes, "splits_and_dividends")["price"].to_list() == [0.5]


def test_only_a_split_has_a_ratio_and_only_a_payment_has_cash() -> None:
    """What a source notes beside it (the rate of a fraction, say) is no second action: the positions do not count it either."""
    known = actions(("A", DAYS[2], "split", 2.0, 7.0), ("B", DAYS[2], "cash_dividend", 3.0, 2.0))
    assert adjustments(known, BARS, "splits_and_dividends").select("price", "volume").rows() == [(0.5, 2.0), (0.9, 1.0)]
