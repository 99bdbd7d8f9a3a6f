"""What makes a process that answers once start sooner."""

import atexit
import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOKS: Final = ("numba.np.arraymath", "numba.core.typing.cffi_utils")
"""Modules of numba that look for what is `NOT_CALLED`; the second is otherwise imported with the first kernel."""
NOT_CALLED: Final = ("scipy", "scipy.linalg", "cffi")
OWN_SETTINGS: Final = Path(".numba_config.yaml")
"""That numba reads in the current folder, where it can read YAML."""


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
    """Import numba, where it is not imported yet, without SciPy, CFFI and a reader of YAML, which take a fifth of a second more and which no kernel here calls.

    Numba looks for them once, to compile `np.correlate` and `np.convolve`, and functions of CFFI, and to read its settings if there are any in the current folder, and goes on without
    them. Whoever imports them later gets them.
    """
    names = NOT_CALLED if OWN_SETTINGS.exists() else (*NOT_CALLED, "yaml")
    hidden = [name for name in names if name not in sys.modules]
    if LOOKS[0] in sys.modules or NOT_CALLED[0] not in hidden:
        return
    for name in hidden:
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - Python's way to say that an import fails
    try:
        for name in LOOKS:
            importlib.import_module(name)
    finally:
        for name in hidden:
            del sys.modules[name]
