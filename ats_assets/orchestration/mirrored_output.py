"""Standard output and error of a run's steps, in files and where they would go without them.

Dagster has `tail` repeat what is written to each file, a process a stream, and starts a Python beside each `tail` that ends it should the run be killed: four processes a run, which take a
moment of the processor and 25 MB, and drop what was written last. Here a thread repeats it, to the last byte. What a process says while the system ends it is in the file alone.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from dagster._core.execution.compute_logs import _fileno, redirect_to_file

REPEATED_EVERY: Final = 0.1
"""Seconds."""
BYTES_AT_ONCE: Final = 65_536


@contextlib.contextmanager
def mirrored(stream: TextIO, path: Path) -> Iterator[None]:
    """While open, what this process and those that it starts write to a stream is appended to a file and repeated where the stream goes.

    Parameters
    ----------
    stream
        Standard output or error. One without a file descriptor, as tests have, stays as it is.
    path
        Of the file; made with its folder if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    handle = _fileno(stream)
    if handle is None:
        yield
        return
    with path.open("rb", buffering=0) as written, contextlib.closing(_Copy(os.dup(handle))) as target:
        written.seek(0, os.SEEK_END)  # what an earlier attempt has written is not repeated again
        over = threading.Event()

        def repeat() -> None:
            with contextlib.suppress(OSError):  # whoever read it is gone: the file has it all
                going_on = True
                while going_on:
                    going_on = not over.wait(REPEATED_EVERY)
                    while content := written.read(BYTES_AT_ONCE):
                        target.write(content)

        thread = threading.Thread(target=repeat, name="mirrored", daemon=True)
        thread.start()
        try:
            with redirect_to_file(stream, str(path)):
                yield
        finally:
            over.set()
            thread.join()


class _Copy:
    """A second descriptor of where a stream goes."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._handle, left) :]

    def close(self) -> None:
        os.close(self._handle)
