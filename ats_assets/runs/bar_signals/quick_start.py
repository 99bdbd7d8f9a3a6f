"""What makes a process that answers once start sooner."""

import atexit
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOOKS, SCIPY = "numba.np.arraymath", "scipy.linalg"


@contextmanager
def without_collector() -> Iterator[None]:
    """Look for no garbage in this block, nor as the process ends.

    Imports make a million objects that all stay: to walk through them again and again takes a quarter of the time of a process that answers once.
    """
    was_on = gc.isenabled()
    gc.disable()
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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
