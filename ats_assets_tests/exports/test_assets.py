"""Exports in the graph: what they write and say, and that nothing depends on them."""

import signal
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import psycopg
import pytest

from ats_assets.automation import exports as sensor
from ats_assets.automation.exports import due_runs, due_sessions, is_exported, lost_sessions
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports import exporting
from ats_assets.exports.checks import judge_store
from ats_assets.exports.choosing import exported_tables, exports
from ats_assets.exports.exported_partitions import sessions_of_all
from ats_assets.exports.exporting import export_sessions
from ats_assets.exports.online import OnlineReader
from ats_assets.exports.stores.redis import RedisSettings
from ats_assets.exports.stores.timescale import TimescaleSettings
from ats_assets.lineage.rebuilding import empty_world
from ats_assets.orchestration.partitions import Reads
from ats_assets.orchestration.reading import Known
from ats_assets.runs.experiments.variant_settings import base_settings, write_variant
from ats_assets.runs.export_diagnosis import diagnose_exports
from ats_assets.secrecy.redaction import secret_variables
from ats_assets.secrecy.secrets_file import read_secrets_file
from ats_assets.settings.experiment_file import read_experiment
from ats_assets.storage.data_version import data_version
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.exports.exported_market import EXPORTS, LAST, export, market
from ats_assets_tests.exports.redis_servers import RedisServer
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.rounds import FULL
from ats_assets_tests.small_market import FIRST, files_of
from ats_assets_tests.trade_state.databases import PostgresServer


def verdicts(result: dg.ExecuteInProcessResult) -> list[bool]:
    return [one.passed for one in result.get_asset_check_evaluations() if one.partition is None]


def test_the_store_has_the_newest_sessions_as_the_warehouse_has_them(root: Path, online: RedisServer) -> None:
    deployment = market(root)
    result = export(deployment, "redis")
    assert verdicts(result) == [True]
    reader, days = OnlineReader(online.client()), deployment.calendar.sessions(FIRST, LAST)
    for session in days[-2:]:
        for asset in ("alpha158", "predictions"):
            footer, found = deployment.warehouse.footer(asset, session), reader.read(asset, session)
            assert found.data_version == footer.data_version == data_version(found.frame())
    record = deployment.model_store("lightgbm_model").record(deployment.calendar.offset(LAST, -1))
    predicted = reader.read("predictions", LAST)
    assert predicted.model_version == f"lightgbm_model:{record.model_sha256}"
    assert reader.read("alpha158", LAST).model_version == ""
    assert {key.decode().rsplit(":", 1)[1] for key in online.client().scan_iter("*:20*")} == {str(day) for day in days[-2:]}


def test_an_exports_partition_says_which_versions_it_is_of_and_is_the_same_bytes_each_time(root: Path, database: str) -> None:
    deployment = market(root)
    export(deployment, "timescale")
    rows = deployment.warehouse.read("timescale_export", [LAST])
    assert rows["asset"].to_list() == ["raw_bars", "bars", "predictions"]
    assert rows["vintages"].to_list() == [1, 1, 0]
    assert rows["data_version"].to_list() == [deployment.warehouse.footer(name, LAST).data_version for name in rows["asset"]]
    before = {name: content for name, content in files_of(root).items() if "export" in name}
    export(market(root), "timescale", last=deployment.calendar.sessions(FIRST, LAST)[9])
    export(market(root), "timescale", LAST, LAST)
    assert {name: content for name, content in files_of(root).items() if "export" in name} == before
    with psycopg.connect(database) as connection:
        counted = dict(connection.execute(b"SELECT table_name, sum(rows)::int FROM ats.exported_partitions GROUP BY 1").fetchall())
    days = deployment.calendar.sessions(FIRST, LAST)
    stored = {name: deployment.warehouse.read(name, days).height for name in ("raw_bars", "bars", "predictions")}
    assert counted == stored | {f"{name}_vintages": stored[name] for name in ("raw_bars", "bars")}


