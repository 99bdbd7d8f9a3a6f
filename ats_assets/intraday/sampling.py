"""What samplers share: their settings, and thresholds that are known before a session begins.

The bars of session D are a function of the ticks of D and of `estimated_on_sessions` sessions before it, and of nothing else: each of those says what threshold would have
given it the wanted number of bars, and the median of what they say is the threshold of D. The same session is asked the same whichever D it is asked for, so a range asks it
once. No bar crosses a session: what is carried over would depend on where the bar before began, and so on the whole of history.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
import polars as pl
from pydantic import Field, field_validator, model_validator

from ats_assets.errors import CalendarError, ContractError
from ats_assets.intraday.bar_ends import BY_TICKS, TRADED, BarEnds, Floats, accumulated_ends
from ats_assets.intraday.expected_ends import ExpectationRule, expectations, expected_ends, flows
from ats_assets.intraday.information_bars import information_bars
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA
from ats_assets.intraday.tick_arrays import Ticks, quote_ticks, read_only, ticks_of_session, trade_ticks
from ats_assets.plugins import Needs
from ats_assets.settings.section import Positive, Section


class SamplerSettings(Section):
    """What all samplers can be told."""

    source: Literal["trades", "quotes"] = Field(default="trades", description="what is sampled; of quotes the midpoints, one a tick")
    sides: Literal["tick_rule", "lee_ready", "bulk"] = Field(
        default="tick_rule", description="how volume is divided into bought and sold; lee_ready reads quotes beside trades"
    )
    spread: bool = Field(default=False, description="whether quotes are read for the mean quoted spread of bars of trades")
    keep_last: bool = Field(default=True, description="whether what is left at the end of a session is a bar")
    cross_sessions: bool = Field(default=False, description="only false: see the error")

    @field_validator("cross_sessions")
    @classmethod
    def _never_crosses(cls, crosses: bool) -> bool:
        if crosses:
            raise ValueError(
                "a bar that crosses sessions begins where the one before it ended, and so on back to the beginning of history: its session could not be made "
                "alone. Set longer hours in [intraday.sessions], or fewer bars_per_session"
            )
        return crosses

    @model_validator(mode="after")
    def _quotes_have_no_trades(self) -> "SamplerSettings":
        if self.source == "quotes" and self.sides == "lee_ready":
            raise ValueError('sides is "lee_ready", which compares trades with quotes, but source is "quotes": use "tick_rule" or "bulk"')
        return self

    @property
    def reads_quotes(self) -> bool:
        """Whether quotes are read beside trades."""
        return self.source == "trades" and (self.spread or self.sides == "lee_ready")


class EstimatedSettings(SamplerSettings):
    """Of samplers with a threshold: it is set, or estimated of the sessions before."""

    threshold: float | None = Field(default=None, gt=0, description="of each bar, for all symbols; default: estimated for each symbol")
    bars_per_session: Positive = Field(default=50, description="wanted: the threshold is what the sessions before would have needed for it")
    estimated_on_sessions: Positive = Field(default=5, description="sessions before a bar's own of which the threshold is the median")
    min_sessions: Positive = Field(default=1, description="fewest of these in which a symbol has ticks; with fewer it has no bars yet")

    @model_validator(mode="after")
    def _fewest_are_there(self) -> "EstimatedSettings":
        if self.min_sessions > self.estimated_on_sessions:
            raise ValueError(f"min_sessions is {self.min_sessions}, more than estimated_on_sessions ({self.estimated_on_sessions})")
        return self


class ExpectationSettings(EstimatedSettings):
    """Of imbalance and runs bars, whose threshold moves with the bars before it."""

    floor: float = Field(
        default=0.8, gt=0, description="least threshold, in levels: that at which the sessions before had the wanted number of bars"
    )
    cap: float = Field(default=1.5, gt=0, description="largest threshold, in levels")
    length_factor: float = Field(
        default=2.0, ge=1, description="how far the expected ticks of a bar may go from those of the sessions before"
    )
    span_bars: Positive = Field(default=20, description="span of the exponential averages of bar lengths and of what was bought and sold")

    @model_validator(mode="after")
    def _floor_is_below_the_cap(self) -> "ExpectationSettings":
        if self.floor > self.cap:
            raise ValueError(f"floor is {self.floor}, above cap ({self.cap})")
        return self


S = TypeVar("S", bound=SamplerSettings)


class TickSampling(ABC, Generic[S]):
    """A sampler whose bars of a session are made of its ticks and of what sessions before it said."""

    def __init__(self, settings: S) -> None:
        self.settings: S = settings

    @property
    def source(self) -> Literal["trades", "quotes"]:
        """What is sampled."""
        return self.settings.source

    @property
    def back(self) -> int:
        """Sessions before its own that a threshold is estimated on."""
        return 0

    def needs(self) -> tuple[Needs, ...]:
        """See `Sampler.needs`."""
        own = (Needs(asset=self.source, back=self.back),)
        return (*own, Needs(asset="quotes", back=self.back)) if self.settings.reads_quotes else own

    @abstractmethod
    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:
        """Where bars end.

        Parameters
        ----------
        before
            Of shape (n_groups, `tells`): the median of what the sessions before said, NaN where they said nothing.
        """

    tells: ClassVar[int] = 0
    """How many numbers a session says of the thresholds of later ones."""

    def said(self, ticks: Ticks) -> Floats:
        """What a session says of the threshold of later ones, of shape (n_groups, `tells`); NaN where it can't say."""
        return np.empty((ticks.keys.height, self.tells))

    def clock(self) -> tuple[int, int] | None:
        """Width and offset of intervals, where bars are those of the clock; see `information_bars`."""
        return None

    def bars(self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date]) -> pl.DataFrame:
        """See `Sampler.bars`.

        Raises
        ------
        CalendarError
            If one of the sessions is not one of the days.
        ContractError
            If bars of volume are wanted of ticks without any sizes.
        """
        if strangers := sorted(set(sessions) - set(days)):
            raise CalendarError(
                f"{strangers[0]} is not one of the {len(days)} sessions of the calendar that came with the ticks: widen them"
            )
        heard: dict[date, pl.DataFrame] = {}
        parts = [INFORMATION_BARS_SCHEMA.to_frame()]
        place = {day: i for i, day in enumerate(days)}
        for session in sorted(set(sessions)):
            window = days[max(0, place[session] - self.back) : place[session]]
            for day in window:
                if day not in heard:
                    heard[day] = self.heard(frames, day)
            parts.append(self.session_bars(frames, session, [heard[day] for day in window]))
        return pl.concat(parts).sort("symbol", "session", "bar")

    def session_bars(self, frames: Mapping[str, pl.DataFrame], session: date, heard: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """The bars of one session.

        Parameters
        ----------
        frames
            As of `bars`; of the session alone, or of more. While the session goes on the last bar of each symbol is one that "session_end" closes.
        heard
            What each session of the window before it said, see `heard`.
        """
        ticks = self._ticks(frames, session)
        if not ticks.keys.height:
            return INFORMATION_BARS_SCHEMA.to_frame()
        ends = self.ends(ticks, self.told_before(ticks.keys, heard))
        rows = information_bars(ticks, ends, bulk=self.settings.sides == "bulk", clock=self.clock())
        return rows if self.settings.keep_last else rows.filter(closed_by="threshold")

    def _ticks(self, frames: Mapping[str, pl.DataFrame], session: date) -> Ticks:
        rows = ticks_of_session(frames[self.source], session)
        if self.source == "quotes":
            return quote_ticks(rows)
        quotes = ticks_of_session(frames["quotes"], session) if self.settings.reads_quotes else None
        return trade_ticks(rows, quotes, by_quotes=self.settings.sides == "lee_ready")

    def heard(self, frames: Mapping[str, pl.DataFrame], day: date) -> pl.DataFrame:
        """What a session says of the thresholds of later ones: symbol, and a column for each number."""
        ticks = self._ticks(frames, day)
        said = self.said(ticks)
        return ticks.keys.select("symbol").with_columns(pl.Series(str(i), said[:, i]) for i in range(said.shape[1]))

    def told_before(self, keys: pl.DataFrame, heard: Sequence[pl.DataFrame]) -> Floats:
        """The median of what the sessions before said of each symbol of `keys`, of shape (n_keys, `tells`); NaN where too few said something."""
        if not heard or not self.tells:
            return np.full((keys.height, self.tells), np.nan)
        every, values = pl.concat(heard).fill_nan(None), [str(i) for i in range(self.tells)]
        fewest = self.settings.min_sessions if isinstance(self.settings, EstimatedSettings) else 1
        told = every.group_by("symbol").agg(pl.when(pl.col(name).count() >= fewest).then(pl.col(name).median()) for name in values)
        found = keys.join(told, on="symbol", how="left", maintain_order="left")
        return found.select(pl.col(values).fill_null(np.nan)).to_numpy()


class AccumulatingSampler(TickSampling[EstimatedSettings]):
    """Bars of equally many ticks, of equal volume, or of equal dollar volume."""

    measure: ClassVar[int]
    tells = 1

    @property
    def back(self) -> int:
        """None where the threshold is set."""
        return 0 if self.settings.threshold is not None else self.settings.estimated_on_sessions

    def said(self, ticks: Ticks) -> Floats:
        """The threshold at which the session would have had the wanted number of bars."""
        totals = _totals(self.measure, ticks)
        return np.where(totals > 0.0, totals / self.settings.bars_per_session, np.nan)[:, None]

    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:
        """Bars that reach the threshold."""
        require_sizes(self.measure, ticks)
        levels = before[:, 0] if self.settings.threshold is None else np.full(ticks.keys.height, self.settings.threshold)
        return accumulated_ends.compiled(self.measure, ticks.price, ticks.size, ticks.codes, ticks.at, ticks.starts, read_only(levels))


class ExpectationSampler(TickSampling[ExpectationSettings]):
    """Bars that close when one side takes more than was to be expected."""

    measure: ClassVar[int]
    runs: ClassVar[bool]
    tells = 4

    @property
    def back(self) -> int:
        """None where the threshold is set."""
        return 0 if self.settings.threshold is not None else self.settings.estimated_on_sessions

    def said(self, ticks: Ticks) -> Floats:
        """Level, ticks of a bar, and what is bought and sold with a tick; see `expectations`."""
        wanted = float(self.settings.bars_per_session)
        return np.column_stack(expectations.compiled(self.runs, self._flows(ticks), ticks.at, ticks.starts, wanted))

    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:
        """Bars that reach what is expected; a threshold that is set does not move."""
        require_sizes(self.measure, ticks)
        own, n = self.settings, ticks.keys.height
        rule = ExpectationRule(self.runs, own.floor, own.cap, own.length_factor, 2.0 / (own.span_bars + 1.0))
        given = before
        if own.threshold is not None:
            rule, given = ExpectationRule(self.runs, 1.0, 1.0, 1.0, 0.0), np.tile([own.threshold, 1.0, 0.0, 0.0], (n, 1))
        levels, lengths, buys, sells = (read_only(given[:, i]) for i in range(4))
        return expected_ends.compiled(rule, self._flows(ticks), ticks.codes, ticks.at, ticks.starts, levels, lengths, buys, sells)

    def _flows(self, ticks: Ticks) -> Floats:
        return read_only(flows.compiled(self.measure, ticks.price, ticks.size, ticks.codes, ticks.sides))


def require_sizes(measure: int, ticks: Ticks) -> None:
    """Volume can't be counted where no tick has a size.

    Raises
    ------
    ContractError
        If none has.
    """
    if measure != BY_TICKS and not (ticks.codes & TRADED).any():
        raise ContractError(
            f"no tick of {ticks.keys['session'][0]} has a size, so there is no volume to sample: use bars of ticks or of time, or trades as the source"
        )


def _totals(measure: int, ticks: Ticks) -> Floats:
    """Ticks, volume or dollars of each group."""
    if measure == BY_TICKS:
        return np.diff(ticks.starts).astype(np.float64)
    sums = flows.compiled(measure, ticks.price, ticks.size, ticks.codes, read_only(np.ones(len(ticks.price), np.int8)))
    return np.array([sums[begin:end].sum() for begin, end in zip(ticks.starts[:-1], ticks.starts[1:], strict=True)])
