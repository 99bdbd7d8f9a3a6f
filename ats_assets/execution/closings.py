"""Unscheduled closings, asked of the broker's calendar whatever the source of bars is: files do not say that an exchange was closed.

What a broker's calendar says otherwise than ours becomes a vintage of the stored calendar, as what a source says does.
"""

import logging
from datetime import timedelta
from zoneinfo import ZoneInfo

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.choosing import chosen_broker
from ats_assets.storage.stored_calendar import Change

AROUND = timedelta(days=14)
"""Before and after today: a closing is announced some days ahead at most, and an evening without a look makes no difference."""
_log = logging.getLogger(__name__)


def learn_closings(deployment: Deployment) -> list[Change]:
    """Take what the broker's calendar says otherwise than ours; the deployment's calendar is the new one then.

    It is asked for two weeks before and after its own today, and from the session traded last on, so that trading which was away for longer goes past a closing of that
    time, too. Where it can't be asked, the log says so, and the calendar stays: settling a session asks again.

    Returns
    -------
    list of Change
        Empty where it says the same, can't be asked, or the broker has none: the embedded one, and crypto's, which is traded on all days.
    """
    broker = deployment.of(chosen_broker)
    try:
        calendar = broker.calendar
        if calendar is None or str(deployment.calendar.timezone) != calendar.timezone:
            return []
        now = calendar.now()
        today = now.astimezone(ZoneInfo(calendar.timezone)).date()
        first = min([today - AROUND, *deployment.warehouse.stored_sessions("orders")[-1:]])
        theirs = calendar.days(first, today + AROUND)
    except (AtsError, ValueError, TypeError, KeyError, AttributeError) as error:  # or JSON that is no calendar
        _log.warning("the broker (%s) could not be asked for its calendar (%s): sessions are those that are stored", broker.kind, error)
        return []
    changes = deployment.calendar_store.learn(theirs, now)
    if changes:
        deployment.refresh_calendar()
    return changes
