"""Which of Celery's workers are there, and what they have in their hands.

A worker's program may end with what it had: it does so by itself where one of its processes is killed while it starts. Nobody tells the run, and the broker hands out again only after an
hour what it has given to somebody. So the run asks.
"""

from collections.abc import Callable, Collection
from typing import Any

from celery import Celery


class CeleryPresence:
    """Asks the workers that listen to the application's queue.

    Parameters
    ----------
    seconds
        In which they answer.
    before_each
        Called before each question: several that nobody answers take several times as long.
    """

    def __init__(self, app: Celery, seconds: float, before_each: Callable[[], None]) -> None:
        self._app, self._seconds, self._before_each = app, seconds, before_each
        self._names: list[str] = []

    def listening(self) -> list[str]:
        """The names of those that answer: a broker may have workers of other queues, such as those that do whole runs."""
        self._before_each()
        queues = self._app.control.inspect(timeout=self._seconds).active_queues() or {}
        return [name for name, told in queues.items() if any(one["name"] == self._app.conf.task_default_queue for one in told)]

    def processes(self) -> int:
        """How many processes those that answer have."""
        self._names = self.listening()
        told = self._asked("stats").values()
        return sum(len(one.get("pool", {}).get("processes", ())) or 1 for one in told)

    def known(self, pieces: Collection[str]) -> set[str] | None:
        """Which pieces of work, by their names, wait at the broker or are with a worker; None where no worker answers."""
        wanted = list(pieces)
        waiting = b"".join(
            self._app.backend.client.lrange(self._app.conf.task_default_queue, 0, -1)
        )  # first: what is taken meanwhile is with a worker
        in_hand = {name for name in wanted if name.encode() not in waiting}
        told = self._asked("query_task", wanted)
        if not told or len(told) < len(self._names) or in_hand - {name for of_worker in told.values() for name in of_worker}:
            self._names = self.listening()  # some may be gone, and others new
            told = self._asked("query_task", wanted)
        if not self._names:
            return None
        return (set(wanted) - in_hand) | {name for of_worker in told.values() for name in of_worker}

    def _asked(self, question: str, *what: Any) -> dict[str, Any]:
        """What each of those that are known to be there answers, as soon as all have."""
        if not self._names:
            return {}
        self._before_each()
        them = self._app.control.inspect(destination=self._names, timeout=self._seconds, limit=len(self._names))
        return getattr(them, question)(*what) or {}
