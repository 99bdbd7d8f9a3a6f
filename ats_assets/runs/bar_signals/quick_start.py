"""What makes a process that answers once start sooner."""

import atexit
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOOKS, NOT_CALLED = "numba.np.arraymath", ("scipy.linalg", "cffi")


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


def import_numba_alone() -> None:
    """Import numba, where it is not imported yet, without SciPy's linear algebra and CFFI, which take a fifth of a second more and which no kernel here calls.

    Numba looks for them once, to compile `np.correlate` and `np.convolve`, and functions of CFFI, and goes on without them. Whoever imports them later gets them.
    """
    hidden = [name for name in NOT_CALLED if name not in sys.modules]
    if LOOKS in sys.modules or NOT_CALLED[0] not in hidden:
        return
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - Python's way to say that an import fails
    try:
        importlib.import_module(LOOKS)
    finally:
        for name in hidden:
            del sys.modules[name]
