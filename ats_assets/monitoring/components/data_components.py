"""Data and signals: what should be stored by now, and what the checks say of the newest of it."""

from collections.abc import Iterator

from ats_assets.errors import AtsError, how_many
from ats_assets.lineage.judged_stale import stale_counts
from ats_assets.monitoring.components.component import Component
from ats_assets.monitoring.components.observed import Observed
from ats_assets.monitoring.lateness import Late, bars_late, signals_late
from ats_assets.orchestration.dagster_home import NoInstanceError

GROUP = "data"


def data_components(observed: Observed) -> Iterator[Component]:
    """Calendar, bars, signals, checks, and what is stale."""
    yield _calendar(observed)
    advice = "does the source deliver (ats sources health), and is new_session_sensor on (ats start)? By hand: ats run --from {}"
    yield _stored(observed, "deliveries", "raw_bars", bars_late(observed.deployment, observed.market), advice)
    advice = "see the runs and checks above; by hand: ats run --from {}"
    yield _stored(observed, "signals", "targets", signals_late(observed.deployment, observed.market), advice)
    yield _checks(observed)
    yield _stale(observed)


def _calendar(observed: Observed) -> Component:
    calendar = observed.deployment.calendar
    newest = calendar.last_closed(observed.market)
    left = calendar.count(newest, calendar.last)
    text = f"{calendar.exchange}, last closed {newest}, {how_many(left, 'session')} known ahead"
    if calendar.ends_because and left < 21:
        state = "warning" if left else "failed"
        return Component(name="calendar", group=GROUP, state=state, text=text, what_to_do=calendar.ends_because)
    return Component(name="calendar", group=GROUP, state="ok", text=text, since=calendar.closes_at(newest))


def _stored(observed: Observed, name: str, asset: str, late: Late | None, advice: str) -> Component:
    deployment = observed.deployment
    stored = deployment.valid_sessions(asset)
    if not stored:
        return Component(name=name, group=GROUP, state="warning", text="there is no history yet", what_to_do="ats run")
    ends = deployment.source_ends
    known = deployment.calendar.closes_at(stored[-1])
    text = f"{how_many(len(stored), 'session')}, the newest is {stored[-1]}"
    if late is not None:
        first = deployment.calendar.after(stored[-1])
        missing = f"{text}; {late.due} should be there" + (f", and {late.sessions - 1} before it" if late.sessions > 1 else "")
        overdue = observed.market - late.since
        return Component(name=name, group=GROUP, state="late", text=missing, since=known, late_by=overdue, what_to_do=advice.format(first))
    if ends is not None:
        text += f"; the source ends at {ends}"
    return Component(name=name, group=GROUP, state="ok", text=text, since=known)


def _checks(observed: Observed) -> Component:
    try:
        found = observed.checks
    except NoInstanceError as error:
        return Component(name="checks", group=GROUP, state="warning", text=f"not seen from here: {error}")
    except AtsError as error:
        return Component(name="checks", group=GROUP, state="failed", text=str(error))
    failed = [one for one in found if not one.passed]
    wrong = [one for one in failed if one.severity == "ERROR"]
    if not failed:
        return Component(
            name="checks", group=GROUP, state="ok", text=f"{how_many(len(found), 'check')} passed" if found else "none has run yet"
        )
    shown = (wrong or failed)[0]
    of = f" of {shown.partition}" if shown.partition else ""
    rest = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return Component(
        name="checks",
        group=GROUP,
        state="failed" if wrong else "warning",
        text=f"{shown.asset}.{shown.check}{of} {'failed' if wrong else 'warns'}: {shown.description or 'see the UI'}{rest}",
        since=shown.at,
        what_to_do="see the check in the UI; docs/operations.md says what each means. Correct the cause and run the session again",
    )


def _stale(observed: Observed) -> Component:
    counts = stale_counts(observed.deployment)
    if counts is None:
        return Component(
            name="lineage",
            group=GROUP,
            state="off",
            text="what is stale was not looked at yet under these settings",
            what_to_do="ats stale",
        )
    if not counts:
        return Component(name="lineage", group=GROUP, state="ok", text="nothing was stale when it was looked at last")
    worst, partitions = max(counts.items(), key=lambda item: item[1])
    text = f"{how_many(sum(counts.values()), 'partition')} of {how_many(len(counts), 'asset')} stale when it was looked at last, most of {worst} ({partitions})"
    return Component(name="lineage", group=GROUP, state="warning", text=text, what_to_do="ats stale says why; ats stale --heal rebuilds")
