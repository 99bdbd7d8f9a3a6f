"""Bars as the book describes them, tick by tick in plain Python: what the kernels are compared with."""

from dataclasses import dataclass

import numpy as np

from ats_assets.intraday.bar_ends import BY_DOLLARS, BY_TICKS, EXTREME, PRICED, TRADED
from ats_assets.intraday.expected_ends import ExpectationRule
from ats_assets.intraday.tick_arrays import read_only


@dataclass(frozen=True)
class Tick:
    """One tick of one session."""

    at: int
    price: float
    size: float
    code: int

    def measured(self, measure: int) -> float:
        if measure == BY_TICKS:
            return 1.0
        if not self.code & TRADED:
            return 0.0
        return self.price * self.size if measure == BY_DOLLARS else self.size


def random_ticks(seed: int, n: int, *, spread: float = 0.02) -> list[Tick]:
    """A walk with several ticks of one instant, and ticks that count for a part of what they tell."""
    random = np.random.default_rng(seed)
    at = np.cumsum(random.choice([0, 1, 1, 5, 70], n)).tolist()
    price = np.round(50.0 + np.cumsum(random.choice([-spread, 0.0, 0.0, spread], n)), 2).tolist()
    size = np.ceil(random.lognormal(3.0, 1.5, n)).tolist()
    code = (PRICED * (random.random(n) < 0.9) + TRADED * (random.random(n) < 0.9) + EXTREME * (random.random(n) < 0.9)).tolist()
    return [Tick(*one) for one in zip(at, price, size, code, strict=True)]


def arrays(sessions: list[list[Tick]]) -> dict[str, np.ndarray]:
    """The same for the kernels."""
    every = [tick for ticks in sessions for tick in ticks]
    made = {
        "price": np.array([tick.price for tick in every], dtype=np.float64),
        "size": np.array([tick.size for tick in every], dtype=np.float64),
        "codes": np.array([tick.code for tick in every], dtype=np.int8),
        "at": np.array([tick.at for tick in every], dtype=np.int64),
        "starts": np.cumsum([0, *map(len, sessions)]),
    }
    return {name: read_only(values) for name, values in made.items()}


def sides_of(ticks: list[Tick]) -> list[int]:
    """The tick rule."""
    last, side, found = None, 0, []
    for tick in ticks:
        if tick.code & PRICED:
            if last is not None and tick.price != last:
                side = 1 if tick.price > last else -1
            last = tick.price
        found.append(side)
    return found


def accumulated(measure: int, ticks: list[Tick], threshold: float) -> list[tuple[int, int, bool]]:
    """Begin, end and whether the threshold was reached, of each bar."""
    bars, begin, filled, priced = [], 0, 0.0, False
    for i, tick in enumerate(ticks):
        filled += tick.measured(measure)
        priced = priced or bool(tick.code & PRICED)
        is_last = i + 1 == len(ticks)
        if priced and (is_last or (filled >= threshold and ticks[i + 1].at != tick.at)):
            bars.append((begin, i + 1, filled >= threshold))
            begin, filled = i + 1, 0.0
    return bars


def intervals(ticks: list[Tick], width: int, offset: int) -> list[tuple[int, int, bool]]:
    """The same of intervals of the clock."""
    bars: dict[int, list[int]] = {}
    for i, tick in enumerate(ticks):
        bars.setdefault((tick.at - offset) // width, []).append(i)
    priced = [i for i, tick in enumerate(ticks) if tick.code & PRICED]
    return [(held[0], held[-1] + 1, True) for held in bars.values() if priced and priced[0] <= held[-1]]


def expected(
    rule: ExpectationRule, measure: int, ticks: list[Tick], level: float, length: float, buy: float, sell: float
) -> list[tuple[int, int, float, bool]]:
    """Begin, end, threshold and whether it was reached, of imbalance and runs bars: AFML 2.3.2 with its expectations between bounds."""
    sides, first = sides_of(ticks), length
    bars, begin, bought, sold, priced, reached = [], 0, 0.0, 0.0, False, False
    for i, tick in enumerate(ticks):
        wanted = length * (max(buy, sell) if rule.runs else abs(buy - sell))
        threshold = min(max(wanted, rule.floor * level), rule.cap * level)
        priced = priced or bool(tick.code & PRICED)
        if not reached:  # what comes after it at the same instant is of this bar, but not of its flow
            bought += tick.measured(measure) if sides[i] > 0 else 0.0
            sold += tick.measured(measure) if sides[i] < 0 else 0.0
            reached = (max(bought, sold) if rule.runs else abs(bought - sold)) >= threshold
        is_last = i + 1 == len(ticks)
        if priced and (is_last or (reached and ticks[i + 1].at != tick.at)):
            bars.append((begin, i + 1, threshold, reached))
            n = i + 1 - begin
            length = min(max(length + rule.weight * (n - length), first / rule.span), first * rule.span)
            buy, sell = buy + rule.weight * (bought / n - buy), sell + rule.weight * (sold / n - sell)
            begin, bought, sold, reached = i + 1, 0.0, 0.0, False
    return bars
