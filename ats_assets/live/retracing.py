"""The journal of a session repeated after a restart: what was known, and what was decided by then."""

import logging
from collections.abc import Sequence

from ats_assets.live.lane_orders import as_recorded
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.session_journal import DecidedRow, Heard
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import step

log = logging.getLogger(__name__)


def retraced(state: LiveState, heard: Sequence[Heard], decided: Sequence[DecidedRow], rules: LiveRules) -> LiveState:
    """The state after the steps of the journal. Where settings or code have changed since, what is recorded of orders still holds: that is heard, not decided.

    Parameters
    ----------
    state
        Before the first of them.
    """
    found = {one.after for one in decided}
    for one in heard:
        made = step(state, one.event, rules)
        state = made.state
        if made.decisions and one.number not in found:
            log.warning(
                "event %d of %s led to no decision when it was heard: settings or code have changed since", one.number, rules.session
            )
    return as_recorded(state, [(one.at, one.decision) for one in decided])
