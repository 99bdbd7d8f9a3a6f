"""A vintage that breaks the contract is read only where the session has no other."""

from datetime import date

import polars as pl

from ats_assets.bars.refusal import refused, rejection
from ats_assets.orchestration.reading import VintageRows

ONE, TWO = date(2021, 3, 11), date(2021, 3, 12)


def vintages(counts: dict[date, int]) -> VintageRows:
    days = [day for day, count in counts.items() for _ in range(count)]
    return VintageRows(
        stamps=dict.fromkeys(counts, "2021"),
        rows=pl.DataFrame({"session": days, "date": days}, schema={"session": pl.Date, "date": pl.Date}),
    )


def test_the_corrected_delivery_is_the_first_that_is_read_and_a_spoilt_one_takes_nothing_away() -> None:
    """A session whose first delivery was spoilt was blocked for good, whatever came later."""
    kept = [vintages({ONE: 0, TWO: 50}), vintages({ONE: 50, TWO: 1})]
    rejected = [vintages({ONE: 50, TWO: 0}), vintages({ONE: 0, TWO: 40})]
    assert [one.refused for one in refused(kept, rejected, 0.01)[0]] == [{ONE}, {TWO}]
    assert [one.refused for one in refused(kept[:1], rejected[:1], 0.01)[1]] == [frozenset()], "there is no other"
    assert [one.refused for one in refused(kept, rejected, 1.0)[0]] == [frozenset(), frozenset()]


def test_rows_of_other_days_count_only_where_they_are_as_many_as_its_own() -> None:
    rows = pl.DataFrame({"session": [ONE, ONE, ONE], "date": [ONE, TWO, TWO]})
    assert vars(rejection(2, rows)) == {"rejected": 1, "of_other_days": 2, "share": 1 / 3}
    assert vars(rejection(1, rows)) == {"rejected": 3, "of_other_days": 2, "share": 3 / 4}