def test_the_check_tells_what_differs(root: Path, online: RedisServer, database: str) -> None:
    deployment = market(root)
    build(deployment)
    days = deployment.calendar.sessions(FIRST, LAST)
    for name in ("redis", "timescale"):
        export(deployment, name)
    online_export, tables = (deployment.of(exports)[name] for name in ("redis", "timescale"))
    with online.client() as client, psycopg.connect(database, autocommit=True) as sql:
        client.hset(f"{{ats:redis}}:alpha158:{LAST}", b"=SYN0000", client.hget(f"{{ats:redis}}:alpha158:{LAST}", b"=SYN0001"))
        client.delete(f"{{ats:redis}}:predictions:{days[-2]}")
        sql.execute(b"UPDATE ats.bars SET close = close + 1e-9 WHERE session = %s AND symbol = 'SYN0001'", [LAST])
        sql.execute(b"DELETE FROM ats.exported_partitions WHERE session = %s AND table_name = 'predictions'", [days[3]])
    found = {day: one.text for day, one in judge_store(deployment, online_export, days).items() if not one.passed}
    assert list(found) == days[-2:]
    assert found[days[-2]] == "predictions is not there"
    assert found[LAST].startswith("alpha158 says that it is of the version")
    found = {day: one.text for day, one in judge_store(deployment, tables, days).items() if not one.passed}
    assert list(found) == [days[3], LAST]
    assert "predictions is not there" in found[days[3]]
    assert "its 11 rows are others" in found[LAST]


@pytest.mark.usefixtures("database")
def test_signals_with_reasons_are_exported_after_settings_chose_what_gives_none(root: Path) -> None:
    """A method by risk gives reasons, and the one that is chosen now does not: the table has to hold the sessions of both."""
    deployment = market(root, exports={"timescale": {"assets": ["signals"]}})
    build(deployment)
    one, before = deployment.of(exports)["timescale"], deployment.calendar.offset(LAST, -1)
    rows = deployment.warehouse.read("signals", [before]).with_columns(reason=pl.lit("no book within all limits"))
    deployment.warehouse.write("signals", before, rows)
    tables = exported_tables(deployment, one)
    assert len(export_sessions(deployment, one, tables, [before, LAST]).sessions) == 2
    assert all(verdict.passed for verdict in judge_store(deployment, one, [before, LAST]).values())


@pytest.mark.usefixtures("database")
def test_a_restatement_is_exported_with_its_vintages(root: Path) -> None:
    deployment = market(root)
    export(deployment, "timescale")
    build(deployment)
    one = deployment.of(exports)["timescale"]
    assert is_exported(deployment, one, LAST)
    warehouse = deployment.warehouse
    rows = warehouse.read("raw_bars", [LAST]).with_columns(close=pl.col("close") * 2)
    known = deployment.knowledge.deadline(LAST) + timedelta(days=3)
    footer = warehouse.footer("raw_bars", LAST)
    warehouse.write_deliveries(
        "raw_bars", {LAST: [(known, rows)]}, code_version=footer.code_version, settings_version=footer.settings_version
    )
    assert not is_exported(deployment, one, LAST)
    assert not judge_store(deployment, one, [LAST])[LAST].passed
    result = export(market(root), "timescale", LAST, LAST)
    assert all(one.passed for one in result.get_asset_check_evaluations())
    assert is_exported(market(root), one, LAST)
    with one.store.connected() as connection:
        table = exported_tables(deployment, one)[0]
        found = connection.read(table, LAST, rows.columns)
    assert found is not None
    assert [each.data_version for each in found.vintages] == [footer.data_version if i == 0 else data_version(rows) for i in range(2)]


def test_a_store_that_is_gone_fails_its_own_asset_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:s3cret-of-the-test@127.0.0.1:1/0")
    monkeypatch.setattr(exporting, "WAIT_SECONDS", 0.01)
    deployment, before = market(root), files_of(root)
    with pytest.raises(StoreUnreachableError, match=r"exports.redis: Redis can't be reached .*ats exports refill redis") as caught:
        export(deployment, "redis", LAST, LAST)
    assert "s3cret" not in str(caught.value)
    assert files_of(root) == before


