"""Where the boundary of early exercise is wanted, and where integrals need it: places that are the same for all options, as shares of the time to expiry.

The boundary is wanted at Chebyshev nodes of √t. Between them the square of ln(B(0) / B) is interpolated, which is nearly a polynomial; where the integrals need it depends on the nodes alone, so that interpolation
is one matrix for all options.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NODES: Final = 12
POINTS: Final = 12
PRICE_POINTS: Final = 24
SIZE: Final = NODES * POINTS
"""Points of the integrals of all nodes."""


def _interpolation(at: Floats) -> Floats:
    """The matrix that makes values at places in [-1, 1] of those at -cos(i pi / n), i = 1 to n, where that at i = 0 is zero: of shape (n, n_places)."""
    i = np.arange(NODES + 1)
    halved = np.where((i == 0) | (i == NODES), 0.5, 1.0)
    angles = np.pi - i * np.pi / NODES
    heights = 2.0 / NODES * halved[:, None] * halved[None, :] * np.cos(i[:, None] * angles[None, :])
    return np.ascontiguousarray((np.cos(i[None, :] * np.arccos(np.clip(at, -1.0, 1.0))[:, None]) @ heights).T[1:])


def _quarter(points: int) -> tuple[Floats, Floats]:
    """Angles in (0, pi / 2) and weights of Gauss and Legendre's rule.

    An integral over u in (0, T) is one over the angle with √u = √T sin and √(T - u) = √T cos: the integrands are smooth in both roots, at either end.
    """
    x, weights = np.polynomial.legendre.leggauss(points)
    return (1.0 + x) * np.pi / 4.0, weights * np.pi / 4.0


_ANGLES, _W = _quarter(POINTS)
NODE_ROOT: Final = (1.0 - np.cos(np.arange(1, NODES + 1) * np.pi / NODES)) / 2.0
"""Of each node the root of its time to expiry, as a share of that of the longest."""
_SHARE = NODE_ROOT[:, None] ** 2
LEFT: Final = np.ascontiguousarray((_SHARE * np.sin(_ANGLES) ** 2).ravel())
"""Of the integrals of a node, the time from a point to the node, as a share of the time to expiry; node after node."""
PASSED: Final = np.ascontiguousarray((_SHARE * np.cos(_ANGLES) ** 2).ravel())
"""The time from expiry to a point."""
ROOT_LEFT: Final = np.sqrt(LEFT)
OVER_ROOT_LEFT: Final = 1.0 / ROOT_LEFT
WEIGHT: Final = np.ascontiguousarray((_SHARE * np.sin(2.0 * _ANGLES) * _W).ravel())
BETWEEN: Final = _interpolation(2.0 * np.sqrt(PASSED) - 1.0)
"""From the nodes to the points, of shape (NODES, SIZE)."""
AT_POINT: Final = np.ascontiguousarray(BETWEEN.T).ravel()
"""The same, point after point."""
_PRICE_ANGLES, _WP = _quarter(PRICE_POINTS)
PRICE_ROOT: Final = np.sin(_PRICE_ANGLES)
PRICE_LEFT: Final = PRICE_ROOT**2
PRICE_WEIGHT: Final = np.sin(2.0 * _PRICE_ANGLES) * _WP
PRICE_BETWEEN: Final = _interpolation(2.0 * np.cos(_PRICE_ANGLES) - 1.0)
