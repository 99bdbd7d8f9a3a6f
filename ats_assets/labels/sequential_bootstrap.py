"""The sequential bootstrap: labels drawn one after the other, those that overlap what was drawn less likely (López de Prado, Advances in Financial Machine Learning, 2018, section 4.5)."""

# ruff: noqa: PLR0917 - kernels take arrays by position

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.errors import ContractError
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total
from ats_assets.labels.label_spans import Floats, Places, label_steps

BLOCK = 256
"""Labels whose chances are kept as one sum: a draw looks at the sums first, then at the labels of one block."""


def next_draw(decided: ArrayLike, known: ArrayLike, drawn: ArrayLike = (), group: ArrayLike | None = None) -> Floats:
    """The probability of each label to be drawn next, of shape (n_labels,): in proportion to the average uniqueness that it would have among those drawn.

    Parameters
    ----------
    decided, known, group
        As `label_spans.uniqueness`.
    drawn
        The places of the labels that were drawn, each as often as it was.

    Examples
    --------
    The book's section 4.5.3: spans of three bars, two and two, of which the second was drawn.

    >>> (14 * next_draw([0, 2, 4], [3, 4, 6], drawn=[1])).round(9).tolist()
    [5.0, 3.0, 6.0]
    """
    lengths, first, last = label_steps(decided, known, group)
    taken = np.zeros(len(lengths), np.int64)
    for one in np.asarray(drawn, dtype=np.int64):
        taken[first[one] : last[one]] += 1
    chances: Floats = _chances.compiled(lengths, taken, first, last)
    return chances / chances.sum()


def sequential_bootstrap(
    decided: ArrayLike, known: ArrayLike, *, seed: int, draws: int | None = None, group: ArrayLike | None = None
) -> Places:
    """The places of drawn labels, in the order in which they were drawn.

    Parameters
    ----------
    decided, known, group
        As `label_spans.uniqueness`.
    seed
        The same seed draws the same.
    draws
        Default: as many as there are labels.

    Raises
    ------
    ContractError
        As `label_spans.uniqueness`, and where there is no label to draw.
    """
    lengths, first, last = label_steps(decided, known, group)
    if not len(first):
        raise ContractError("there is no label to draw from: a sequential bootstrap needs one at least")
    numbers = np.random.default_rng(seed).random(len(first) if draws is None else draws)
    by_begin = np.argsort(first, kind="stable")
    reach = np.maximum.accumulate(last[by_begin])
    found: Places = _drawn.compiled(lengths, first[by_begin], last[by_begin], reach, numbers, BLOCK)
    return by_begin[found]


@kernel
def _chance(lengths: Floats, taken: Places, first: int, last: int) -> float:
    """The mean of 1 / (1 + drawn) over the steps [first, last)."""
    shares, length = 0.0, 0.0
    for step in range(first, last):
        shares += lengths[step] / (1.0 + taken[step])
        length += lengths[step]
    return shares / length


@kernel
def _chances(lengths: Floats, taken: Places, first: Places, last: Places) -> Floats:
    found = np.empty(len(first))
    for i in range(len(first)):
        found[i] = _chance(lengths, taken, first[i], last[i])
    return found


@kernel
def _drawn(lengths: Floats, first: Places, last: Places, reach: Places, numbers: Floats, size: int) -> NDArray[np.int64]:
    """Draws by numbers in [0, 1); labels ascending by `first`, `reach` the largest `last` up to each.

    After a draw only the chances of those that overlap it are recomputed, and the sums of their blocks, each from its labels: no sum drifts.
    """
    n = len(first)
    taken, chances = np.zeros(len(lengths), np.int64), np.ones(n)
    blocks = (n + size - 1) // size
    sums = np.empty(blocks)
    for block in range(blocks):
        sums[block] = total(chances[block * size : min(n, (block + 1) * size)])
    found = np.empty(len(numbers), np.int64)
    for draw in range(len(numbers)):
        left = numbers[draw] * total(sums)
        block = 0
        while block < blocks - 1 and left >= sums[block]:
            left -= sums[block]
            block += 1
        i, end = block * size, min(n, (block + 1) * size) - 1
        while i < end and left >= chances[i]:
            left -= chances[i]
            i += 1
        found[draw] = i
        taken[first[i] : last[i]] += 1
        begin = np.searchsorted(reach, first[i], side="right")
        stop = np.searchsorted(first, last[i], side="left")
        for j in range(begin, stop):
            if last[j] > first[i]:
                chances[j] = _chance(lengths, taken, first[j], last[j])
        for block in range(begin // size, (stop - 1) // size + 1):
            sums[block] = total(chances[block * size : min(n, (block + 1) * size)])
    return found
