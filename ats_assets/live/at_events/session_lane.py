"""What a session's events want: one more trade, or time that passes, makes another state, and rows where a bar has closed. Pure, as all of a session's steps.

Positions are wanted by the rule of the backtest (`events.event_trades`): where the probability is above `event_backtest.min_probability`, one at a time for each symbol, each until it
meets one of its barriers. It is asked bar by bar, with what is known by then.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from ats_assets.live.at_events.bar_closings import Closing
from ats_assets.live.at_events.graph_rows import GraphRows
from ats_assets.live.at_events.lane_state import LaneNote, LaneState, SymbolLane, WantedPosition
from ats_assets.live.at_events.tick_tape import HeardTick, instant_of, nanoseconds
from ats_assets.settings import LiveEventSettings

_END = "the session ends soon"


@dataclass(frozen=True, kw_only=True)
class SessionLane:
    """What decides at events in a session.

    Attributes
    ----------
    closings
        When a bar of the decisions' frame may have closed, by symbol.
    planned, strategy
        What orders are named by: the session before, and the strategy whose account it is.
    flat_at
        From when on nothing is entered, and all is left.
    work
        How an order is worked, as it is recorded with it: of the minutes since the open, and of whether it opens a position.
    """

    symbols: tuple[str, ...]
    rows: GraphRows
    closings: Mapping[str, Closing]
    settings: LiveEventSettings
    min_probability: float
    strategy: str
    planned: date
    flat_at: datetime
    work: Callable[[int, bool], str]

    @property
    def model(self) -> str:
        """The name of the model that is traded."""
        return self.rows.lane.model.name

    @property
    def predictions(self) -> str:
        """The asset of its predictions."""
        return self.rows.lane.model.predictions

    def heard(self, state: LaneState, symbol: str, fields: Mapping[str, Any], now: datetime) -> LaneState:
        """With one trade more."""
        one, tick = state.of(symbol), HeardTick.of(fields)
        forming, at = self.closings[symbol].after(one.forming, tick, one.tape.newest)
        pending = one.pending if at is None else at if one.pending is None else min(at, one.pending)
        heard: dict[str, Any] = {"forming": forming, "pending": pending, "heard_at": nanoseconds(now)}
        return state.with_symbol(symbol, replace(one, tape=one.tape.with_tick(tick), **heard))

    def passed(self, state: LaneState, now: datetime) -> tuple[LaneState, list[LaneNote]]:
        """What is known of all symbols at an instant, and what bars that have closed by then tell."""
        rows: list[LaneNote] = []
        for symbol in self.symbols:
            one = state.of(symbol)
            due = self._due_at(one)
            if state.broken is None and due is not None and due <= nanoseconds(now):
                one, found = self._looked(symbol, one, nanoseconds(now))
                rows += found
                state = state.with_symbol(symbol, one)
            why = state.broken or (_END if now >= self.flat_at else None)
            if why is not None and one.wanted is not None and one.wanted.leaving is None:
                state = state.with_symbol(symbol, replace(one, wanted=one.wanted._replace(leaving=why)))
                rows.append(LaneNote(symbol, is_event=False, reason=why, fields={"position": one.wanted.number}))
        return state, rows

    def next_moment(self, state: LaneState) -> datetime | None:
        """When time alone is a reason to look."""
        if state.broken is not None:
            return None
        found = [instant_of(due) for one in state.symbols.values() if (due := self._due_at(one)) is not None]
        held = any(one.wanted is not None and one.wanted.leaving is None for one in state.symbols.values())
        return min([*found, *([self.flat_at] if held else [])], default=None)

    @property
    def _settle(self) -> int:
        return round(self.settings.settle_seconds * 1e9)

    def _due_at(self, one: SymbolLane) -> int | None:
        """When the rows of a symbol are to be made next, in nanoseconds; at most once in `settle_seconds`."""
        if one.pending is None:
            return None
        settle = self._settle
        at = 0 if one.tape.newest > one.pending else max(one.pending, one.heard_at) + settle
        return max(at, 0 if one.looked_at is None else one.looked_at + settle)

    def _looked(self, symbol: str, one: SymbolLane, now: int) -> tuple[SymbolLane, list[LaneNote]]:
        """The rows of a symbol rebuilt, and what bars tell that were not decided about."""
        settled = now - self._settle if now >= one.heard_at + self._settle else 0
        found = self.rows.of(symbol, one.tape, settled, one.decided)
        forming, pending = self.closings[symbol].looked(one.forming, found.sampled, found.known)
        bars = found.sampled[: found.known]
        one = replace(one, forming=forming, pending=pending, looked_at=now)
        new = bars.filter(pl.col("known_at").cast(pl.Int64) > one.decided)
        if new.is_empty():
            return one, []
        of_bar = {row["bar"]: row for row in found.predictions.iter_rows(named=True)}
        ends: dict[int, tuple[int, str] | None] = {}
        rows: list[LaneNote] = []
        for bar, at, close in new.select("bar", pl.col("known_at").cast(pl.Int64), "close").iter_rows():
            if one.wanted is not None:
                if one.wanted.number not in ends:
                    ends[one.wanted.number] = self._end(symbol, bars, one.wanted)
                one, told = self._held(symbol, one, bars, at, ends[one.wanted.number])
                rows += told
            if bar in of_bar:
                one, row = self._event(symbol, one, bars, of_bar[bar], close)
                rows.append(row)
        return replace(one, decided=int(new["known_at"].cast(pl.Int64)[-1])), rows

    def _end(self, symbol: str, bars: pl.DataFrame, wanted: WantedPosition) -> tuple[int, str] | None:
        """When a position is known to have met a barrier, and which, by all bars that are known."""
        labels = self.rows.ended(bars, self._decision(symbol, bars, wanted.at, wanted.side))
        return None if labels.is_empty() else (int(labels["known_at"].cast(pl.Int64)[0]), str(labels["barrier"][0]))

    @staticmethod
    def _decision(symbol: str, bars: pl.DataFrame, at: int, side: int) -> pl.DataFrame:
        """The event whose bar was known at a time; where a late trade has moved that bar, the one before."""
        own = bars.filter(pl.col("known_at").cast(pl.Int64) <= at).tail(1).select("session", "bar")
        return own.select(pl.lit(symbol).alias("symbol"), "session", "bar", pl.lit(side, pl.Int8).alias("side"))

    def _held(
        self, symbol: str, one: SymbolLane, bars: pl.DataFrame, at: int, end: tuple[int, str] | None
    ) -> tuple[SymbolLane, list[LaneNote]]:
        """One bar of a position that is wanted: it ends where a barrier is met, and is left at the bar after which its time is over."""
        wanted = one.wanted
        assert wanted is not None, "it is asked of what is wanted"
        fields = {"position": wanted.number, "known_ns": at}
        if end is not None and end[0] <= at:
            return replace(one, wanted=None), [LaneNote(symbol, is_event=False, reason=f"its {end[1]} barrier is met", fields=fields)]
        since = bars.filter(pl.col("known_at").cast(pl.Int64).is_between(wanted.at, at, closed="right")).height
        if wanted.leaving is None and since >= self.rows.lane.rules.barriers.horizon_bars:
            why = f"it is held for {since} bars"
            return replace(one, wanted=wanted._replace(leaving=why)), [LaneNote(symbol, is_event=False, reason=why, fields=fields)]
        return one, []

    def _event(
        self, symbol: str, one: SymbolLane, bars: pl.DataFrame, found: Mapping[str, Any], close: float
    ) -> tuple[SymbolLane, LaneNote]:
        """An event, and whether its position is wanted."""
        at = int(bars.filter(bar=found["bar"])["known_at"].cast(pl.Int64)[0])
        why = self._passed_over(symbol, one, bars, found, at)
        if why is None:
            number = one.entries + 1
            one = replace(one, wanted=WantedPosition(number, int(found["side"]), at, float(close)), entries=number)
        fields = {
            "bar": int(found["bar"]),
            "known_ns": at,
            "side": int(found["side"]),
            "score": float(found["score"]),
            "probability": float(found["probability"]),
            "model_session": found["model_session"].isoformat(),
            "position": None if why else one.entries,
        }
        said = f"{'long' if found['side'] > 0 else 'short'} with probability {found['probability']:.4f}"
        return one, LaneNote(symbol, is_event=True, reason=f"{said}: {why or 'wanted'}", fields=fields)

    def _passed_over(self, symbol: str, one: SymbolLane, bars: pl.DataFrame, found: Mapping[str, Any], at: int) -> str | None:
        """Why the position of an event is not wanted; None where it is."""
        if not found["probability"] > self.min_probability:
            return f"no more than {self.min_probability:g}"
        if one.wanted is not None:
            return "one is wanted already"
        if at >= nanoseconds(self.flat_at):
            return _END
        decision = self._decision(symbol, bars, at, int(found["side"]))
        return "its barriers are not known yet" if self.rows.enterable(bars, decision).is_empty() else None
