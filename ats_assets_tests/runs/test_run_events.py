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


def test_sessions_whose_book_is_a_fallback_are_told_of_the_run() -> None:
    """They stood in Dagster's log alone: whoever ran `ats run` took the fallback for the book that was asked for."""

    @dg.asset
    def signals(context: dg.AssetExecutionContext) -> None:
        context.add_output_metadata({"fallbacks": dg.MetadataValue.md("- 2024-03-04: banks at most 0.4\n- 2024-03-05: banks at most 0.4")})

    run_events = RunEvents(clock=EventClock())
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            result = dg.materialize([signals, thing], instance=instance)
            for entry in instance.all_logs(result.run_id):
                run_events(entry)
    assert run_events.fallbacks == {"signals": {"- 2024-03-04: banks at most 0.4", "- 2024-03-05: banks at most 0.4"}}
