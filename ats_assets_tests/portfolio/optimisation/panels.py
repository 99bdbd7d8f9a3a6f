"""Returns with a few common factors, as those of shares have."""

import numpy as np
from numpy.typing import NDArray


def factor_returns(seed: int, symbols: int, sessions: int = 400) -> NDArray[np.float64]:
    """Of shape (sessions, symbols), a session each."""
    random = np.random.default_rng(seed)
    factors = random.normal(size=(sessions, 3)) * 0.008
    own = random.normal(size=(sessions, symbols)) * random.uniform(0.006, 0.03, symbols)
    return factors @ random.normal(0.8, 0.5, (3, symbols)) + own
