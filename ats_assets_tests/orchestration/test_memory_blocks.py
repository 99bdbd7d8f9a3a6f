"""Blocks of sessions that fit into memory: how many sessions a block has, what is refused, and that a step is cut where it must be."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError, MemoryLimitError
from ats_assets.orchestration.memory_blocks import (
    FIRST_BLOCK,
    MAKING,
    WORKING,
    blocks_of_step,
    delivered_in_blocks,
    even_blocks,
    row_bytes,
    session_cost,
)
from ats_assets.orchestration.partitions import Reads
from ats_assets.orchestration.spreading import rows_by_session
from ats_assets.orchestration.streaming import InBlocks
from ats_assets.settings import RunsSettings
from ats_assets_tests.small_market import small_market

DAYS = [date(2024, 1, 1) + timedelta(days=day) for day in range(300)]
SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "close": pl.Float64})
ROWS = 1_000
"""Of each stored session."""
WINDOW = (Reads(asset="closes", back=4),)


def closes(sessions: Sequence[date]) -> pl.DataFrame:
    symbols = pl.Series("symbol", [f"S{i}" for i in range(ROWS)])
    return pl.concat(pl.DataFrame({"symbol": symbols, "session": day, "close": 1.0}, schema_overrides=SCHEMA) for day in sessions)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """One with the sessions of a month of `closes`, of which `means` is made."""
    made = small_market(tmp_path, runs={"max_memory_mb": 2_000})
    made.schemas |= {"closes": SCHEMA, "means": SCHEMA}
    days = made.calendar.sessions(date(2021, 1, 4), date(2021, 2, 5))
    made.warehouse.write_each("closes", [(day, closes([day]), {}) for day in days])
    return made


def bounded(monkeypatch: pytest.MonkeyPatch, step_bytes: float) -> None:
    monkeypatch.setattr(RunsSettings, "step_bytes", property(lambda _: int(step_bytes)))


@given(st.integers(1, 300), st.integers(1, 400))
def test_blocks_are_the_sessions_in_order_as_even_as_can_be(sessions: int, at_once: int) -> None:
    blocks = even_blocks(DAYS[:sessions], at_once)
    assert [day for block in blocks for day in block] == DAYS[:sessions]
    sizes = [len(block) for block in blocks]
    assert max(sizes) <= at_once
    assert max(sizes) - min(sizes) <= 1
    assert len(blocks) == -(-sessions // at_once)


def test_without_a_bound_a_step_is_one_block_and_nothing_is_looked_at(tmp_path: Path) -> None:
    assert blocks_of_step(small_market(tmp_path), "means", WINDOW, DAYS) == [DAYS]


def test_what_a_session_takes_is_told_from_the_stored_rows_and_the_widths(deployment: Deployment) -> None:
    days = deployment.warehouse.stored_sessions("closes")
    read = ROWS * row_bytes(SCHEMA) * WORKING
    cost = session_cost(deployment, "means", WINDOW, days)
    assert (cost.before, cost.each) == (4 * read, read + ROWS * row_bytes(SCHEMA) * MAKING)
    deployment.warehouse.write("means", days[0], closes([days[0]] * 3))  # three rows are made of one, which is known once some are stored
    assert session_cost(deployment, "means", WINDOW, days).each == read + 3 * ROWS * row_bytes(SCHEMA) * MAKING


@pytest.mark.parametrize("fitting", [1, 3, 7])
def test_as_many_sessions_are_made_at_once_as_fit_beside_what_lies_before_them(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, fitting: int
) -> None:
    days = deployment.warehouse.stored_sessions("closes")
    cost = session_cost(deployment, "means", WINDOW, days)
    bounded(monkeypatch, cost.before + (fitting + 0.5) * cost.each)
    assert max(len(block) for block in blocks_of_step(deployment, "means", WINDOW, days)) == -(-len(days) // -(-len(days) // fitting))


def test_what_does_not_fit_at_all_is_refused_with_what_it_needs(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    days = deployment.warehouse.stored_sessions("closes")
    cost = session_cost(deployment, "means", WINDOW, days)
    bounded(monkeypatch, (cost.before + cost.each) / 2)
    with pytest.raises(
        MemoryLimitError, match=r"one session of means takes about 1 MB .*runs\.max_memory_mb = 2000 .*set it to 900 or more"
    ):
        blocks_of_step(deployment, "means", WINDOW, days)


def test_a_delivery_is_asked_for_in_blocks_that_its_own_rows_tell(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    of_session = closes(DAYS[:1]).estimated_size()
    bounded(monkeypatch, 10.5 * of_session * (WORKING + MAKING))
    asked: list[int] = []

    def ask(sessions: Sequence[date]) -> pl.DataFrame:
        asked.append(len(sessions))
        return closes(sessions)

    found = delivered_in_blocks(deployment, DAYS[:60], ask)
    assert isinstance(found, InBlocks)
    assert asked == []  # nothing is asked for before what was is written
    parts = list(found.parts)
    assert asked == [FIRST_BLOCK, 10, 10, 10, 9]
    assert [day for block, _ in parts for day in block] == DAYS[:60]


def test_a_delivery_that_begins_with_empty_sessions_is_not_asked_for_as_a_whole(tmp_path: Path) -> None:
    deployment, asked = small_market(tmp_path, runs={"max_memory_mb": 100_000}), list[int]()

    def ask(sessions: Sequence[date]) -> pl.DataFrame:
        asked.append(len(sessions))
        return SCHEMA.to_frame()

    found = delivered_in_blocks(deployment, DAYS, ask)
    assert isinstance(found, InBlocks)
    assert sum(len(block) for block, _ in found.parts) == len(DAYS)
    assert asked == [FIRST_BLOCK, 84, 195]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30))
def test_rows_are_cut_by_session_in_any_order(pairs: list[tuple[int, int]]) -> None:
    frame = pl.DataFrame([(DAYS[day], value) for day, value in pairs], schema={"session": pl.Date, "value": pl.Int64}, orient="row")
    for rows in (frame, frame.sort("session", maintain_order=True)):
        found = rows_by_session("closes", DAYS[:6], rows)
        assert found.keys() == set(rows["session"])
        for day, part in found.items():
            assert_frame_equal(part, rows.filter(session=day))


def test_rows_of_a_session_that_was_not_asked_for_are_refused() -> None:
    with pytest.raises(ContractError, match="closes made rows for 2024-01-02, which is not among the sessions asked for"):
        rows_by_session("closes", [DAYS[0]], closes(DAYS[:2]))
