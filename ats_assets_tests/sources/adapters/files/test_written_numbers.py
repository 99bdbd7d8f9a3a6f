"""Numbers in any usual spelling are the numbers that were meant, to the last bit; what can be two numbers is refused, what is none is named."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.written_numbers import number_style, numbers


def read(prices: list[str | None], sizes: list[str | None] | None = None, **settings_: object) -> list[list[float | None]]:
    columns = [pl.Series("price", prices, pl.String), pl.Series("size", sizes or [], pl.String)]
    style = number_style(columns[:1], columns[1:], FilesSettings(**settings_), "file")  # pyright: ignore[reportArgumentType]
    return [column.to_frame().select(numbers(pl.col(column.name), style)).to_series().to_list() for column in columns]


def spelled(number: float, between: str, mark: str) -> str:
    """With two decimals, groups of three digits, and another mark."""
    return f"{number:,.2f}".translate(str.maketrans({",": between, ".": mark}))


@given(
    st.lists(st.integers(0, 10**11).map(lambda cents: cents / 100), min_size=1, max_size=8),
    st.sampled_from(
        [(",", "."), (".", ","), (" ", ","), (" ", "."), ("\u00a0", ","), ("\u202f", ","), ("'", "."), ("’", "."), ("", ","), ("", ".")]
    ),
    st.sampled_from(["{}", "${}", "{} €", "€ {}", "+{}", "{} USD"]),
)
def test_each_spelling_is_the_number(cents: list[float], marks: tuple[str, str], money: str) -> None:
    cells = [money.format(spelled(number, *marks)) for number in cents]
    assert read(list(cells))[0] == cents


@given(st.integers(1, 99_999), st.sampled_from("KMBTkmbt"), st.sampled_from([".", ","]))
def test_a_letter_for_a_power_is_exact(hundredths: int, letter: str, mark: str) -> None:
    """1.13M is 1,130,000, not 1129999.9999999998."""
    cell = f"{hundredths / 100:.2f}{letter}".replace(".", mark)
    power = {"k": 1, "m": 10**3, "b": 10**6, "t": 10**9}[letter.lower()]
    assert read([cell])[0] == [float(hundredths * 10 * power)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,131.25", "12,50", "abc", "1,2,3", None, "-", "nan?"], [1131.25, None, None, None, None, None, None]),
        (["1.131,25", "12.50", "12,5", "1.131", "7"], [1131.25, None, 12.5, 1131.0, 7.0]),
        (["1,71,250.5", "19,38,97,812.50"], [171_250.5, 193_897_812.5]),
        (["1e3", "$1e3", "1,000.5"], [1000.0, 1000.0, 1000.5]),
        (["1.5", "1.5", "1.5", "1.5", "1.5", "1.5", "1,234"], [1.5] * 6 + [1234.0]),
        (["7"] * 9 + ["1,5"], [7.0] * 9 + [None]),  # a stray comma does not turn the file
        (["7"] * 9 + ["1,234"], [7.0] * 9 + [None]),  # can be two numbers, and nothing in the file says which
    ],
)
def test_a_cell_that_is_none_is_null_and_the_others_are_read(cells: list[str | None], expected: list[float | None]) -> None:
    assert read(cells)[0] == expected


def test_prices_that_can_be_two_numbers_are_refused_with_both_and_the_setting() -> None:
    with pytest.raises(
        SourceError, match=r"'1,234' can be 1234 \(comma between thousands\) or 1.234 \(decimal comma\).*source.files.decimal"
    ):
        read(["1,234", "1,240"])
    assert read(["1,234", "1,240"], decimal=",")[0] == [1.234, 1.24]
    assert read(["1,234", "1,240"], decimal=".")[0] == [1234.0, 1240.0]
    assert read(["1,234", "1,240"], thousands=",")[0] == [1234.0, 1240.0]
    assert read(["1.234", "1.240"], thousands=".")[0] == [1234.0, 1240.0]
    assert read(["1 234,5"], thousands="'", decimal=",")[0] == [None]
    # the volumes say it
    assert read(["1,234", "1,240"], ["1,234,567", "1,000,000"]) == [[1234.0, 1240.0], [1_234_567.0, 1_000_000.0]]


def test_marks_that_are_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match="decimal and thousands are both ','"):
        FilesSettings(decimal=",", thousands=",")
