"""Groups over time: which group a symbol is in at a session, whatever becomes of the file's future; and files that contradict themselves."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.risk.rules.exposure import ExposureSettings
from ats_assets.settings import ActiveReturnSettings
from ats_assets_tests.rounds import rounds

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(12)]
Row = tuple[str, str, date | None, date | None, date | None]
"""symbol, group, from, until, known_from."""


def write(file: Path, rows: Sequence[Row]) -> Path:
    cells = [",".join(str(cell) if cell else "" for cell in row) for row in rows]
    file.write_text("\n".join(["symbol,group,from,until,known_from", *cells]) + "\n", encoding="utf-8")
    return file


def membership(file: Path) -> dict[tuple[str, date], str]:
    """(symbol, session) -> group, as limits have it."""
    found = ExposureSettings.model_validate({"groups_file": file, "max_group": 0.5}).groups
    return {(symbol, day): name for name, group in found.items() for day in DAYS for symbol in group.members(day)}


def by_hand(rows: Sequence[Row]) -> dict[tuple[str, date], str]:
    """The rules as the page says them, day by day."""
    found: dict[tuple[str, date], str] = {}
    for day in DAYS:
        for name in {row[0] for row in rows}:
            told = [
                (since or date.min, known or since or date.min, until or date.max, group)
                for symbol, group, since, until, known in rows
                if symbol == name and (since or date.min) <= day and (known or since or date.min) <= day
            ]
            if told and max(told)[2] >= day:
                found[name, day] = max(told)[3]
    return found


some_day = st.none() | st.sampled_from(DAYS)
row = st.tuples(st.sampled_from("AB"), st.sampled_from(["tech", "media", "energy"]), some_day, some_day, some_day)


@settings(
    max_examples=rounds(60, 1_000), deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(row, min_size=1, max_size=5), last=st.sampled_from(DAYS), data=st.data())
def test_a_session_has_the_groups_that_were_known_at_it_whatever_becomes_of_the_future(
    tmp_path: Path, rows: list[Row], last: date, data: st.DataObject
) -> None:
    """What begins, or is known, after a session may be dropped or come anew, and what ends after it may end on any later day."""
    try:
        before = membership(write(tmp_path / "groups.csv", rows))
    except ValidationError:
        assume(False)
        return
    assert before == by_hand(rows)
    kept = [one for one in rows if max(one[2] or date.min, one[4] or one[2] or date.min) <= last]
    later = st.none() | st.sampled_from([day for day in DAYS if day > last] or [None])
    other = [
        (symbol, group, since, until if until and until <= last else data.draw(later), known) for symbol, group, since, until, known in kept
    ]
    new = [(symbol, "other", day, None, None) for symbol, day in [("A", last + timedelta(days=1)), ("C", last + timedelta(days=2))]]
    assume(other)
    try:
        after = membership(write(tmp_path / "other.csv", other + new))
    except ValidationError:  # an end that was put off reaches the next beginning
        assume(False)
        return
    assert {key: group for key, group in after.items() if key[1] <= last} == {key: group for key, group in before.items() if key[1] <= last}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [("A", "tech", None, date(2024, 3, 1), None), ("B", "tech", None, None, None), ("A", "media", date(2024, 2, 1), None, None)],
            r"line 2 \(tech from always until 2024-03-01\) and line 4 \(media from 2024-02-01\) of A overlap",
        ),
        ([("A", "tech", DAYS[0], None, None), ("A", "media", DAYS[0], None, None)], r"line 2 .* and line 3 .* both say where A is"),
        ([("A", "tech", DAYS[3], DAYS[1], None)], r"line 2: until \(2024-01-02\) is before from \(2024-01-04\)"),
        ([("A", "", DAYS[3], None, None)], r"line 2: group is missing"),
    ],
)
def test_a_file_that_contradicts_itself_names_its_lines(tmp_path: Path, rows: list[Row], said: str) -> None:
    file = write(tmp_path / "groups.csv", rows)
    for model, values in ((ExposureSettings, {"max_group": 0.5}), (ActiveReturnSettings, {})):
        with pytest.raises(ValidationError, match=said):
            model.model_validate({"groups_file": file, **values})


def test_a_day_that_is_none_and_a_symbol_that_is_always_in_another_group_are_told(tmp_path: Path) -> None:
    file = tmp_path / "groups.csv"
    file.write_text("symbol,group,from\nA,tech,next week\n", encoding="utf-8")
    with pytest.raises(ValidationError, match=r"line 2: from is 'next week'; give it as 2024-03-01"):
        ActiveReturnSettings.model_validate({"groups_file": file})
    write(file, [("A", "tech", DAYS[2], None, None)])
    with pytest.raises(ValidationError, match="A is always in the group own, and for a time in tech"):
        ActiveReturnSettings.model_validate({"groups_file": file, "groups": {"own": ["A"]}})
    both = {"a": [{"symbol": "X", "until": DAYS[5]}], "b": [{"symbol": "X", "since": DAYS[5]}]}
    with pytest.raises(ValidationError, match="X is in the groups a and b at 2024-01-06"):
        ActiveReturnSettings.model_validate({"groups": {"a": [], "b": []}, "spans": both})
    own = ActiveReturnSettings.model_validate({"groups_file": file, "groups": {"tech": ["B"]}})
    assert (own.groups, own.spans) == ({"tech": ("B",)}, {}), "the settings' own group stands for the file's"


def test_a_file_without_times_is_what_it_was(tmp_path: Path) -> None:
    """What is stored of the settings, whose hash partitions have, knows of no spans."""
    file = tmp_path / "sectors.csv"
    file.write_text("symbol,group\nB,tech\nA,tech\n", encoding="utf-8")
    limits = ExposureSettings.model_validate({"groups_file": file, "max_group": 0.2})
    assert limits.model_dump(mode="json")["groups"] == {"tech": {"symbols": ["A", "B"], "least": 0.0, "most": 0.2}}
    active = ActiveReturnSettings.model_validate({"groups_file": file})
    assert "spans" not in active.model_dump(mode="json")
    assert ActiveReturnSettings.model_validate(active.model_dump(exclude={"groups_file"})).groups == active.groups
