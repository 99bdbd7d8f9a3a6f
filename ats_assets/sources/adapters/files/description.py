"""What a source of files says to people: what was read, what was recognised in it, what was left, and which settings would change that."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import how_many
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.file_rows import FileFacts
from ats_assets.sources.adapters.files.placement import Placement
from ats_assets.sources.symbol_names import NamedSymbol

SHOWN = 8
"""Symbols that are named before the rest is counted."""
ANOTHER_MARKET = 0.1
"""A share of rows of days without a session from which the calendar is doubtful: of a market that trades every day it is a third."""


@dataclass(frozen=True, kw_only=True)
class FilesFacts:
    """What the description of a delivery of files is made of.

    Attributes
    ----------
    files
        Of each file, in the order of delivery.
    named
        The symbol that the name of a file gives, for those whose rows have none.
    notes
        The texts beside them that are no tables.
    symbols
        Every symbol, sorted.
    holes
        Days that dumps lack.
    """

    path: Path
    settings: FilesSettings
    calendar: SessionCalendar
    files: Sequence[FileFacts]
    named: Sequence[NamedSymbol]
    notes: Sequence[Path]
    symbols: Sequence[str]
    placement: Placement
    vintage: object
    holes: Sequence[ReaderChoice] = ()


def recognition_lines(facts: FilesFacts) -> list[str]:
    """What was taken of the files, what was left, and what would change it, a line each."""
    first, last = facts.placement.sessions_with_rows[0], facts.placement.sessions_with_rows[-1]
    lines = [
        f"files: {facts.path} ({how_many(len(facts.files), 'file')}, {how_many(sum(file.n_rows for file in facts.files), 'row')})",
        f"{how_many(int(facts.placement.days['rows'].sum()), 'row')} of {how_many(len(facts.symbols), 'symbol')} in {how_many(len(facts.placement.sessions_with_rows), 'session')} "
        f"of {facts.calendar.exchange}, {first} to {last}",
        f"symbols{' by the names of the files' if facts.named else ''}: {_some(facts.symbols)}",
        *_columns(facts),
    ]
    choices = Counter(choice for file in facts.files for choice in file.recognition.choices)
    for choice, count in choices.items():
        lines.append(f"{choice}{f' ({count} of {len(facts.files)} files)' if 1 < len(facts.files) != count else ''}")
    lines += [str(choice) for choice in (*_of_names(facts), *_of_days(facts), *facts.holes)]
    if facts.notes:
        lines.append(f"left out, since they are no tables: {_some([note.name for note in facts.notes])}")
    return lines


def description(facts: FilesFacts, *, n_actions: int, waiting: Sequence[str], defects: tuple[int, str | None]) -> str:
    """All of it: with what was recognised when the data were known, how stamps are read, the rows that were not placed by their date, and those with defects (how many, and one)."""
    s = facts.settings
    lines = recognition_lines(facts)
    since = (
        f"since the end of {facts.vintage}"
        if facts.vintage
        else "each session since its close (no vintage in the path, the settings or a column)"
    )
    lines += [
        f"known: {since}",
        f"stamps: the bar's {s.stamp}; naive ones in {s.timezone or facts.calendar.timezone}{'' if s.timezone else ' (the exchange)'}",
    ]
    if s.where:
        lines.append("selected: " + ", ".join(f"{key} = {value}" for key, value in s.where.items()))
    if not s.adjusted and s.actions is None:
        lines.append(_no_adjustment(facts))
    if s.actions is not None:
        lines.append(f"corporate actions: {s.actions}, {n_actions:,} rows")
    return "\n".join(
        [
            *lines,
            *waiting,
            *facts.placement.remarks,
            f"rows with defects: {defects[0]:,}{f', such as {defects[1]}' if defects[0] and defects[1] else ''}",
        ]
    )


def _no_adjustment(facts: FilesFacts) -> str:
    """What it means that prices are taken as they are: where every file has an adjusted close, it only has to be used."""
    if all("adj_close" in file.recognition.columns for file in facts.files):
        return "adjustment: none is made: prices and volumes as traded break at each split; source.files.adjusted = true scales both by the adjusted close"
    return (
        "adjustment: none is made, and none is known: if these prices are adjusted for splits and the volumes are not, volumes and dollar volumes break at "
        "each split; deliver a column adj_close beside prices as traded (source.files.adjusted), or prices as traded and their actions"
    )


def _columns(facts: FilesFacts) -> Iterator[str]:
    """Of each kind of file its columns, and those that are not used."""
    kinds: dict[tuple[tuple[str, str], ...], list[FileFacts]] = {}
    for file in facts.files:
        kinds.setdefault(tuple(file.recognition.columns.items()), []).append(file)
    for columns, files in kinds.items():
        unused = [name for name in files[0].recognition.unused if name not in {"vintage", *facts.settings.where}]
        yield (
            f"columns{' of ' + how_many(len(files), 'file') if len(kinds) > 1 else ''}: {', '.join(f'{c} = {n!r}' for c, n in columns)}; "
            f"unused: {', '.join(map(repr, unused)) or 'none'}"
        )


def _of_names(facts: FilesFacts) -> Iterator[ReaderChoice]:
    """What was taken for symbols, where names of files say more."""
    setting = "source.files.symbol_pattern, a regular expression whose group is the symbol"
    doubtful = sorted({named.symbol for named in facts.named if named.is_doubtful})
    if doubtful:
        yield ReaderChoice(taken=f"names of files that look like more than a symbol: {_some(doubtful)}", setting=setting, is_doubtful=True)
    guessed = [named for named in facts.named if named.is_guess and not named.is_doubtful]
    if guessed:
        yield ReaderChoice(
            taken="symbols: names of files without intervals, dates and words such as daily",
            setting='source.files.symbol_pattern; "^(.+)$" takes whole names',
        )


def _of_days(facts: FilesFacts) -> Iterator[ReaderChoice]:
    """Whether so many rows are of days without a session that the calendar must be another market's."""
    days = facts.placement.days.filter(pl.col("date") <= facts.placement.last)
    elsewhere, rows = int(days.filter(pl.col("date") != pl.col("session"))["rows"].sum()), int(days["rows"].sum())
    if elsewhere >= ANOTHER_MARKET * rows > 0:
        taken = f"{elsewhere:,} of {rows:,} rows are of days on which {facts.calendar.exchange} has no session, and will be rejected"
        yield ReaderChoice(taken=taken, setting='calendar.exchange, such as "24/7" for what trades every day', is_doubtful=True)


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
