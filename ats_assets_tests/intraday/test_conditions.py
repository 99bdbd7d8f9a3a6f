"""What sale conditions allow: the tape's own rules, vendor by vendor."""

import polars as pl
import pytest

from ats_assets.intraday.conditions import Scheme, allowed, firm

ALL, HIGH_LOW, VOLUME, NOTHING = (True, True, True), (False, True, True), (False, False, True), (False, False, False)


def of(scheme: Scheme, codes: list[str] | None, tape: str | None = None, **how: tuple[str, ...]) -> tuple[bool, bool, bool]:
    frame = allowed(pl.Series([codes], dtype=pl.List(pl.String)), pl.Series([tape], dtype=pl.String), scheme, **how)
    return frame.select("for_price", "for_high_low", "for_volume").row(0)


@pytest.mark.parametrize(
    ("letter", "number", "flag", "expected"),
    [
        ("@", "0", "1", ALL),
        ("F", "14", "20", ALL),  # intermarket sweep
        ("O", "25", "40", ALL),  # opening print
        ("6", "8", "80", ALL),  # closing print
        ("L", "30", "800", ALL),  # sold last: late, but in sequence
        ("Z", "32", "4800", HIGH_LOW),  # sold out of sequence
        ("4", "10", "200", HIGH_LOW),  # derivatively priced
        ("P", "22", "2000000", HIGH_LOW),  # prior reference price
        ("I", "37", "80000000", VOLUME),  # odd lot
        ("W", "2", "100000", VOLUME),  # average price
        ("T", "12", "2000", VOLUME),  # extended hours
        ("U", "13", "6000", VOLUME),  # extended hours, out of sequence
        ("C", "7", "2", VOLUME),  # cash sale
        ("M", "15", "1000000", NOTHING),  # official close: no trade
        ("Q", "16", "4000000", NOTHING),  # official open
    ],
)
def test_three_vendors_say_the_same_of_one_condition(letter: str, number: str, flag: str, expected: tuple[bool, bool, bool]) -> None:
    assert of("sip", [letter]) == of("polygon", [number]) == of("algoseek", [flag]) == expected


def test_of_several_conditions_each_must_allow_it() -> None:
    assert of("sip", ["F", "I"]) == VOLUME
    assert of("polygon", ["10", "41"]) == HIGH_LOW
    assert of("algoseek", ["20100200"]) == VOLUME  # derivatively priced at an average price
    assert of("algoseek", ["20000020"]) == ALL


def test_the_letters_of_taq_stand_in_one_text() -> None:
    assert of("sip", ["@FTI"]) == VOLUME
    assert of("sip", ["@  4"]) == HIGH_LOW
    assert of("sip", ["@F"]) == ALL
    numbers = allowed(pl.Series([["37"], ["@", "7"]]), pl.Series([None, None], dtype=pl.String), "sip")
    assert numbers["unknown"].to_list() == [1, 0], "numbers are somebody else's codes"


def test_b_is_an_average_price_but_a_bunched_trade_on_tape_c() -> None:
    assert of("sip", ["B"], "A") == of("sip", ["B"], "B") == of("sip", ["B"]) == VOLUME
    assert of("sip", ["B"], "C") == of("sip", ["B"], "3") == ALL


def test_further_codes_can_be_kept_from_setting_a_price() -> None:
    assert of("sip", ["F"], no_price=("F",)) == VOLUME
    assert of("algoseek", ["20000020"], no_price=("20",)) == VOLUME
    assert of("algoseek", ["1"], no_price=("20",)) == ALL


def test_no_code_and_a_code_in_no_table_allow_all_and_the_latter_is_counted() -> None:
    codes = pl.Series([None, [], ["?"], ["@", "?", "!"]], dtype=pl.List(pl.String))
    found = allowed(codes, pl.Series([None] * 4, dtype=pl.String), "sip")
    assert found.select("for_price", "for_high_low", "for_volume").rows() == [ALL] * 4
    assert found["unknown"].to_list() == [0, 0, 1, 2]
    assert of("none", ["I"]) == ALL
    assert of("algoseek", ["zz"]) == ALL


def test_quotes_that_nobody_has_to_honour() -> None:
    codes = pl.Series([["R"], ["N"], ["R", "L"], None, []], dtype=pl.List(pl.String))
    assert firm(codes, "sip").to_list() == [True, False, False, True, True]
    assert firm(pl.Series([["1"], ["400"], ["101"]]), "algoseek").to_list() == [True, False, False]
    assert firm(pl.Series([["1", "81"], ["20"]]), "polygon").to_list() == [True, False]
    assert firm(codes, "none").to_list() == [True] * 5
    assert firm(codes.clear(), "sip").len() == 0
