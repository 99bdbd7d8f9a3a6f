"""The store in qlib's layout: the kit, and qlib's own storage as the judge of what lies in the files."""

from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedTable, ExportStore, StorePlace
from ats_assets.plugins import STORES
from ats_assets_tests.exports.exported_market import FIRST, LAST, export, market
from ats_assets_tests.kits.stores import DAYS, TABLE, StoreKit, content, of_session, partition_of, rows_of


def store(folder: Path, **own: Any) -> ExportStore:
    return STORES.made("qlib_bin", {"folder": folder, **own}, None, "exports.qlib_bin", StorePlace(export="qlib_bin"))


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TestQlibStore, "own", {"folder": tmp_path / "copies"})


class TestQlibStore(StoreKit):
    name = "qlib_bin"
    own: ClassVar[dict[str, Any]] = {}

    def test_a_server_that_is_not_there_is_told_without_a_secret(self, tmp_path: Path) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """It has no server and no secret: a folder that can't be made."""
        (tmp_path / "file").touch()
        with pytest.raises(StoreUnreachableError, match="correct the folder"), store(tmp_path / "file").connected():
            pass


def test_qlib_reads_every_value_to_the_bit(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calendar, instruments and each field of bars and features, by qlib's FileStorage, against the partitions."""
    storage = pytest.importorskip("qlib.data.storage.file_storage")
    for key, value in (("region", "us"), ("mount_path", None)):  # what its storages ask of its settings
        monkeypatch.setitem(storage.C._config, key, value)
    deployment = market(root, exports={"qlib_bin": {"folder": tmp_path, "assets": ["bars", "alpha158"]}})
    result = export(deployment, "qlib_bin")
    assert all(one.passed for one in result.get_asset_check_evaluations()), [
        one.description for one in result.get_asset_check_evaluations()
    ]
    days = deployment.calendar.sessions(FIRST, LAST)
    where = {"provider_uri": {"day": str(tmp_path / "qlib_bin" / "data")}}
    assert storage.FileCalendarStorage("day", False, **where)._read_calendar() == [str(day) for day in days]
    spans = storage.FileInstrumentStorage("all", "day", **where).data
    bars = deployment.warehouse.read("bars", days)
    of_bars = {symbol: (own["session"].min(), own["session"].max()) for (symbol,), own in bars.group_by("symbol")}
    assert {symbol: tuple(one.date() for one in of[0]) for symbol, of in spans.items()} == of_bars
    for asset, prefix, columns in (("bars", "", ["close", "volume"]), ("alpha158", "alpha158_", ["KMID", "ROC60", "CORR5", "VSUMD60"])):
        rows = deployment.warehouse.read(asset, days).sort("session")
        for (symbol,), own in rows.group_by("symbol"):
            for column in columns:
                found = storage.FileFeatureStorage(symbol, prefix + column, "day", **where)[:]
                wanted = np.full(len(days), np.nan, np.float32)
                at = [days.index(day) for day in own["session"]]
                wanted[at] = own[column].cast(pl.Float32).to_numpy()
                part = wanted[at[0] : at[-1] + 1]
                assert found.index[0] == at[0]
                assert found.to_numpy().view(np.int32).tolist() == part.view(np.int32).tolist(), (symbol, column)


def test_a_session_again_writes_nothing_and_one_between_moves_the_others(tmp_path: Path) -> None:
    own = store(tmp_path)
    data = tmp_path / "qlib_bin" / "data"
    with own.connected() as connection:
        assert connection.write(of_session(DAYS[2])) == 80
        assert connection.write(of_session(DAYS[0])) == 80
    before = data.readlink()
    assert np.fromfile(data / "features" / "s001" / "features_kmid.day.bin", "<f4")[0] == 0
    with own.connected() as connection:
        assert connection.write(of_session(DAYS[2])) is None
    assert data.readlink() == before, "nothing is made again"
    with own.connected() as connection:
        connection.write(of_session(DAYS[1]))
    assert (data / "calendars" / "day.txt").read_text(encoding="utf-8").split() == [str(day) for day in DAYS]
    assert len(np.fromfile(data / "features" / "s001" / "features_kmid.day.bin", "<f4")) == 4
    with own.connected() as connection:
        for day in DAYS:
            found = content(connection, day)
            assert found is not None
            assert found.rows.equals(rows_of(day))


def test_a_killed_exporter_is_finished_by_the_next(tmp_path: Path) -> None:
    own = store(tmp_path)
    with own.connected() as connection:
        connection.write(of_session(DAYS[0]))

    def killed() -> None:
        with own.connected() as connection:
            connection.write(of_session(DAYS[1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    calendar = tmp_path / "qlib_bin" / "data" / "calendars" / "day.txt"
    assert calendar.read_text(encoding="utf-8").split() == [str(DAYS[0])], "what qlib reads is as it was"
    with own.connected():
        pass
    assert calendar.read_text(encoding="utf-8").split() == [str(DAYS[0]), str(DAYS[1])]


@pytest.mark.parametrize("field", ["features_kmid", "features_score", "features_rank"])
def test_a_file_that_someone_changed_is_noticed(tmp_path: Path, field: str) -> None:
    with store(tmp_path).connected() as connection:
        connection.write([partition_of(rows_of(DAYS[0]).fill_null(0))])
    for file in (tmp_path / "qlib_bin" / "data" / "features").glob(f"*/{field}.day.bin"):
        file.write_bytes(np.array([0, 7], "<f4").tobytes())
    with store(tmp_path).connected() as connection:
        found = content(connection, DAYS[0])
    assert found is not None
    assert not found.rows.equals(rows_of(DAYS[0]).fill_null(0))


def test_the_newest_sessions_alone_are_kept_and_reserved_names_are_qlibs(tmp_path: Path) -> None:
    with store(tmp_path, keep_sessions=2).connected() as connection:
        for day in DAYS:
            connection.write([partition_of(rows_of(day, count=1).with_columns(symbol=pl.lit("CON")))])
    data = tmp_path / "qlib_bin" / "data"
    assert (data / "calendars" / "day.txt").read_text(encoding="utf-8").split() == [str(day) for day in DAYS[1:]]
    assert (data / "features" / "_qlib_con" / "features_kmid.day.bin").is_file()


def test_what_qlib_can_not_hold_is_refused(tmp_path: Path) -> None:
    own = store(tmp_path)
    for schema, text in (
        ({"session": pl.Date, "x": pl.Float32}, "no columns symbol and session"),
        ({"symbol": pl.String, "session": pl.Date, "x": pl.String}, "no column of numbers"),
        ({"symbol": pl.String, "session": pl.Date, "x": pl.Float32, "X": pl.Float32}, "differ in case only"),
    ):
        with pytest.raises(SettingsError, match=text):
            own.require_exportable(ExportedTable(asset="any", schema=pl.Schema(schema)))
    with own.connected() as connection, pytest.raises(ExportError, match="can't tell apart"):
        connection.write([partition_of(rows_of(date(2024, 3, 1), count=2).with_columns(symbol=pl.Series(["Ab", "AB"])))])
    assert "$features_kmid" in own.schema_text([TABLE])
