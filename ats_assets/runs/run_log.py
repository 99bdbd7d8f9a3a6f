"""The log of a command's run as text: what was made, how long each step took, which checks failed, and what went wrong. It is an artefact of the run in MLflow."""

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.models.tracking import begin_command, end_command
from ats_assets.orchestration.graph import asset_name
from ats_assets.runs.runner import Outcome
from ats_assets.secrecy import redacted
from ats_assets.storage.second_process import beside


def announce(deployment: Deployment, command: str) -> None:
    """Say that a command begins, so that what it logs is one run in MLflow, and a killed one is known as such."""
    settings = deployment.settings
    if settings.mlflow.enabled:
        beside(begin_command, settings.mlflow, settings.storage.data, str(settings.storage.warehouse), command)


def conclude(deployment: Deployment, outcome: Outcome) -> None:
    """Say how it went."""
    settings = deployment.settings
    if settings.mlflow.enabled:
        status = "KILLED" if outcome.interrupted else "FAILED" if outcome.messages else "FINISHED"
        beside(end_command, settings.mlflow, settings.storage.data, str(settings.storage.warehouse), status, run_log(outcome))


def run_log(outcome: Outcome) -> str:
    """The text, without secrets."""
    events = outcome.run_events
    span = f" {outcome.sessions[0]} to {outcome.sessions[-1]}" if outcome.sessions else ""
    lines = [f"{how_many(len(outcome.sessions), 'session')}{span}; {how_many(events.events, 'event')} of Dagster", ""]
    lines += [f"done: {part.name}" for part in outcome.done]
    lines += ["", "seconds by step:"]
    lines += [f"{seconds:9.2f}  {step}" for step, seconds in events.step_seconds.items()]
    lines += ["", "partitions made:"]
    lines += [f"{count:9d}  {asset}" for asset, count in sorted(events.partitions.items())]
    for check in events.checks.values():
        where = f" of {check.partition}" if check.partition else ""
        lines.append(f"check failed: {asset_name(check.asset_key)}.{check.check_name}{where}: {check.description or ''}")
    lines += [f"error: {message}" for message in outcome.messages]
    lines += [f"not exported: {message}" for message in outcome.not_exported]
    lines += ["interrupted"] if outcome.interrupted else []
    return redacted("\n".join(lines) + "\n")
