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

import polars as pl

from ats_assets.bars import BARS_SCHEMA
from ats_assets.corporate_actions.identity import NAME_CHANGES_SCHEMA, REPEAT_DAYS, Identities, identities_of, name_changes
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.order import BrokerOrder, OrderIntent
from ats_assets.execution.outcome import Difference, DifferenceKind
from ats_assets.execution.stored_names import stored_names
from ats_assets.sources import upcoming_actions

TOGETHER_DAYS = 14
"""Around an ex-session, for so long before what is compared, the tickers of a change are counted together."""

UPCOMING_DAYS = 7
"""After the newest session whose actions are stored, for so long the source is asked."""

_EVER = date(1900, 1, 1)

NameChanges = Callable[[date], pl.DataFrame]
"""The changes of name (`NAME_CHANGES_SCHEMA`) with an ex-session from a day on, those of the next session included."""


IdentityLookup = Callable[[date], Identities]
"""Who bears which ticker, by the changes of name with an ex-session up to a day."""


def no_name_changes(_since: date) -> pl.DataFrame:
    """Where nothing tells of them."""
    return NAME_CHANGES_SCHEMA.to_frame()


def known_name_changes(deployment: Deployment) -> NameChanges:
    """What the stored corporate actions and, for later sessions up to the next one, the source tell."""
    if not deployment.tells_name_changes:
        return no_name_changes

    def changes(since: date) -> pl.DataFrame:
        stored = stored_names(deployment)
        if stored.newest is None:
            return NAME_CHANGES_SCHEMA.to_frame()
        rows = stored.actions.filter(pl.col("session") > pl.lit(since) - timedelta(days=REPEAT_DAYS + 1))
        after = deployment.calendar.sessions(stored.newest + timedelta(days=1), stored.newest + timedelta(days=UPCOMING_DAYS))
        actions = pl.concat([CORPORATE_ACTIONS_SCHEMA.to_frame(), rows, *_of_source(deployment, after)], how="diagonal")
        return name_changes(actions).filter(pl.col("session") >= since)

    return changes


def known_identities(deployment: Deployment, session: date) -> Identities:
    """Who bears which ticker, by the corporate actions stored up to a session; those of the session itself among them."""
    source = deployment.settings.source
    told = stored_names(deployment).actions if deployment.tells_name_changes else CORPORATE_ACTIONS_SCHEMA.to_frame()
    return identities_of(told.filter(pl.col("session") <= session), source.kind)


def identities_now(deployment: Deployment) -> IdentityLookup:
    """Who bears which ticker on a day, by the stored actions and, for later sessions, what the source tells."""
    changes, source = known_name_changes(deployment), deployment.settings.source
    return lambda day: Identities(changes(_EVER).filter(pl.col("session") <= day), source.kind)


def _of_source(deployment: Deployment, sessions: Sequence[date]) -> list[pl.DataFrame]:
    """What the source tells of sessions that are not stored; nothing where it can't."""
    try:
        source = deployment.source_now()
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
    """What the records hold, by symbol, under the broker's names: those of tickers of which, counted together, both hold the same number.

    Examples
    --------
    >>> changes = pl.DataFrame({"symbol": ["FB"], "new_symbol": ["META"]})
    >>> under_their_names({"FB": Decimal(10), "AAA": Decimal(5)}, {"META": Decimal(10), "AAA": Decimal(4)}, changes)
    {'AAA': Decimal('5'), 'META': Decimal('10')}
    """
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
