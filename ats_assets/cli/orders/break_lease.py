"""`ats orders break-lease`: the lease of an executor that is gone is broken."""

from ats_assets.execution.clock import SystemClock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.lease import break_lease as take_lease_away
from ats_assets.runs.writing import say
from ats_assets.settings import load_settings
from ats_assets.trade_state import open_trade_state


def break_lease(*, who: str, note: str, force: bool) -> None:
    """Take the lease away from an executor that is gone. The broker is not asked: the next execution asks it for all that is unknown."""
    with open_trade_state(load_settings()) as state:
        broken = take_lease_away(state, SystemClock(), who, note, seconds=Timeouts().lease_seconds, force=force)
    say(
        f"the lease of {broken} is broken: its holder can write and send nothing more. The next execution asks the broker about orders in flight"
    )
