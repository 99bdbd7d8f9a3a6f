"""What makes a process that answers once start sooner."""

import importlib
import sys

LOOKS, SCIPY = "numba.np.arraymath", "scipy.linalg"


def import_numba_without_scipy() -> None:
    """Import numba, where it is not imported yet, without the linear algebra of SciPy, which takes a fifth of a second more and which no kernel here calls.

    Numba looks for it once, to compute `np.correlate` and `np.convolve` by it in code that it compiles, and goes on without it. Whoever imports SciPy later gets it.
    """
    if LOOKS in sys.modules or SCIPY in sys.modules:
        return
    sys.modules[SCIPY] = None  # pyright: ignore[reportArgumentType] - Python's way to say that an import fails
    try:
        importlib.import_module(LOOKS)
    finally:
        del sys.modules[SCIPY]
