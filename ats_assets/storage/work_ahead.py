"""Work on the next items by other threads while the caller does something with the results of those before."""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import polars as pl

Item = TypeVar("Item")
Result = TypeVar("Result")
THREADS: Final = 4
"""At most, and no more than Polars may have: a worker has few."""


def worked_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int | None = None, ahead: int | None = None
) -> Generator[Result, None, None]:
    """The results of `work` for items, in their order.

    Who may stop before the last one closes it (`contextlib.closing`): else what waits is still worked on, as long as an error's traceback holds the iterator.

    Parameters
    ----------
    work
        Called by several threads at once; it gains where it lets go of Python's lock, as hashing, compression and Polars do.
    items
        Taken by the caller's thread, `ahead` of those whose results it has.
    threads
        That work at once; default: as many as Polars has, up to `THREADS`.
    ahead
        Results that wait for the caller at most, so that memory stays small however many items there are; default: two for each thread.

    Examples
    --------
    >>> list(worked_ahead(len, ["a", "bbb", ""]))
    [1, 3, 0]
    """
    threads = threads or min(THREADS, pl.thread_pool_size())  # not asked for before: it starts Polars' threads
    ahead = ahead or 2 * threads
    others = iter(items)
    first = list(itertools.islice(others, 2))
    if len(first) < 2:  # no thread for a single one
        yield from map(work, first)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        try:
            for item in itertools.chain(first, others):
                waiting.append(pool.submit(work, item))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
