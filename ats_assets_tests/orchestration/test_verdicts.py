"""Verdicts of a check land under their partitions, and the run's result blocks what comes after."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.automation.requests import range_tags
from ats_assets.orchestration.instance import ProjectStorage
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.orchestration.verdicts import NAMED, Verdict, report

DAYS = [date(2023, 1, day) for day in range(1, 16)]
KEY = dg.AssetCheckKey(dg.AssetKey("upstream"), "sound")
PARTITIONS = dg.DailyPartitionsDefinition(start_date="2023-01-01")


def graph(verdicts: Mapping[date, Verdict], *, blocking: bool = True) -> dg.Definitions:
    """upstream -> downstream, with a check of upstream that finds the given verdicts."""

    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def upstream() -> None: ...

    @dg.asset(deps=[upstream], partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def downstream() -> None: ...

    @dg.asset_check(asset=upstream, blocking=blocking, partitions_def=PARTITIONS)
    def sound(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = sessions_of(context.op_execution_context.partition_keys)
        severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
        return report(context, {day: verdicts.get(day, Verdict(passed=True)) for day in days}, severity=severity)

    return dg.Definitions(
        assets=[upstream, downstream], asset_checks=[sound], jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)]
    )


@pytest.fixture(params=["ephemeral", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    if request.param == "ephemeral":
        with dg.DagsterInstance.ephemeral() as found:
            yield found
        return
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}", encoding="utf-8")
    storage = {"module": ProjectStorage.__module__, "class": "ProjectStorage", "config": {"base_dir": str(tmp_path)}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"storage": {"custom": storage}}) as found:
        yield found


def run(definitions: dg.Definitions, instance: dg.DagsterInstance, days: Sequence[date]) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_job_def("all")
    single = {"partition_key": str(days[0])} if len(days) == 1 else {}
    return job.execute_in_process(instance=instance, tags=range_tags(days) if len(days) > 1 else {}, raise_on_error=False, **single)


def stored(instance: dg.DagsterInstance) -> dict[str | None, tuple[bool, str | None]]:
    """Passed and text of what is stored, by partition."""
    found = {}
    for record in instance.event_log_storage.get_asset_check_execution_history(KEY, limit=100):
        assert record.event is not None
        assert record.event.dagster_event is not None
        evaluation = record.event.dagster_event.asset_check_evaluation_data
        found[evaluation.partition] = (evaluation.passed, evaluation.description)
    return found


def test_a_range_run_stores_every_verdict_under_its_partition(instance: dg.DagsterInstance) -> None:
    bad = {DAYS[2]: Verdict(passed=False, text="too few", metadata={"n": 3})}
    result = run(graph(bad), instance, DAYS[:5])
    found = stored(instance)
    assert {partition: passed for partition, (passed, _) in found.items() if partition} == {str(day): day != DAYS[2] for day in DAYS[:5]}
    assert found[str(DAYS[2])] == (False, "too few")
    assert found[None] == (False, "1 of 5 sessions. 2023-01-03: too few")
    assert not result.success
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key} == {"upstream"}


def test_a_range_without_a_fault_goes_on(instance: dg.DagsterInstance) -> None:
    result = run(graph({}), instance, DAYS[:3])
    assert result.success
    assert stored(instance)[None] == (True, "3 sessions")
    assert instance.get_materialized_partitions(dg.AssetKey("downstream")) == {str(day) for day in DAYS[:3]}


@pytest.mark.parametrize("passed", [True, False])
def test_a_single_partition_s_result_is_all_there_is(instance: dg.DagsterInstance, passed: bool) -> None:
    result = run(graph({DAYS[0]: Verdict(passed=passed, text="because", metadata={"n": 3})}), instance, DAYS[:1])
    assert result.success == passed
    assert stored(instance) == {"2023-01-01": (passed, "because")}
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.metadata["n"].value == 3
    assert (dg.AssetKey("downstream") in {event.asset_key for event in result.get_asset_materialization_events()}) == passed


def test_a_warning_does_not_block(instance: dg.DagsterInstance) -> None:
    result = run(graph({DAYS[0]: Verdict(passed=False)}, blocking=False), instance, DAYS[:2])
    assert result.success
    assert stored(instance)[str(DAYS[0])][0] is False
    assert instance.get_materialized_partitions(dg.AssetKey("downstream")) == {"2023-01-01", "2023-01-02"}


def test_of_many_failed_sessions_the_first_are_named(instance: dg.DagsterInstance) -> None:
    run(graph({day: Verdict(passed=False, text="bad") for day in DAYS}), instance, DAYS)
    said = stored(instance)[None][1]
    assert said is not None
    assert said.startswith("15 of 15 sessions. 2023-01-01: bad; ")
    assert said.endswith(f"… and {len(DAYS) - NAMED} more")
    assert str(DAYS[NAMED]) not in said
