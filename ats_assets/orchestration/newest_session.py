"""The newest session that is a partition already. It imports nothing of Dagster's: sensors, metrics and the state of the components judge by the same."""

from datetime import UTC, date, datetime, timedelta

from ats_assets.deployment import Deployment


def newest_partition(deployment: Deployment, now: datetime) -> date | None:
    """The newest session that is a partition already: from midnight UTC after its date, when it has closed wherever the exchange is."""
    calendar = deployment.calendar
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    return calendar.on_or_before(yesterday) if yesterday >= calendar.first else None
