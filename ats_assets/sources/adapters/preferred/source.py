"""A source of several vendors.

Bars of a session, in three steps:

1. Each vendor is asked in the order of preference, for sessions from its first one on; one that fails is passed over, and where all fail, so does the source, with what each said.
2. A symbol's rows of a session are those of the first vendor that has any; rows without a symbol are those of the first that answered. With `fill = false` all
   rows are of the first that answered.
3. Each row gets its vendor's name, and, where that is not the first, why: `massive: no row`, `massive: not answered`.

A vendor's answer is never mixed with another's within a row, and prices that are adjusted in different ways are refused: a return across two vendors would be none.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

import polars as pl

from ats_assets.errors import SettingsError, SourceError
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA, VENDOR_SCHEMA
from ats_assets.sources.source import BarSource, Capabilities, clock_remark, recognised_by, upcoming_actions

T = TypeVar("T")
NO_ROW, NOT_ANSWERED = "no row", "not answered"
UNKNOWN = "unknown"


class PreferredSource:
    """Vendors in an order, as a `BarSource`.

    Parameters
    ----------
    vendors
        The opened sources by name, in the order of preference.
    """

    def __init__(self, settings: PreferredSettings, vendors: Mapping[str, BarSource]) -> None:
        self._settings = settings
        self._vendors = dict(vendors)

    @property
    def name(self) -> str:
        """Of the source, not of a vendor: that says each row."""
        return "preferred"

    @property
    def capabilities(self) -> Capabilities:
        """Those of all vendors together: remote where one is, a vwap where one has it."""
        own = [one for one in self._of_all(lambda vendor: vendor.capabilities).values() if one is not None]
        said = {kind for kind in self._adjustments().values() if kind != UNKNOWN}
        return Capabilities(
            has_vwap=any(one.has_vwap for one in own),
            adjustment=said.pop() if said else UNKNOWN,  # pyright: ignore[reportArgumentType]
            fractional_volume=any(one.fractional_volume for one in own),
            remote=any(one.remote for one in own),
        )

    @property
    def clock_remark(self) -> str | None:
        """What the vendors have to say of the latest session."""
        said = [f"{name}: {remark}" for name, one in self._vendors.items() if (remark := clock_remark(one))]
        return "; ".join(said) or None

    def symbols(self) -> list[str]:
        """Those of every vendor that answers."""
        found = [one for one in self._of_all(lambda vendor: vendor.symbols()).values() if one is not None]
        return sorted({symbol for symbols in found for symbol in symbols})

    def first_session(self) -> date:
        """The earliest of any vendor that answers."""
        return min(day for day in self._of_all(lambda vendor: vendor.first_session()).values() if day is not None)

    def latest_session(self) -> date:
        """That of the first vendor that answers: one that is merely late is waited for, one that fails is not."""
        return next(day for day in self._of_all(lambda vendor: vendor.latest_session()).values() if day is not None)

    def known_at(self, session: date) -> datetime:
        """When the last vendor knew of it."""
        return max(vendor.known_at(session) for vendor in self._vendors.values())

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """See the module's text; beside the columns of all sources those of `VENDOR_SCHEMA`."""
        self._adjustments()
        return self._merged(lambda vendor, own: vendor.bars(own, symbols), sessions, RAW_BARS_SCHEMA, fill=self._settings.fill)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """Those of the first vendor that answers: two vendors word one action in two ways, and it would be applied twice."""
        return self._merged(lambda vendor, own: vendor.actions(own, symbols), sessions, RAW_ACTIONS_SCHEMA, fill=False)

    def upcoming_actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """As `actions`, of sessions that need not have closed."""
        return self._merged(lambda vendor, own: upcoming_actions(vendor, own, symbols), sessions, RAW_ACTIONS_SCHEMA, fill=False)

    def bars_by_vendor(self, sessions: Sequence[date]) -> dict[str, pl.DataFrame | None]:
        """What each vendor says of some sessions; None of one that does not answer. Nobody answering is no error."""
        return self._of_all(lambda vendor: vendor.bars(sessions), nobody=None)

    def recognised(self) -> list[str]:
        """What each vendor recognised, and whose prices can't be told to be like those of the others."""
        silent = [name for name, kind in self._adjustments().items() if kind == UNKNOWN]
        told = [f"{name} does not say how its prices are adjusted: see that they are as those of the other vendors" for name in silent]
        return [*told, *(f"{name}: {line}" for name, one in self._vendors.items() for line in recognised_by(one))]

    def describe(self) -> str:
        """The order, and each vendor's own description."""
        how = "a row that one has not is the next one's" if self._settings.fill else "one that fails is replaced by the next"
        said = self._of_all(lambda vendor: vendor.describe(), nobody=None)
        parts = [f"-- {name}\n{text or 'does not answer'}" for name, text in said.items()]
        return "\n".join([f"vendors: {', '.join(self._vendors)}; {how}", *parts])

    def _adjustments(self) -> dict[str, str]:
        """How each vendor's prices are adjusted; those that don't answer are left out.

        Raises
        ------
        SettingsError
            If two that say so differ.
        """
        kinds = {name: kind for name, kind in self._of_all(lambda vendor: vendor.capabilities.adjustment).items() if kind is not None}
        told = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
        if len(set(kinds.values()) - {UNKNOWN}) > 1:
            raise SettingsError(
                f"source.preferred.order names vendors whose prices are adjusted differently ({told}): a return from one to the other would be none. "
                "Set them alike (for files: `adjusted`), or leave one out"
            )
        return kinds

    def _of_all(self, ask: Callable[[BarSource], T], nobody: str | None = "answers") -> dict[str, T | None]:
        """What each vendor says, None where it fails; an error that holds what each said where all do, unless `nobody` is None."""
        found: dict[str, T | None] = {}
        failed: list[str] = []
        for name, vendor in self._vendors.items():
            try:
                found[name] = ask(vendor)
            except SourceError as error:
                found[name] = None
                failed.append(f"{name}: {error}")
        if nobody is not None and len(failed) == len(self._vendors):
            raise SourceError("no vendor of source.preferred.order " + nobody + ":\n- " + "\n- ".join(failed))
        return found

    def _merged(
        self, ask: Callable[[BarSource, Sequence[date]], pl.DataFrame], sessions: Sequence[date], schema: pl.Schema, *, fill: bool
    ) -> pl.DataFrame:
        taken = pl.Schema({**schema, **VENDOR_SCHEMA}).to_frame()
        answered: set[date] = set()
        passed: list[str] = []
        failed: list[str] = []
        for name, vendor in self._vendors.items():
            wanted = [day for day in sessions if fill or day not in answered]
            try:
                begins = vendor.first_session() if wanted else None
                own = [day for day in wanted if begins and day >= begins]
                rows = ask(vendor, own) if own else None
            except SourceError as error:
                failed.append(f"{name}: {error}")
                passed.append(f"{name}: {NOT_ANSWERED}")
                continue
            if rows is not None:
                why = "; ".join(passed) or None
                said = rows.with_columns(vendor=pl.lit(name, pl.String), vendor_reason=pl.lit(why, pl.String)).match_to_schema(taken.schema)
                nameless = pl.col("symbol").is_null() & ~pl.col("session").is_in(list(answered))
                named = said.filter(pl.col("symbol").is_not_null()).join(taken, on=["session", "symbol"], how="anti")
                taken = pl.concat([taken, named, said.filter(nameless)])
                answered |= set(own)
            passed.append(f"{name}: {NO_ROW}")
        if failed and not answered.issuperset(sessions):
            without = sorted(set(sessions) - answered)
            span = f"{without[0]}" + (f" to {without[-1]}" if len(without) > 1 else "")
            raise SourceError(f"no vendor of source.preferred.order answers for {span}:\n- " + "\n- ".join(failed))
        return taken.sort("session", "symbol", maintain_order=True)
