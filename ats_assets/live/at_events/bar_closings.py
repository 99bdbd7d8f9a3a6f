"""When a bar may have closed: a test of one tick that costs next to nothing, so that rows are made where a bar ends and not at each tick.

It says so too often rather than too late: a tick that the screening refuses counts, too; of imbalance and runs bars all that is traded counts, whichever side took it. Whether a bar
has closed is said by the sampler.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from ats_assets.errors import SettingsError
from ats_assets.intraday.bar_ends import BY_DOLLARS, BY_TICKS
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.sampling import AccumulatingSampler, ExpectationSampler, TickSampling
from ats_assets.live.at_events.tick_tape import HeardTick

_NEAR = 1.0 - 1e-9
_BY_THRESHOLD = (AccumulatingSampler.ends, ExpectationSampler.ends)
"""Where bars end once enough is traded; a sampler that is derived from one of these may end them elsewhere."""
"""Sums of the same numbers in another order may differ by so much."""


class Forming(NamedTuple):
    """The bar that is forming: what is in it by the last look, and what came since; in the measure of its sampler."""

    there: float = 0.0
    since: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Closing:
    """Of one symbol and sampler.

    Attributes
    ----------
    how
        clock: at the end of an interval; sum: when ticks, volume or dollars reach the threshold; each: any tick may close one.
    width, offset
        Of intervals, in nanoseconds.
    """

    how: Literal["clock", "sum", "each"]
    width: int = 0
    offset: int = 0
    measure: int = BY_TICKS
    threshold: float = np.nan

    def after(self, forming: Forming, tick: HeardTick, newest: int) -> tuple[Forming, int | None]:
        """With one tick more, and the time from which on a bar may be known for it; None where it can have closed none.

        Parameters
        ----------
        newest
            The latest time of the ticks before it. One that comes late moves the ends of all bars after it, so that any of them may have closed.
        """
        if self.how == "clock":
            return forming, tick.at - (tick.at - self.offset) % self.width + self.width
        if self.how == "each":
            return forming, tick.at
        size, price = (value if value is not None and 0.0 < value < np.inf else 0.0 for value in (tick.size, tick.price))
        more = 1.0 if self.measure == BY_TICKS else size * price if self.measure == BY_DOLLARS else size
        forming = forming._replace(since=forming.since + more)
        return forming, tick.at if tick.at < newest or forming.there + forming.since >= self.threshold * _NEAR else None

    def looked(self, forming: Forming, bars: pl.DataFrame, known: int) -> tuple[Forming, int | None]:
        """After a look at a symbol's bars, `known` of which are known: what is in the one that is forming, and when the first of the others may be known.

        Parameters
        ----------
        bars
            Of the session so far, the one that is forming last.
        """
        if bars.is_empty():  # no price counts yet, and trades that set none may be in the first bar
            return forming, None
        left = bars[known:]
        if left.is_empty():
            return Forming(), None
        first = left.row(0, named=True)
        at = left["known_at"].cast(pl.Int64)[0]
        if self.how == "clock" or first["closed_by"] == "threshold":
            return Forming(), at
        if self.how == "each":
            return Forming(), None
        names = {BY_TICKS: "ticks", BY_DOLLARS: "dollar_volume"}
        there = first[names.get(self.measure, "volume")]
        return Forming(there=float(there or 0.0)), None


def followed(sampler: Sampler) -> Sampler:
    """The sampler as it is asked while a session goes on: the bar that is forming comes, too, whatever is kept of it in the end."""
    if not isinstance(sampler, TickSampling) or sampler.settings.keep_last:
        return sampler
    return type(sampler)(sampler.settings.model_copy(update={"keep_last": True}))


def closing_of(name: str, sampler: Sampler, symbols: tuple[str, ...], heard: tuple[pl.DataFrame, ...]) -> dict[str, Closing]:
    """How bars of a sampler close, by symbol.

    Parameters
    ----------
    heard
        What the sessions before have said of thresholds.

    Raises
    ------
    SettingsError
        If a symbol has no threshold yet, or the sampler can't be followed tick by tick.
    """
    if not isinstance(sampler, TickSampling):
        raise SettingsError(
            f"[samplers.{name}] is no `TickSampling`, so what it takes of the sessions before is not known before this one: inside a session its bars can't be "
            "made. Derive it from `ats_assets.intraday.sampling.TickSampling`"
        )
    if sampler.settings.source != "trades" or sampler.settings.reads_quotes:
        raise SettingsError(
            f'[samplers.{name}] reads quotes, of which not each one is written down: inside a session bars of trades are followed (source = "trades", '
            'spread = false, sides other than "lee_ready")'
        )
    if (clock := sampler.clock()) is not None:
        return dict.fromkeys(symbols, Closing(how="clock", width=clock[0], offset=clock[1]))
    if not isinstance(sampler, AccumulatingSampler | ExpectationSampler) or type(sampler).ends not in _BY_THRESHOLD:
        return dict.fromkeys(symbols, Closing(how="each"))
    given = sampler.settings.threshold
    told = sampler.told_before(pl.DataFrame({"symbol": list(symbols)}), heard)[:, 0] if given is None else np.full(len(symbols), given)
    if unknown := [symbol for symbol, level in zip(symbols, told, strict=True) if not level > 0.0]:
        raise SettingsError(
            f"[samplers.{name}] has no threshold for {', '.join(unknown)} yet: the sessions before have too few trades of it. Set samplers.{name}.threshold, "
            "or leave the symbol out of live.events.symbols"
        )
    return {
        s: Closing(how="sum", measure=sampler.measure, threshold=_least(sampler, float(level)))
        for s, level in zip(symbols, told, strict=True)
    }


def _least(sampler: AccumulatingSampler | ExpectationSampler, level: float) -> float:
    """What must be traded at least for a bar to close: one side alone, or the distance of both, is no more than all that is traded, and no threshold is below its floor."""
    if isinstance(sampler, ExpectationSampler) and sampler.settings.threshold is None:
        return sampler.settings.floor * level
    return level
