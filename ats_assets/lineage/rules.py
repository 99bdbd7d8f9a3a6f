"""What each asset of the graph declares of its provenance: windows read, versions of code and settings, in topological order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ats_assets.calendar import SessionCalendar
from ats_assets.refits import last_refit
from ats_assets.settings import Period


@dataclass(frozen=True, kw_only=True)
class PartitionWindow:
    """The partitions of `asset` that partition D reads: sessions D-back to D-lag, both included."""

    asset: str
    back: int = 0
    lag: int = 0


@dataclass(frozen=True, kw_only=True)
class AssetRule:
    """An asset of the graph.

    Parameters
    ----------
    windows
        What partition D reads; of an asset without partitions only the names count: it reads what is stored.
    code_version, settings_version
        Of the current code and settings.
    made_with
        The assets that one step makes together, this one among them.
    refit
        Of a model: when it is fitted, and of a tuning when it is made; it is carried from there at the other sessions. None: it is made at each.
    from_source
        Whether partitions are what a source delivered.
    vintages_of
        Of what is made of a delivery row by row: the delivery, of which each vintage has one of its own.
    tells_restatements
        Whether it tells of how many deliveries have several vintages, and what was compared of them.
    begins_with
        The deliveries with whose first session its history begins; empty: with raw bars.
    """

    asset: str
    windows: tuple[PartitionWindow, ...]
    code_version: str
    settings_version: str
    made_with: tuple[str, ...]
    partitioned: bool = True
    refit: Period | None = None
    from_source: bool = False
    vintages_of: str = ""
    tells_restatements: bool = False
    begins_with: tuple[str, ...] = ()

    def windows_read(self, session: date, calendar: SessionCalendar) -> tuple[PartitionWindow, ...]:
        """The windows of a session; what is carried reads the one that it is carried from."""
        age = calendar.position(session) - calendar.position(last_refit(calendar, session, self.refit)) if self.refit else 0
        return (PartitionWindow(asset=self.asset, back=age, lag=age),) if age else self.windows


class LineageRules:
    """The assets in an order in which each comes after all that it reads.

    Raises
    ------
    ValueError
        If the assets read each other in a circle.
    """

    def __init__(self, rules: Iterable[AssetRule]) -> None:
        waiting = {rule.asset: rule for rule in rules}
        self._rules: dict[str, AssetRule] = {}
        while waiting:
            free = [
                rule
                for rule in waiting.values()
                if not any(window.asset in waiting for name in rule.made_with for window in waiting[name].windows if window.asset != name)
            ]
            if not free:
                raise ValueError(f"{', '.join(sorted(waiting))} read each other in a circle")
            for rule in free:
                self._rules[rule.asset] = waiting.pop(rule.asset)

    def __iter__(self) -> Iterator[AssetRule]:
        return iter(self._rules.values())

    def __getitem__(self, asset: str) -> AssetRule:
        return self._rules[asset]

    def __contains__(self, asset: str) -> bool:
        return asset in self._rules

    def steps(self) -> list[tuple[str, ...]]:
        """The assets as they are made, together or alone, in order."""
        return list(dict.fromkeys(rule.made_with for rule in self._rules.values()))


def contiguous(sessions: Iterable[date], calendar: SessionCalendar, longest: int) -> list[list[date]]:
    """Sessions as runs of neighbours, ascending, of at most `longest`.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> xnys = session_calendar("XNYS", date(2024, 1, 2))
    >>> runs = contiguous([date(2024, 1, day) for day in (5, 8, 9, 11)], xnys, longest=2)  # the 6th and 7th are a weekend
    >>> [[day.day for day in run] for run in runs]
    [[5, 8], [9], [11]]
    """
    runs: list[list[date]] = []
    for day in sorted(sessions):
        if runs and len(runs[-1]) < longest and calendar.position(day) == calendar.position(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def ranges(sessions: Sequence[str], calendar: SessionCalendar) -> list[tuple[str, str, int]]:
    """Sessions (ISO) as runs of neighbours: first, last, how many.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> xnys = session_calendar("XNYS", date(2024, 1, 2))
    >>> ranges(["2024-01-05", "2024-01-08", "2024-01-10"], xnys)
    [('2024-01-05', '2024-01-08', 2), ('2024-01-10', '2024-01-10', 1)]
    """
    runs = contiguous(map(date.fromisoformat, sessions), calendar, len(sessions) or 1)
    return [(run[0].isoformat(), run[-1].isoformat(), len(run)) for run in runs]
