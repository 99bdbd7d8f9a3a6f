"""Files of a root in an object store that are written together.

1. The files are made in temporary files of the folder, as on a disk.
2. A record of the log says which objects are about to be written. What was written there by others meanwhile is refused, not replaced.
3. Each object is written on the condition that there is what was known to be there. Those of one folder follow each other in the order in which they were added, so what
   counts only with its last file (a model's record) is complete when that is there.
4. A record says what was written, and the files are put in their place.

A process killed between any two of these leaves each object old or new, and an open intent: whoever comes next looks at those objects and closes it. Where a write
is refused, the other writer's object stays; if it holds the same bytes, as a partition made twice does, nothing was refused.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from ats_assets.errors import ObjectStoreError, WrittenMeanwhileError
from ats_assets.storage.atomic_file import FileGroup
from ats_assets.storage.objects.bucket import TakenError, sha256_of
from ats_assets.storage.objects.commit_log import LogRecord, StoredObject
from ats_assets.storage.told_file import told_text

if TYPE_CHECKING:
    from ats_assets.storage.objects.cached_files import CachedFiles
    from ats_assets.storage.objects.followed_log import FollowedLog


class MirroredGroup(FileGroup):
    """Files that are replaced together, in the store and in the folder."""

    def __init__(self, log: "FollowedLog", cached: "CachedFiles") -> None:
        super().__init__(fsync=False)
        self._log, self._cached = log, cached

    @override
    def finish(self) -> None:
        files = self.taken()
        try:
            if files:
                write_together(self._log, files, ())
                self._cached.make_room()
        except BaseException:  # also where it is interrupted: what was not put in its place leaves nothing behind
            for temporary in files.values():
                temporary.unlink(missing_ok=True)
            raise


def write_together(log: "FollowedLog", files: Mapping[Path, Path], removed: Sequence[Path]) -> None:
    """Write files (path -> temporary file) and remove others.

    Raises
    ------
    WrittenMeanwhileError
        If another writer was faster with something else.
    ObjectStoreError
    """
    log.look()
    puts = {log.key(path): temporary for path, temporary in files.items()}
    keys = [*puts, *(log.key(path) for path in removed)]
    before = log.known.objects(keys)
    intent = log.new_record(intends=keys)
    first = log.append(intent)
    log.take_in(first, intent)
    writing = _Writing(log, log.known.objects(keys))
    try:
        if changed := sorted(key for key in keys if writing.known.get(key) != before.get(key)):
            writing.refuse_unless_same(changed, puts)
        writing.put_all(puts)
        writing.delete_all(keys[len(puts) :])
    except BaseException:  # also where it is interrupted: what was written is told, if it can be
        _tell_end(log, intent, keys)
        raise
    record = log.new_record(stored=writing.stored, removed=keys[len(puts) :], closes=[intent.id])
    number = log.append(record)

    def place(stored: Mapping[str, StoredObject]) -> None:
        for key in stored:
            puts[key].replace(log.files / key)

    log.take_in(number, record, place)
    for temporary in puts.values():
        temporary.unlink(missing_ok=True)  # of what another process has replaced since
    log.checkpoint(first, number)


class _Writing:
    """The objects of one intent.

    Parameters
    ----------
    known
        What is known to lie there.
    """

    def __init__(self, log: "FollowedLog", known: Mapping[str, StoredObject]) -> None:
        self._log = log
        self.known = known
        self.stored: dict[str, StoredObject] = {}

    def refuse_unless_same(self, keys: Sequence[str], puts: Mapping[str, Path]) -> None:
        for key in keys:
            there, ours = self.known.get(key), puts.get(key)
            if (there is None) != (ours is None) or (there and ours and there.sha256 != sha256_of(ours.read_bytes())):
                raise self._refused(key)

    def put_all(self, puts: Mapping[str, Path]) -> None:
        by_folder: dict[str, list[str]] = {}
        for key in puts:
            by_folder.setdefault(key.rpartition("/")[0], []).append(key)

        def put(keys: Sequence[str]) -> None:
            for key in keys:
                self._put(key, puts[key])

        self._log.at_once(put, list(by_folder.values()))

    def delete_all(self, keys: Sequence[str]) -> None:
        for key in keys:  # in their order, as on a disk: a model's record goes first
            self._log.bucket.delete(key)

    def _put(self, key: str, temporary: Path) -> None:
        content = temporary.read_bytes()
        known, sha256 = self.known.get(key), sha256_of(content)
        etag = known.etag if known else None
        if known is None or known.sha256 != sha256:
            try:
                etag = self._log.bucket.put(key, content, etag)
            except TakenError:
                raise self._refused(key) from None
        mtime_ns = os.stat(temporary).st_mtime_ns  # noqa: PTH116
        self.stored[key] = StoredObject(sha256, len(content), etag or "", mtime_ns, told_text(key, content))

    def _refused(self, key: str) -> WrittenMeanwhileError:
        return WrittenMeanwhileError(
            f"{self._log.bucket.url}/{key} was written by another process while this one made it, and with something else: theirs stays. Are two "
            "deployments with different settings or versions of the code at one root? If not, run again: what is stored is known now"
        )


def _tell_end(log: "FollowedLog", intent: LogRecord, keys: Sequence[str]) -> None:
    """Close an intent that came to nothing, or to a part; where the store is away it stays open, and is looked at by whoever comes next."""
    try:
        log.take_in_changes(keys, closes=[intent.id])
    except ObjectStoreError:
        return
