"""Files that are read one after the other, told one after the other: who waits for them sees how many are left."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

OnFile = Callable[[int, int], object]
"""Is told so many of so many files."""
F = TypeVar("F")


@runtime_checkable
class TellsReading(Protocol):
    """A source that says how far it is; what it reads does not depend on it.

    Attributes
    ----------
    reach
        Is told before each file and after the last one.
    """

    reach: OnFile


def untold(_done: int, _total: int) -> None:
    """Where nobody waits."""


def each_told(files: Sequence[F], reach: OnFile) -> Iterator[F]:
    """The files, in their order.

    Examples
    --------
    >>> seen = []
    >>> list(each_told(["a.csv", "b.csv"], lambda done, total: seen.append((done, total)))), seen
    (['a.csv', 'b.csv'], [(0, 2), (1, 2), (2, 2)])
    """
    for done, file in enumerate(files):
        reach(done, len(files))
        yield file
    reach(len(files), len(files))


def tell_reading(source: object, reach: OnFile) -> None:
    """Have a source say how far it is, if it can."""
    if isinstance(source, TellsReading):
        source.reach = reach
