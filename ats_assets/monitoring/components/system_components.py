"""What everything stands on: disks, vendors, the service, exports."""

import socket
from collections.abc import Iterator

from ats_assets.errors import AtsError, how_many
from ats_assets.exports.schema import export_asset
from ats_assets.monitoring.components.component import Component
from ats_assets.monitoring.components.observed import Observed
from ats_assets.monitoring.disk_space import GIGABYTE, Disk, disks
from ats_assets.monitoring.lateness import signals_deadline

GROUP = "system"
ANSWER_SECONDS = 0.2


def system_components(observed: Observed) -> Iterator[Component]:
    """Each disk, each vendor that was asked, the service, each export."""
    for disk in disks(observed.deployment.settings.storage):
        yield _disk(observed, disk)
    yield from _vendors(observed)
    yield _service(observed)
    for name in observed.deployment.settings.exports:
        yield _export(observed, name)


def _disk(observed: Observed, disk: Disk) -> Component:
    limits = observed.deployment.settings.monitoring
    name, free = f"disk {disk.what}", disk.free_bytes / GIGABYTE
    text = f"{disk.folder}, {free:,.1f} of {disk.size_bytes / GIGABYTE:,.0f} GB free"
    if not disk.is_writable:
        return Component(name=name, group=GROUP, state="failed", text=f"{disk.folder} can't be written", what_to_do="ats doctor")
    if free < limits.low_disk_gigabytes:
        state = "failed" if free < limits.full_disk_gigabytes else "warning"
        return Component(name=name, group=GROUP, state=state, text=text, what_to_do=f"free some disk, or set storage.{disk.what}")
    return Component(name=name, group=GROUP, state="ok", text=text)


def _vendors(observed: Observed) -> Iterator[Component]:
    settings = observed.deployment.settings
    if not settings.vendors.state.is_file():
        return
    from ats_assets.vendors.open_vendor import open_state  # noqa: PLC0415 - who asks no vendor does without

    for health in open_state(settings).health():
        name, text = f"vendor {health.vendor}", f"{health.host}: {health.succeeded:,} answered, {health.failed:,} failed"
        if health.breaker == "closed" and not health.failures_in_a_row:
            yield Component(name=name, group=GROUP, state="ok", text=text, since=health.succeeded_at)
            continue
        failed = (
            f"{text}; {how_many(health.failures_in_a_row, 'failure')} in a row, breaker {health.breaker}. The last one: {health.failure}"
        )
        state = "failed" if health.breaker == "open" else "warning"
        advice = "ats sources health; docs/operations.md says what to do when a vendor is down"
        yield Component(name=name, group=GROUP, state=state, text=failed, since=health.failed_at, what_to_do=advice)


def _service(observed: Observed) -> Component:
    serving = observed.deployment.settings.serving
    place = f"{serving.host}:{serving.port}"
    host = "127.0.0.1" if serving.host in {"0.0.0.0", "::", ""} else serving.host  # noqa: S104 - what it listens on, asked by this machine
    try:
        with socket.create_connection((host, serving.port), timeout=ANSWER_SECONDS):
            return Component(name="service", group=GROUP, state="ok", text=f"it listens on {place}")
    except OSError:
        return Component(name="service", group=GROUP, state="off", text=f"nothing listens on {place}", what_to_do="ats serve")


def _export(observed: Observed, name: str) -> Component:
    deployment, told = observed.deployment, f"export {name}"
    try:
        exported, made = deployment.valid_sessions(export_asset(name)), deployment.valid_sessions("targets")
    except AtsError as error:
        return Component(name=told, group=GROUP, state="failed", text=str(error), what_to_do=f"ats exports check {name}")
    newest = exported[-1] if exported else None
    behind = sum(day > newest for day in made) if newest else len(made)
    since = deployment.calendar.closes_at(newest) if newest else None
    text = f"{how_many(len(exported), 'session')}" + (f", the newest is {newest}" if newest else "")
    if not behind:
        return Component(name=told, group=GROUP, state="ok", text=text, since=since)
    due = signals_deadline(deployment, made[-behind])
    late = observed.market - due if observed.market > due else None
    advice = f"is export_sensor on (ats start)? By hand: ats exports refill {name}"
    missing = f"{text}; {how_many(behind, 'session')} not exported"
    return Component(
        name=told, group=GROUP, state="late" if late else "warning", text=missing, since=since, late_by=late, what_to_do=advice
    )
