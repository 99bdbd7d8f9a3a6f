"""When a structure is closed: one judgement for each and each session, with the numbers that decided.

As for a single option (`contract_rolling`), in this order:

1. no price, or a change of the underlying at the next session: hold;
2. `broken_structure`: a leg is gone, so the rest is closed;
3. at the last session `in_the_money`: what would exchange shares is closed, at any price; beside short legs a long one out of the money is left to expire, since without a bid it would hold up the rest;
4. `stop`, by the marks; `ex_date`; `profit_target`, by the quotes; `close_delta`; `close_days`;
5. `expires` at the last session, else `hold`.

A structure is never rolled in one order, which would have more legs than brokers take: it is closed, and another is opened at the session after.

To close it every short leg must have an ask. A long leg that nobody buys is worth nothing and stays, to be sold later or to expire.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from pydantic import Field

from ats_assets.errors import how_many
from ats_assets.option_strategies.contract_rolling import Judgement, told_before_ex_date
from ats_assets.option_strategies.fills import CENT
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.option_strategies.structure_value import PricedStructure, priced_structure
from ats_assets.option_strategies.structures import HeldStructure, Pattern
from ats_assets.settings import NonNegative, Section


class StructureExitSettings(Section):
    """When a structure is closed."""

    profit_target: float = Field(
        default=0.5,
        gt=0,
        description="share of the most that can be gained (of a long straddle or strangle: of what was paid); 1 of a credit: never",
    )
    stop_multiple: float | None = Field(default=None, gt=1, description="of a credit: closed when it is worth that multiple of it")
    stop_share: float | None = Field(default=None, gt=0, le=1, description="of a debit: closed when that share of it is lost")
    close_delta: float | None = Field(
        default=None, gt=0, le=1, description="closed when the delta of a short leg, without its sign, reaches this"
    )
    close_days: NonNegative = Field(default=7, description="closed when so many days or fewer are left; 0: left to expire out of the money")
    before_ex_date: Literal["close", "allow"] = Field(
        default="close",
        description="of a short call in the money whose time value is below a dividend: close before, or let it be assigned",
    )
    ex_date_sessions: int = Field(default=2, ge=2, description="how many sessions before an ex-date that is looked at")


def judged_structure(context: StrategyContext, group: HeldStructure, pattern: Pattern, exits: StructureExitSettings) -> Judgement:
    """What is done about a structure, by the rules of the module's docstring."""
    found = priced_structure(context, group)
    if isinstance(found, Judgement):
        return found
    wanted = _broken(found) if not group.fits(pattern) else _wanted(context, found, exits)
    if wanted is None:
        return _left(found, exits)
    if wanted.action == "close" and found.unsold:
        return Judgement(action="hold", rule="no_ask", why=f"{wanted.why}; but nobody sells {', '.join(found.unsold)}")
    return wanted


def _broken(found: PricedStructure) -> Judgement:
    """A leg is gone: assigned, or traded by hand."""
    told = _told(found)
    if all(held.quantity > 0 and (quote is None or quote.bid is None) for held, quote in found.legs):
        return Judgement(action="hold", rule="worthless_leg", why=f"{told} is left of a structure, and nobody buys it")
    return Judgement(action="close", rule="broken_structure", why=f"{told} is no whole structure any more: what is left is closed")


