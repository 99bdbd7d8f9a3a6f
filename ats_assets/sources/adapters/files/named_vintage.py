"""The vintage that a path or a column names."""

from collections.abc import Set as AbstractSet
from datetime import date
from pathlib import Path

from ats_assets.errors import SourceError


def named_vintage(values: AbstractSet[str], path: Path) -> date | None:
    """The one day among what files at a path name; None where they name none.

    Raises
    ------
    SourceError
        If they name several, or what is no day.

    Examples
    --------
    >>> named_vintage({"2018-02-09 17:30:00"}, Path("bars"))
    datetime.date(2018, 2, 9)
    """
    named = sorted(values)
    if len(named) > 1:
        raise SourceError(
            f"{path} holds {len(named)} vintages ({named[0]} to {named[-1]}): choose one, by source.files.path or by "
            f'source.files.where = {{vintage = "{named[-1]}"}}'
        )
    try:
        return date.fromisoformat(named[0][:10]) if named else None
    except ValueError as error:
        raise SourceError(f"{path}: vintage={named[0]} is not a day like 2018-02-09: rename it, or set source.files.vintage") from error
