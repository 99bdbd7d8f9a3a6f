"""Who of the strategies traded what, of one instrument that the account has traded: the way back from netted orders.

Each strategy wants to trade the difference between what it wants to hold and what it holds. One that buys what another sells takes it from the other: that part never goes to the market. With B the
sum of what is to be bought, S of what is to be sold, and Q what the account traded (positive for a purchase):

1. As much as possible is crossed. Where Q is less than B - S, all sellers have sold, and the buyers share S + Q in proportion to what they want; where it is more, all buyers have bought, and the
   sellers share B - Q.
2. What was traded beyond all of B (or of S) nobody asked for. Less than a lot for each strategy comes of rounding, and goes to those who wanted that side. More is forced (a call for margin, a stop at
   the broker): it reduces those who hold the other side, in proportion to what they hold; then it falls to those who wanted that side, then to those who hold it, else to all by capital.
3. Parts are whole lots, by the largest remainder (`apportionment`).
"""

from collections.abc import Sequence

from ats_assets.books.apportionment import apportioned, in_proportion


def shared_trade(net: int, wanted: Sequence[int], held: Sequence[int], capital: Sequence[int], lot: int) -> list[int]:
    """What each strategy traded; the parts sum to `net`.

    Parameters
    ----------
    net
        Units that the account traded, a multiple of the lot; negative for a sale.
    wanted, held
        Units that each strategy wants to trade, and those that it holds before; signed.
    capital
        What each strategy has of the equity, in any unit.
    lot
        Units of the smallest part.

    Examples
    --------
    >>> shared_trade(6, [10, -4], [0, 4], [1, 1], 1), shared_trade(0, [10, -4], [0, 4], [1, 1], 1)
    ([10, -4], [4, -4])
    >>> shared_trade(-4, [0, 0], [6, 2], [1, 1], 1)  # nobody wanted it
    [-3, -1]
    """
    buying, selling = [max(one, 0) for one in wanted], [max(-one, 0) for one in wanted]
    bought, sold = sum(buying), sum(selling)
    if -sold <= net <= bought:
        if net >= bought - sold:
            exact, denominator = _scaled(buying, selling, (bought - net, sold))
        else:
            sales, denominator = _scaled(selling, buying, (net + sold, bought))
            exact = [-one for one in sales]
        return [lot * one for one in apportioned(net // lot, exact, denominator * lot)]
    beyond = net - bought if net > 0 else net + sold
    side = buying if net > 0 else selling
    first = _forced(beyond, side, held, capital, lot)
    inside = [one + other for one, other in zip(side if net > 0 else [-one for one in side], first, strict=True)]
    return [lot * one for one in apportioned(net // lot, inside, lot)]


def _scaled(full: Sequence[int], other: Sequence[int], share: tuple[int, int]) -> tuple[list[int], int]:
    """One side in full less a share of the other: numerators, and their denominator."""
    part, whole = share[0], share[1] or 1
    return [one * whole - less * part for one, less in zip(full, other, strict=True)], whole


def _forced(beyond: int, side: Sequence[int], held: Sequence[int], capital: Sequence[int], lot: int) -> list[int]:
    """Of a trade that nobody asked for, what falls to each: signed units that sum to it."""
    sign = 1 if beyond > 0 else -1
    size = abs(beyond)
    if any(side) and size < lot * len(side):
        return [sign * one for one in in_proportion(size, side)]
    against = [max(-sign * one, 0) for one in held]  # those whom it takes something from; what they wanted to trade themselves is done
    against = [max(one - own, 0) for one, own in zip(against, side, strict=True)]
    reduced = min(size, sum(against))
    parts = in_proportion(reduced, against) if reduced else [0] * len(side)
    left = size - reduced
    if left:
        along = [max(sign * one, 0) for one in held]
        sizes = next((one for one in (side, along, capital) if any(one)), [1] * len(side))
        parts = [one + more for one, more in zip(parts, in_proportion(left, sizes), strict=True)]
    return [sign * one for one in parts]
