"""The return over a benchmark in one session, by groups (Brinson and Fachler, Journal of Portfolio Management 11, 1985; with Brinson, Hood and Beebower's names).

With a group's weights w and returns r, of the portfolio (p) and the benchmark (b), and the benchmark's return R:

    allocation     (w_p - w_b) (r_b - R)
    selection      w_b (r_p - r_b)
    interaction    (w_p - w_b) (r_p - r_b)

Summed over groups, cash among them, they are the portfolio's return less the benchmark's. A group that the benchmark has nothing of earns R there, so that all of it is
interaction, unless it is known what it would have earned, as of cash; one that the portfolio has nothing of earns r_b. A portfolio that is short within a group has no return of the group, only a contribution c_p: then selection is
c_p - w_p r_b, with the interaction in it, which is always defined.
"""

from typing import NamedTuple

import numpy as np

from ats_assets.kernels.weight_limits import Booleans, Floats

LEAST_WEIGHT = 1e-12
"""Of a group that there is something of."""


class GroupEffects(NamedTuple):
    """Arrays of shape (..., n_groups), fractions of the portfolio's value."""

    allocation: Floats
    selection: Floats
    interaction: Floats

    @property
    def total(self) -> Floats:
        """The three together."""
        return self.allocation + self.selection + self.interaction


def session_effects(
    weight: Floats,
    contribution: Floats,
    benchmark_weight: Floats,
    benchmark_contribution: Floats,
    short: Booleans,
    *,
    lacking: Floats | None = None,
) -> GroupEffects:
    """The effects of each group, arrays of shape (..., n_groups); what the weights leave is a group of its own, cash, that contributes nothing.

    Parameters
    ----------
    weight, contribution
        Of the portfolio at the close before; and the sum of weight times return of its symbols.
    benchmark_weight, benchmark_contribution
        Of the benchmark likewise; its weights, cash among them, add up to one.
    short
        Whether the portfolio is short of a symbol of the group.
    lacking
        What a group that the benchmark has nothing of would have earned, of shape (n_groups,); NaN, and by default: what the benchmark earned.

    Examples
    --------
    Bacon's three markets: 40, 30 and 30 percent, which earn 20, -5 and 6; the benchmark has 40, 20 and 40, and earns 10, -4 and 8.

    >>> p, b = np.array([0.4, 0.3, 0.3]), np.array([0.4, 0.2, 0.4])
    >>> own = session_effects(p, p * [0.2, -0.05, 0.06], b, b * [0.1, -0.04, 0.08], p < 0)
    >>> (own.allocation * 1e4).round().tolist(), (own.selection * 1e4).round().tolist(), (own.interaction * 1e4).round().tolist()
    ([0.0, -104.0, -16.0], [400.0, -20.0, -80.0], [0.0, -10.0, 20.0])
    """
    whole = benchmark_contribution.sum(axis=-1, keepdims=True)
    known, held = np.abs(benchmark_weight) > LEAST_WEIGHT, np.abs(weight) > LEAST_WEIGHT
    instead = whole if lacking is None else np.where(np.isnan(lacking), whole, lacking)
    of_benchmark = np.where(known, benchmark_contribution / np.where(known, benchmark_weight, 1.0), instead)
    over = contribution - weight * of_benchmark
    active = weight - benchmark_weight
    apart = held & ~short
    better = np.where(apart, contribution / np.where(apart, weight, 1.0) - of_benchmark, 0.0)
    selection = np.where(apart, benchmark_weight * better, over)
    return GroupEffects(active * (of_benchmark - whole), selection, np.where(apart, active * better, 0.0))
