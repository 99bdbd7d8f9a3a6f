"""Work done by several processes beside this one, each result as soon as it is there.

Processes and not threads: Python's own part of a fit holds its lock. They are none that fork, since the threads of libraries do not survive that.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Generic, TypeVar

from ats_assets.storage.second_process import WorkerProcess

Task = TypeVar("Task")


class WorkerProcesses(Generic[Task]):
    """Processes that do one kind of work while the block is open; an error, or an interrupt, ends them at once.

    Parameters
    ----------
    work
        A function at the top of a module; it is called with the task.
    processes
        How many; each is started with its first task.

    Examples
    --------
    >>> from math import factorial
    >>> with WorkerProcesses(factorial, 2) as workers:
    ...     dict(workers.done([3, 4, 5])) == {3: 6, 4: 24, 5: 120}
    True
    """

    def __init__(self, work: Callable[[Task], Any], processes: int) -> None:
        self._work = work
        self._processes = [WorkerProcess() for _ in range(processes)]

    def __enter__(self) -> "WorkerProcesses[Task]":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        for process in self._processes:
            if error is not None:
                process.kill()
            process.close()

    def done(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        """Tasks with their results, in the order in which these are there.

        Raises
        ------
        SecondProcessError
            What the work raised, as text, or that a process ended.
        """
        waiting, free = iter(tasks), list(self._processes)
        under_way: dict[Future[Any], tuple[Task, WorkerProcess]] = {}
        while True:
            while free and (task := next(waiting, self)) is not self:
                process = free.pop(0)
                under_way[process.submit(self._work, (task,))] = (task, process)  # pyright: ignore[reportArgumentType]
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                task, process = under_way.pop(future)
                free.append(process)
                yield task, future.result()
