"""Two graphs in one instance: equities as ever, crypto under its prefix, on a calendar without weekends."""

import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ats_assets import crypto
from ats_assets.automation.jobs import GRAPH, concerns
from ats_assets.automation.new_session import judge_source
from ats_assets.bars import BARS_SCHEMA
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.settings import load_settings
from ats_assets_tests.cli.market import ROOT, SETTINGS, ats, environment, make_home

DAYS = [date(2021, 1, 1) + timedelta(n) for n in range(70)]
CRYPTO = (
    SETTINGS.replace("first_session = 2020-10-01", 'exchange = "24/7"\nfirst_session = 2020-12-01')
    .replace("2021-01-04", DAYS[0].isoformat())
    .replace("2021-03-31", DAYS[-1].isoformat())
    .replace("[portfolio]", '[graph]\nprefix = "crypto"\n[backtest]\nfractional_shares = true\n[portfolio]')
)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which both graphs have run, one after the other, in one instance."""
    home = make_home(tmp_path_factory.mktemp("two"))
    (home / "crypto.toml").write_text(CRYPTO)
    for arguments, changes in (
        (("--to", "2021-03-05"), {}),
        ((), {"ATS_SETTINGS": str(home / "crypto.toml")}),
    ):
        made = ats(home, "run", *arguments, **changes)
        assert made.returncode == 0, made.stderr
    return home


def deployment(home: Path) -> Deployment:
    return Deployment(load_settings(home / "crypto.toml"))


def test_a_crypto_history_is_whole_with_its_weekends(market: Path):
    there = deployment(market)
    assert there.warehouse.root == market / "warehouse" / "crypto" / "synthetic"
    assert there.settings.storage.models == market / "models" / "crypto" / "synthetic"
    for asset in ("raw_bars", "bars", "alpha158", "forward_returns", "predictions", "signals", "targets"):
        assert there.warehouse.stored_sessions(asset) == DAYS
    signals = there.warehouse.read("signals", DAYS[-7:])
    assert {day.weekday() for day in signals["session"].unique()} == set(range(7))
    assert (signals["target_weight"] != 0).any()
    assert (there.warehouse.root / "backtest_report" / "report.html").is_file()


def test_neither_history_holds_a_partition_of_the_other(market: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DAGSTER_HOME", str(market))
    with dg.DagsterInstance.from_config(str(market)) as instance:
        keys = {key.to_user_string() for key in instance.all_asset_keys()}
        equities = {key for key in keys if "/" not in key}
        assert {f"crypto/{key}" for key in equities} == keys - equities
        weekend = {day.isoformat() for day in DAYS if day.weekday() > 4}
        assert weekend <= instance.get_materialized_partitions(dg.AssetKey(["crypto", "signals"]))
        assert not weekend & instance.get_materialized_partitions(dg.AssetKey("signals"))
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey(["crypto", "bars"]), "contract"), dg.AssetCheckKey(dg.AssetKey("bars"), "contract")]
        )
        assert len(checks) == 2
        tags = {run.job_name: run.tags[GRAPH] for run in instance.get_runs()}
    assert tags["history"] == "main"
    assert tags["crypto_history"] == "crypto"


def test_the_command_line_speaks_of_crypto_assets_by_their_names(market: Path):
    changes = {"ATS_SETTINGS": str(market / "crypto.toml")}
    last = DAYS[-1].isoformat()
    made = ats(market, "run", "--from", last, "--select", "group:bars", "--summary-json", "-", **changes)
    assert made.returncode == 0, made.stderr
    assert '"universe": 1' in made.stdout
    shown = ats(market, "stale", **changes)
    assert "Nothing is stale" in shown.stdout, shown.stdout
    assert f"Signals of {last} for the open of {DAYS[-1] + timedelta(1)}" in ats(market, "signals", **changes).stdout


def test_the_groups_are_apart_too(market: Path):
    graph = build(deployment(market)).resolve_asset_graph()
    assert {graph.get(key).group_name for key in graph.materializable_asset_keys} >= {
        "crypto_bars",
        "crypto_signals",
        "crypto_portfolio",
        "crypto_orders",
    }


def test_a_run_of_the_other_graph_holds_nothing_up(market: Path):
    there, equities = deployment(market), Deployment(load_settings(market / "ats.toml"))
    job = build(equities).resolve_job_def("daily_signals")
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=dict(job.tags))
        assert concerns(equities, run)
        assert not concerns(there, run)
        midnight = datetime(2021, 3, 12, 1, tzinfo=UTC)
        busy = judge_source(equities, midnight, instance)
        assert isinstance(busy, dg.SkipReason)
        assert "is running" in str(busy.skip_message)
        idle = judge_source(there, midnight, instance)
        assert isinstance(idle, dg.SkipReason)
        assert "is running" not in str(idle.skip_message)
        chosen = build(there).resolve_implicit_global_asset_job_def()
        by_hand = instance.create_run_for_job(chosen, asset_selection=frozenset({dg.AssetKey(["crypto", "raw_bars"])}))
        assert concerns(there, by_hand)
        assert not concerns(equities, by_hand)


def test_a_new_day_is_asked_for_under_the_crypto_jobs(market: Path):
    file = market / "longer.toml"
    file.write_text((market / "crypto.toml").read_text().replace(DAYS[-1].isoformat(), "2021-03-20"))
    there = Deployment(load_settings(file))
    with dg.DagsterInstance.ephemeral() as instance:
        asked = judge_source(there, datetime(2021, 3, 20, 1, tzinfo=UTC), instance)
    assert isinstance(asked, dg.RunRequest)
    assert (asked.job_name, asked.partition_key) == ("crypto_daily_signals", "2021-03-12")


def test_fractional_volumes_are_kept(market: Path, tmp_path: Path):
    there = deployment(market)
    home = make_home(tmp_path)
    bars = there.warehouse.read("bars", DAYS[:5]).with_columns(pl.col("volume") * 0.001234)
    assert (bars["volume"] % 1 != 0).all()
    bars.select("symbol", pl.col("session").alias("date"), "open", "high", "low", "close", "volume").write_parquet(home / "bars.parquet")
    (home / "crypto.toml").write_text(
        CRYPTO.replace("[source.synthetic]", f'[source]\nkind="files"\npath="{home}/bars.parquet"\n[source.synthetic]')
    )
    made = ats(home, "run", "--select", "+bars", ATS_SETTINGS=str(home / "crypto.toml"))
    assert made.returncode == 0, made.stderr
    stored = Deployment(load_settings(home / "crypto.toml")).warehouse.read("bars", DAYS[:5])
    assert stored.sort("session", "symbol")["volume"].to_list() == bars.sort("session", "symbol")["volume"].to_list()
    assert set(stored.columns) == set(BARS_SCHEMA.names())


def test_the_location_loads_without_network_and_keys_and_its_sensor_says_why_it_waits(home: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copyfile(ROOT / "crypto.toml", home / "crypto.toml")
    monkeypatch.setenv("ATS_SOURCE__KIND", "files")  # of the equities: the crypto graph is not meant
    monkeypatch.delenv("APCA_API_KEY_ID", raising=False)
    definitions = crypto.defs()
    names = {sensor.name for sensor in definitions.sensors or []}
    assert {"crypto_new_session_sensor", "crypto_stale_sensor"} <= names
    there = Deployment(load_settings(crypto.crypto_settings_file()))
    assert (there.settings.source.kind, there.settings.backtest.sessions_per_year) == ("alpaca", 365)
    there.warehouse.write("targets", date(2024, 1, 6), pl.DataFrame())
    there = Deployment(
        there.settings.model_copy(
            update={"alpaca": there.settings.alpaca.model_copy(update={"data_url": "http://127.0.0.1:9", "max_attempts": 1})}
        )
    )
    with dg.DagsterInstance.ephemeral() as instance:
        tick = judge_source(there, datetime(2024, 1, 8, 1, tzinfo=UTC), instance)
    assert isinstance(tick, dg.SkipReason)
    assert "the source can't be read" in str(tick.skip_message)


def test_a_graph_without_a_prefix_is_refused_beside_the_equities(home: Path):
    (home / "crypto.toml").write_text('[calendar]\nexchange = "24/7"\n')
    with pytest.raises(SettingsError, match=r"graph\.prefix"):
        crypto.defs()


def test_the_workspaces_load_both(home: Path):
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")
    workspaces = [argument for name in ("workspace.yaml", "workspace-crypto.yaml") for argument in ("-w", str(ROOT / name))]
    command = [sys.executable, "-W", "ignore", "-m", "dagster", "definitions", "validate", *workspaces]
    made = subprocess.run(
        command, cwd=ROOT, env=environment(home) | {"DAGSTER_HOME": str(home)}, capture_output=True, text=True, timeout=300, check=False
    )
    assert made.returncode == 0, made.stderr
    for location in ("ats_assets.definitions", "ats_assets.crypto"):
        assert f"Validation successful for code location {location}" in made.stderr + made.stdout


def test_the_instance_knows_one_history_of_each_key(market: Path):
    with sqlite3.connect(market / "data" / "dagster" / "history" / "runs" / "index.db") as index:
        partitions = dict(
            index.execute(
                "select asset_key, count(distinct partition) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION' group by 1"
            )
        )
    assert partitions['["crypto", "raw_bars"]'] == len(DAYS)
    assert partitions['["raw_bars"]'] < len(DAYS)
