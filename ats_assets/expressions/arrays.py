"""Array types."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Contiguous float64, NaN = missing."""

Values = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.bool_]
"""What a step gives, of shape (n_rows,): numbers (NaN = missing), in single precision until a window widens them, or conditions."""