@pytest.mark.parametrize("how", [signal.SIGQUIT, *([signal.SIGINT] if FULL else [])])
def test_a_server_that_restarts_in_an_export_is_waited_for(
    root: Path, database: str, postgresql_running: PostgresServer, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """The exporter waits for a lock in the middle of a session; the server ends, orderly or at once, and comes back; the export goes on where it was."""
    monkeypatch.setattr(exporting, "WAIT_SECONDS", 0.25)
    deployment = market(root, exports={"timescale": EXPORTS["timescale"] | {"attempts": 8}})
    build(deployment)
    one, told, failed = deployment.of(exports)["timescale"], list[str](), list[BaseException]()
    tables, days = exported_tables(deployment, one), deployment.calendar.sessions(FIRST, LAST)
    export_sessions(deployment, one, tables, days[:3])

    def rest() -> None:
        try:
            export_sessions(deployment, one, tables, days, told=told.append)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=rest)
    blocking = psycopg.connect(database)
    blocking.execute(b"LOCK TABLE ats.predictions IN ACCESS EXCLUSIVE MODE")
    with psycopg.connect(database, autocommit=True) as watching:
        thread.start()
        query = b"SELECT pid FROM pg_stat_activity WHERE application_name = 'ats exports' AND wait_event_type = 'Lock'"
        for _ in range(200):
            if found := watching.execute(query).fetchone():
                break
            time.sleep(0.05)
    assert found, "it waits for the lock"
    postgresql_running.restart(how)
    blocking.close()
    thread.join()
    assert not failed, failed
    assert any("went away" in text or "can't be reached" in text for text in told)
    assert all(verdict.passed for verdict in judge_store(deployment, one, days).values())
    with psycopg.connect(database) as connection:
        rows = connection.execute(b"SELECT count(*) FROM ats.bars").fetchone()
    assert rows == (deployment.warehouse.read("bars", days).height,), "nothing is lost, nothing doubled"


