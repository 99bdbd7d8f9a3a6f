"""Asking a library that may never answer: by a thread, and for so many seconds."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


class NoAnswerError(TimeoutError):
    """An answer is owed."""


def by_a_thread(work: Callable[[], T]) -> "Future[T]":
    """Do what may never end by a thread that nobody waits for at the end of the process.

    Examples
    --------
    >>> answer_within(by_a_thread(lambda: 2), 10.0)
    2
    """
    told: Future[T] = Future()

    def do() -> None:
        try:
            told.set_result(work())
        except Exception as error:  # noqa: BLE001 - it is for whoever waits
            told.set_exception(error)

    threading.Thread(target=do, name=getattr(work, "__name__", None), daemon=True).start()
    return told


def answer_within(asked: "Future[T]", seconds: float) -> T:
    """What was answered, or raised.

    Raises
    ------
    NoAnswerError
        If there is neither after so many seconds.

    Examples
    --------
    >>> answer_within(Future(), 0.25)
    Traceback (most recent call last):
    ats_assets.workers.bounded_asking.NoAnswerError: no answer in 0.25 s
    """
    if not wait([asked], seconds).done:
        raise NoAnswerError(f"no answer in {seconds:g} s")
    return asked.result()
