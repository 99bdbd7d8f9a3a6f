"""The log of writes as one machine follows it: names and table are brought to what its records say, and what nobody has told the end of is looked at."""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from filelock import FileLock

from ats_assets.errors import ObjectStoreError, StoreDeniedError
from ats_assets.storage.objects.bucket import Bucket, Held, TakenError, sha256_of
from ats_assets.storage.objects.commit_log import (
    CHECKPOINT,
    CHECKPOINT_EVERY,
    CONTROL,
    LOCAL,
    Checkpoint,
    LogRecord,
    StoredObject,
    record_key,
)
from ats_assets.storage.objects.known_objects import KnownObjects
from ats_assets.storage.objects.placeholders import put_placeholder
from ats_assets.storage.objects.probing import require_conditional_writes
from ats_assets.storage.processes import is_alive, this_process
from ats_assets.storage.told_file import told_text
from ats_assets.storage.write_log import WriteLog

OPEN_SECONDS: Final = 600.0
"""After which an intent of another machine that stays open is taken for one of a killed process. It is longer than a write takes where the store is busy: what is written after
its intent was closed would be told by nobody if its writer dies."""
ALONE: Final = 3
"""Records that are read one after the other; further ones come several at once, for a machine that was away."""
Item = TypeVar("Item")
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class FollowedLog:
    """The log of one root.

    Parameters
    ----------
    bucket
        The root.
    folder
        Where what is known of it is kept.
    """

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self.bucket = bucket
        self.files = folder / "files"
        self.known = KnownObjects(folder / "known.sqlite")
        self.lock = FileLock(folder / "lock")
        self._announced = WriteLog(self.files)
        self._opened_by = 0
        self._next_look = 0.0
        self._looking = threading.Lock()

    def key(self, path: Path) -> str:
        """The object of a file."""
        return path.relative_to(self.files).as_posix()

    def look(self, *, now: bool = False) -> None:
        """Read the log on, if that was not done lately, or in any case (`now`)."""
        if now:
            self.read_on()
            self._next_look = time.monotonic() + self.bucket.settings.look_seconds
            return
        if time.monotonic() < self._next_look and self._opened_by == os.getpid():
            return
        if not self._looking.acquire(blocking=self._opened_by != os.getpid()):
            return  # another thread is at it
        try:
            if time.monotonic() >= self._next_look or self._opened_by != os.getpid():
                self.read_on()
                self._next_look = time.monotonic() + self.bucket.settings.look_seconds
        finally:
            self._looking.release()

    def read_on(self) -> None:
        """Take in what the log says since it was last read."""
        self.files.parent.mkdir(parents=True, exist_ok=True)
        with self.lock:
            if self._opened_by != os.getpid():
                self._open()
                self._opened_by = os.getpid()
                return
            self._follow()
            self._settle(self._left_open())

    def append(self, record: LogRecord) -> int:
        """Write a record at the end of the log; returns its number. What others have written meanwhile is taken in."""
        while True:
            number = self.known.version[0] + 1
            try:
                self.bucket.put(record_key(number), record.encoded(), None)
            except TakenError:
                with self.lock:
                    self._follow()
                continue
            return number

    def take_in(self, number: int, record: LogRecord, placed: Callable[[Mapping[str, StoredObject]], None] | None = None) -> None:
        """Bring names and table to what a record says.

        Parameters
        ----------
        number
            Of the record; `LOCAL` where it is in no log.
        placed
            Puts the files themselves in their place, where they are here; else they become placeholders.
        """
        with self.lock, self.known.changing():
            version = self.known.version[0]
            stored = record.stored
            if version > number > LOCAL:  # another process of this machine was faster: what has been replaced since is not ours any more
                now = self.known.objects(list(stored))
                stored = {key: one for key, one in stored.items() if now.get(key) == one}
            self._announced.announce(*(self.files / key for key in (*stored, *record.removed)))
            if placed is None:
                self._name(stored)
            else:
                placed(stored)
                self.known.put(stored, cached=True, used=time.time())
            if version <= number or number == LOCAL:
                self._forget(record.removed)
                if record.intends:
                    self.known.open_intent(record.id, record.writer, record.intends)
            for intent in record.closes:
                self.known.close_intent(intent)
            if version < number:
                self.known.set_version(number, record.id)

    def take_in_changes(self, keys: Sequence[str], *, closes: Sequence[str] = ()) -> None:
        """Look at objects of which the log may not say all, and say it; whoever may only read knows it for itself."""
        stored, removed = self._now_there(keys)
        if not (stored or removed or closes):
            return
        record = self.new_record(stored=stored, removed=removed, closes=list(closes))
        try:
            number = self.append(record)
        except StoreDeniedError as error:
            _log.warning("%s", error)
            number = LOCAL
        self.take_in(number, record)

    def new_record(self, **values: object) -> LogRecord:
        """A record of this process."""
        return LogRecord(id=uuid.uuid4().hex, writer=this_process(), **values)  # pyright: ignore[reportArgumentType]

    def at_once(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Requests for several items, several at once; the first error is raised after all are done."""
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(len(items), self.bucket.settings.requests_at_once), thread_name_prefix="objects") as pool:
            return list(pool.map(work, items))

    def checkpoint(self, first: int, last: int) -> None:
        """Write all that is known, so that another machine need not read the whole log; one that was lost costs time only.

        It is written where one of the records from `first` to `last` is the next of `CHECKPOINT_EVERY`: a write has the numbers of an intent and of a record, and either may be it.
        """
        if last // CHECKPOINT_EVERY == (first - 1) // CHECKPOINT_EVERY:
            return
        version, newest = self.known.version
        made = Checkpoint(version=version, last=newest, stored=self.known.all(), intents=self.known.intents())
        try:
            self.bucket.put_anyway(CHECKPOINT, made.encoded())
        except ObjectStoreError as error:
            _log.warning("%s", error)

    def _open(self) -> None:
        version, last = self.known.version
        if version:
            found = self.bucket.get(record_key(version))
            if found is None or LogRecord.of(found.content, record_key(version)).id != last:
                _log.warning("%s is another store than it was: what was known of it is forgotten", self.bucket.url)
                with self.known.changing():
                    self._forget(list(self.known.all()))
                    self.known.clear()
        self._follow()
        if self.known.version[0] == 0:
            self._begin()
        self._settle(self._left_open())

    def _follow(self) -> None:
        read = 0
        while True:
            if read == ALONE or (read == 0 and self.known.version[0] == 0):
                self._read_checkpoint()
            first = self.known.version[0] + 1
            numbers = range(first, first + (1 if read < ALONE else self.bucket.settings.requests_at_once))
            for number, found in zip(numbers, self.at_once(self.bucket.get, [record_key(one) for one in numbers]), strict=True):
                if found is None:
                    return
                self.take_in(number, LogRecord.of(found.content, record_key(number)))
                read += 1

    def _read_checkpoint(self) -> None:
        found = self.bucket.get(CHECKPOINT)
        made = Checkpoint.of(found.content) if found else None
        if made is None or made.version <= self.known.version[0]:
            return
        known = self.known.all()
        changed = {key: one for key, one in made.stored.items() if known.get(key) != one}
        gone = [key for key in known if key not in made.stored]
        self.take_in(made.version, LogRecord(id=made.last, writer="", stored=changed, removed=gone, closes=list(self.known.intents())))
        with self.known.changing():
            for intent, (writer, keys) in made.intents.items():
                self.known.open_intent(intent, writer, keys)

    def _begin(self) -> None:
        """Begin the log of a root that has none, with what lies there: it was copied there by other means. The store is tried first."""
        try:
            require_conditional_writes(self.bucket)
        except StoreDeniedError as error:
            _log.warning("%s", error)  # who may only read needs no more
        names = ((one, one.key.rpartition("/")[2]) for one in self.bucket.listed() if not one.key.startswith(CONTROL))
        there = {one.key: StoredObject("", one.size, one.etag, one.mtime_ns) for one, name in names if not name.startswith(".")}
        if not there:
            return
        record = self.new_record(stored=there)
        try:
            number = self.append(record)
        except StoreDeniedError:
            number = LOCAL
        self.take_in(number, record)

    def _left_open(self) -> list[str]:
        """The intents of killed processes: of this machine at once, of others, of which nobody here can know, after a time."""
        old = self.known.intents_opened_before(time.time() - OPEN_SECONDS)
        alive = {intent: is_alive(writer) for intent, (writer, _) in self.known.intents().items()}
        return [intent for intent, lives in alive.items() if lives is False or (lives is None and intent in old)]

    def _settle(self, intents: Sequence[str]) -> None:
        """Look at what was to be written by writers who have told of no end: each object is the old or the new one, and from now on known."""
        if intents:
            open_ones = self.known.intents()
            self.take_in_changes(sorted({key for intent in intents for key in open_ones[intent][1]}), closes=intents)

    def _now_there(self, keys: Sequence[str]) -> tuple[dict[str, StoredObject], list[str]]:
        """Of keys that may have been written by whoever told nobody: what has changed there, and which are gone."""
        known = self.known.objects(keys)

        def changed(key: str) -> Held | None:
            head = self.bucket.head(key)
            if head is None or (key in known and known[key].etag == head.etag):
                return head
            return self.bucket.get(key)

        found = dict(zip(keys, self.at_once(changed, keys), strict=True))
        stored = {key: _stored(one) for key, one in found.items() if one and (key not in known or known[key].etag != one.etag)}
        return stored, [key for key, one in found.items() if one is None and key in known]

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            (self.files / key).unlink(missing_ok=True)
        self.known.remove(keys)

    def _name(self, objects: Mapping[str, StoredObject]) -> None:
        """Put placeholders in the place of files that are others now."""
        known = self.known.objects(list(objects))
        for key, stored in objects.items():
            before = known.get(key)
            if before is not None and stored.sha256 and before.sha256 == stored.sha256 and (self.files / key).is_file():
                self.known.replace_etag(key, stored)
                continue
            put_placeholder(self.files / key, stored)
            self.known.put({key: stored}, cached=False)


def _stored(held: Held) -> StoredObject:
    return StoredObject(sha256_of(held.content), held.size, held.etag, held.mtime_ns, told_text(held.key, held.content))