def _wanted(context: StrategyContext, found: PricedStructure, exits: StructureExitSettings) -> Judgement | None:
    """What the rules ask for, whether it can be traded or not; None where none does."""
    inside = [quote.symbol for quote in found.quotes if quote.intrinsic > 0]
    if found.quotes[0].sessions_left <= 1 and inside:
        why = f"the last session is the next one, and in the money at {found.quotes[0].spot:.2f} are {', '.join(inside)}: closed before shares are exchanged"
        return Judgement(action="close", rule="in_the_money", why=why)
    if (stop := _stopped(found, exits)) is not None:
        return stop
    for quote in found.shorts:
        before = told_before_ex_date(context, quote, exits.ex_date_sessions)
        if isinstance(before, Judgement):
            return before
        if before is not None and exits.before_ex_date == "close":
            return Judgement(action="close", rule="ex_date", why=f"{before}: it would be assigned before, and the structure broken")
    gained, days = found.gained, found.quotes[0].days_left
    if gained is not None and gained >= exits.profit_target and not _never(found, exits):
        why = f"{gained:.0%} of {_told_most(found)} is gained at the quotes (profit_target {exits.profit_target:.0%})"
        return Judgement(action="close", rule="profit_target", why=why, limit=_least_gained(found, exits.profit_target))
    deltas = [(abs(quote.delta), quote.symbol) for quote in found.shorts if quote.delta is not None]
    if exits.close_delta is not None and deltas and max(deltas)[0] >= exits.close_delta:
        delta, symbol = max(deltas)
        why = f"the delta of {symbol} is {delta:.2f}, without its sign (close_delta {exits.close_delta:.2f})"
        return Judgement(action="close", rule="close_delta", why=why)
    if days <= exits.close_days:
        return Judgement(action="close", rule="close_days", why=f"{how_many(days, 'day')} left (close_days {exits.close_days})")
    return None


def _stopped(found: PricedStructure, exits: StructureExitSettings) -> Judgement | None:
    if found.marked is None:
        return None
    if found.received > 0:
        most = exits.stop_multiple
        if most is None or found.marked < Decimal(str(most)) * found.received:
            return None
        times = found.marked / found.received
        why = f"it is worth {found.marked:.2f}, {times:.1f} times the credit of {found.received:.2f} (stop_multiple {most:g})"
        return Judgement(action="close", rule="stop", why=why)
    paid, worth = -found.received, -found.marked
    if exits.stop_share is None or paid <= 0 or paid - worth < Decimal(str(exits.stop_share)) * paid:
        return None
    why = f"it is worth {worth:.2f}, so that {(paid - worth) / paid:.0%} of {paid:.2f} paid is lost (stop_share {exits.stop_share:.0%})"
    return Judgement(action="close", rule="stop", why=why)


def _least_gained(found: PricedStructure, target: float) -> Decimal:
    """The limit of a close that still gains as much; a cent at least, where something is paid."""
    whole = -found.received if found.most is None else found.most
    limit = (found.received - Decimal(str(target)) * whole).quantize(CENT, ROUND_FLOOR)
    return CENT if limit == 0 else limit


def _never(found: PricedStructure, exits: StructureExitSettings) -> bool:
    return exits.profit_target >= 1 and found.received > 0


def _left(found: PricedStructure, exits: StructureExitSettings) -> Judgement:
    """Nothing is due: it expires at the next session, or is held; how near each rule is."""
    first = found.quotes[0]
    if first.sessions_left <= 1:
        why = f"{_told(found)}: the last session is {first.last_session}; at {first.spot:.2f} nothing is in the money, so it expires worthless if it stays"
        return Judgement(action="let_expire", rule="expires", why=why)
    gained = found.gained
    told = "a leg has no price" if gained is None else f"{gained:.0%} of {_told_most(found)} gained"
    rules = [] if _never(found, exits) else [f"closes at {exits.profit_target:.0%}"]
    rules += [f"stops at {exits.stop_multiple:g} times"] if exits.stop_multiple is not None and found.received > 0 else []
    rules += [f"stops at a loss of {exits.stop_share:.0%}"] if exits.stop_share is not None and found.received <= 0 else []
    rules += [] if exits.close_delta is None else [f"closes at a delta of {exits.close_delta:.2f}"]
    rules += [f"closes at {how_many(exits.close_days, 'day')}"] if exits.close_days else []
    why = f"{_told(found)}: {told}, {how_many(first.days_left, 'day')} left ({', '.join(rules) or 'held until it expires'})"
    return Judgement(action="hold", rule="hold", why=why)


def _told(found: PricedStructure) -> str:
    return ", ".join(f"{held.quantity:+d} {held.contract.symbol}" for held in found.group.positions)


def _told_most(found: PricedStructure) -> str:
    if found.received > 0:
        return f"the credit of {found.received:.2f}"
    return f"the {-found.received:.2f} paid" if found.most is None else f"the {found.most:.2f} that {-found.received:.2f} paid can gain"
