"""The triple barrier once more, slowly and in plain Python: one position after the other, one session after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from ats_assets.labels.methods.triple_barrier import TripleBarrierSettings


@dataclass(frozen=True)
class Bar:
    """Of one session."""

    open: float
    high: float
    low: float
    close: float
    volume: float = 1.0


@dataclass(frozen=True)
class End:
    """Of a position; sessions by their numbers."""

    symbol: str
    known: int
    decision: int
    volatility: float | None
    label: int
    returned: float
    priced: int
    exit: str


Bars = Mapping[tuple[str, int], Bar]
Factors = Mapping[tuple[str, int], float]


def volatility(bars: Bars, factors: Factors, symbol: str, decision: int, settings: TripleBarrierSettings, window: int) -> float | None:
    """As the formula of a weighted sample has it, from the oldest return on."""
    decay, found = 1 - 2 / (settings.volatility_span_sessions + 1), []
    for day in range(max(1, decision - window + 1), decision + 1):
        before, now = bars.get((symbol, day - 1)), bars.get((symbol, day))
        if before and now and before.volume and now.volume:
            found.append((decay ** (decision - day), now.close / before.close / factors.get((symbol, day), 1.0) - 1))
    if len(found) < settings.min_returns:
        return None
    weights = sum(weight for weight, _ in found)
    mean = sum(weight * value for weight, value in found) / weights
    biased = sum(weight * (value - mean) ** 2 for weight, value in found) / weights
    different = 2 * sum(one * other for (one, _), (other, _) in combinations(found, 2))
    return sqrt(biased * weights**2 / different)


def end_of(
    bars: Bars, factors: Factors, symbol: str, decision: int, settings: TripleBarrierSettings, *, window: int, sessions: int
) -> End | None:
    """What became of a decision; None where nothing was bought, or where it is not known yet."""
    if not all(bar is not None and bar.volume for bar in (bars.get((symbol, decision)), bars.get((symbol, decision + 1)))):
        return None
    deviation = volatility(bars, factors, symbol, decision, settings, window) if settings.unit == "volatility" else None
    if settings.unit == "volatility" and (deviation is None or deviation <= settings.min_volatility):
        return None
    unit = deviation or 1.0
    entry, worth, marked, vertical = bars[symbol, decision + 1].open, 0.0, 0, decision + 1 + settings.max_holding_sessions
    above = settings.upper_multiple * unit if settings.upper_multiple else float("inf")
    below = -settings.lower_multiple * unit if settings.lower_multiple else -float("inf")
    for day in range(decision + 1, min(vertical, sessions)):
        entry *= factors.get((symbol, day), 1.0) if day > decision + 1 else 1.0
        bar = bars.get((symbol, day))
        watched = bar and bar.volume and day - decision >= settings.min_holding_sessions
        met = touched(bar, entry, above, below, opening=day == decision + 1) if bar and watched else None
        if met:
            return End(symbol, day, decision, deviation, met[0], met[1], day, met[2])
        if bar:
            worth, marked = bar.close / entry - 1, day
    if vertical >= sessions:
        return None
    last = bars.get((symbol, vertical))
    if last and last.volume:
        returned = last.open / (entry * factors.get((symbol, vertical), 1.0)) - 1
        return End(symbol, vertical, decision, deviation, 0, returned, vertical, "open")
    return End(symbol, vertical, decision, deviation, 0, worth, marked, "last_close")


def touched(bar: Bar, entry: float, above: float, below: float, *, opening: bool) -> tuple[int, float, str] | None:
    """The barrier that is met in a session, the return and the exit."""
    upper, lower = entry * (1 + above), entry * (1 + below)
    if not opening and bar.open >= upper:
        return 1, bar.open / entry - 1, "open"
    if not opening and bar.open <= lower:
        return -1, bar.open / entry - 1, "open"
    if bar.low <= lower:
        return -1, below, "barrier"
    return (1, above, "barrier") if bar.high >= upper else None


def ends(bars: Bars, factors: Factors, symbols: Sequence[str], settings: TripleBarrierSettings, *, window: int, sessions: int) -> list[End]:
    """All of them, by session, decision and symbol."""
    found = (
        end_of(bars, factors, symbol, decision, settings, window=window, sessions=sessions)
        for symbol in symbols
        for decision in range(sessions)
    )
    return sorted((one for one in found if one), key=lambda one: (one.known, one.decision, one.symbol))
