"""The warehouse as tables: which version of each session a table shows, now and as of a time, against DuckDB; what is refused, and what the refusal says."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import QueryError
from ats_assets.settings import KnowledgeSettings
from ats_assets.storage.knowledge import Knowledge, stamp_of
from ats_assets.storage.sql_tables import SqlTables
from ats_assets.storage.vintages import MadeVintage
from ats_assets.storage.warehouse import Warehouse

CALENDAR = SessionCalendar("XNYS", date(2024, 1, 2))
MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)
AT_CLOSE = datetime(2024, 3, 4, 21, tzinfo=UTC)
RESTATED = datetime(2024, 6, 3, 12, tzinfo=UTC)


def rows(session: date, **closes: float) -> pl.DataFrame:
    return pl.DataFrame({"symbol": list(closes), "session": [session] * len(closes), "close": list(closes.values())})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Monday's bars were restated in June: B halved. Signals were made of what was known at the close."""
    made = Warehouse(tmp_path, fsync=False, knowledge=Knowledge(KnowledgeSettings(), lambda: CALENDAR))
    versions = {"code_version": "c", "settings_version": "s"}
    for known, close in ((AT_CLOSE, 10.0), (RESTATED, 5.0)):
        delivered = rows(MONDAY, A=1.0, B=close)
        made.write_vintage("raw_bars", MONDAY, delivered, known=known, **versions)
        made.write_made_vintages("bars", [MadeVintage(session=MONDAY, stamp=stamp_of(known), rows=delivered, upstream={})], **versions)
    for day in (MONDAY, TUESDAY):
        made.write("signals", day, rows(day, A=0.5))
    made.write_part("backtest", "equity", pl.DataFrame({"session": [MONDAY], "equity": [1e6]}), **versions, upstream={})
    return made


def tables(warehouse: Warehouse, as_of: datetime | None = None) -> SqlTables:
    return SqlTables(warehouse, CALENDAR, as_of)


@pytest.mark.parametrize(
    ("table", "as_of", "close"),
    [
        ("raw_bars", None, 5.0),
        ("bars", None, 10.0),
        ("raw_bars", datetime(2024, 4, 1, tzinfo=UTC), 10.0),
        ("bars", datetime(2024, 4, 1, tzinfo=UTC), 10.0),
        ("bars", datetime(2024, 7, 1, tzinfo=UTC), 5.0),
    ],
)
def test_which_vintage_a_table_shows(warehouse: Warehouse, table: str, as_of: datetime | None, close: float) -> None:
    found = tables(warehouse, as_of).query(f"SELECT close FROM {table} WHERE symbol = 'B'").collect()
    assert found["close"].to_list() == [close]


def test_as_of_a_time_only_sessions_that_had_closed_are_there(warehouse: Warehouse) -> None:
    def signals(as_of: datetime | None) -> list[date]:
        return tables(warehouse, as_of).query("SELECT session FROM signals ORDER BY session").collect()["session"].to_list()

    assert signals(None) == [MONDAY, TUESDAY]
    assert signals(AT_CLOSE) == [MONDAY]
    with pytest.raises(QueryError, match="nothing of bars was known then"):  # not "there is no table bars. Did you mean bars?"
        tables(warehouse, datetime(2024, 3, 4, 20, tzinfo=UTC)).query("SELECT * FROM bars")
    assert "backtest_equity" in tables(warehouse).names
    assert "backtest_equity" not in tables(warehouse, RESTATED).names


def test_a_query_comes_to_what_duckdb_makes_of_the_same_files(warehouse: Warehouse) -> None:
    query = "SELECT symbol, COUNT(*) AS n, SUM(close) AS total FROM {} GROUP BY symbol ORDER BY symbol"
    ours = tables(warehouse).query(query.format("signals")).collect()
    theirs = duckdb.sql(query.format(f"read_parquet('{warehouse.root}/signals/*/*.parquet', hive_partitioning = false)")).fetchall()
    assert ours.rows() == theirs


def test_a_column_that_came_later_is_null_before(warehouse: Warehouse) -> None:
    warehouse.write("signals", TUESDAY, rows(TUESDAY, A=0.5).with_columns(rank=pl.lit(1)))
    found = tables(warehouse).query("SELECT rank FROM signals ORDER BY session").collect()
    assert found["rank"].to_list() == [None, 1]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM bars", "only a SELECT is run"),
        ("DROP TABLE bars", "only a SELECT is run"),
        ("-- SELECT\nCREATE TABLE x AS SELECT 1", "only a SELECT is run"),
        ("", "the query is empty"),
        ("SELECT * FROM bars; DROP TABLE bars", r"one \(and only one\) statement"),
        ("SELECT * FROM bar", r"no table bar\. Did you mean bars\? Tables: backtest_equity, bars, raw_bars, signals"),
        ("SELECT price FROM bars", '"price".* Columns: bars has symbol, session, close'),
        ("SELECT close FORM bars", "can't be run|Columns"),
    ],
)
def test_what_is_refused(warehouse: Warehouse, query: str, said: str) -> None:
    before = {path: path.read_bytes() for path in warehouse.root.rglob("*.parquet")}
    with pytest.raises(QueryError, match=said):
        tables(warehouse).query(query)
    assert {path: path.read_bytes() for path in warehouse.root.rglob("*.parquet")} == before


def test_nothing_is_stored(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nothing is stored yet"):
        tables(Warehouse(tmp_path / "none")).query("SELECT * FROM bars")


def test_two_dashes_in_quotes_begin_no_comment_so_the_table_after_them_is_found(warehouse: Warehouse) -> None:
    for text in (
        "SELECT '--' AS sign, close FROM bars WHERE symbol = 'B'",
        "SELECT '/*' AS sign, close FROM bars WHERE symbol = 'B' -- */",
    ):
        assert tables(warehouse).query(text).collect()["close"].to_list() == [10.0]


def test_a_file_that_a_query_names_and_that_is_not_there_is_an_error_of_the_query(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="can't be run: No such file"):
        tables(warehouse).query(f"SELECT * FROM read_parquet('{tmp_path / 'none.parquet'}')")
