"""Records say which run, asset, session and experiment they are of, as JSON and in a file a run, and hold no secret."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.monitoring.structured_logs import (
    RECORDS_FILE,
    configure_logs,
    fields_of_record,
    log_fields,
    logs_configured,
    run_log_folder,
)
from ats_assets.orchestration.step_fields import STEPS
from ats_assets.runs.startup import open_instance
from ats_assets.secrecy import guard_secrets
from ats_assets.settings import LoggingSettings

log = logging.getLogger("ats_assets.somewhere")
SECRET = "Sk-9f8e7d6c5b4a"


def refuse() -> None:
    raise ValueError(f"no: {SECRET}")


DAYS = dg.DailyPartitionsDefinition("2024-03-01")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def bars(context: dg.AssetExecutionContext) -> None:
    log.info("7 symbols are missing, says %s", SECRET)
    context.log.debug("not kept")
    context.log.info("lightgbm_model fitted at 2024-03-04")
    context.log.warning(f"100% of orders cost real money, says {SECRET}")
    try:
        refuse()
    except ValueError:
        log.exception("it failed")


@dg.asset_check(asset=bars)
def complete() -> dg.AssetCheckResult:
    log.warning("looked at")
    return dg.AssetCheckResult(passed=True)


DEFINITIONS = dg.Definitions([bars], asset_checks=[complete], jobs=[dg.define_asset_job("daily", ["bars"])])


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    guard_secrets(home)
    with open_instance() as opened:
        yield opened


def records_of(home: Path, run_id: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (home / "data/dagster/logs" / run_id / RECORDS_FILE).read_text().splitlines()]


def test_each_run_keeps_its_records_beside_the_output_of_its_steps(home: Path, instance: dg.DagsterInstance) -> None:
    job = DEFINITIONS.resolve_job_def("daily")
    with logs_configured(LoggingSettings()), log_fields(experiment="trees/deep"):
        log.info("of no run")
        one = job.execute_in_process(instance=instance, partition_key="2024-03-04")
        span = {"dagster/asset_partition_range_start": "2024-03-05", "dagster/asset_partition_range_end": "2024-03-07"}
        other = job.execute_in_process(instance=instance, tags=span)
    first, second = records_of(home, one.run_id), records_of(home, other.run_id)
    assert [(told["message"], told["level"]) for told in first] == [
        ("7 symbols are missing, says ***", "info"),
        ("lightgbm_model fitted at 2024-03-04", "info"),
        ("100% of orders cost real money, says ***", "warning"),
        ("it failed", "error"),
        ("looked at", "warning"),
    ]
    assert {tuple(told[name] for name in ("run", "asset", "session", "experiment")) for told in first} == {
        (one.run_id, "bars", "2024-03-04", "trees/deep")
    }
    assert {told["session"] for told in second} == {"2024-03-05 to 2024-03-07"}
    assert "ValueError: no: ***" in first[3]["traceback"]
    assert SECRET not in (home / "data/dagster/logs" / one.run_id / RECORDS_FILE).read_text()


def test_as_text_warnings_are_shown_as_ever_and_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    with logs_configured(LoggingSettings()):
        log.info("not shown")
        log.warning("look at %s", "this")
        logging.getLogger(STEPS).warning("shown by Dagster itself")
        assert capsys.readouterr().err == "look at this\n"
        root.addHandler(logging.NullHandler())
        log.warning("shown by another")
    assert capsys.readouterr().err == ""


def test_as_json_each_record_is_an_object_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with logs_configured(LoggingSettings(form="json")), log_fields(session="2024-03-04"):
        log.info("two\nlines, and password=%s", "hunter2hunter2")
        log.debug("not kept")
        logging.getLogger("other").warning("of a library")
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(one["message"], one["logger"], one["session"]) for one in told] == [
        ("two\nlines, and password=***", "ats_assets.somewhere", "2024-03-04"),
        ("of a library", "other", "2024-03-04"),
    ]
    assert all(one["at"].endswith("Z") and one["process"] == os.getpid() for one in told)


def test_what_was_configured_is_taken_back() -> None:
    package, root = logging.getLogger("ats_assets"), logging.getLogger()
    before = (list(package.handlers), list(root.handlers), package.level)
    configure_logs(LoggingSettings(form="json", level="debug"))()
    assert (list(package.handlers), list(root.handlers), package.level) == before


def test_fields_are_of_their_block_and_thread() -> None:
    def other() -> None:
        with log_fields(session="other"):
            time.sleep(0.01)

    with pytest.raises(ValueError, match="no field 'symbol'"), log_fields(symbol="AAPL"):
        pass
    thread = threading.Thread(target=other)
    with log_fields(session="outer"), log_fields(asset="bars"):
        thread.start()
        assert fields_of_record() == {"session": "outer", "asset": "bars"}
        thread.join()
    assert fields_of_record() == {}


def test_a_run_goes_on_where_its_log_can_not_be_written(home: Path, instance: dg.DagsterInstance) -> None:
    folder = home / "data/dagster/logs"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with logs_configured(LoggingSettings()):
        run_log_folder(home).parent.mkdir(parents=True, exist_ok=True)
        (home / "dagster.yaml").write_text((home / "dagster.yaml").read_text().replace("base_dir: data/dagster/logs", "base_dir: ats.toml"))
        assert DEFINITIONS.resolve_job_def("daily").execute_in_process(instance=instance, partition_key="2024-03-04").success


def test_old_files_are_forgotten(home: Path, instance: dg.DagsterInstance) -> None:
    old = home / "data/dagster/logs/old" / RECORDS_FILE
    old.parent.mkdir(parents=True)
    old.write_text("{}\n")
    os.utime(old, (1.0, 1.0))
    with logs_configured(LoggingSettings(keep_days=1)):
        DEFINITIONS.resolve_job_def("daily").execute_in_process(instance=instance, partition_key="2024-03-04")
    assert not old.exists()


@pytest.mark.parametrize(("text", "folder"), [("", "storage"), ("compute_logs:\n  config: {base_dir: other}\n", "other")])
def test_the_folder_is_the_one_that_the_instance_is_told(tmp_path: Path, text: str, folder: str) -> None:
    (tmp_path / "dagster.yaml").write_text(text)
    assert run_log_folder(tmp_path) == tmp_path / folder
