"""What a table as it was read is taken for: its columns by name or position, and where several could be one, which of them by what they hold."""

from collections.abc import Mapping

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.recognition import REQUIRED, SYNONYMS, Recognition, recognise, require_columns
from ats_assets.sources.adapters.files.text_tables import ReadTable
from ats_assets.sources.column_names import normalised


def recognised(read: ReadTable, table: pl.DataFrame, settings: FilesSettings, where: str, *, symbol_is_known: bool) -> Recognition:
    """The columns of a table, all that are needed among them.

    Parameters
    ----------
    table
        The rows that are wanted, without what is wrong with them.
    symbol_is_known
        Whether no column needs to say it.

    Raises
    ------
    SourceError
        If a column is missing, or holds something else than numbers.
    """
    overrides = settings.columns
    if read.positions:
        named = {table.columns[name - 1] if isinstance(name, int) and name <= table.width else name for name in overrides.values()}
        guessed = {canonical: name for canonical, name in read.positions.items() if canonical in SYNONYMS and name not in named}
        overrides = guessed | overrides
    recognition = recognise(table.schema, overrides, where)
    needed = [name for name in REQUIRED if name != "symbol" or not symbol_is_known] + (["adj_close"] if settings.adjusted else [])
    missing = [name for name in needed if name not in recognition.columns]
    if missing and read.first_line is not None:
        raise SourceError(
            f"{where} has no header, and its columns can't be told by what they hold ({', '.join(missing)}): its first line is {read.first_line!r}. "
            "Say which column is which by position: source.files.columns = { date = 1, open = 2, high = 3, low = 4, close = 5, volume = 6 }"
            + (", and source.files.symbol" if missing == ["symbol"] else "")
        )
    if missing == ["symbol"] and settings.symbol_pattern is not None:
        raise SourceError(
            f"{where} has no column of symbols, and source.files.symbol_pattern {settings.symbol_pattern!r} finds none in its name: correct it, or rename the file"
        )
    require_columns(recognition, needed, table.schema, where)
    columns, of_volume = _volume_that_is_counted(table, recognition.columns, settings.columns)
    unused = tuple(name for name in table.columns if name not in columns.values())
    choices = (*read.choices, *of_volume, *_of_prices(columns, settings))
    return Recognition(columns=columns, unused=unused, choices=choices)


def _volume_that_is_counted(
    table: pl.DataFrame, columns: Mapping[str, str], overrides: Mapping[str, str | int]
) -> tuple[Mapping[str, str], tuple[ReaderChoice, ...]]:
    """Another column of volumes where the one with the better name is zero or empty: MetaTrader's `<VOL>` beside `<TICKVOL>`, of what no exchange counts."""
    if "volume" in overrides:
        return columns, ()
    others = [name for name in table.columns if name not in columns.values() and normalised(name) in SYNONYMS["volume"]]
    taken = _n_counted(table[columns["volume"]]) if others else 0
    best = max(others, key=lambda name: _n_counted(table[name]), default=None)
    # half of the rows, so that a few do not turn all others
    if best is None or _n_counted(table[best]) == 0 or 2 * taken >= _n_counted(table[best]):
        return columns, ()
    why = f"volume is {best!r}, since {columns['volume']!r} is zero or empty in most rows"
    choice = ReaderChoice(taken=why, setting=f'source.files.columns = {{ volume = "{columns["volume"]}" }}')
    return {**columns, "volume": best}, (choice,)


def _n_counted(column: pl.Series) -> int:
    """The cells that are a number other than zero."""
    return int((column.cast(pl.Float64, strict=False).fill_null(0.0) != 0).sum())


def _of_prices(columns: Mapping[str, str], settings: FilesSettings) -> tuple[ReaderChoice, ...]:
    """Which prices are used, where an adjusted close is there too."""
    if "adj_close" not in columns:
        return ()
    adjusted, close = columns["adj_close"], columns["close"]
    if settings.adjusted:
        taken = f"prices are scaled by {adjusted!r} / {close!r}, volumes by its inverse"
        return (ReaderChoice(taken=taken, setting="source.files.adjusted = false"),)
    taken = f"prices are as in {close!r}; {adjusted!r}, adjusted for splits and dividends, is not used"
    return (ReaderChoice(taken=taken, setting="source.files.adjusted = true"),)
