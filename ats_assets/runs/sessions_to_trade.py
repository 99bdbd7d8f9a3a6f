"""Which sessions `ats trade` is about."""

from datetime import date, datetime

from ats_assets.automation.trading import NOTHING_WAITS, left_of_the_last_plan, next_to_trade, skipped_session
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.account_book import BASELINE
from ats_assets.execution.rows import latest_snapshot
from ats_assets.trade_state import open_trade_state


def sessions_to_trade(deployment: Deployment, first: date | None, last: date | None, *, now: datetime | None = None) -> list[date]:
    """The sessions with targets from `first` to `last`; where none waits, the one traded last, as long as its plan may have something left to do.

    Parameters
    ----------
    now
        Default: the machine's time.

    Raises
    ------
    AtsError
        If there are none, or sessions before them have not been traded yet.
    """
    decided, traded = deployment.valid_sessions("targets"), deployment.warehouse.stored_sessions("orders")
    now = now or datetime.now(deployment.calendar.timezone)
    due = next_to_trade(deployment, now)
    if not first and not due and (again := left_of_the_last_plan(deployment, now)) and not skipped_session(deployment):
        return [again]
    begin = first or due
    if not decided or begin is None:
        raise AtsError(skipped_session(deployment) or f"{NOTHING_WAITS}: make them first with ats run")
    following = deployment.calendar.after(traded[-1]) if traded else None
    if following is not None and begin > following and not _accepted_since(deployment, begin):
        raise AtsError(
            f"the last session traded is {traded[-1]}: continue with --from {following}, since each session is settled after the one before. "
            "Where a restored backup does not know what was traded since, ats orders resume --accept takes the account as it is, and then this is allowed"
        )
    sessions = [day for day in decided if begin <= day <= (last or decided[-1])]
    if not sessions:
        raise AtsError(f"no targets are stored from {begin} to {last or decided[-1]}: choose sessions from {decided[0]} to {decided[-1]}")
    return sessions


def _accepted_since(deployment: Deployment, begin: date) -> bool:
    """Whether a person has taken the broker's account as it is, after the session before `begin` had closed: what was traded until then is in it, and needs no settling."""
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        baseline = latest_snapshot(connection, BASELINE)
    return baseline is not None and baseline.at >= deployment.calendar.closes_at(deployment.calendar.offset(begin, -1))
