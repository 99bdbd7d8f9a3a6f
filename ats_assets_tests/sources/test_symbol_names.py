"""A file's name gives the symbol that a person would read in it; what says nothing else stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.sources.symbol_names import symbol_in_name

PLAIN = [
    *("AAPL", "a", "D", "US", "MAX", "DATA", "BRK-B", "BRK.B", "BF.B", "BRK_B", "BTC-USD", "BTC_USD", "^GSPC", "GC=F", "VOD.LON", "BAC-D"),
    *("0700", "600000", "part-0", "株式会社", "EURUSD=X"),
]
SAID = ["{}_Daily", "daily_adjusted_{}", "time_series_daily_{}", "{}-1d-2023-07", "{}-1d-2023-07-15", "{} Historical Data", "{}_2010-01-01_2023-12-31", "{}_2023", "{}_D1_202301120000_202301170000", "EOD-{}", "{}_full"]  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_a_name_that_is_a_symbol_is_taken_as_it_is(name: str) -> None:
    found = symbol_in_name(name)
    assert (found.symbol, found.is_guess, found.is_doubtful) == (name, False, False)


@given(st.sampled_from(["AAPL", "BRK-B", "BTC-USD", "7203", "^GSPC", "BRK.B"]), st.sampled_from(SAID))
def test_what_says_what_a_file_is_is_no_part_of_the_symbol(symbol: str, name: str) -> None:
    """Each month of a download was another symbol."""
    found = symbol_in_name(name.format(symbol))
    assert (found.symbol, found.is_guess, found.is_doubtful) == (symbol, True, False)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("aapl_us_d", "AAPL"),
        ("aapl.us", "AAPL"),
        ("AAPL.US", "AAPL"),
        ("brk-b.us", "BRK-B"),
        ("bp_uk_d", "BP.UK"),
        ("bp.uk", "BP.UK"),
        ("^spx_d", "^SPX"),
        ("EURUSD1440", "EURUSD"),
    ],
)
def test_the_names_of_stooq_and_metatrader(name: str, symbol: str) -> None:
    assert symbol_in_name(name).symbol == symbol


@pytest.mark.parametrize(
    "name", ["HistoricalData_1673970000000", "my_export_7", "AAPL_weekly", "BTCUSDT-1h-2023-07", "2023-01-12", "Apple Inc Common Stock"]
)
def test_a_name_that_is_more_than_a_symbol_is_doubtful(name: str) -> None:
    assert symbol_in_name(name).is_doubtful


def test_a_pattern_decides_and_one_that_fits_nothing_is_named() -> None:
    assert symbol_in_name("BATS_AAPL, 1D", "_([A-Z]+), 1D$").symbol == "AAPL"
    assert symbol_in_name("x-AAPL-1d", "(x)-(?P<symbol>[A-Z]+)").symbol == "AAPL"
    with pytest.raises(SourceError, match=r"symbol_pattern '\^\(\[0-9\]\+\)' finds no symbol in the name 'AAPL'"):
        symbol_in_name("AAPL", "^([0-9]+)")
