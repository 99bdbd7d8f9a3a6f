"""PyTorch, imported when a net is trained and never to score."""

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ats_assets.errors import ModelError

_LOCK: Final = threading.Lock()
_FITS: Final = {"under_way": 0, "threads": 0}


def pytorch() -> Any:
    """PyTorch.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ModelError(
            f"nets are trained by PyTorch, which can't be imported ({error}): python3 dev.py torch installs it, or pip install 'ats-assets[torch]'"
        ) from error


@contextmanager
def one_thread_an_operation() -> Iterator[Any]:
    """PyTorch, whose operations take one thread each: sums that several threads share would depend on their number.

    That is a setting of the process. While several fits are under way at once it stays, and the last one to end puts back what was there.
    """
    torch = pytorch()
    with _LOCK:
        if not _FITS["under_way"]:
            _FITS["threads"] = torch.get_num_threads()
        _FITS["under_way"] += 1
        torch.set_num_threads(1)
    try:
        yield torch
    finally:
        with _LOCK:
            _FITS["under_way"] -= 1
            if not _FITS["under_way"]:
                torch.set_num_threads(_FITS["threads"])
