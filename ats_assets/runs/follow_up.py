"""Whether anything follows up on the last plan, before and at the next open: for `ats doctor`."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.attendance import last_attended
from ats_assets.orchestration.dagster_home import dagster_home
from ats_assets.orchestration.graph import prefixed
from ats_assets.runs.startup import open_instance
from ats_assets.trade_state import open_trade_state

RECENTLY = timedelta(minutes=30)
"""`ats orders watch` and the sensor count as at work if they were active within this time."""
SENSOR = "trading_sensor"
UNATTENDED = "nothing handles late split announcements, or sales and exits that wait for the open"
ADVICE = (
    "run ats orders watch as a service, or set orders.enabled = true and switch on the trading sensor; otherwise run ats trade in the half hour before 9:28 New York time, "
    "and again after the open"
)


def followed_up(deployment: Deployment, now: datetime | None = None) -> tuple[bool, str]:
    """Whether `ats orders watch` or the trading sensor is at work, and what there is to say of both."""
    now = now or datetime.now(UTC)
    watched, of_watch = _watch(deployment, now)
    sensed, of_sensor = _sensor(deployment, now)
    return watched or sensed, f"{of_watch}; {of_sensor}"


def _watch(deployment: Deployment, now: datetime) -> tuple[bool, str]:
    try:
        with open_trade_state(deployment.settings) as state, state.begin() as connection:
            at = last_attended(connection, deployment.settings.orders.strategy)
    except AtsError as error:
        return False, f"it is not known whether ats orders watch runs: {error}"
    if at is None:
        return False, "ats orders watch has never run"
    return now - at <= RECENTLY, f"ats orders watch last looked at {at:%Y-%m-%d %H:%M} UTC"


def _sensor(deployment: Deployment, now: datetime) -> tuple[bool, str]:
    if not deployment.settings.orders.enabled:
        return False, "the trading sensor does not trade (orders.enabled is false)"
    try:
        dagster_home()
        with open_instance() as instance:
            return sensor_at_work(instance, prefixed(deployment, SENSOR), now)
    except AtsError as error:
        return False, f"it is not known whether the trading sensor is on: {error}"


def sensor_at_work(instance: dg.DagsterInstance, name: str, now: datetime) -> tuple[bool, str]:
    """Whether the sensor is on, and Dagster's daemon has evaluated it lately."""
    on = [one for one in instance.all_instigator_state() if one.instigator_name == name and one.is_running]
    ticks = [tick for one in on for tick in instance.get_ticks(one.instigator_origin_id, one.selector_id, limit=1)]
    if not on:
        return False, "the trading sensor is off"
    if not ticks:
        return False, "the trading sensor is on but has never ticked: is Dagster's daemon running?"
    at = datetime.fromtimestamp(max(tick.timestamp for tick in ticks), UTC)
    return now - at <= RECENTLY, f"the trading sensor last ticked at {at:%Y-%m-%d %H:%M} UTC"
