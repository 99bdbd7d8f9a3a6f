"""The vintages of one asset by session, and the digest of any window as a reader knows it, at a cost that does not depend on the length of history."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from ats_assets.lineage.index import Entry
from ats_assets.storage.digests import MODULUS, Digest, WindowDigests, element
from ats_assets.storage.knowledge import FOREVER, Knowledge, known_vintage
from ats_assets.storage.vintages import READ_AS_DELIVERED, VINTAGES_OF


def read_vintage(entries: Sequence[Entry], version: str | None, until: str) -> Entry:
    """Which of the vintages of a session (from the earliest to the newest) a reader has read that knew up to `until`.

    Parameters
    ----------
    version
        The data version that the reader names. Where it is not that of the vintage which it knows (it is stale then), the newest that has it; where none has it, or no
        version is given, the one that it knows.
    """
    if len(entries) == 1:
        return entries[0]
    entries = [entry for entry in entries if not entry.is_refused]
    known = next(entry for entry in entries if entry.known == known_vintage([one.known for one in entries], until))
    if version is None or known.data_version == version:
        return known
    return next((entry for entry in reversed(entries) if entry.data_version == version), known)


def until_of(knowledge: Knowledge, reader: Entry, asset: str, key: str) -> str:
    """The stamp up to which a file knows of a session of `asset`, which it was made from; of a file without a session see `Knowledge.until_of_whole`."""
    if asset == VINTAGES_OF.get(reader.asset):
        return reader.known
    if asset not in VINTAGES_OF and asset not in READ_AS_DELIVERED:
        return FOREVER
    if not reader.is_of_session:
        return knowledge.until_of_whole(asset, date.fromisoformat(key))
    return max(knowledge.until(date.fromisoformat(reader.key)), reader.known)


class StoredVintages:
    """What is stored of an asset.

    Parameters
    ----------
    entries
        Of each key those of its vintages, from the earliest to the newest; one, without a time, where no vintages are kept.
    """

    def __init__(self, entries: Mapping[str, Sequence[Entry]]) -> None:
        self._entries = {key: readable for key, found in entries.items() if (readable := _of_time(found))}

    def entry(self, key: str, until: str = FOREVER) -> Entry | None:
        """What a reader that knows up to `until` reads of a session; None where nothing is stored."""
        stored = self._entries.get(key)
        if not stored:
            return None
        if len(stored) == 1:
            return stored[0]
        stamps = [entry.known for entry in stored]
        return stored[stamps.index(known_vintage(stamps, until))]

    def version(self, key: str, until: str = FOREVER) -> str | None:
        """The data version of it; None where nothing is stored, or nothing that says it."""
        entry = self.entry(key, until)
        return entry.data_version or None if entry else None

    def several(self) -> dict[str, list[Entry]]:
        """The sessions that have more than one vintage."""
        return {key: stored for key, stored in self._entries.items() if len(stored) > 1}


class KnownDigests:
    """The digests of windows of one asset's partitions, as readers know them.

    Sums over the earliest vintages give a window as a difference of two; what was delivered again inside it, and known to the reader, is put right one by one.

    Parameters
    ----------
    sessions
        ISO, each from the first that can be read on.
    """

    def __init__(self, vintages: StoredVintages, sessions: Sequence[str]) -> None:
        self._first = WindowDigests((day, vintages.version(day, "")) for day in sessions)
        several = vintages.several()
        self._places = [place for place, day in enumerate(sessions) if day in several] if several else []
        restated = [(sessions[place], several[sessions[place]]) for place in self._places]
        self._stamps = [[entry.known for entry in stored] for _, stored in restated]
        self._changes = [[_change(day, stored[0], entry) for entry in stored] for day, stored in restated]

    def window(self, first: int, last: int, until: str = FOREVER) -> Digest:
        """Of the sessions at positions `first` to `last` (included; what lies outside is not there), known up to `until`."""
        count, total = self._first.window(first, last)
        if self._places:
            for i in range(bisect_left(self._places, first), bisect_right(self._places, last)):
                changed, by = self._changes[i][max(bisect_right(self._stamps[i], until), 1) - 1]
                count, total = count + changed, total + by
        return count, total % MODULUS

    def count(self, first: int, last: int) -> int:
        """How many of them are stored."""
        return self._first.window(first, last)[0]


def _of_time(entries: Iterable[Entry]) -> list[Entry]:
    """Vintages in order of time, without those that are refused, and without what was stored before vintages were kept where there are some."""
    found = sorted((entry for entry in entries if not entry.is_refused), key=lambda entry: entry.known)
    return found[1:] if len(found) > 1 and not found[0].known else found


def _change(day: str, before: Entry, now: Entry) -> tuple[int, int]:
    """What one vintage in another's place changes of the number and of the sum; one whose footer can't be read counts as missing."""
    counts = [entry.data_version != "" for entry in (before, now)]
    sums = [element(day, entry.data_version) if entry.data_version else 0 for entry in (before, now)]
    return counts[1] - counts[0], sums[1] - sums[0]
