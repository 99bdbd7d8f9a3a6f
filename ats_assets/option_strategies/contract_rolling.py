"""When a short option is bought back, rolled, or left to expire: one judgement for each position and session, with the numbers that decided.

Rules are asked in this order, and the first that speaks decides:

1. no price at the session, or a change of the underlying at the next one: hold;
2. the contract delivers something else than shares: close (`adjusted`);
3. `stop`: by the mark, since a wide ask alone is no loss;
4. `ex_date`: a call in the money whose time value is below a dividend would be assigned before the ex-date (docs/option_strategies.md);
5. `profit_target`: by the ask, what it really costs to buy back;
6. `roll_captured`, `roll_delta`, `roll_days`;
7. `close_days`;
8. `expires`: at its last session it is left to;
9. `hold`.

A limit is the worst price at which the rule still holds: of a profit target what leaves that profit, of a roll for a credit no debit. A stop and a roll that may cost something have none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from pydantic import Field

from ats_assets.errors import how_many
from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import (
    ContractSettings,
    Picked,
    Screen,
    pick,
    screens_of,
    strike_at_least,
    strike_at_most,
)
from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.option_strategies.option_strategy import HeldOption, KnownDividend
from ats_assets.option_strategies.strategy_context import StrategyContext, told_action
from ats_assets.options.contract import Right
from ats_assets.settings import NonNegative, Positive, Section


class RollSettings(Section):
    """When a short option is bought back or rolled, and into what."""

    profit_target: float = Field(default=0.9, gt=0, le=1, description="share of the premium captured at which it is bought back; 1: never")
    stop_multiple: float | None = Field(default=None, gt=1, description="bought back when it is worth that multiple of its premium")
    close_days: NonNegative = Field(default=0, description="bought back when so many days or fewer are left; 0: left to expire")
    roll_captured: float | None = Field(default=None, gt=0, lt=1, description="rolled at this share of the premium captured")
    roll_delta: float | None = Field(default=None, gt=0, le=1, description="rolled when the delta, without its sign, reaches this")
    roll_days: Positive | None = Field(default=None, description="rolled when so many days or fewer are left")
    roll_to: Literal["same_strike", "target_delta", "away"] = Field(
        default="target_delta",
        description="always a later expiry; same_strike: out alone; target_delta: the strike of the selection's delta; away: that, but never nearer to the money than now",
    )
    roll_credit_only: bool = Field(default=True, description="a roll must bring in more than it costs")
    min_roll_credit: float = Field(default=0.0, ge=0, description="for one share, with roll_credit_only")
    unable_to_roll: Literal["hold", "close", "close_in_profit"] = Field(
        default="hold", description="when no contract to roll to satisfies the selection"
    )
    before_ex_date: Literal["allow", "roll", "close"] = Field(
        default="allow",
        description="of a call in the money whose time value is below a dividend: let it be assigned, or roll or close it before",
    )
    ex_date_sessions: int = Field(
        default=2, ge=2, description="how many sessions before an ex-date that is looked at; at the last one it is too late to trade"
    )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is done about a position.

    Attributes
    ----------
    limit
        As `Decision.limit_price`, of a close.
    dividend
        Because of which it is rolled.
    """

    action: Literal["hold", "close", "roll", "let_expire"]
    rule: str
    why: str
    limit: Decimal | None = None
    dividend: KnownDividend | None = None


def judged_short(context: StrategyContext, held: HeldOption, exits: RollSettings) -> Judgement:
    """What is done about one short option, by the rules of the module's docstring."""
    quote = priced(context, held)
    if isinstance(quote, Judgement):
        return quote
    wanted = _wanted(context, held, quote, exits)
    if wanted is None:
        return _left(held, quote, exits)
    if quote.ask is None and wanted.action != "hold":
        return Judgement(action="hold", rule="no_ask", why=f"{wanted.why}; but nobody sells {quote.symbol}")
    return wanted


def priced(context: StrategyContext, held: HeldOption) -> ChainQuote | Judgement:
    """The quote that a position is judged by, or why it is held without a judgement."""
    contract, view = held.contract, context.view
    if contract.underlying not in context.chain.underlyings:
        why = f"{contract.underlying} has no chain at {view.session}: {contract.symbol} is held, and another session's quotes are not decided on"
        return Judgement(action="hold", rule="no_chain", why=why)
    if (action := context.action_of(contract.underlying)) is not None:
        after = "its contracts are adjusted, and closed at this session's quotes" if action.adjusts else "strike and quantity follow"
        return Judgement(action="hold", rule="action_ahead", why=f"{told_action(action)}: {after}")
    quote = context.chain.of(contract)
    return quote or Judgement(action="hold", rule="no_quote", why=f"{contract.symbol} has no price at {view.session}: it is held")


