"""The instance of lists makes the same files and tells of the same events as Dagster's own in memory, and refuses what it can't answer."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.definitions import build
from ats_assets.orchestration.listed_events import NotKeptError, listed_instance
from ats_assets_tests import small_market as market
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, Files, differences, files_of, make_history, small_market

LAST = date(2021, 1, 8)


def told(root: Path) -> tuple[Files, list[object]]:
    """The files of a range and of a single session after it, and what their events say: kind, step, asset, partition, verdict of a check."""
    deployment = small_market(root, **EARLY_MODELS)
    runs = [make_history(deployment, FIRST, LAST), make_history(deployment, date(2021, 1, 11), date(2021, 1, 11))]
    events = [event for run in runs for event in run.all_events]
    verdicts = [one.asset_check_evaluation_data.passed for one in events if one.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION]
    said = [(event.event_type, event.step_key, event.asset_key, event.partition) for event in events]
    return files_of(root), [*said, *verdicts]


def test_files_and_events_are_those_of_an_ephemeral_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, events = told(tmp_path / "listed")
    monkeypatch.setattr(market, "listed_instance", dg.DagsterInstance.ephemeral)
    expected, ordinary = told(tmp_path / "ephemeral")
    assert differences(files, expected) == []
    assert events == ordinary


def test_what_a_list_can_not_answer_is_refused(tmp_path: Path) -> None:
    with listed_instance() as instance:
        job = build(small_market(tmp_path)).resolve_job_def("history")
        run = job.execute_in_process(instance=instance, partition_key=FIRST.isoformat(), asset_selection=[dg.AssetKey("raw_bars")])
        assert run.success
        record = instance.get_run_record_by_id(run.run_id)
        assert record is not None
        assert record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
        for question in (
            lambda: instance.all_logs(run.run_id),
            lambda: instance.get_materialized_partitions(dg.AssetKey("raw_bars")),
            lambda: instance.get_runs(dg.RunsFilter(job_name="history")),
            lambda: instance.fetch_materializations(dg.AssetKey("raw_bars"), limit=1, ascending=True),
            instance.get_runs,
        ):
            with pytest.raises(NotKeptError, match=r"ephemeral\(\)"):
                question()