def test_what_changes_while_it_is_exported_is_exported_again(root: Path, online: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process rebuilds a partition between its being read and its being published."""
    deployment = market(root)
    build(deployment)
    one, changed = deployment.of(exports)["redis"], list[str]()
    tables, read = exported_tables(deployment, one), exporting.exported_partition

    def rebuilt_meanwhile(own: Deployment, table: Any, session: date) -> Any:
        found = read(own, table, session)
        if table.asset == "alpha158" and len(changed) < 2:
            rows = found.current.rows.with_columns(KMID=pl.lit(float(len(changed)), pl.Float32))
            own.warehouse.write("alpha158", session, rows)
            changed.append(data_version(rows))
        return found

    monkeypatch.setattr(exporting, "exported_partition", rebuilt_meanwhile)
    export_sessions(deployment, one, tables, [LAST])
    assert OnlineReader(online.client()).read("alpha158", LAST).data_version == changed[-1]
    monkeypatch.setattr(exporting, "LOOKS", 1)
    changed.clear()
    with pytest.raises(ExportError, match="changes in the warehouse as fast as it is exported"):
        export_sessions(deployment, one, tables, [LAST])


def test_an_export_is_in_its_own_job_and_never_stale(root: Path, online: RedisServer) -> None:
    deployment = market(root)
    definitions = build(deployment)
    jobs = {job.name: {key.to_user_string() for key in job.asset_layer.executable_asset_keys} for job in definitions.resolve_all_job_defs()}
    assert {name for name, assets in jobs.items() if "redis_export" in assets and not name.startswith("__")} == {"exports"}
    export(deployment, "redis")
    online.kill()
    try:
        deployment.warehouse.path("redis_export", LAST).unlink()
        assert [one for one in healing_of(deployment).stale() if one.asset == "redis_export"] == []
    finally:
        online.start()


def test_another_world_exports_nothing(root: Path, tmp_path: Path) -> None:
    world = empty_world(market(root), tmp_path / "world")
    assert not world.settings.exports
    assert "exports" not in {job.name for job in build(world).resolve_all_job_defs()}


@pytest.mark.usefixtures("database")
def test_the_sensor_asks_for_what_is_not_exported_and_tries_again_what_failed(
    root: Path, online: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = market(root)
    definitions, days = build(deployment), deployment.calendar.sessions(FIRST, LAST)
    now = datetime.now(UTC)

    def due(instance: dg.DagsterInstance, at: datetime = now) -> dict[str, str]:
        found = due_runs(deployment, instance, at, 0)
        return {
            one.asset_selection[0].to_user_string(): one.tags.get("dagster/asset_partition_range_start", one.partition_key)  # pyright: ignore[reportOptionalSubscript, reportReturnType]
            for one in found
            if isinstance(one, dg.RunRequest)
        }

    with asked_instance() as instance:
        assert due(instance) == {"redis_export": str(days[-2]), "timescale_export": str(days[0])}
        (request,) = [
            one for one in due_runs(deployment, instance, now, 0) if isinstance(one, dg.RunRequest) and "redis" in str(one.asset_selection)
        ]
        run = instance.create_run_for_job(
            definitions.resolve_job_def("exports"), tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED
        )
        assert due(instance) == {}  # one run at a time
        instance.report_run_failed(run)
        assert "redis_export" not in due(instance, datetime.now(UTC))
        assert "redis_export" in due(instance, datetime.now(UTC) + timedelta(minutes=1))
    export(deployment, "redis")
    one = deployment.of(exports)["redis"]
    assert due_sessions(deployment, one, 0) == []
    assert lost_sessions(deployment, one) == []
    with online.client() as client:
        client.flushall()
    assert lost_sessions(deployment, one) == days[-2:]
    with asked_instance() as instance:
        assert due(instance)["redis_export"] == str(days[-2])
        online.kill()
        try:
            assert any("can't be reached" in str(found) for found in due_runs(deployment, instance, now, 0))
        finally:
            online.start()
    monkeypatch.setattr(sensor, "LOOKED_AT", 5)
    tables = deployment.of(exports)["timescale"]
    asked = {tuple(due_sessions(deployment, tables, turn)) for turn in range(3)}
    assert asked == {tuple(sessions_of_all(deployment, tables.assets)[-5:])}


def test_the_sensor_visits_older_sessions_in_turn(root: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert database
    deployment = market(root)
    export(deployment, "timescale")
    days = deployment.calendar.sessions(FIRST, LAST)
    deployment.warehouse.path("timescale_export", days[1]).unlink()
    monkeypatch.setattr(sensor, "LOOKED_AT", 5)
    one = deployment.of(exports)["timescale"]
    assert [due_sessions(market(root), one, turn) for turn in range(5)] == [[days[1]], [], [], [], [days[1]]]


def test_wrong_exports_are_told_when_the_graph_is_built(tmp_path: Path) -> None:
    for table, said in (
        ({"redis": {}}, r'exports.redis.assets is \(\): name what is exported, such as \["bars", "predictions"\]'),
        (
            {"redis": {"assets": ["nothing"]}},
            r"exports.redis.assets names 'nothing', which is no asset with rows by session: choose from account, alpha158, ",
        ),
        ({"redis": {"assets": ["backtest"]}}, "names 'backtest', which is no asset with rows by session"),
        ({"redis": {"assets": ["lightgbm_model"]}}, "names 'lightgbm_model', which is no asset"),
        ({"redis": {"assets": ["skill"]}}, "skill has no column symbol"),
        ({"store": {"assets": ["bars"]}}, "exports.store is 'store', which is no store: choose one of delta, qlib_bin, redis, timescale"),
        ({"redis": {"assets": ["bars"], "ttl": 3}}, "ttl"),
        ({"redis": {"assets": ["bars"], "attempts": 0}}, "exports.redis.attempts is 0: give a number from 1 to 20"),
    ):
        with pytest.raises(SettingsError, match=said):
            build(market(tmp_path, exports=table))


def test_doctor_says_whether_a_store_can_be_reached_and_what_endangers_it(
    root: Path, online: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = market(root, exports={"redis": EXPORTS["redis"]})
    (sound,) = diagnose_exports(deployment)
    assert (sound.subject, sound.status, sound.text) == ("exports.redis", "ok", "redis, for alpha158, predictions")
    with online.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", "100mb")
        try:
            (drops,) = diagnose_exports(deployment)
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")
    assert (drops.status, "allkeys-lru" in drops.text) == ("warn", True)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    (gone,) = diagnose_exports(deployment)
    assert (gone.status, "Redis can't be reached" in gone.text) == ("warn", True)


def test_the_addresses_of_stores_may_stand_in_the_file_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [RedisSettings().url_variable, TimescaleSettings().dsn_variable]
    for name in names:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text("".join(f"{name}=redis://127.0.0.1:1/0\n" for name in names), encoding="utf-8")
    (tmp_path / ".env").chmod(0o600)
    assert read_secrets_file(tmp_path) == sorted(names)
    build(market(tmp_path))
    assert set(names) <= set(secret_variables())


def test_a_variant_of_an_experiment_exports_nothing(tmp_path: Path) -> None:
    """Its copies would take the place of those of what is traded."""
    (tmp_path / "ats.toml").write_text('[exports.redis]\nassets = ["alpha158"]\n', encoding="utf-8")
    (tmp_path / "more.toml").write_text('[exports.timescale]\nassets = ["alpha158"]\n', encoding="utf-8")
    file = tmp_path / "sweep.toml"
    file.write_text(
        '[experiment]\nbase = "ats.toml"\n[[variant]]\nname = "a"\n[[variant]]\nname = "b"\nextends = "more.toml"\n', encoding="utf-8"
    )
    experiment = read_experiment(file)
    base = base_settings(experiment)
    assert list(base.exports) == ["redis"]
    assert [write_variant(experiment, base, variant).exports for variant in experiment.variants] == [{}, {}]


def test_a_graph_with_a_prefix_has_its_own_job_sensor_and_keys(tmp_path: Path) -> None:
    definitions = build(market(tmp_path, graph={"prefix": "crypto"}))
    assert {"crypto_exports"} <= {job.name for job in definitions.resolve_all_job_defs()}
    assert definitions.resolve_sensor_def("crypto_export_sensor")
    assert dg.AssetKey(["crypto", "redis_export"]) in definitions.resolve_all_asset_keys()


def test_several_exports_of_one_kind_stand_side_by_side(tmp_path: Path) -> None:
    table = {"online": {"kind": "redis", "assets": ["alpha158"]}, "scores": {"kind": "redis", "assets": ["predictions"]}, **EXPORTS}
    keys = {key.to_user_string() for key in build(market(tmp_path, exports=table)).resolve_all_asset_keys()}
    assert {"online_export", "scores_export", "redis_export", "timescale_export"} <= keys


def test_what_is_collected_and_what_the_session_loop_records_is_exported_too(root: Path, database: str) -> None:
    """Sessions that were never collected, and can't be any more, keep none of the others from the store."""
    collecting = {
        "source": {
            "kind": "preferred",
            "own": {"preferred": {"order": ("synthetic", "files"), "files": {"path": str(root / "none")}, "compare": True}},
        },
        "live": {"enabled": True},
        "exports": {"timescale": {"assets": ["bars", "vendor_comparison", "live_decisions"]}},
    }
    deployment = market(root, **collecting)
    days = deployment.calendar.sessions(FIRST, LAST)
    definitions = build(deployment)
    assert dg.AssetKey("timescale_export") in definitions.resolve_asset_graph().get_all_asset_keys()
    one = deployment.of(exports)["timescale"]
    tables = {table.asset: table for table in exported_tables(deployment, one)}
    assert tables["vendor_comparison"].keeps_vintages is False
    assert export(deployment, "timescale", last=days[3]).success
    assert set(deployment.warehouse.read("timescale_export", days[:4])["asset"]) == {"bars"}
    assert is_exported(deployment, one, days[3])
    compared = pl.DataFrame([{"session": days[3], "symbol": "A", "field": "close"}], schema=tables["vendor_comparison"].schema)
    decided = pl.DataFrame(schema=tables["live_decisions"].schema)
    for name, rows in (("vendor_comparison", compared), ("live_decisions", decided)):
        deployment.warehouse.write(name, days[3], rows, upstream={}, code_version="c", settings_version="s")
    assert not is_exported(deployment, one, days[3]), "what is collected later is exported then"
    assert days[3] in due_sessions(deployment, one, 0)
    result = export(market(root, **collecting), "timescale", days[2], days[3])
    assert verdicts(result) == [True]
    assert is_exported(deployment, one, days[3])
    early = deployment.calendar.offset(FIRST, -1)
    deployment.warehouse.write("vendor_comparison", early, compared, upstream={}, code_version="c", settings_version="s")
    known = Known(deployment, one.asset, [Reads(asset=asset) for asset in one.assets])
    read = {asset for asset, versions in known.upstream(early).items() if versions}
    assert read == {"vendor_comparison"}, "what is collected may be older than the bars, and its export would be asked for without end"
    with psycopg.connect(database) as connection:
        assert connection.execute(b"SELECT session, symbol, field FROM ats.vendor_comparison").fetchall() == [(days[3], "A", "close")]
