"""A root in an object store, seen as a folder of this machine.

The folder has a file for each object of the root: with its bytes where they were written or read here (the cache), else a placeholder. So everything that looks at names,
times and sizes works as on a disk, without a request. What is known of the store is in `known_objects`, and comes from the log of writes (`commit_log`):

- a process reads the log on when it begins, and again after `look_seconds`: one request where nothing has changed;
- a write is `mirrored_writes`: intent, conditional writes, record; then the files are put into the folder;
- before a file is read, its bytes are fetched (`at_hand`) and compared with their SHA-256: once for each version of a file that a process reads. Damaged ones are fetched
  again. Where the cache is larger than it may be, the files not read for longest become placeholders (`cached_files`).

All processes of a machine share the folder; a lock lets one at a time change it. The store itself knows no lock: its conditional writes decide.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from filelock import FileLock
from typing_extensions import override

from ats_assets.errors import ObjectStoreError
from ats_assets.storage.atomic_file import FileGroup
from ats_assets.storage.objects.bucket import Bucket, Held, TakenError, sha256_of
from ats_assets.storage.objects.cached_files import CachedFiles
from ats_assets.storage.objects.commit_log import CHECKPOINT, CHECKPOINT_EVERY, CONTROL, LOCAL, Checkpoint, LogRecord, Stored, record_key
from ats_assets.storage.objects.known_objects import KnownObjects
from ats_assets.storage.objects.mirrored_writes import MirroredGroup, write_together
from ats_assets.storage.objects.placeholders import put_placeholder
from ats_assets.storage.processes import is_alive, this_process
from ats_assets.storage.root_folder import RootFolder
from ats_assets.storage.write_log import WriteLog

FAR_BEHIND: Final = 20
"""Records after which a checkpoint is asked for."""
OPEN_SECONDS: Final = 60.0
"""After which the keys of an intent that stays open are looked at."""
Item = TypeVar("Item")
Result = TypeVar("Result")
_log = logging.getLogger(__name__)


class MirroredFolder(RootFolder):
    """A root in an object store.

    Parameters
    ----------
    bucket
        The root.
    folder
        Where what is known of it is kept; all of it may be deleted while no process is running.
    """

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        super().__init__(folder / "files", fsync=False)
        self.bucket = bucket
        self.known = KnownObjects(folder / "known.sqlite")
        self.lock = FileLock(folder / "lock")
        self._announced = WriteLog(self.root)
        self._opened_by = 0
        self._next_look = 0.0
        self._looking = threading.Lock()
        self._intents_seen: dict[str, float] = {}
        self._cached = CachedFiles(self)

    @property
    @override
    def place(self) -> str:
        return str(self.bucket.url)

    @override
    def told(self, path: Path) -> str:
        return f"{self.bucket.url}/{self.key(path)}" if path.is_relative_to(self.root) else str(path)

    def key(self, path: Path) -> str:
        """The object of a file."""
        return path.relative_to(self.root).as_posix()

    @override
    def group(self) -> FileGroup:
        return MirroredGroup(self)

    @override
    def replace(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        group = self.group()
        group.add(path, write)
        group.finish()

    @override
    def remove(self, *paths: Path) -> None:
        there = [path for path in paths if os.path.lexists(path)]
        if there:
            write_together(self, {}, there)

    @override
    def rename(self, names: Mapping[Path, Path]) -> None:
        self.at_hand(names)
        group = MirroredGroup(self)
        for path, name in names.items():
            content = path.read_bytes()
            group.add(name, lambda file, content=content: file.write(content))
        group.finish()
        self.remove(*names)  # after, so that a killed process leaves both names, and what was kept is never lost

    @override
    def at_hand(self, paths: Iterable[Path]) -> int:
        self.look()
        return self._cached.bring(paths)

    @override
    def look(self) -> None:
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
        self.root.mkdir(parents=True, exist_ok=True)
        with self.lock:
            if self._opened_by != os.getpid():
                self._open()
                self._opened_by = os.getpid()
                return
            self._follow()
            self._settle_old()

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

    def take_in(self, number: int, record: LogRecord, placed: Callable[[Mapping[str, Stored]], None] | None = None) -> None:
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
            if version > number > LOCAL:  # another process of this machine was faster: what has been replaced since is not ours any more
                now = self.known.objects(list(record.stored))
                record = LogRecord(
                    id=record.id, writer=record.writer, stored={key: one for key, one in record.stored.items() if now.get(key) == one}
                )
            self._announced.announce(*(self.root / key for key in (*record.stored, *record.removed)))
            if placed is None:
                self._name(record.stored)
            else:
                placed(record.stored)
                self.known.put(record.stored, cached=True, used=time.time())
            for key in record.removed:
                (self.root / key).unlink(missing_ok=True)
            self.known.remove(record.removed)
            if record.intends:
                self.known.open_intent(record.id, record.writer, record.intends)
            for intent in record.closes:
                self.known.close_intent(intent)
            if version < number:
                self.known.set_version(number, record.id)

    def new_record(self, **values: object) -> LogRecord:
        """A record of this process."""
        return LogRecord(id=uuid.uuid4().hex, writer=this_process(), **values)  # pyright: ignore[reportArgumentType]

    def at_once(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Requests for several items, several at once; the first error is raised after all are done."""
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(len(items), self.bucket.settings.requests_at_once), thread_name_prefix="objects") as pool:
            return list(pool.map(work, items))

    def now_there(self, keys: Sequence[str]) -> tuple[dict[str, Stored], list[str]]:
        """Of keys that may have been written by whoever told nobody: what has changed there, and which are gone."""
        known = self.known.objects(keys)

        def changed(key: str) -> Held | None:
            head = self.bucket.head(key)
            if head is None or (key in known and known[key].etag == head.etag):
                return head
            return self.bucket.get(key)

        found = dict(zip(keys, self.at_once(changed, keys), strict=True))
        stored = {key: stored_of(one) for key, one in found.items() if one and (key not in known or known[key].etag != one.etag)}
        return stored, [key for key, one in found.items() if one is None and key in known]

    def checkpoint(self, number: int) -> None:
        """Write all that is known, so that another machine need not read the whole log; one that was lost costs time only."""
        if number % CHECKPOINT_EVERY:
            return
        version, last = self.known.version
        made = Checkpoint(version=version, last=last, stored=self.known.all(), intents=self.known.intents())
        try:
            self.bucket.put_anyway(CHECKPOINT, made.encoded())
        except ObjectStoreError as error:
            _log.warning("%s", error)

    def _open(self) -> None:
        version, last = self.known.version
        if version:
            found = self.bucket.get(record_key(version))
            if found is None or LogRecord.of(found.content, record_key(version)).id != last:
                _log.warning("%s is another store than it was: what was known of it is forgotten", self.place)
                self._forget()
        self._follow()
        if self.known.version[0] == 0:
            self._adopt()
        self._settle([intent for intent, (writer, _) in self.known.intents().items() if not is_alive(writer)])

    def _follow(self) -> None:
        read = 0
        while True:
            if read == FAR_BEHIND or (read == 0 and self.known.version[0] == 0):
                self._read_checkpoint()
            number = self.known.version[0] + 1
            found = self.bucket.get(record_key(number))
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

    def _adopt(self) -> None:
        """Begin the log of a root that has none: with what lies there, which was copied there by other means."""
        there = {
            one.key: one
            for one in self.bucket.listed()
            if not one.key.startswith(CONTROL) and not one.key.rpartition("/")[2].startswith(".")
        }
        if not there:
            return
        stored = {key: Stored("", one.size, one.etag, one.mtime_ns) for key, one in there.items()}
        record = self.new_record(stored=stored)
        try:
            number = self.append(record)
        except ObjectStoreError as error:  # who may only read can't begin it
            _log.warning("%s", error)
            number = LOCAL
        self.take_in(number, record)

    def _settle_old(self) -> None:
        intents, now = self.known.intents(), time.monotonic()
        self._intents_seen = {intent: self._intents_seen.get(intent, now) for intent in intents}
        old = [intent for intent, since in self._intents_seen.items() if now - since > OPEN_SECONDS and not is_alive(intents[intent][0])]
        self._settle(old)

    def _settle(self, intents: Sequence[str]) -> None:
        """Look at what was to be written by writers who have told of no end: each object is the old or the new one, and from now on known."""
        if not intents:
            return
        open_ones = self.known.intents()
        keys = sorted({key for intent in intents for key in open_ones[intent][1]})
        stored, removed = self.now_there(keys)
        record = self.new_record(stored=stored, removed=removed, closes=list(intents))
        try:
            number = self.append(record)
        except ObjectStoreError as error:  # who may only read: it is so all the same
            _log.warning("%s", error)
            number = LOCAL
        self.take_in(number, record)

    def _forget(self) -> None:
        with self.known.changing():
            for key in self.known.all():
                (self.root / key).unlink(missing_ok=True)
            self.known.clear()

    def _name(self, objects: Mapping[str, Stored]) -> None:
        """Put placeholders in the place of files that are others now."""
        known = self.known.objects(list(objects))
        for key, stored in objects.items():
            before = known.get(key)
            if before is not None and stored.sha256 and before.sha256 == stored.sha256 and (self.root / key).is_file():
                self.known.connection.execute("UPDATE objects SET etag = ? WHERE key = ?", (stored.etag, key))
                continue
            put_placeholder(self.root / key, stored)
            self.known.put({key: stored}, cached=False)


def stored_of(held: Held) -> Stored:
    """What is known of an object that was read."""
    return Stored(sha256_of(held.content), held.size, held.etag, held.mtime_ns)
