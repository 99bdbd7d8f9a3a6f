"""The rows of one session as the graph makes them, of the trades that were heard so far: the same functions on the same windows.

1. Trades are screened, and sampled into the bars of each frame.
2. A bar counts once it is known: when a later tick of its symbol was heard, or when for so long after it none was heard that none of its instant comes any more.
3. Events, features and predictions are made of the known bars. A row known at t is a function of rows known by t, so that it stays as it is when more is heard.

What is made of sessions before is read once. One symbol is looked at at a time: no function here compares symbols.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from ats_assets.events.bar_regimes import BAR_REGIMES, bar_regimes
from ats_assets.events.choosing import EVENTS
from ats_assets.events.decisions import events_of
from ats_assets.events.event_lane import EventLane
from ats_assets.events.event_scores import event_predictions
from ats_assets.events.event_trades import sided_labels
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA
from ats_assets.expressions import Flat
from ats_assets.features.bar_expressions import bar_values, known_bars
from ats_assets.features.family import FeatureFamily
from ats_assets.intraday.bar_ends import BY_TICKS
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.microstructure_rows import MICROSTRUCTURE, microstructure_rows
from ats_assets.intraday.sampling import TickSampling
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.labels.event_barriers import entered_events
from ats_assets.live.at_events.tick_tape import TickTape
from ats_assets.models import Scorer
from ats_assets.regimes import RegimeModel
from ats_assets.settings import Settings
from ats_assets.storage.model_record import ModelRecord


@dataclass(frozen=True, kw_only=True)
class FrameBefore:
    """A frame of bars before the session.

    Attributes
    ----------
    heard
        What sessions before have said of thresholds.
    bars
        Of the sessions before, `INFORMATION_BARS_SCHEMA`.
    """

    sampler: TickSampling
    heard: tuple[pl.DataFrame, ...]
    bars: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class FittedLane:
    """A model with its lane, as it is active when the session begins."""

    lane: EventLane
    record: ModelRecord
    scorer: Scorer


class SymbolRows(NamedTuple):
    """What is known of a symbol at an instant.

    Attributes
    ----------
    sampled
        All bars of the decisions' frame, the one that is forming last.
    known
        How many of them are known.
    predictions
        `EVENT_PREDICTIONS_SCHEMA`, by bar; of the events that were asked for.
    """

    sampled: pl.DataFrame
    known: int
    predictions: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class GraphRows:
    """The rows of a session.

    Attributes
    ----------
    frames
        By the name of the sampler.
    families
        By the name of the family, its stored rows of the sessions before.
    chain
        The models whose predictions are needed, the one that is traded last.
    days
        The sessions of history up to this one, ascending.
    closes
        When each of them ends.
    """

    session: date
    settings: Settings
    hours: SessionHours
    frames: Mapping[str, FrameBefore]
    families: Mapping[str, pl.DataFrame]
    chain: tuple[FittedLane, ...]
    days: Sequence[date]
    closes: Mapping[date, datetime]
    _fits: MutableMapping[date, RegimeModel | None] = field(default_factory=dict)

    @property
    def lane(self) -> EventLane:
        """That of the model that is traded."""
        return self.chain[-1].lane

    def of(self, symbol: str, tape: TickTape, settled: int, since: int = 0) -> SymbolRows:
        """What is known of a symbol.

        Parameters
        ----------
        tape
            Its trades that were heard.
        settled
            Up to when, in nanoseconds since 1970, no trade is waited for.
        since
            Predictions are for events that were known later alone, in nanoseconds.
        """
        trades, _ = screen_trades(tape.frame(symbol, self.session), self.hours, self.settings.intraday.screening)
        frame = self.lane.rules.frame
        sampled = self._sampled(self.frames[frame], trades)
        bars = self._known(sampled, tape, settled)
        later = pl.col("known_at").cast(pl.Int64) > since
        found = EVENT_PREDICTIONS_SCHEMA.to_frame()
        if bars.filter(later).is_empty():
            return SymbolRows(sampled, bars.height, found)
        events = self._events(bars).filter(later)
        if not events.is_empty():
            others = {name: self._known(self._sampled(one, trades), tape, settled) for name, one in self.frames.items() if name != frame}
            found = self._predicted(events, {**others, frame: bars})
        return SymbolRows(sampled, bars.height, found)

    def ended(self, bars: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
        """What became of positions by the bars so far: the contract `EventLabels`, of those that have met a barrier.

        Parameters
        ----------
        bars
            Of the session so far, those that are known.
        decided
            symbol, session, bar, side.
        """
        panel, days = self._window(self.lane.rules.frame, bars, self.lane.rules.barriers.lookback_sessions)
        return sided_labels(decided, panel, days, self.lane.rules.barriers).filter(pl.col("exit") != "last_close")  # the session goes on

    def enterable(self, bars: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
        """Those of the events that a position can be entered for."""
        panel, days = self._window(self.lane.rules.frame, bars, self.lane.rules.barriers.lookback_sessions)
        return entered_events(panel, decided, days, self.lane.rules.barriers)

    def _sampled(self, one: FrameBefore, trades: pl.DataFrame) -> pl.DataFrame:
        if getattr(one.sampler, "measure", BY_TICKS) != BY_TICKS and not trades["for_volume"].any():
            return INFORMATION_BARS_SCHEMA.to_frame()  # nothing of volume was traded yet, which of a whole session would be an error
        rows = one.sampler.session_bars({"trades": trades}, self.session, one.heard)
        return known_with_session(rows, lambda symbol, session: self.hours.of(symbol, session)[1])

    @staticmethod
    def _known(rows: pl.DataFrame, tape: TickTape, settled: int) -> pl.DataFrame:
        at = pl.col("known_at").cast(pl.Int64)
        return rows.filter(closed_by="threshold").filter((at < tape.newest) | (at <= settled))

    def _window(self, frame: str, bars: pl.DataFrame, back: int) -> tuple[pl.DataFrame, Sequence[date]]:
        """The bars that a row of the session is made of, and their sessions."""
        days = self.days[-(back + 1) :]
        return pl.concat([self.frames[frame].bars.filter(pl.col("session").is_in(days[:-1])), bars]), days

    def _events(self, bars: pl.DataFrame) -> pl.DataFrame:
        rules, settings = self.lane.rules, self.settings
        back = settings.intraday.lookback_sessions
        panel, days = self._window(rules.frame, bars, max(back, rules.cusum.lookback_sessions))
        how = {"lookback_sessions": back, "flat": settings.expressions.flat_windows}
        return events_of(panel, settings.events, rules.cusum, days=days, sessions=[self.session], **how)

    def _predicted(self, events: pl.DataFrame, known: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        flat, found = self.settings.expressions.flat_windows, EVENT_PREDICTIONS_SCHEMA.to_frame()
        rows = {name: self._family(name, family.frame, known, flat) for name, family in self.lane.families.items()} | {EVENTS: events}
        for one in self.chain:
            features = one.lane.features(rows, self.days[-(one.lane.settings.align_sessions + 1) :])
            found = event_predictions(one.lane.model, features, one.record, one.scorer, threads=one.lane.settings.threads)
            rows[one.lane.model.predictions] = found
        return found

    def _family(self, name: str, frame: str | None, known: Mapping[str, pl.DataFrame], flat: Flat) -> pl.DataFrame:
        """The rows of a family: those of sessions before, and those of this one so far."""
        stored = self.families[name]
        if frame is None:
            return stored
        own, back, settings = [self.session], self.settings.intraday.lookback_sessions, self.settings
        if name == BAR_REGIMES:
            bars, days = self._window(frame, known[frame], settings.bar_regimes.back)
            made = bar_regimes(bars, settings.bar_regimes, days=days, sessions=own, fits=self._fits)
        elif name == MICROSTRUCTURE:
            bars, days = self._window(frame, known[frame], back)
            made = microstructure_rows(bars, days, own, window_bars=settings.microstructure.window_bars, lookback_sessions=back)
        else:
            family = self.lane.families[name]
            assert isinstance(family, FeatureFamily), "families over bars are of expressions, or one of both above"
            bars, days = self._window(frame, known[frame], back)
            ends = {day: self.closes[day] for day in days}
            made = bar_values(known_bars(bars, ends), family.expressions, days=days, sessions=own, lookback_sessions=back, flat=flat)
        return pl.concat([stored, made.select(stored.columns)])