def captured(held: HeldOption, quote: ChainQuote) -> float | None:
    """The share of a short option's premium that is kept if it is bought back at the ask; negative for a loss, None where nobody sells."""
    if quote.ask is None or held.average_price <= 0:
        return None
    return float((held.average_price - quote.ask) / held.average_price)


def endangered(context: StrategyContext, quote: ChainQuote, sessions: int) -> KnownDividend | None:
    """The next dividend before whose ex-date a short call would be assigned, as it stands; None where there is none within so many sessions."""
    value = quote.time_value
    if quote.contract.right is not Right.CALL or quote.intrinsic <= 0 or value is None:
        return None
    for one in context.dividends(quote.contract.underlying):
        if one.ex_session > quote.last_session or context.sessions_until(one.ex_session) > sessions:
            return None
        if value < one.amount:
            return one
    return None


def roll_target(  # noqa: PLR0917 - the position and what it is rolled by
    context: StrategyContext,
    held: HeldOption,
    quote: ChainQuote,
    selection: ContractSettings,
    exits: RollSettings,
    further: Sequence[Screen] = (),
    dividend: KnownDividend | None = None,
) -> Picked:
    """The contract that a short option is rolled to, or why there is none.

    Parameters
    ----------
    further
        More rules that it must satisfy, such as a strike that cash can secure.
    dividend
        Because of which it is rolled: the new one must not be assigned before its ex-date, either.
    """
    contract, strike = held.contract, held.contract.strike
    screens = [*screens_of(selection, context.coming_dates(contract.underlying)), *further]
    screens.append(Screen(name="expiry", lacks=lambda new: None if new.contract.expiry > contract.expiry else "does not expire later"))
    if exits.roll_to == "same_strike":
        screens = [screen for screen in screens if screen.name != "delta"]
        screens.append(
            Screen(
                name="strike", lacks=lambda new: None if new.contract.strike == strike else f"strike {new.contract.strike}, not {strike}"
            )
        )
    elif exits.roll_to == "away":
        away = strike_at_least if contract.right is Right.CALL else strike_at_most
        screens.append(away(strike, "present strike"))
    if exits.roll_credit_only:
        screens.append(Screen(name="credit", lacks=lambda new: _no_credit(new, quote, exits.min_roll_credit)))
    if dividend is not None:
        screens.append(Screen(name="dividend", lacks=lambda new: _assigned_as_well(new, dividend)))
    return pick(context.chain, contract.underlying, contract.right, selection, screens, without=(contract,))


def _wanted(context: StrategyContext, held: HeldOption, quote: ChainQuote, exits: RollSettings) -> Judgement | None:
    """What the rules ask for, whether it can be bought back or not; None where none does."""
    premium, kept = held.average_price, captured(held, quote)
    if quote.deliverable is not None:
        return Judgement(action="close", rule="adjusted", why=f"{quote.symbol} delivers {quote.deliverable}, which is no standard contract")
    if (
        premium > 0
        and exits.stop_multiple is not None
        and quote.mark is not None
        and quote.mark >= Decimal(str(exits.stop_multiple)) * premium
    ):
        why = f"{quote.symbol} is worth {quote.mark:.2f}, {quote.mark / premium:.1f} times its premium of {premium:.2f} (stop_multiple {exits.stop_multiple:g})"
        return Judgement(action="close", rule="stop", why=why)
    if (before := _before_ex_date(context, quote, exits)) is not None:
        return before
    if exits.profit_target < 1 and kept is not None and kept >= exits.profit_target:
        limit = max((premium * (1 - Decimal(str(exits.profit_target)))).quantize(CENT, ROUND_FLOOR), CENT)
        why = (
            f"{kept:.0%} of the premium of {premium:.2f} is captured at an ask of {quote.ask:.2f} (profit_target {exits.profit_target:.0%})"
        )
        return Judgement(action="close", rule="profit_target", why=why, limit=limit)
    if exits.roll_captured is not None and kept is not None and kept >= exits.roll_captured:
        return Judgement(
            action="roll",
            rule="roll_captured",
            why=f"{kept:.0%} of the premium of {premium:.2f} is captured (roll_captured {exits.roll_captured:.0%})",
        )
    if exits.roll_delta is not None and quote.delta is not None and abs(quote.delta) >= exits.roll_delta:
        return Judgement(action="roll", rule="roll_delta", why=f"the delta is {quote.delta:.2f} (roll_delta {exits.roll_delta:.2f})")
    days = how_many(quote.days_left, "day")
    if exits.roll_days is not None and quote.days_left <= exits.roll_days:
        return Judgement(action="roll", rule="roll_days", why=f"{days} left (roll_days {exits.roll_days})")
    if quote.days_left <= exits.close_days:
        return Judgement(action="close", rule="close_days", why=f"{days} left (close_days {exits.close_days})")
    return None


