"""Files that are read one after the other, told one after the other: who waits for them sees how many are left."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

OnFile = Callable[[int, int], object]
"""Is told so many of so many files."""
F = TypeVar("F")


def untold(_done: int, _total: int) -> None:
    """Where nobody waits."""


def each_told(files: Sequence[F], reach: OnFile) -> Iterator[F]:
    """The files, in their order, told before each and after the last one.

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


class FileReading:
    """How far a source has read its files; what it reads does not depend on it.

    Attributes
    ----------
    reach
        Is told.
    """

    def __init__(self) -> None:
        self.reach: OnFile = untold

    def each(self, files: Sequence[F]) -> Iterator[F]:
        """The files, in their order."""
        return each_told(files, self.reach)


def tell_reading(source: object, reach: OnFile) -> None:
    """Have a source say how far it is, if it reads files; so does one that passes on what another one has."""
    reading = getattr(source, "reading", None)
    if isinstance(reading, FileReading):
        reading.reach = reach
