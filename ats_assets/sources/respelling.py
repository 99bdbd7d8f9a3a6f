"""A source whose symbols are spelled as the warehouse spells them, whatever its vendor does."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar, cast

import polars as pl

from ats_assets.vendors.spelling import Spelling, spelled_for

Source = TypeVar("Source")
_NAMED = ("symbol", "new_symbol")


class RespelledSource:
    """A source of bars as another one, with other symbols; all else is that one's.

    Parameters
    ----------
    source
        A `BarSource` whose symbols are the vendor's.
    """

    def __init__(self, source: Any, spelling: Spelling) -> None:
        self._source = source
        self._spelling = spelling

    def __getattr__(self, name: str) -> Any:
        """What has no symbols in it."""
        if name.startswith("__") or name == "_source":
            raise AttributeError(name)
        found = getattr(self._source, name)
        return self._asked(found) if name == "upcoming_actions" else found

    def symbols(self) -> list[str]:
        """As `BarSource.symbols`."""
        return sorted(self._spelling.warehouses(self._source.symbols()).values())

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """As `BarSource.bars`."""
        return self._asked(self._source.bars)(sessions, symbols)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """As `BarSource.actions`."""
        return self._asked(self._source.actions)(sessions, symbols)

    def _asked(self, ask: Any) -> Any:
        def asked(sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
            return respelled_rows(ask(sessions, spelled_for(self._spelling, symbols)), self._spelling)

        return asked


def respelled_rows(rows: pl.DataFrame, spelling: Spelling) -> pl.DataFrame:
    """Rows of a vendor with the warehouse's symbols, sorted by session and symbol, then in the order of delivery.

    A symbol that the vendor spells nothing by stays as it came, and `defects` says so.

    Raises
    ------
    AmbiguousSymbolError
        If a symbol can be two instruments.
    """
    named = [name for name in _NAMED if name in rows.columns]
    theirs = {symbol for name in named for symbol in rows[name].drop_nulls().unique()}
    ours = spelling.warehouses(theirs)
    if all(symbol == name for symbol, name in ours.items()) and len(ours) == len(theirs):
        return rows
    odd = [
        pl.when(pl.col(name).is_in(sorted(theirs - ours.keys()))).then(pl.format(f"{name}: {{}} is not as {spelling.vendor} spells", name))
        for name in named
    ]
    told = pl.concat_str("defects", *odd, separator="; ", ignore_nulls=True).replace("", None)
    made = rows.with_columns(pl.col(named).replace(ours), defects=told)
    return made.sort("session", "symbol", *(["sequence"] if "sequence" in rows.columns else []), maintain_order=True)


def respelled(source: Source, spelling: Spelling) -> Source:
    """The source, with the warehouse's symbols."""
    return source if spelling.is_the_warehouses else cast("Source", RespelledSource(source, spelling))