def told_before_ex_date(context: StrategyContext, quote: ChainQuote, sessions: int) -> Judgement | str | None:
    """What is said of a short call that would be assigned before an ex-date; a judgement where it is too late to do anything, None where there is no danger."""
    dividend = endangered(context, quote, sessions)
    if dividend is None:
        return None
    day, amount = dividend.ex_session, dividend.amount
    told = f"{quote.symbol} is in the money with a time value of {quote.time_value:.2f}, below the dividend of {amount:.2f} of {day}"
    if context.sessions_until(day) > 1:
        return told
    why = f"{told}: an assignment tonight is to be expected, and nothing can be traded before it"
    return Judgement(action="hold", rule="ex_date_too_late", why=why)


def _before_ex_date(context: StrategyContext, quote: ChainQuote, exits: RollSettings) -> Judgement | None:
    told = told_before_ex_date(context, quote, exits.ex_date_sessions)
    if not isinstance(told, str):
        return told
    if exits.before_ex_date == "allow":
        return None
    why = f"{told}: it would be assigned before (before_ex_date {exits.before_ex_date})"
    dividend = endangered(context, quote, exits.ex_date_sessions)
    return Judgement(action=exits.before_ex_date, rule="ex_date", why=why, dividend=dividend)


def _left(held: HeldOption, quote: ChainQuote, exits: RollSettings) -> Judgement:
    """Nothing is due: it expires at the next session, or is held; how near each rule is."""
    kept = captured(held, quote)
    if quote.sessions_left <= 1:
        where = (
            "in the money, so it is assigned if it stays"
            if quote.intrinsic > 0
            else "out of the money, so it expires worthless if it stays"
        )
        why = f"{quote.symbol} has its last session at {quote.last_session}; at {quote.spot:.2f} it is {where}"
        return Judgement(action="let_expire", rule="expires", why=why)
    told = ["nobody sells" if kept is None else f"{kept:.0%} of the premium of {held.average_price:.2f} captured"]
    told += ["no delta" if quote.delta is None else f"delta {quote.delta:.2f}", f"{how_many(quote.days_left, 'day')} left"]
    rules = [] if exits.profit_target == 1 else [f"closes at {exits.profit_target:.0%}"]
    rules += [] if exits.stop_multiple is None else [f"stops at {exits.stop_multiple:g} times"]
    rules += [] if exits.roll_captured is None else [f"rolls at {exits.roll_captured:.0%}"]
    rules += [] if exits.roll_delta is None else [f"rolls at a delta of {exits.roll_delta:.2f}"]
    rules += [] if exits.roll_days is None else [f"rolls at {how_many(exits.roll_days, 'day')}"]
    rules += [f"closes at {how_many(exits.close_days, 'day')}"] if exits.close_days else []
    return Judgement(action="hold", rule="hold", why=f"{quote.symbol}: {', '.join(told)} ({', '.join(rules) or 'held until it expires'})")


def _no_credit(new: ChainQuote, old: ChainQuote, least: float) -> str | None:
    if new.bid is None or old.ask is None:
        return "no credit: a side has no price"
    credit = new.bid - old.ask
    needed = max(Decimal(str(least)), CENT)
    return (
        None
        if credit >= needed
        else f"brings {new.bid:.2f} for {old.ask:.2f}, a credit of {credit:.2f}, at least {needed:.2f} is asked for"
    )


def _assigned_as_well(new: ChainQuote, dividend: KnownDividend) -> str | None:
    if new.intrinsic <= ZERO or new.time_value is None or new.time_value >= dividend.amount:
        return None
    return f"time value {new.time_value:.2f} below the dividend of {dividend.amount:.2f}, too"
