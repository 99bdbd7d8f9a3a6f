"""What a run's events tell of its checks."""

import dagster as dg
import pytest

from ats_assets.runs.run_events import EventClock, RunEvents


@dg.asset
def thing() -> None: ...


def fine(passed: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=thing)
    def fine() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN)

    return fine


@pytest.mark.parametrize(("verdicts", "failed"), [((False, True), 0), ((True, False), 1), ((False, False), 1)])
def test_a_check_counts_as_it_was_judged_last(verdicts: tuple[bool, ...], failed: int) -> None:
    run_events = RunEvents(clock=EventClock())
    with dg.DagsterInstance.ephemeral() as instance:
        for passed in verdicts:
            run = dg.Definitions([thing], asset_checks=[fine(passed)], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
            result = run.execute_in_process(instance=instance)
            for entry in instance.all_logs(result.run_id):
                run_events(entry)
    assert len(run_events.checks) == failed
