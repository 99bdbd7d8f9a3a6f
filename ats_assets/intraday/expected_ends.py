"""Bars that close when one side takes more than was to be expected: imbalance and runs bars.

López de Prado, Advances in Financial Machine Learning, 2018, section 2.3.2. With b the side of a tick (1 bought, -1 sold) and v what it is measured in (one, its size,
its dollars), a bar closes at the first T with

- imbalance:  |sum of b v|  >=  E[T] |E[b v]|
- runs:  max(sum of v bought, sum of v sold)  >=  E[T] max(E[v bought], E[v sold])

where the expectations for each tick are exponential averages over the bars before. As written there the threshold feeds on itself: a short bar makes the next one
shorter, down to one tick, and where buying and selling are even it is zero; a long bar makes the next one longer, until none closes. So

- E[T] stays within `span` times, or a `span`-th, of what it is at the session's beginning;
- the threshold stays between `floor` and `cap` times a **level**, which the sessions before have shown: the constant threshold at which a session would have had
  the wanted number of bars (`level_for`). It allows for the size of trades and for how long their sides persist, as a formula for random signs does not.
- averages and level begin anew with each session, from the sessions before: they are a function of a bounded window.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

import math
from typing import Final, NamedTuple

import numpy as np

from ats_assets.intraday.bar_ends import (
    AT_FIRST,
    BY_DOLLARS,
    BY_TICKS,
    TRADED,
    BarEnds,
    Codes,
    Floats,
    Places,
    doubled,
    end_of_instant,
    first_price,
)
from ats_assets.kernels.kernel import kernel

HALVINGS: Final = 32
"""Steps in which a level is found: it is then exact to a few parts in a million."""


class ExpectationRule(NamedTuple):
    """When such a bar closes.

    Parameters
    ----------
    runs
        Whether the larger side counts, instead of the distance of both.
    floor, cap
        Of the threshold, in levels.
    span
        How far the expected number of ticks may go from that of the session's beginning, as a factor.
    weight
        Of the newest bar in the averages.
    """

    runs: bool
    floor: float
    cap: float
    span: float
    weight: float


@kernel
def flows(measure: int, price: Floats, size: Floats, codes: Codes, sides: Codes) -> Floats:
    """What each tick adds, with the sign of its side, of shape (n_ticks,)."""
    signed = np.empty(len(price))
    for i in range(len(price)):
        counted = 1.0 if codes[i] & TRADED or measure == BY_TICKS else 0.0
        counted = counted if measure == BY_TICKS else counted * size[i]
        signed[i] = sides[i] * (counted * price[i] if measure == BY_DOLLARS else counted)
    return signed


@kernel
def _one_sided(runs: bool, signed: Floats, begin: int, end: int, threshold: float) -> tuple[int, float, float]:
    """After the tick at which a bar reaches its threshold, after one at the earliest and at the end at the latest; what was bought and sold until then."""
    bought, sold, i = 0.0, 0.0, begin
    if runs:
        while i < end and (i == begin or max(bought, sold) < threshold):
            bought += max(signed[i], 0.0)
            sold += max(-signed[i], 0.0)
            i += 1
    else:
        while i < end and (i == begin or abs(bought - sold) < threshold):
            bought += max(signed[i], 0.0)
            sold += max(-signed[i], 0.0)
            i += 1
    return i, bought, sold


@kernel
def expected_ends(
    rule: ExpectationRule,
    signed: Floats,
    codes: Codes,
    at: Places,
    starts: Places,
    levels: Floats,
    ticks: Floats,
    buys: Floats,
    sells: Floats,
) -> BarEnds:
    """Imbalance or runs bars; see the module.

    Parameters
    ----------
    signed
        Of shape (n_ticks,); see `flows`.
    codes, at, starts
        As `bar_ends.accumulated_ends`.
    levels, ticks, buys, sells
        Of shape (n_groups,), as they are expected at the beginning of each: the level, the ticks of a bar, and what is bought and sold with each tick. No bars of a
        group whose level or ticks are not positive, or NaN.
    """
    begins, ends, groups = np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64), np.empty(AT_FIRST, np.int64)
    thresholds, reached = np.empty(AT_FIRST), np.empty(AT_FIRST, np.bool_)
    n = 0
    for group in range(len(starts) - 1):
        begin, end = starts[group], starts[group + 1]
        least = first_price(codes, begin, end) + 1
        level, length, buy, sell = levels[group], ticks[group], buys[group], sells[group]
        while begin < end and least <= end and level > 0.0 and length > 0.0:
            expected = length * (max(buy, sell) if rule.runs else abs(buy - sell))
            threshold = min(max(expected, rule.floor * level), rule.cap * level)
            stop, bought, sold = _one_sided(rule.runs, signed, begin, end, threshold)
            filled = max(bought, sold) if rule.runs else abs(bought - sold)
            stop = end_of_instant(at, max(stop, least), end)
            if n == len(ends):
                begins, ends, groups, thresholds, reached = (
                    doubled(begins),
                    doubled(ends),
                    doubled(groups),
                    doubled(thresholds),
                    doubled(reached),
                )
            begins[n], ends[n], groups[n], thresholds[n], reached[n] = begin, stop, group, threshold, filled >= threshold
            n += 1
            size = float(stop - begin)
            length = min(max(length + rule.weight * (size - length), ticks[group] / rule.span), ticks[group] * rule.span)
            buy, sell = buy + rule.weight * (bought / size - buy), sell + rule.weight * (sold / size - sell)
            begin = stop
    return BarEnds(begins[:n], ends[:n], groups[:n], thresholds[:n], reached[:n])


@kernel
def level_for(runs: bool, signed: Floats, at: Places, begin: int, end: int, wanted: float) -> float:
    """The constant threshold at which ticks begin to end would make at most `wanted` bars, by halving on a logarithmic scale; NaN where no tick has a side."""
    total = 0.0
    for i in range(begin, end):
        total += abs(signed[i])
    if not total > 0.0:
        return np.nan
    low, high = total / (end - begin) / 1e3, total
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        n, i = 0, begin
        while i < end and n <= wanted:
            stop, bought, sold = _one_sided(runs, signed, i, end, middle)
            i = end_of_instant(at, stop, end)
            n += 1 if (max(bought, sold) if runs else abs(bought - sold)) >= middle else 0
        if n > wanted:
            low = middle
        else:
            high = middle
    return high


@kernel
def expectations(runs: bool, signed: Floats, at: Places, starts: Places, wanted: float) -> tuple[Floats, Floats, Floats, Floats]:
    """What each group says of the sessions after it: its level, ticks of a bar, and what was bought and sold with each tick, each of shape (n_groups,)."""
    n = len(starts) - 1
    levels, ticks, buys, sells = np.full(n, np.nan), np.empty(n), np.zeros(n), np.zeros(n)
    for group in range(n):
        begin, end = starts[group], starts[group + 1]
        ticks[group] = (end - begin) / wanted
        if end > begin:
            levels[group] = level_for(runs, signed, at, begin, end, wanted)
            for i in range(begin, end):
                buys[group] += max(signed[i], 0.0)
                sells[group] += max(-signed[i], 0.0)
            buys[group] /= end - begin
            sells[group] /= end - begin
    return levels, ticks, buys, sells
