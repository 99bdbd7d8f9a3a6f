"""The part of a step that decides at events: a trade that was heard, or time, and what bars that have closed by then tell."""

from dataclasses import replace
from datetime import datetime

import polars as pl

from ats_assets.live.at_events.lane_state import LaneNote, LaneState
from ats_assets.live.at_events.session_lane import SessionLane
from ats_assets.live.live_decision import LiveDecision, What
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.session_state import LiveState
from ats_assets.live.stream import EventKind, StreamEvent

TICKS_MISSING = "ticks_missing"
"""The field of `EventKind.RESUMED` that says which trades could not be had."""


def is_followed(event: StreamEvent, lane: SessionLane) -> bool:
    """Whether an event is one that is always written down: what decides at events may look at no other, or it could not be repeated."""
    return event.kind is not EventKind.QUOTE and (event.kind is not EventKind.TRADE or event.symbol in lane.symbols)


def lane_step(state: LiveState, event: StreamEvent, rules: LiveRules) -> tuple[LiveState, list[LiveDecision]]:
    """The state with an event that was taken, and what is decided at events by then."""
    lane = rules.lane
    if lane is None or not is_followed(event, lane):
        return state, []
    before = state.lane or LaneState()
    try:
        known, rows = _passed(before, event, lane, state.now)
    except MemoryError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001 - what fails in a row must not end the loop while something is held
        known, rows = lane.passed(replace(before, broken=f"{type(error).__name__}: {error}"), state.now)
    told: list[LiveDecision] = []
    if known.broken is not None and before.broken is None:
        told = [LiveDecision(what=What.UNWANTED, subject=lane.model, symbol=None, reason=known.broken, fields={"fault": True})]
    if known is before and state.lane is not None:
        return state, []
    return replace(state, lane=known, lane_moment=lane.next_moment(known)), [*told, *(_decision(row, lane) for row in rows)]


def _passed(known: LaneState, event: StreamEvent, lane: SessionLane, now: datetime) -> tuple[LaneState, list[LaneNote]]:
    if event.kind is EventKind.TRADE and event.symbol is not None and known.broken is None:
        known = lane.heard(known, event.symbol, event.fields, now)
    elif event.kind is EventKind.RESUMED and (why := event.fields.get(TICKS_MISSING)) and known.broken is None:
        known = replace(known, broken=str(why))
    return lane.passed(known, now)


def _decision(row: LaneNote, lane: SessionLane) -> LiveDecision:
    what = What.EVENT if row.is_event else What.UNWANTED
    return LiveDecision(what=what, subject=lane.model, symbol=row.symbol, reason=row.reason, fields=row.fields)
