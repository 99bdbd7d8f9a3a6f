"""All components of a deployment, group by group."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.monitoring.components.component import STATES, Component
from ats_assets.monitoring.components.dagster_components import dagster_components
from ats_assets.monitoring.components.data_components import data_components
from ats_assets.monitoring.components.model_components import model_components
from ats_assets.monitoring.components.observed import Observed
from ats_assets.monitoring.components.system_components import system_components
from ats_assets.monitoring.components.trading_components import trading_components

GROUPS = {
    "data": data_components,
    "models": model_components,
    "dagster": dagster_components,
    "trading": trading_components,
    "system": system_components,
}


def components(deployment: Deployment, now: datetime | None = None) -> list[Component]:
    """The state of each component; what can't be read is a component that failed, and hides no other.

    Parameters
    ----------
    now
        Default: the time of day.
    """
    return list(components_observed(Observed(deployment, now or datetime.now(UTC))))


def components_observed(observed: Observed) -> list[Component]:
    """As `components`, of what was read already."""
    found: list[Component] = []
    for group, judge in GROUPS.items():
        try:
            found += judge(observed)
        except (AtsError, OSError) as error:
            found.append(Component(name=group, group=group, state="failed", text=str(error), what_to_do="ats doctor"))
    return found


def verdict_of(found: Sequence[Component]) -> str:
    """What the components come to, in one line.

    Examples
    --------
    >>> verdict_of([Component(name="halts", group="trading", state="ok", text="trading is not halted")])
    'All is well: 1 component'
    >>> verdict_of([Component(name="signals", group="data", state="late", text="2024-03-01 should be there")])
    '1 of 1 component needs a person: signals'
    """
    needy = [one.name for one in found if one.needs_person]
    if needy:
        return f"{len(needy)} of {how_many(len(found), 'component')} {'needs' if len(needy) == 1 else 'need'} a person: {', '.join(needy)}"
    warned = [one.name for one in found if one.state == "warning"]
    if warned:
        return f"Nothing needs a person; {how_many(len(warned), 'warning')}: {', '.join(warned)}"
    return f"All is well: {how_many(len(found), 'component')}"


def worst_first(found: Sequence[Component]) -> list[Component]:
    """The same, what needs a person before all else."""
    return sorted(found, key=lambda one: STATES.index(one.state))


def status_document(found: Sequence[Component], now: datetime) -> dict[str, Any]:
    """All of it as JSON has it, for `ats status --json` and the service."""
    return {
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "verdict": verdict_of(found),
        "needs_person": any(one.needs_person for one in found),
        "components": [plain_component(one) for one in found],
    }


def plain_component(one: Component) -> dict[str, Any]:
    """As JSON has it: times in UTC, `late_by` in seconds."""
    return {
        "name": one.name,
        "group": one.group,
        "state": one.state,
        "text": one.text,
        "since": None if one.since is None else one.since.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "late_by_seconds": None if one.late_by is None else round(one.late_by / timedelta(seconds=1)),
        "what_to_do": one.what_to_do,
        "needs_person": one.needs_person,
    }
