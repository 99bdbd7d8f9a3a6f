"""Days in any usual spelling are the days that were meant; those that can be two days are refused."""

from datetime import date

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.written_days import formatted_days, iso_days

DAYS = st.lists(st.dates(date(1970, 1, 1), date(2069, 12, 31)), min_size=1, max_size=8)
FORMS = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d %Y",
]


def read(texts: list[str | None]) -> list[str | None]:
    return iso_days(pl.Series("day", texts, pl.String), "file")[0].to_list()


@given(DAYS, st.sampled_from(FORMS), st.booleans())
def test_each_spelling_is_the_day(days: list[date], form: str, zeros: bool) -> None:
    assume("%b" in form.lower() or any(day.day > 12 for day in days))
    plain = form if zeros else form.replace("%d", "%-d").replace("%m", "%-m")
    assert read([day.strftime(plain) for day in days]) == [day.isoformat() for day in days]


@given(DAYS, st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%d-%m", "%d%m%Y", "%d.%m.%y"]))
def test_a_form_that_is_set_is_followed_whatever_the_days(days: list[date], form: str) -> None:
    texts = pl.Series("day", [day.strftime(form) for day in days])
    known = [day for day in days if "%y" not in form or 1970 <= day.year <= 2068]
    assume(len(known) == len(days))
    assert formatted_days(texts, form).to_list() == [day.isoformat() for day in days]


def test_times_stay_beside_the_day() -> None:
    assert read(["1/13/2023 16:00:00", "1/3/2023"]) == ["2023-01-13 16:00:00", "2023-01-03"]
    assert read(["13.01.2023 00:00:00.000", "13.01.2023 09:30:00 GMT+0100"]) == ["2023-01-13 00:00:00.000", "2023-01-13 09:30:00+0100"]
    assert read(["1/13/2023 4:00:00 PM", "1/13/2023 12:05 am", "1/13/2023 12:00 P.M."]) == [
        "2023-01-13 16:00:00",
        "2023-01-13 0:05",
        "2023-01-13 12:00",
    ]
    assert read(["20230113 160000", "20230113 16:00:30", "20230113"]) == ["2023-01-13 16:00:00", "2023-01-13 16:00:30", "20230113"]
    assert formatted_days(pl.Series(["13.01.2023 16:00", "13.01.2023"]), "%d.%m.%Y %H:%M").to_list() == ["2023-01-13T16:00:00", None]


@pytest.mark.parametrize(
    "texts", [["03/04/2021"], ["03/04/2021", "12/11/2021", None, "05/05/2021"], ["03-04-2021"], ["13/04/2021", "04/13/2021", "03/04/2021"]]
)
def test_days_that_can_be_two_are_refused_with_both_and_the_setting(texts: list[str | None]) -> None:
    with pytest.raises(
        SourceError, match=r"'03.04.2021' can be 2021-03-04 \(month first\) or 2021-04-03 \(day first\).*source.files.date_format"
    ):
        read(texts)


def test_what_is_the_same_in_both_orders_and_points_are_read() -> None:
    assert read(["05/05/2021", "06/06/2021"]) == ["2021-05-05", "2021-06-06"]
    assert read(["03.04.2021", "04.04.2021"]) == ["2021-04-03", "2021-04-04"]
    assert read(["03.04.2021", "04.13.2021"]) == ["2021-03-04", "2021-04-13"]  # unless a number above 12 says otherwise


def test_a_stray_cell_decides_nothing() -> None:
    """One cell such as 03/04/2021 among ISO dates costs its row, not the file."""
    iso = [f"2021-01-{day:02}" for day in range(1, 11)]
    assert read([*iso, "03/04/2021"]) == [*iso, "03/04/2021"]
    assert read([*iso, "tomorrow", None]) == [*iso, "tomorrow", None]
    assert read(["01/13/2021", "01/14/2021", "14/01/2021"]) == [
        "2021-01-13",
        "2021-01-14",
        "2021-14-01",
    ]  # which is no day, and said to be none


def test_a_form_that_names_no_day_is_refused() -> None:
    for form in ("%Q!", "DD/MM/YYYY", "%d/%m", "%H:%M"):
        with pytest.raises(
            SourceError, match=r"source.files.date_format is .*, which does not say day, month and year: write it as in %d/%m/%Y"
        ):
            formatted_days(pl.Series(["2021-01-04"]), form)
    assert formatted_days(pl.Series(["2021-01-04T16:00:00-0500"]), "%Y-%m-%dT%H:%M:%S%z").to_list() == ["2021-01-04T21:00:00+0000"]
