"""Whole numbers that add up: a total in cents, or in lots, shared among strategies by the largest remainder.

Each part is the floor of its exact share, and what is left goes, one by one, to those whose floor cut off most (Hamilton's method). Of equal remainders the larger share comes first, then the
strategy that settings name first. All of it is in whole numbers: no order of additions, and no rounding of floats, can change a part.
"""

from collections.abc import Sequence


def apportioned(total: int, numerators: Sequence[int], denominator: int = 1) -> list[int]:
    """Parts that sum to `total`, each as near to numerator/denominator as whole numbers can be.

    Parameters
    ----------
    total
        What the parts sum to; where the shares do not sum to it, what they lack or have too much is spread as the last units are.
    numerators, denominator
        The exact shares; of any sign, the denominator positive.

    Examples
    --------
    >>> apportioned(100, [1, 1, 1], 3), apportioned(10, [20, 10, -1], 3)
    ([34, 33, 33], [7, 3, 0])
    >>> apportioned(-1, [-1, -1], 2)
    [0, -1]
    """
    floors, remainders = [], []
    for numerator in numerators:
        floor, remainder = divmod(numerator, denominator)
        floors.append(floor)
        remainders.append(remainder)
    left = total - sum(floors)
    if not left:
        return floors
    if not floors:
        raise ValueError(f"{total} can't be shared among nobody")
    order = sorted(range(len(floors)), key=lambda i: (-remainders[i], -abs(numerators[i]), i))
    every, some = divmod(left, len(floors))
    for place, i in enumerate(order):
        floors[i] += every + (place < some)
    return floors


def in_proportion(total: int, sizes: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to sizes of one sign; equal parts where all sizes are zero.

    Examples
    --------
    >>> in_proportion(100, [1, 2]), in_proportion(-5, [0, 0])
    ([33, 67], [-2, -3])
    """
    whole = sum(sizes)
    if not whole:
        return apportioned(total, [total] * len(sizes), len(sizes)) if sizes else []
    sign = 1 if whole > 0 else -1
    return apportioned(total, [total * size * sign for size in sizes], abs(whole))
