"""Which vintage of a session a partition knows.

A delivery that differs from the one before is kept beside it as a vintage, under the time from which it was known. Partition D reads of each session the newest
vintage that was known at D's close plus a grace for late deliveries, and where none was known by then (a backfill, a first delivery that came late) the earliest
there is. The grace ends at the next open: what is known later can't have been decided on. With `knowledge.mode = "restated"` every partition reads the newest.

Times are compared as the text that file names have: its alphabetical order is that of time.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import KnowledgeSettings

STAMP_FORMAT = "%Y-%m-%dT%H-%M-%S.%fZ"
"""Of a time in the name of a file."""
FOREVER = "9999"
"""After every stamp."""
HAPPENED = frozenset({"corporate_actions"})
"""What is read in its newest vintage by assets without partitions: it is about what became of who held a share, and not about what was known when it was decided."""


def stamp_of(time: datetime) -> str:
    """An aware time as file names have it."""
    return time.astimezone(UTC).strftime(STAMP_FORMAT)


def time_of(stamp: str) -> datetime:
    """The UTC time of a stamp."""
    return datetime.strptime(stamp, STAMP_FORMAT).replace(tzinfo=UTC)


def known_vintage(stamps: Sequence[str], until: str) -> str:
    """The newest of the stamps (ascending, one at least) that is not after `until`; the earliest where all are.

    Examples
    --------
    >>> known_vintage(["2024-03-01", "2024-06-01"], "2024-04-30")
    '2024-03-01'
    >>> known_vintage(["2024-03-01", "2024-06-01"], "2024-02-01")
    '2024-03-01'
    """
    return stamps[max(bisect_right(stamps, until), 1) - 1]


class Knowledge:
    """Until when each partition knows of deliveries.

    Parameters
    ----------
    calendar
        Asked for only where a session has several vintages: making it takes a second.
    """

    def __init__(self, settings: KnowledgeSettings, calendar: Callable[[], SessionCalendar]) -> None:
        self.settings = settings
        self._calendar = calendar
        self._until: dict[date, str] = {}

    @property
    def is_restated(self) -> bool:
        """Whether every partition reads the newest vintage."""
        return self.settings.mode == "restated"

    def until(self, session: date) -> str:
        """The stamp up to which partition `session` knows what was delivered."""
        if self.is_restated:
            return FOREVER
        found = self._until.get(session)
        if found is None:
            found = self._until[session] = stamp_of(self.deadline(session))
        return found

    def until_of_whole(self, asset: str, session: date) -> str:
        """The stamp up to which an asset without partitions, such as the backtest, knows of a session of what it reads.

        Of each session what its own partition knows, for a decision was made on that; but a share was split, and a dividend paid, whoever told of it late.
        """
        return FOREVER if asset in HAPPENED else self.until(session)

    def deadline(self, session: date) -> datetime:
        """The close of `session` plus the grace, or the next open if that is earlier; in UTC. A day that turned out to be no session knows what the session before it knew."""
        calendar = self._calendar()
        session = calendar.on_or_before(session)
        deadline = calendar.closes_at(session) + timedelta(hours=self.settings.grace_hours)
        if session == calendar.last:
            return deadline
        return min(deadline, calendar.opens_at(calendar.offset(session, 1)))


Several = Mapping[tuple[str, date], Sequence[str]]
"""(asset, session) -> its stamps, of those sessions alone that have more than one."""


def runs_of_one_assignment(
    readers: Sequence[date], windows: Callable[[date], Iterable[tuple[str, date]]], until: Callable[[date], str], several: Several
) -> list[list[date]]:
    """Split readers, in their order, into runs in which all that read a session read one and the same vintage of it.

    Each run is as long as can be: it ends where the next reader knows another vintage of a session that the run has read.

    Parameters
    ----------
    readers
        Sessions whose partitions are to be made.
    windows
        Reader -> (asset, session) of all that it reads; asked only where `several` has something.
    until
        Reader -> the stamp up to which it knows.
    """
    if not several or not readers:
        return [list(readers)] if readers else []
    runs: list[list[date]] = []
    assigned: dict[tuple[str, date], str] = {}
    for reader in readers:
        limit = until(reader)
        chosen = {key: known_vintage(stamps, limit) for key in windows(reader) if (stamps := several.get(key))}
        if runs and all(assigned.get(key, stamp) == stamp for key, stamp in chosen.items()):
            runs[-1].append(reader)
            assigned |= chosen
        else:
            runs.append([reader])
            assigned = chosen
    return runs
