"""The bytes of objects that were asked for, by their SHA-256: fetched when they are needed, looked at before they are used, given up when there is no room."""

import logging
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ats_assets.errors import CorruptPartitionError
from ats_assets.storage.objects.bucket import sha256_of
from ats_assets.storage.objects.commit_log import StoredObject
from ats_assets.storage.objects.placeholders import has_bytes, put_bytes, put_placeholder
from ats_assets.storage.told_file import told_text

if TYPE_CHECKING:
    from ats_assets.storage.objects.followed_log import FollowedLog

TRIES: Final = 3
"""Of a fetch whose bytes are not what the log says."""
TOLD_AGAIN: Final = 60.0
"""Seconds after which it is noted again that a file is in use."""
IN_USE: Final = 3600.0
"""Seconds in which a file that was asked for may still be read: it is not given up."""
FILLED_TO: Final = 0.9
"""To which share of what is allowed the cache is brought down."""
_Seen = tuple[tuple[int, int, int], float]
_logger = logging.getLogger(__name__)


class CachedFiles:
    """Those of one root."""

    def __init__(self, log: "FollowedLog") -> None:
        self._log = log
        self._seen: dict[Path, _Seen] = {}
        self._warned_at = -IN_USE

    def bring(self, paths: Iterable[Path]) -> int:
        """See to it that files have their bytes, and that these are what was stored; returns how many were fetched.

        Raises
        ------
        CorruptPartitionError
            If the store itself has other bytes than were written.
        """
        now = time.monotonic()
        wanted: list[Path] = []
        for path in paths:
            try:
                found = os.stat(path)  # noqa: PTH116 - asked for each file that is read
            except (FileNotFoundError, NotADirectoryError):
                continue
            seen = self._seen.get(path)
            if seen is None or seen[0] != _stamp(found) or not has_bytes(found) or now - seen[1] > TOLD_AGAIN:
                wanted.append(path)
        if not wanted:
            return 0
        keys = [self._log.key(path) for path in wanted]
        self._log.known.touch(keys, time.time())  # first: what is in use is not given up
        known = self._log.known.objects(keys)
        pairs = [(path, known[key]) for path, key in zip(wanted, keys, strict=True) if key in known]
        fetched = sum(self._log.at_once(lambda pair: self._bring(*pair), pairs))
        if fetched:
            self.make_room()
        return fetched

    def _bring(self, path: Path, stored: StoredObject) -> bool:
        """Whether bytes were fetched."""
        seen = self._seen.get(path)
        try:
            found = path.stat()
            content = path.read_bytes() if has_bytes(found) and (seen is None or seen[0] != _stamp(found)) else b""
        except OSError:  # it was removed, or replaced by a placeholder, since it was found
            found, content = None, b""
        if found is not None and has_bytes(found):
            if seen is not None and seen[0] == _stamp(found):
                self._seen[path] = (seen[0], time.monotonic())
                return False
            if stored.sha256 and sha256_of(content) == stored.sha256:
                self._seen[path] = (_stamp(found), time.monotonic())
                return False
            if stored.sha256:
                _logger.warning("%s was damaged on this machine's disk: it is fetched again", path)
        self._fetch(path, stored)
        return True

    def _fetch(self, path: Path, stored: StoredObject) -> None:
        log, key = self._log, self._log.key(path)
        for _ in range(TRIES):
            held = log.bucket.get(key)
            sha256 = sha256_of(held.content) if held else ""
            if held is not None and stored.sha256 in {"", sha256}:
                fetched = StoredObject(sha256, held.size, held.etag, stored.mtime_ns, told_text(key, held.content))
                if self._keep(path, held.content, fetched, stored):
                    return
            with log.lock:
                log.read_on()
            newer = log.known.objects([key]).get(key)
            if newer is None:
                return  # it was removed
            if newer == stored and (
                held is None or held.etag != stored.etag
            ):  # a writer is at it, or was killed, or somebody's hand was there
                log.take_in_changes([key])
                newer = log.known.objects([key]).get(key)
                if newer is None:
                    return
            stored = newer
        raise CorruptPartitionError(
            f"{log.bucket.url}/{key} is not what was written there: its SHA-256 is another. Delete it, and make it again"
        )

    def _keep(self, path: Path, content: bytes, stored: StoredObject, before: StoredObject) -> bool:
        """Put fetched bytes in their place, unless they were replaced in the store meanwhile."""
        log, key = self._log, self._log.key(path)
        with log.lock, log.known.changing():
            if log.known.objects([key]).get(key) != before:
                return False
            put_bytes(path, content, stored)
            log.known.put({key: stored}, cached=True, used=time.time())
            self._seen[path] = (_stamp(path.stat()), time.monotonic())
        return True

    def make_room(self) -> None:
        """Give up what was not read for longest, where the cache is larger than it may be."""
        log, most = self._log, int(self._log.bucket.settings.cache_gib * 2**30)
        if log.known.cached_bytes() <= most:
            return
        with log.lock, log.known.changing():
            held = log.known.cached_bytes()
            if held <= most:
                return
            given_up: list[str] = []
            for key, size in log.known.oldest_cached(time.time() - IN_USE):
                if held <= most * FILLED_TO:
                    break
                stored = log.known.objects([key])[key]
                put_placeholder(log.files / key, stored)
                given_up.append(key)
                held -= size
            log.known.uncached(given_up)
        if held > most and time.monotonic() - self._warned_at > IN_USE:
            self._warned_at = time.monotonic()
            _logger.warning(
                "the cache of %s holds %.1f GiB, more than storage.object_store.cache_gib = %g: all of it was read or written in the last hour",
                log.bucket.url, held / 2**30, log.bucket.settings.cache_gib,
            )  # fmt: skip


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_size, found.st_ino
