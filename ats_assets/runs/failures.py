"""What went wrong in a run, in the words of the error itself."""

from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterEvent, DagsterEventType
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster_shared.error import SerializableErrorInfo

from ats_assets import errors
from ats_assets.orchestration.graph import asset_name
from ats_assets.runs.run_events import RunEvents

INTERRUPTS = {KeyboardInterrupt.__name__, DagsterExecutionInterruptedError.__name__}
OWN_ERRORS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.AtsError)}


def was_interrupted(failures: Sequence[DagsterEvent]) -> bool:
    """Whether the run ended because the user asked for it."""
    return any(link.cls_name in INTERRUPTS for event in failures for link in _chain(_error(event)))


def failure_messages(run_events: RunEvents, part: str, after: int = 0) -> list[str]:
    """A message for each failed step: which asset, which sessions, what it says. An unexpected error keeps its traceback.

    Parameters
    ----------
    after
        How many failures were told of before.
    """
    failures = run_events.failures[after:]
    steps = [event for event in failures if event.event_type == DagsterEventType.STEP_FAILURE]
    messages = [message for event in steps for message in _step_messages(event, list(run_events.checks.values()), part)]
    if messages:
        return messages
    return [f"{part}: {error.to_string()}" for event in failures if (error := _error(event)) is not None] or [f"{part} failed"]


def _step_messages(event: DagsterEvent, checks: Sequence[dg.AssetCheckEvaluation], part: str) -> list[str]:
    error = _error(event)
    links = list(_chain(error))
    if any(link.cls_name == "DagsterAssetCheckFailedError" for link in links):
        return [
            f"check {check.check_name} of {asset_name(check.asset_key)} failed, {part}: {check.description}. Downstream assets were not made."
            for check in checks
            if check.severity == dg.AssetCheckSeverity.ERROR
            and event.step_key in {step_of(check), asset_name(check.asset_key)}
            and (check.partition is None or not _has_result_of_run(check, checks))
        ] or [f"{event.step_key}, {part}: {links[0].message.strip()}"]
    own = next((link for link in links if link.cls_name in OWN_ERRORS), None)
    if own is not None:
        return [f"{event.step_key}, {part}: {_message(own)}"]
    return [f"{event.step_key}, {part}, failed unexpectedly:\n{error.to_string() if error else event.message}"]


def step_of(check: dg.AssetCheckEvaluation) -> str:
    """The key of the step that runs a check."""
    return f"{asset_name(check.asset_key)}_{check.check_name}"


def _has_result_of_run(check: dg.AssetCheckEvaluation, checks: Sequence[dg.AssetCheckEvaluation]) -> bool:
    return any(other.partition is None and other.asset_check_key == check.asset_check_key for other in checks)


def _error(event: DagsterEvent) -> SerializableErrorInfo | None:
    return getattr(event.event_specific_data, "error", None)


def _chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    while error is not None:
        yield error
        error = error.cause or error.context


def _message(error: SerializableErrorInfo) -> str:
    """Without the name of the class, which Python puts before it."""
    text = error.message.strip()
    head, colon, rest = text.partition(": ")
    return rest if colon and head.rpartition(".")[2] == error.cls_name else text
