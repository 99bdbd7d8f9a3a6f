"""Answers kept as bytes, so that a question that was asked before costs a look at some files instead of a query.

1. Before an answer is made, its files are looked at (`FilesSeen`): the folders in which a newer session would appear, and the partitions themselves.
2. The bytes are kept with what was seen, whole and compressed, under path and query.
3. When the same is asked again, the files are looked at again: a partition that was replaced, or a new session, is another time or inode, and the answer is made anew. So an
   answer is never older than what is stored when it is asked for, and nothing stays open.
"""

import gzip
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

Seen = tuple[tuple[int, int, int] | None, ...]
_COMPRESSED_FROM = 1_400
"""Bytes; what is smaller goes in one packet anyway."""


class FilesSeen:
    """Files and folders as they are when they are looked at: time, inode and size of each; None where there is none.

    Parameters
    ----------
    before
        Called before each look: brings the folders of an object store up to date.
    """

    def __init__(self, paths: Iterable[Path], before: Callable[[], None] = lambda: None) -> None:
        self._paths = tuple(map(str, paths))
        self._before = before
        self.seen = self._look()

    def are_the_same(self) -> bool:
        """Whether none has changed since."""
        return self._look() == self.seen

    def _look(self) -> Seen:
        self._before()
        return tuple(map(_signature, self._paths))


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - some with each request
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


@dataclass(frozen=True)
class ReadyAnswer:
    """An answer as bytes.

    Attributes
    ----------
    route
        That made it, as it is declared.
    tag
        Its ETag, uncompressed.
    """

    route: str
    tag: str
    body: bytes
    compressed: bytes | None
    files: FilesSeen

    @property
    def compressed_tag(self) -> str:
        """The ETag of the compressed bytes, which are others."""
        return f'{self.tag[:-1]}-gzip"'


class ReadyAnswers:
    """Kept answers, up to a number of bytes; those that were asked for longest ago go first.

    Parameters
    ----------
    most_bytes
        Of all bodies, whole and compressed.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, bytes], ReadyAnswer] = OrderedDict()
        self._bytes = 0

    def find(self, path: str, query: bytes) -> ReadyAnswer | None:
        """What was answered to the same question, if it would be the same now."""
        kept = self._kept.get((path, query))
        if kept is None:
            return None
        if kept.files.are_the_same():
            with self._lock:
                if (path, query) in self._kept:
                    self._kept.move_to_end((path, query))
            return kept
        self._drop((path, query))
        return None

    def keep(self, path: str, query: bytes, *, route: str, tag: str, body: bytes, files: FilesSeen) -> ReadyAnswer:
        """Keep an answer that was made after its files were looked at."""
        compressed = gzip.compress(body, compresslevel=6, mtime=0) if len(body) >= _COMPRESSED_FROM else None
        made = ReadyAnswer(route=route, tag=tag, body=body, compressed=compressed, files=files)
        self._drop((path, query))
        with self._lock:
            self._kept[path, query] = made
            self._bytes += _size(made)
            while self._bytes > self._most and len(self._kept) > 1:
                _, old = self._kept.popitem(last=False)
                self._bytes -= _size(old)
        return made

    def _drop(self, key: tuple[str, bytes]) -> None:
        with self._lock:
            if key in self._kept:
                self._bytes -= _size(self._kept.pop(key))


def _size(answer: ReadyAnswer) -> int:
    return len(answer.body) + len(answer.compressed or b"")
