"""What persons decided, as it was known at each close; a journal that was changed is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from ats_assets.calendar import session_calendar
from ats_assets.errors import CorruptPartitionError
from ats_assets.promotions.contracts import RawPromotions
from ats_assets.promotions.decision_journal import PromotionDecision, PromotionJournal, effective_session, promotions_of

CALENDAR = session_calendar("XNYS", date(2021, 1, 4))
CLOSE = CALENDAR.closes_at(date(2021, 3, 10))


def decision(model: str, known_at: datetime, action: Literal["promote", "rollback"] = "promote") -> PromotionDecision:
    return PromotionDecision(action=action, model=model, who="ann", reason="new data", known_at=known_at)


def test_a_decision_belongs_to_the_session_that_has_not_closed_when_it_is_made() -> None:
    assert effective_session(CALENDAR, CLOSE - timedelta(seconds=1)) == date(2021, 3, 10)
    assert effective_session(CALENDAR, CLOSE) == date(2021, 3, 11)
    assert effective_session(CALENDAR, datetime(2021, 3, 13, tzinfo=UTC)) == date(2021, 3, 15), "a Saturday"
    assert effective_session(CALENDAR, datetime(2020, 1, 1, tzinfo=UTC)) == date(2021, 1, 4), "before the calendar"


def test_a_partition_holds_all_decisions_and_tries_of_its_close_and_none_later() -> None:
    decisions = [decision("a", CLOSE - timedelta(days=3)), decision("b", CLOSE)]
    tries = [("x", CLOSE - timedelta(days=9)), ("y", CLOSE - timedelta(days=8)), ("y", CLOSE - timedelta(days=7)), ("z", CLOSE)]
    rows = promotions_of(CALENDAR, decisions, tries, date(2021, 3, 10))
    RawPromotions.validate(rows)
    assert rows.select("action", "model", "tries").rows() == [("promote", "a", None), ("tried", None, 2)]
    later = promotions_of(CALENDAR, decisions, tries, date(2021, 3, 11))
    assert later.select("action", "model", "effective").rows() == [
        ("promote", "a", date(2021, 3, 8)),
        ("promote", "b", date(2021, 3, 11)),
        ("tried", None, None),
    ]
    assert promotions_of(CALENDAR, decisions, tries, date(2021, 1, 5)).is_empty()


def test_what_is_written_is_read_by_time_and_a_change_is_found(tmp_path: Path) -> None:
    journal = PromotionJournal(tmp_path)
    assert journal.decisions() == []
    two = [decision("b", CLOSE), decision("a", CLOSE - timedelta(days=3), "rollback")]
    for one in two:
        journal.add(one)
    assert PromotionJournal(tmp_path).decisions() == [two[1], two[0]]
    journal.path.write_bytes(journal.path.read_bytes()[:-20])  # a crash tore the last line
    assert PromotionJournal(tmp_path).decisions() == [two[0]]
    journal.add(two[1])
    journal.path.write_text(journal.path.read_text().replace("new data", "old data", 1))
    with pytest.raises(CorruptPartitionError, match=r"line 1 of .*promotions.jsonl is damaged, so that decisions may be missing"):
        journal.decisions()
    with pytest.raises(CorruptPartitionError, match="take the file from a backup"):
        journal.add(two[0])
