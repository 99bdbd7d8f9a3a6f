"""Names of columns as files spell them, and the columns that settings name."""

import re
from collections.abc import Iterable, Mapping

from ats_assets.errors import SourceError


def normalised(name: str) -> str:
    """A column name without case, spaces, punctuation and a leading number: "<Adj Close>", "5. adj_close" and "AdjClose" are one."""
    bare = "".join(char for char in name.casefold() if char.isalnum())
    return re.sub(r"^\d+", "", bare)


def named_columns(
    names: Iterable[str], overrides: Mapping[str, str | int], canonical: Iterable[str], where: str, *, setting: str, what: str
) -> dict[str, str]:
    """What a setting says of columns, by name, checked.

    Parameters
    ----------
    names
        The file's columns, in order.
    overrides
        Canonical name -> the file's name, or its place from 1 on.
    canonical
        The names that there are.
    where, setting, what
        The file, the setting, and what a row is, for messages.

    Raises
    ------
    SourceError
        If it names what does not exist.
    """
    names, canonical = list(names), list(canonical)
    unknown = [name for name in overrides if name not in canonical]
    if unknown:
        raise SourceError(f"{setting} maps {listed(unknown)}, which no {what} has: its keys are {listed(canonical)}")
    far = {name: place for name, place in overrides.items() if isinstance(place, int) and place > len(names)}
    if far:
        pairs = ", ".join(f"{name} = {place}" for name, place in far.items())
        raise SourceError(f"{setting} says {pairs}, but {where} has only {len(names)} columns, {listed(names)}: correct the place")
    columns = {name: names[place - 1] if isinstance(place, int) else place for name, place in overrides.items()}
    absent = {name: column for name, column in columns.items() if column not in names}
    if absent:
        pairs = ", ".join(f"{name} = {column!r}" for name, column in absent.items())
        raise SourceError(f"{setting} says {pairs}, but {where} has only {listed(names)}: correct the name")
    return columns


def listed(names: Iterable[object]) -> str:
    """Names for a message.

    Examples
    --------
    >>> listed(["date", "open"])
    "'date', 'open'"
    """
    return ", ".join(repr(name) for name in names)
