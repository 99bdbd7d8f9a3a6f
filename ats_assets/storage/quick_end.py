"""The search for garbage in a process that has imported much, works something through and ends.

Python looks for objects that only refer to each other again and again, the oftener the more objects there are, and once more at the end, to free them one by one. After imports
as large as MLflow, Great Expectations and Dagster that takes a tenth of a run, and at the end longer than most commands, while the system takes the memory back at once anyway.
What is to be done at the end (`atexit`, `weakref.finalize`, buffers of open files) is done all the same.
"""

import atexit
import contextlib
import functools
import gc
from collections.abc import Iterator
from typing import Final

RARELY: Final = (50_000, 20, 20)
"""New objects after which garbage is looked for among them, and how often until older ones are looked through, too."""
_usually: Final[list[tuple[int, int, int]]] = []
"""The same as it was before `collect_rarely`."""


@functools.cache
def end_quickly() -> None:
    """From now on, this process ends without that search: what there is at the end is none of the collector's business any more."""
    atexit.register(gc.freeze)


def collect_rarely() -> None:
    """From now on, look for garbage less often: to be called before imports, nearly all of which stay."""
    if not _usually:
        _usually.append(gc.get_threshold())
    gc.set_threshold(*RARELY)


@contextlib.contextmanager
def collected_as_before() -> Iterator[None]:
    """Once it is closed, garbage is looked for as before `collect_rarely`."""
    try:
        yield
    finally:
        while _usually:
            gc.set_threshold(*_usually.pop())


@contextlib.contextmanager
def kept_for_good() -> Iterator[None]:
    """While open, what is there now is taken for no garbage and not looked through any more; afterwards all is as before `collect_rarely`."""
    outer = gc.get_freeze_count() == 0
    if outer:
        gc.freeze()
    with collected_as_before():
        try:
            yield
        finally:
            if outer:
                gc.unfreeze()


def collect_new() -> None:
    """Look for garbage among what has come to be since `kept_for_good` was opened, or since the last look, and keep the rest for good, too, so that it takes little.

    Where it is not open, the collector's own rule is enough.
    """
    if _usually and gc.get_freeze_count():
        gc.collect()
        gc.freeze()
