"""How large the best of many t-statistics is by chance alone.

Who looks at many features finds a large t among them without any skill (Harvey, Liu and Zhu, Review of Financial Studies 29, 2016). For `n` independent ones without skill,
each standard normal, the largest |t| stays below x with probability (2 Phi(x) - 1)^n. Features that resemble each other are fewer than `n` independent ones: then both figures
are on the safe side.
"""

from statistics import NormalDist

import numpy as np

GRID = np.linspace(0.0, 12.0, 2401)
"""Where the expectation is summed up: beyond 12 nothing is left."""
CHANCE = 0.05


def expected_largest_t(n: int) -> float:
    """The expected largest |t| of `n` independent features without skill: the integral of 1 - (2 Phi(x) - 1)^n.

    Examples
    --------
    >>> [round(expected_largest_t(n), 2) for n in (1, 20, 158)]
    [0.8, 2.17, 2.89]
    """
    within = np.array([2.0 * NormalDist().cdf(x) - 1.0 for x in GRID])
    return float(np.trapezoid(1.0 - within**n, GRID))


def t_of_chance(n: int, chance: float = CHANCE) -> float:
    """What the largest |t| of `n` independent features without skill exceeds with a probability of `chance` (Šidák).

    Examples
    --------
    >>> [round(t_of_chance(n), 2) for n in (1, 20, 158)]
    [1.96, 3.02, 3.59]
    """
    return NormalDist().inv_cdf((1.0 + (1.0 - chance) ** (1.0 / n)) / 2.0)
