"""The schedules and sensors that the graph has, by the settings alone: those that were never switched on are in no table of Dagster's."""

from collections.abc import Iterable

from ats_assets.deployment import Deployment
from ats_assets.monitoring.dagster_state import ON_BY_DEFAULT

SCHEDULE, SENSOR = "schedule", "sensor"
BY_NAME_ALONE = "stale_sensor"
"""It rebuilds without being asked, and is not started unless it is named, or ran before."""


def expected_triggers(deployment: Deployment) -> dict[str, str]:
    """Name -> kind of each schedule and sensor, in the order in which they are started: what fills the warehouse first, what trades last."""
    settings = deployment.settings
    names = {"alert_sensor": SENSOR, "new_session_sensor": SENSOR, "nightly_retraining_schedule": SCHEDULE}
    names |= {"market_data_schedule": SCHEDULE} if deployment.collected else {}
    names |= {"stale_sensor": SENSOR}
    names |= {"export_sensor": SENSOR} if settings.exports else {}
    names |= {"trading_sensor": SENSOR}
    names |= {"live_sensor": SENSOR} if settings.live.enabled else {}
    prefix = settings.graph.prefix
    return {"_".join(filter(None, [prefix, name])): kind for name, kind in names.items()}


def useful_triggers(deployment: Deployment) -> list[str]:
    """All but what the settings keep from doing anything, and what must be named."""
    return [name for name in expected_triggers(deployment) if not name.endswith((BY_NAME_ALONE, *_without_orders(deployment)))]


def miss_the_daemon(deployment: Deployment, running: Iterable[str]) -> bool:
    """Whether any of those that are on does something by these settings: nobody waits for the sensor that alerts where there is nobody to tell, or for one that trades where nothing is ordered."""
    nobody_to_tell = () if deployment.settings.alerts.routes else (ON_BY_DEFAULT,)
    return any(not name.endswith((*nobody_to_tell, *_without_orders(deployment))) for name in running)


def _without_orders(deployment: Deployment) -> tuple[str, ...]:
    """What does nothing where nothing is ordered."""
    return () if deployment.settings.orders.enabled else ("trading_sensor",)
