"""A source of several vendors.

Bars of a session, in three steps:

1. Each vendor is asked in the order of preference, for sessions from its first one on; one that fails is passed over, and where all fail, so does the source, with what each said.
2. A symbol's rows of a session are those of the first vendor that has any; rows without a symbol are those of the first that answered. With `fill = false` all
   rows are of the first that answered.
3. Each row gets its vendor's name, and, where that is not the first, why: `massive: no row`, `massive: not answered`.

A vendor's answer is never mixed with another's within a row, and prices that are adjusted in different ways are refused: a return across two vendors would be none.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

import polars as pl

from ats_assets.errors import SettingsError, SourceError
from ats_assets.sources.adapters.preferred.asking_in_parts import Said, said_of
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA, VENDOR_SCHEMA
from ats_assets.sources.source import BarSource, Capabilities, clock_remark, recognised_by, upcoming_actions
from ats_assets.sources.vendors_in_order import NO_ROW, NOT_ANSWERED, answers_of_all

T = TypeVar("T")
UNKNOWN = "unknown"
_log = logging.getLogger(__name__)


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
        self._remarks: dict[str, str] = {}

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
        return "\n".join([f"vendors: {', '.join(self._vendors)}; {how}", *self._remarks.values(), *parts])

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

    def _of_all(
        self, ask: Callable[[BarSource], T], nobody: str | None = "no vendor of source.preferred.order answers"
    ) -> dict[str, T | None]:
        return answers_of_all(self._vendors, ask, nobody)

    def _merged(
        self, ask: Callable[[BarSource, Sequence[date]], pl.DataFrame], sessions: Sequence[date], schema: pl.Schema, *, fill: bool
    ) -> pl.DataFrame:
        taken = pl.Schema({**schema, **VENDOR_SCHEMA}).to_frame()
        answered: set[date] = set()
        passed: dict[date, list[str]] = {day: [] for day in sessions}
        failed: list[str] = []
        for name, vendor in self._vendors.items():
            wanted = [day for day in passed if fill or day not in answered]
            said, own = self._said(vendor, ask, wanted)
            self._remarks.pop(name, None)
            if said.failed:
                failed += [f"{name}: {why}" for why in said.failed]
                self._note(name, sorted(set(own) - said.answered), said.failed)
            whys = pl.DataFrame(
                [(day, "; ".join(why) or None) for day, why in passed.items()],
                schema={"session": pl.Date, "vendor_reason": pl.String},
                orient="row",
            )
            for rows in said.frames:
                told = rows.with_columns(vendor=pl.lit(name, pl.String)).join(whys, on="session", how="left", maintain_order="left")
                nameless = pl.col("symbol").is_null() & ~pl.col("session").is_in(list(answered))
                named = told.filter(pl.col("symbol").is_not_null()).join(taken, on=["session", "symbol"], how="anti")
                taken = pl.concat([taken, *(some.match_to_schema(taken.schema) for some in (named, told.filter(nameless)))])
            answered |= said.answered
            for day in wanted:
                passed[day].append(f"{name}: {NOT_ANSWERED if day in own and day not in said.answered else NO_ROW}")
        if failed and not answered.issuperset(sessions):
            without = sorted(set(sessions) - answered)
            raise SourceError(f"no vendor of source.preferred.order answers for {_span(without)}:\n- " + "\n- ".join(failed))
        return taken.sort("session", "symbol", maintain_order=True)

    @staticmethod
    def _said(
        vendor: BarSource, ask: Callable[[BarSource, Sequence[date]], pl.DataFrame], wanted: Sequence[date]
    ) -> tuple[Said, Sequence[date]]:
        """What a vendor says of the sessions from its first one on, and which these are."""
        if not wanted:
            return Said(), []
        try:
            begins = vendor.first_session()
        except SourceError as error:
            return Said(failed=[str(error)]), wanted
        own = [day for day in wanted if day >= begins]
        return (said_of(lambda some: ask(vendor, some), own) if own else Said()), own

    def _note(self, name: str, days: Sequence[date], failed: Sequence[str]) -> None:
        """Say that a vendor is passed over, and why: nobody looks for what is taken from another in silence."""
        self._remarks[name] = f"{name} does not answer for {_span(days)}, and the next vendor is asked: {failed[0]}"
        _log.warning("source.preferred: %s", self._remarks[name])


def _span(days: Sequence[date]) -> str:
    return f"{days[0]}" + (f" to {days[-1]}" if len(days) > 1 else "")
