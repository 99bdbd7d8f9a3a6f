"""The end of a process without a search for garbage in all that it has imported.

At its end Python looks for objects that only refer to each other, to free them one by one. After imports as large as MLflow, Great Expectations and Dagster that takes longer
than most commands, and the system takes the memory back at once anyway. What is to be done at the end (`atexit`, `weakref.finalize`, buffers of open files) is done all the same.
"""

import atexit
import functools
import gc


@functools.cache
def end_quickly() -> None:
    """From now on, this process ends without that search: what there is at the end is none of the collector's business any more."""
    atexit.register(gc.freeze)
