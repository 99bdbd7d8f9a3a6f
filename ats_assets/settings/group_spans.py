"""Groups of symbols over time: which group a symbol was in at a session, by a CSV file whose rows say from when to when.

1. A row holds from its `from` on (nothing: always), up to its `until`, both included, or until another row of the symbol begins.
2. It is known from its `known_from` on (nothing: from its `from`), and holds no earlier.
3. At a session the row counts whose `from` is the newest of those that hold and are known; of rows with the same `from` the one that was known last, which corrects the others.
4. A symbol is in one group at a time. Rows that say otherwise are errors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ats_assets.settings.section import Section

if TYPE_CHECKING:
    import polars as pl

TIMES: Final = ("from", "until", "known_from")
"""The columns that make a file of groups one of groups over time."""


class GroupSpan(Section):
    """A symbol in a group for a time."""

    symbol: str
    since: date | None = None
    until: date | None = None

    def holds(self, session: date) -> bool:
        """Whether it is in the group at a session.

        Examples
        --------
        >>> GroupSpan(symbol="GOOGL", until=date(2018, 9, 27)).holds(date(2018, 9, 28))
        False
        """
        return (self.since is None or self.since <= session) and (self.until is None or session <= self.until)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row as it is written; days that are not said are the first and the last that there are."""

    line: int
    symbol: str
    group: str
    since: date
    until: date
    known: date

    @property
    def begins(self) -> date:
        """From when on it can count."""
        return max(self.since, self.known)

    def __str__(self) -> str:
        since = "always" if self.since == date.min else f"{self.since}"
        return f"line {self.line} ({self.group} from {since}{'' if self.until == date.max else f' until {self.until}'})"


def spans_by_group(table: "pl.DataFrame", file: Path) -> dict[str, tuple[GroupSpan, ...]]:
    """The groups of a file over time, sorted by their names, with the times of their symbols in order.

    Parameters
    ----------
    table
        Its cells as text: symbol, group and one or more of `TIMES`.

    Raises
    ------
    ValueError
        If a row lacks a symbol or group, has a day that is none, ends before it begins, or says of a symbol what another one contradicts; the message names the lines.
    """
    rows = sorted(_rows(table, file), key=lambda row: (row.symbol, row.since, row.known, row.line))
    found: dict[str, list[GroupSpan]] = {}
    for symbol, of_symbol in groupby(rows, key=lambda row: row.symbol):
        for group, since, until in _spans(list(of_symbol), file):
            span = GroupSpan(symbol=symbol, since=None if since == date.min else since, until=None if until == date.max else until)
            found.setdefault(group, []).append(span)
    return {group: tuple(found[group]) for group in sorted(found)}


def symbols_at(symbols: Sequence[str], spans: Sequence[GroupSpan], session: date) -> frozenset[str]:
    """The symbols of a group at a session: those that are always in it, and those that are by time.

    Examples
    --------
    >>> sorted(symbols_at(["A"], [GroupSpan(symbol="B", since=date(2024, 3, 1))], date(2024, 2, 29)))
    ['A']
    """
    return frozenset({*symbols, *(span.symbol for span in spans if span.holds(session))})


def require_disjoint(spans: Mapping[str, Sequence[GroupSpan]]) -> None:
    """Refuse times of a symbol that overlap, in one group or in two.

    Raises
    ------
    ValueError
        Naming the symbol, its groups and the day.
    """
    each = sorted(
        ((span.symbol, span.since or date.min, span.until or date.max, group) for group, of in spans.items() for span in of),
    )
    for (symbol, _, until, group), (other, since, _, second) in pairwise(each):
        if symbol == other and since <= until:
            raise ValueError(f"{symbol} is in the groups {group} and {second} at {since}: it can have one")


def _rows(table: "pl.DataFrame", file: Path) -> Iterator[_Row]:
    for line, cells in enumerate(table.iter_rows(named=True), start=2):
        symbol, group = ((cells[name] or "").strip() for name in ("symbol", "group"))
        if not symbol or not group:
            raise ValueError(f"{file}, line {line}: {'symbol' if not symbol else 'group'} is missing")
        since = _day(cells.get("from"), "from", line, file) or date.min
        until = _day(cells.get("until"), "until", line, file) or date.max
        known = _day(cells.get("known_from"), "known_from", line, file) or since
        if until < since:
            raise ValueError(f"{file}, line {line}: until ({until}) is before from ({since})")
        yield _Row(line=line, symbol=symbol, group=group, since=since, until=until, known=known)


def _day(cell: str | None, name: str, line: int, file: Path) -> date | None:
    if not (cell or "").strip():
        return None
    try:
        return date.fromisoformat((cell or "").strip())
    except ValueError:
        raise ValueError(f"{file}, line {line}: {name} is {cell!r}; give it as 2024-03-01") from None


def _spans(rows: Sequence[_Row], file: Path) -> Iterator[tuple[str, date, date]]:
    """Of one symbol: group, first and last day, disjoint and ascending.

    Parameters
    ----------
    rows
        Sorted by `since`, then by `known`.
    """
    for before, after in pairwise(rows):
        if (before.since, before.known) == (after.since, after.known):
            raise ValueError(
                f"{file}: {before} and {after} both say where {before.symbol} is: leave one, or say in known_from which corrects the other"
            )
    for before, after in pairwise(_corrected(rows)):
        if date.max > before.until >= after.since:
            raise ValueError(
                f"{file}: {before} and {after} of {before.symbol} overlap: end the first before the second begins, or leave its until empty"
            )
    starts = sorted({row.begins for row in rows})
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        counted = max((row for row in rows if row.begins <= start), key=lambda row: (row.since, row.known))
        last = counted.until if following is None else min(counted.until, following - timedelta(days=1))
        if last >= start:
            yield counted.group, start, last


def _corrected(rows: Sequence[_Row]) -> list[_Row]:
    """The rows of which none corrects another: of those that begin on one day the one that was known last."""
    return [list(same)[-1] for _, same in groupby(rows, key=lambda row: row.since)]
