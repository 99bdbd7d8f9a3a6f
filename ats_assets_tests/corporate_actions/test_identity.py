"""Which instrument a ticker stood for: against companies that are followed forward, and the cases by hand."""

from datetime import date

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.corporate_actions.identity import Identities, identities_of, judged_name_changes, name_changes, same_names
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, DAYS, Companies, companies, name_change_actions
from ats_assets_tests.rounds import rounds


def repeats_nothing(history: Companies) -> bool:
    return judged_name_changes(history.changes)["reason"].null_count() == history.changes.height


def partition(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Each row's group as the number of the first row that is in it."""
    return rows.with_row_index("row").select("session", "symbol", pl.col("row").min().over(column).alias("group"))


@settings(max_examples=rounds(40, 150))
@given(companies())
def test_ids_part_the_rows_as_the_companies_do(history: Companies) -> None:
    """Chains, swaps, tickers taken over and tickers taken up again, all at random."""
    assume(repeats_nothing(history))
    named = identities_of(history.changes, "alpaca").named(history.rows)
    assert_frame_equal(partition(named, "instrument"), partition(named, "company"))


@settings(max_examples=60)
@given(companies(), st.integers(1, len(DAYS) - 1), st.integers(1, len(DAYS)))
def test_a_window_parts_its_rows_by_its_own_changes_alone(history: Companies, first: int, length: int) -> None:
    assume(repeats_nothing(history))
    inside = pl.col("session").is_between(DAYS[first - 1], DAYS[min(first + length, len(DAYS)) - 1])
    rows = history.rows.filter(inside)
    changes = history.changes.filter(inside, pl.col("session") > DAYS[first - 1])
    assert_frame_equal(partition(identities_of(changes).named(rows), "instrument"), partition(rows, "company"))


@settings(max_examples=60)
@given(companies(), st.sampled_from(DAYS))
def test_what_comes_later_changes_no_id(history: Companies, until: date) -> None:
    known = pl.col("session") <= until
    rows = history.rows.filter(known)
    before = identities_of(history.changes.filter(known), "x").named(rows)
    assert_frame_equal(identities_of(history.changes, "x").named(rows), before)


def ids(changes: pl.DataFrame, *asked: tuple[str, date]) -> list[str]:
    known = identities_of(changes, "alpaca")
    return [known.of(*one) for one in asked]


JANUARY, JUNE = date(2022, 1, 31), date(2022, 6, 9)
META = name_change_actions((JANUARY, "META", "METV"), (JUNE, "FB", "META"))


def test_meta() -> None:
    """An ETF had the ticker until January; the former FB has it from June on."""
    asked = [("META", date(2022, 1, 28)), ("METV", JANUARY), ("FB", date(2022, 6, 8)), ("META", JUNE), ("META", date(2030, 1, 2))]
    assert ids(META, *asked) == ["alpaca:META", "alpaca:META", "alpaca:FB", "alpaca:FB", "alpaca:FB"]
    assert ids(META, ("FB", JUNE), ("META", date(2022, 3, 1))) == ["alpaca:FB@2022-06-09", "alpaca:META@2022-01-31"]


def test_a_chain_a_swap_and_a_displaced_bearer() -> None:
    one, two, three = DAYS[1], DAYS[2], DAYS[3]
    assert ids(name_change_actions((one, "A", "B"), (two, "B", "C")), ("C", two), ("B", one)) == ["alpaca:A", "alpaca:A"]
    assert ids(name_change_actions((one, "A", "B"), (one, "B", "A")), ("A", one), ("B", one)) == ["alpaca:B", "alpaca:A"]
    assert ids(name_change_actions((one, "A", "B")), ("B", DAYS[0]), ("B", three)) == ["alpaca:B", "alpaca:A"]
    again = name_change_actions((one, "A", "B"), (two, "A", "C"))
    assert ids(again, ("A", one), ("C", three), ("A", three)) == [f"alpaca:A@{one}", f"alpaca:A@{one}", f"alpaca:A@{two}"]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        (((DAYS[1], "A", "B"), (DAYS[1], "A", "C")), ["names_conflict"] * 2),
        (((DAYS[1], "A", "C"), (DAYS[1], "B", "C")), ["names_conflict"] * 2),
        (((DAYS[1], "A", "C"), (DAYS[1], "B", "C"), (DAYS[1], "D", "E")), ["names_conflict", "names_conflict", None]),
        (((DAYS[1], "A", "A"), (DAYS[1], "A", "B")), ["name_unchanged", None]),
        (((DAYS[1], "A", None), (DAYS[1], "B", " ")), ["new_symbol_missing"] * 2),
        (((DAYS[1], "A", "B"), (DAYS[4], "A", "B")), [None, "name_repeated"]),
        (  # a swap that is delivered again: one half of it had counted, and the other company ended
            ((DAYS[1], "A", "B"), (DAYS[1], "B", "A"), (DAYS[4], "A", "B"), (DAYS[4], "B", "A")),
            [None, None, "name_repeated", "name_repeated"],
        ),
        (((DAYS[1], "A", "B"), (DAYS[2], "B", "A"), (DAYS[4], "A", "B")), [None, None, None]),
        (((DAYS[1], "A", "B"), (DAYS[2], "C", "A"), (DAYS[4], "A", "B")), [None, None, None]),
        (((date(2022, 1, 3), "A", "B"), (date(2022, 3, 1), "A", "B")), [None, None]),
        (((DAYS[1], "A", "B"), (DAYS[1], "B", "C"), (DAYS[1], "C", "A")), [None] * 3),
    ],
)
def test_changes_that_do_not_count_have_a_reason(changes: tuple[tuple[date, str, str], ...], reasons: list[str | None]) -> None:
    judged = judged_name_changes(name_change_actions(*changes))
    assert judged["reason"].to_list() == reasons
    assert name_changes(name_change_actions(*changes, *changes)).height == reasons.count(None)


def test_actions_are_their_holders_whichever_ticker_they_name() -> None:
    """A split on the day of the change, under the old ticker, the new one, or both; and one of the same day on a swap."""
    split = pl.DataFrame([(JUNE, symbol, "split", None, 2.0, None, None) for symbol in ("FB", "META")], schema=ACTIONS_SCHEMA, orient="row")
    known = identities_of(META)
    for delivered in (split, split[:1], split[1:]):
        made = known.of_actions(delivered)
        assert made["instrument"].to_list() == ["FB"]
        assert made["ratio"].to_list() == [2.0]
    swap = identities_of(name_change_actions((JUNE, "FB", "META"), (JUNE, "META", "FB")))
    assert swap.of_actions(split)["instrument"].to_list() == ["FB", "META"]
    late = split.with_columns(session=pl.lit(date(2022, 7, 1)))
    assert known.of_actions(late)["instrument"].to_list() == ["FB@2022-06-09", "FB"]


def test_same_names() -> None:
    known = Identities(name_changes(META))
    days = [date(2022, 1, 28), JANUARY, date(2022, 6, 8), JUNE]
    assert same_names(days, known.ex_sessions(["FB"])) == [days[:3], days[3:]]
    assert same_names(days, known.ex_sessions(["META"])) == [days[:1], days[1:3], days[3:]]
    assert same_names(days, known.ex_sessions(["SPY"])) == [days]
    assert same_names(days, known.ex_sessions()) == [days[:1], days[1:3], days[3:]]
