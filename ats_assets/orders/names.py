"""Changes of name in the account: a position is the same under the old ticker and the new one.

A broker calls a position by its new ticker from some time of the ex-session on, perhaps hours earlier; it may book the change as entries that take shares from one
ticker and give them to the other, days later, or not at all. So for some days the tickers of a change are counted together: what is held of both must agree with the records,
whichever is which. Once a session is settled, the records take the broker's names.

What changed is asked for only where positions differ: the stored corporate actions say it, and for sessions whose actions are not stored yet the source itself is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from ats_assets.bars import (
    BARS_SCHEMA,
    CORPORATE_ACTIONS_SCHEMA,
    NAME_CHANGES_SCHEMA,
    REPEAT_DAYS,
    Identities,
    identities_of,
    name_changes,
    screen_actions,
)
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.knowledge import FOREVER
from ats_assets.orders.order import BrokerOrder, OrderIntent
from ats_assets.orders.outcome import Difference, DifferenceKind
from ats_assets.sources import upcoming_actions
from ats_assets.warehouse import Warehouse

TOGETHER_DAYS = 14
"""Around an ex-session, for so long before what is compared, the tickers of a change are counted together."""

UPCOMING_DAYS = 7
"""After the newest session whose actions are stored, for so long the source is asked."""

NameChanges = Callable[[date], pl.DataFrame]
"""The changes of name (`NAME_CHANGES_SCHEMA`) with an ex-session from a day on, those of the next session included."""


def no_name_changes(_since: date) -> pl.DataFrame:
    """Where nothing tells of them."""
    return NAME_CHANGES_SCHEMA.to_frame()


def known_name_changes(deployment: Deployment) -> NameChanges:
    """What the stored corporate actions and, for later sessions up to the next one, the source tell."""
    if not deployment.settings.source.tells_name_changes:
        return no_name_changes

    kept: dict[tuple[date, Path, int], pl.DataFrame] = {}

    def changes(since: date) -> pl.DataFrame:
        calendar, warehouse = deployment.calendar, deployment.warehouse
        stored = warehouse.sessions("corporate_actions")
        if not stored:
            return NAME_CHANGES_SCHEMA.to_frame()
        first = since - timedelta(days=REPEAT_DAYS)
        newest = _newest(warehouse, [day for day in stored if day >= first])
        files = {(day, path, path.stat().st_mtime_ns): {day: path} for day, path in newest.items()}
        for file, of_day in files.items():
            if file not in kept:
                kept[file] = warehouse.read_files("corporate_actions", of_day).filter(kind="name_change")
        rows = [kept[file] for file in files]
        following = calendar.sessions(stored[-1] + timedelta(days=1), stored[-1] + timedelta(days=UPCOMING_DAYS))
        actions = pl.concat([CORPORATE_ACTIONS_SCHEMA.to_frame(), *rows, *_of_source(deployment, following)], how="diagonal")
        return name_changes(actions).filter(pl.col("session") >= since)

    return changes


def known_identities(deployment: Deployment, session: date) -> Identities:
    """Who bears which ticker, by the corporate actions stored up to a session."""
    source, warehouse = deployment.settings.source, deployment.warehouse
    stored = [day for day in warehouse.sessions("corporate_actions") if day <= session] if source.tells_name_changes else []
    columns = ["session", "symbol", "kind", "new_symbol"]
    newest = _newest(warehouse, stored)
    actions = warehouse.read_files("corporate_actions", newest, columns) if stored else CORPORATE_ACTIONS_SCHEMA.to_frame()
    return identities_of(actions, source.kind)


def _newest(warehouse: Warehouse, sessions: Sequence[date]) -> dict[date, Path]:
    """The files of actions as they are known now: who trades must know of a change that was told late."""
    return {day: warehouse.path("corporate_actions", day, until=FOREVER) for day in sessions}


def _of_source(deployment: Deployment, sessions: Sequence[date]) -> list[pl.DataFrame]:
    """What the source tells of sessions that are not stored; nothing where it can't."""
    try:
        source = deployment.source
        raw = upcoming_actions(source, sessions) if sessions else None
    except AtsError:
        return []
    return [] if raw is None else [screen_actions(raw, BARS_SCHEMA.to_frame(), deployment.calendar)[0]]


def without_changes_of_name(differences: Sequence[Difference], changes: pl.DataFrame) -> list[Difference]:
    """The differences that no change of name explains: of positions, those of tickers of which, counted together, another number is held than recorded."""
    together = _together(changes)
    ours, theirs = (
        _summed({one.subject: getattr(one, side) for one in differences if _is_position(one)}, together) for side in ("ours", "theirs")
    )
    return [one for one in differences if not _is_position(one) or ours[together(one.subject)] != theirs[together(one.subject)]]


def under_their_names(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal], changes: pl.DataFrame) -> dict[str, Decimal]:
    """What the records hold, by symbol, under the broker's names: those of tickers of which, counted together, both hold the same number."""
    together = _together(changes)
    here, there = _summed(ours, together), _summed(theirs, together)
    agreed = {bucket for bucket, quantity in here.items() if quantity == there.get(bucket, Decimal(0))}
    kept = {symbol: quantity for symbol, quantity in ours.items() if together(symbol) not in agreed}
    return kept | {symbol: quantity for symbol, quantity in theirs.items() if together(symbol) in agreed}


def _is_position(difference: Difference) -> bool:
    return difference.kind is DifferenceKind.POSITION


def _together(changes: pl.DataFrame) -> Callable[[str], str]:
    """Symbol -> one of those that it is counted together with, the same for all of them."""
    names: dict[str, str] = {}

    def first(symbol: str) -> str:
        while symbol in names:
            symbol = names[symbol]
        return symbol

    for symbol, new in changes.select("symbol", "new_symbol").iter_rows():
        one, other = sorted((first(symbol), first(new)))
        if one != other:
            names[other] = one
    return first


def _summed(held: Mapping[str, Decimal | None], together: Callable[[str], str]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for symbol, quantity in held.items():
        sums[together(symbol)] = sums.get(together(symbol), Decimal(0)) + (quantity or Decimal(0))
    return sums


def as_renamed(intent: OrderIntent, order: BrokerOrder, changes: pl.DataFrame) -> OrderIntent:
    """The intent under the ticker that the broker's order has, where a change of name made it that one."""
    together = _together(changes)
    return replace(intent, symbol=order.symbol) if together(intent.symbol) == together(order.symbol) else intent
