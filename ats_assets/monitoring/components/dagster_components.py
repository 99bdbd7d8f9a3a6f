"""What drives the graph: the daemon, schedules and sensors, runs."""

from collections.abc import Iterator
from datetime import timedelta

from ats_assets.errors import AtsError, how_many
from ats_assets.monitoring.components.component import Component
from ats_assets.monitoring.components.observed import Observed
from ats_assets.monitoring.dagster_state import ON_BY_DEFAULT, SILENT_SECONDS, TriggerState
from ats_assets.monitoring.expected_triggers import BY_NAME_ALONE, SENSOR, expected_triggers, miss_the_daemon, useful_triggers
from ats_assets.orchestration.dagster_home import NoInstanceError, how_to_open_ui

GROUP = "dagster"
SILENT_TICKS = 10
"""Intervals without a tick after which a sensor counts as late, and at least `SILENT_AT_LEAST`: one tick may take a while."""
SILENT_AT_LEAST = timedelta(minutes=5)
STUCK = {"queued": timedelta(minutes=30), "starting": timedelta(minutes=10), "canceling": timedelta(minutes=10)}
"""After which a run in such a status is stuck; how long one may run nobody knows."""
NOBODY_WAITS = ", and nothing that is switched on has anything to do"
REMEMBERED = timedelta(days=3)
"""A job whose last run failed longer ago is a warning."""


def dagster_components(observed: Observed) -> Iterator[Component]:
    """The daemon, each schedule and sensor of the graph, and runs."""
    try:
        triggers = observed.triggers
        yield _daemon(observed, miss_the_daemon(observed.deployment, [one.name for one in triggers.values() if one.is_on]))
        for name, kind in expected_triggers(observed.deployment).items():
            found = triggers.get(name)
            yield _off(observed, name, kind, found) if found is None or not found.is_on else _trigger(observed, f"{kind} {name}", found)
        yield _runs(observed)
    except NoInstanceError as error:
        yield Component(name="daemon", group=GROUP, state="warning", text=f"not seen from here: {error}")
    except AtsError as error:
        yield Component(name="daemon", group=GROUP, state="failed", text=str(error), what_to_do="ats doctor")


def _daemon(observed: Observed, wanted: bool) -> Component:
    at = max((beat.at for beat in observed.beats), default=None)
    start = f"{how_to_open_ui()}, or dagster-daemon run as a service"
    begin = f"for sessions that are made by themselves: ats start, then {start}"
    if at is None:
        text = "it has never run, and schedules or sensors are on" if wanted else f"it has never run{NOBODY_WAITS}"
        return Component(name="daemon", group=GROUP, state="failed" if wanted else "off", text=text, what_to_do=start if wanted else begin)
    silent = observed.now - at
    if silent <= timedelta(seconds=SILENT_SECONDS):
        return Component(name="daemon", group=GROUP, state="ok", text="it is running", since=at)
    text = f"no heartbeat since {at:%Y-%m-%d %H:%M:%S} UTC" + ("" if wanted else NOBODY_WAITS)
    if not wanted:
        return Component(name="daemon", group=GROUP, state="off", text=text, since=at, what_to_do=begin)
    return Component(name="daemon", group=GROUP, state="failed", text=text, since=at, late_by=silent, what_to_do=start)


def _off(observed: Observed, name: str, kind: str, found: TriggerState | None) -> Component:
    """One that does not run, and what switches it on."""
    text, start = "it was never switched on" if found is None else "it is switched off", "ats start"
    if found is None and name.endswith(ON_BY_DEFAULT):
        text, start = "the daemon switches it on when it first runs", ""
    elif name.endswith(BY_NAME_ALONE):
        start = f"ats start {name}"
    elif name not in useful_triggers(observed.deployment):
        text, start = f"{text}; it does nothing without orders.enabled", ""
    since = None if found is None else found.tick_at
    return Component(name=f"{kind} {name}", group=GROUP, state="off", text=text, since=since, what_to_do=start)


def _trigger(observed: Observed, name: str, found: TriggerState) -> Component:
    if found.tick_status == "failure":
        return Component(
            name=name,
            group=GROUP,
            state="failed",
            text=f"its last tick failed: {_first_line(found.text)}",
            since=found.tick_at,
            what_to_do="see its ticks in the UI (Automation); ats doctor",
        )
    said = f": {_first_line(found.text)}" if found.text else ""
    text = f"on; last tick {found.tick_status}{said}" if found.tick_at else "on; it has not ticked yet"
    patience = max(SILENT_AT_LEAST, SILENT_TICKS * (found.interval or timedelta()))
    silent = None if found.tick_at is None else observed.now - found.tick_at
    if found.kind == SENSOR and silent is not None and silent > patience and observed.daemon_lives:
        return Component(
            name=name,
            group=GROUP,
            state="late",
            text=text,
            since=found.tick_at,
            late_by=silent,
            what_to_do="restart the daemon; see its log",
        )
    return Component(name=name, group=GROUP, state="ok", text=text, since=found.tick_at)


def _runs(observed: Observed) -> Component:
    active = ", ".join(f"{one.count} {one.status} of {one.job}" for one in observed.active)
    for one in observed.active:
        waited, most = observed.now - one.since, STUCK.get(one.status)
        if most is not None and waited > most:
            text = f"a run of {one.job} has been {one.status} since {one.since:%Y-%m-%d %H:%M} UTC"
            advice = "is the daemon running? Else terminate it in the UI (Runs)"
            return Component(name="runs", group=GROUP, state="late", text=text, since=one.since, late_by=waited - most, what_to_do=advice)
    failed = [one for one in observed.ended if one.status == "failure"]
    if failed:
        last = max(failed, key=lambda one: (one.ended is not None, one.ended))
        text = f"the last run of {last.job} failed (run {last.run_id})" + (
            f", and {how_many(len(failed) - 1, 'other job')}" if len(failed) > 1 else ""
        )
        advice = "see its log in the UI; re-execute it when the cause is gone"
        recent = last.ended is None or observed.now - last.ended <= REMEMBERED
        return Component(name="runs", group=GROUP, state="failed" if recent else "warning", text=text, since=last.ended, what_to_do=advice)
    newest = max((one.ended for one in observed.ended if one.ended is not None), default=None)
    return Component(name="runs", group=GROUP, state="ok", text=active or "none is under way", since=newest)


def _first_line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0][:200]
