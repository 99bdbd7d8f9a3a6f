"""The store of Delta tables: the kit, and DuckDB and delta-rs's own readers as judges of what lies there."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedTable, ExportStore, StorePlace
from ats_assets.exports.stores.delta import delta_tables
from ats_assets.plugins import STORES
from ats_assets_tests.exports.exported_market import FIRST, LAST, export, market
from ats_assets_tests.kits.stores import DAYS, SCHEMA, TABLE, StoreKit, content, of_session, partition_of, rows_of


def store(folder: Path, **own: Any) -> ExportStore:
    return STORES.made("delta", {"folder": folder, **own}, None, "exports.delta", StorePlace(export="delta"))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestDeltaTables, "own", {"folder": tmp_path / "copies"})


class TestDeltaTables(StoreKit):
    name = "delta"
    own: ClassVar[dict[str, Any]] = {}

    def test_a_server_that_is_not_there_is_told_without_a_secret(self, tmp_path: Path) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """It has no server and no secret: a folder that can't be made."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreUnreachableError, match="correct the folder"), store(tmp_path / "file").connected():
            pass


def test_duckdb_and_polars_read_what_was_exported(root: Path, tmp_path: Path) -> None:
    deployment = market(root, exports={"delta": {"folder": tmp_path, "assets": ["bars", "predictions"]}})
    for _ in range(2):  # the second one changes nothing
        result = export(deployment, "delta")
        judged = result.get_asset_check_evaluations()
        assert all(one.passed for one in judged), [one.description for one in judged]
        assert DeltaTable(str(tmp_path / "delta" / "bars")).version() == len(deployment.calendar.sessions(FIRST, LAST)) - 1
    days = deployment.calendar.sessions(FIRST, LAST)
    bars = deployment.warehouse.read("bars", days)
    found = pl.scan_delta(str(tmp_path / "delta" / "bars")).sort("session", "ats_row").select(bars.columns).collect()
    assert_frame_equal(found.cast(dict(bars.schema)), bars)
    table = DeltaTable(str(tmp_path / "delta" / "bars")).to_pyarrow_dataset()
    rows = duckdb.from_arrow(table).aggregate("session, count(*) AS rows, sum(close) AS close", "session").order("session").pl()
    wanted = bars.group_by("session").agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("close").cast(pl.Float64).sum()).sort("session")
    assert_frame_equal(rows, wanted)


def test_a_session_again_makes_no_version_and_the_newest_alone_are_kept(tmp_path: Path) -> None:
    table = tmp_path / "delta" / "features"
    for again in (False, False, True):
        with store(tmp_path).connected() as connection:
            connection.write(of_session(DAYS[0]), again=again)
    assert DeltaTable(str(table)).version() == 1, "the second one wrote nothing, the third was told to"
    with store(tmp_path, keep_sessions=2, travel_hours=1).connected() as connection:
        for day in DAYS[1:]:
            connection.write(of_session(day))
    assert pl.read_delta(str(table))["session"].unique().sort().to_list() == DAYS[1:]
    with store(tmp_path).connected() as connection:
        assert content(connection, DAYS[0]) is None


def test_an_exporter_killed_between_the_tables_is_noticed_and_put_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with store(tmp_path).connected() as connection:
        connection.write(of_session(DAYS[0], 1))
    real = delta_tables.write_deltalake

    def killed(place: str, *args: Any, **how: Any) -> None:
        if place.endswith("predictions"):
            raise KeyboardInterrupt
        real(place, *args, **how)

    monkeypatch.setattr(delta_tables, "write_deltalake", killed)
    with pytest.raises(KeyboardInterrupt), store(tmp_path).connected() as connection:
        connection.write(of_session(DAYS[0], 2))
    monkeypatch.setattr(delta_tables, "write_deltalake", real)
    with store(tmp_path).connected() as connection:
        found = content(connection, DAYS[0])
        assert found is not None
        assert found.model_version == "model:1", "it says what it was, and the rows are others: the check compares them"
        assert not found.rows.equals(rows_of(DAYS[0], 1))
        assert connection.write(of_session(DAYS[0], 2)) == 80
        assert content(connection, DAYS[0], TABLE) is not None


def test_what_delta_can_not_hold_is_refused(tmp_path: Path) -> None:
    own = store(tmp_path)
    for schema, text in (({"symbol": pl.String}, "no column session"), ({"session": pl.Date, "x": pl.Duration("us")}, "can't hold")):
        with pytest.raises(SettingsError, match=text):
            own.require_exportable(ExportedTable(asset="any", schema=pl.Schema(schema)))
    own.require_exportable(TABLE)
    with own.connected() as connection, pytest.raises(ExportError, match="another session"):
        connection.write([partition_of(rows_of(DAYS[0]), session=DAYS[1])])
    assert "score: Float64  what it's worth" in own.schema_text([TABLE])
    assert "rank: Int64" in own.schema_text([TABLE])
    assert SCHEMA["rank"] == pl.UInt32
