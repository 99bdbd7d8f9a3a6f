"""Selling puts against cash and calls against shares, and what is done with them afterwards: what the wheel, covered calls and cash-secured puts have in common."""

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from math import ceil

from ats_assets.errors import how_many
from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_rolling import Judgement, RollSettings, judged_short, priced, roll_target
from ats_assets.option_strategies.contract_selection import (
    ContractSettings,
    Screen,
    described,
    pick,
    screens_of,
    strike_at_least,
    strike_at_most,
)
from ats_assets.option_strategies.contract_sizing import CapitalLedger, SizingSettings, sized
from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionLeg
from ats_assets.option_strategies.strategy_context import StrategyContext, enters, leaves, told_action
from ats_assets.options.contract import OptionContract, Right


def capital_ledger(context: StrategyContext, sizing: SizingSettings) -> CapitalLedger:
    """Of a strategy whose short puts are secured by cash and whose shares are paid for."""
    names = context.underlyings()
    return CapitalLedger(
        context, sizing, {name: context.secured(name) for name in names}, {name: context.paid_for_shares(name) for name in names}
    )


def short_contracts(context: StrategyContext, underlying: str, right: Right) -> int:
    """How many contracts of one right are short."""
    return sum(abs(held.quantity) for held in context.held_of(underlying, right, -1))


def managed_short(
    ledger: CapitalLedger, held: HeldOption, selection: ContractSettings, exits: RollSettings, further: Sequence[Screen] = ()
) -> Decision:
    """The decision about a short option that is held.

    Parameters
    ----------
    selection
        Of what it is rolled to.
    further
        More rules for that, such as a strike not below what shares have cost.
    """
    context, contract = ledger.context, held.contract
    found = judged_short(context, held, exits)
    if found.action == "close":
        bought_back(ledger, held)
        return context.decision(contract.underlying, "close", found.rule, found.why, [leaves(held)], found.limit)
    if found.action == "roll":
        return _rolled(ledger, held, found, selection, exits, further)
    return context.keep([held], found.rule, found.why, found.action)


def bought_back(ledger: CapitalLedger, held: HeldOption, contracts: int | None = None) -> None:
    """Note that contracts leave at this session: a call's price comes out of free cash, a put's out of what secures it."""
    ledger.leaving.add(held.contract)
    quote = ledger.context.chain.of(held.contract)
    if held.contract.right is Right.CALL and held.quantity < 0 and quote is not None and quote.ask is not None:
        ledger.cash -= quote.ask * held.multiplier * (abs(held.quantity) if contracts is None else contracts)


def _rolled(  # noqa: PLR0917 - a position and what it is rolled by
    ledger: CapitalLedger, held: HeldOption, found: Judgement, selection: ContractSettings, exits: RollSettings, further: Sequence[Screen]
) -> Decision:
    context, contract, n = ledger.context, held.contract, abs(held.quantity)
    quote = priced(context, held)
    if isinstance(quote, Judgement) or quote.ask is None:  # judged_short says so before
        return context.keep([held], found.rule, found.why)
    screens = [*further]
    if contract.right is Right.PUT:  # a higher strike ties up more
        room = ledger.room(contract.underlying)
        spare = max(min(room.cash, room.share) / (n * held.multiplier), ZERO)
        screens.append(strike_at_most(contract.strike + spare, "strike that cash secures"))
    target = roll_target(context, held, quote, selection, exits, screens, found.dividend)
    if target.quote is None:
        return _unable_to_roll(ledger, held, quote, f"{found.why}, but {target.why}", exits)
    ledger.leaving.add(contract)
    new = target.quote
    net = (new.bid or ZERO) - quote.ask
    more = max(new.contract.strike - contract.strike, ZERO) if contract.right is Right.PUT else ZERO
    ledger.use(contract.underlying, (more + max(-net, ZERO)) * n * held.multiplier)
    told = f"a credit of {net:.2f}" if net >= 0 else f"a debit of {-net:.2f}"
    limit = -max(Decimal(str(exits.min_roll_credit)), CENT) if exits.roll_credit_only else None
    reason = (
        f"{found.why}: {how_many(n, 'contract')} rolled from {quote.symbol} to {new.symbol} ({described(new)}) for {told} at the quotes"
    )
    return context.decision(contract.underlying, "roll", found.rule, reason, [leaves(held), enters(new.contract, -n)], limit)


def _unable_to_roll(ledger: CapitalLedger, held: HeldOption, quote: ChainQuote, why: str, exits: RollSettings) -> Decision:
    context = ledger.context
    profit = quote.ask is not None and quote.ask < held.average_price
    if exits.unable_to_roll == "close" or (exits.unable_to_roll == "close_in_profit" and profit):
        bought_back(ledger, held)
        limit = held.average_price if exits.unable_to_roll == "close_in_profit" else None
        return context.decision(
            held.contract.underlying, "close", "no_roll", f"{why}: closed (unable_to_roll {exits.unable_to_roll})", [leaves(held)], limit
        )
    return context.keep([held], "no_roll", f"{why}: held (unable_to_roll {exits.unable_to_roll})")


def sold_puts(ledger: CapitalLedger, selection: ContractSettings, *, cash_settled: bool) -> list[Decision]:
    """One decision for each underlying: a put is sold, or why not. Those that compete for cash are served in the order of the premium a year, the highest first.

    Parameters
    ----------
    cash_settled
        Whether options that deliver cash may be sold, too.
    """
    context, found, wanted = ledger.context, [], []
    for underlying in context.view.underlyings:
        obstacle = context.obstacle(underlying) or (None if cash_settled else cash_settled_options(context, underlying))
        if obstacle is not None:
            found.append(context.skip(underlying, *obstacle))
            continue
        screens = screens_of(selection, context.coming_dates(underlying))
        picked = pick(context.chain, underlying, Right.PUT, selection, screens, without=ledger.leaving)
        if picked.quote is None:
            found.append(context.skip(underlying, "no_contract", picked.why))
        else:
            wanted.append((underlying, picked.quote, picked.why))
    wanted.sort(key=lambda one: (-(one[1].premium_a_year or 0.0), one[0]))
    for place, (underlying, quote, why) in enumerate(wanted, start=1):
        order = "" if len(wanted) == 1 else f"; number {place} of {len(wanted)} by a premium of {quote.premium_a_year:.1%} a year"
        found.append(_sold_put(ledger, underlying, quote, f"{why}{order}", selection))
    return found


def _sold_put(ledger: CapitalLedger, underlying: str, quote: ChainQuote, why: str, selection: ContractSettings) -> Decision:
    need = quote.contract.strike * quote.price.multiplier
    size = sized(need, ledger.room(underlying, short_contracts(ledger.context, underlying, Right.PUT)), ledger.sizing)
    if not size.contracts:
        return ledger.context.skip(underlying, size.rule, f"{why}, but {size.why}")
    ledger.use(underlying, need * size.contracts)
    reason = f"{why}: {size.why}"
    return ledger.context.decision(
        underlying, "open", "sell_put", reason, [enters(quote.contract, -size.contracts)], least_received(quote, selection)
    )


def least_received(quote: ChainQuote, selection: ContractSettings) -> Decimal | None:
    """The limit of a sale: the least premium that still satisfies the selection.

    Examples
    --------
    A put of strike 90 with 36 days left, of which 10 % a year are asked for, brings at least 90 * 0.10 * 36 / 365 = 0.89.
    """
    tied = quote.contract.strike if quote.contract.right is Right.PUT else quote.spot
    least = max(selection.min_bid, selection.min_premium_a_year * float(tied) * max(quote.days_left, 1) / 365)
    return -max(Decimal(str(least)).quantize(CENT, ROUND_FLOOR), CENT) if least > 0 else None


def sold_calls(ledger: CapitalLedger, underlying: str, selection: ContractSettings, *, not_below_cost: bool) -> Decision:
    """A call is sold against shares that are not covered yet, or why not.

    Parameters
    ----------
    not_below_cost
        Whether a strike must be at least what the shares have cost.
    """
    context = ledger.context
    obstacle = context.obstacle(underlying) or cash_settled_options(context, underlying)
    if obstacle is not None:
        return context.skip(underlying, *obstacle)
    shares, covered = context.shares_of(underlying), covered_shares(context, underlying)
    free = shares - covered
    if free <= 0:
        return context.skip(underlying, *_nothing_to_cover(underlying, shares, covered))
    further = cost_screens(context, underlying) if not_below_cost else []
    screens = [*screens_of(selection, context.coming_dates(underlying)), *further]
    picked = pick(context.chain, underlying, Right.CALL, selection, screens, without=ledger.leaving)
    lot = 100 if picked.quote is None else picked.quote.price.multiplier
    if free < lot:
        return context.skip(underlying, *_nothing_to_cover(underlying, shares, covered, lot))
    if picked.quote is None:
        return context.skip(underlying, "no_contract", picked.why)
    lots = int(free / lot)
    held = short_contracts(context, underlying, Right.CALL)
    limits = [limit for limit in (ledger.sizing.max_new_contracts, _less(ledger.sizing.max_contracts, held)) if limit is not None]
    n = min([lots, *limits])
    if n < 1:
        return context.skip(underlying, "contract_limit", f"{how_many(held, 'call')} of max_contracts = {ledger.sizing.max_contracts} held")
    rest = f", {free - n * lot:,.0f} stay uncovered" if free > n * lot else ""
    reason = f"{picked.why}: {how_many(n, 'contract')} against {n * lot:,.0f} of {free:,.0f} uncovered shares{rest}"
    return context.decision(
        underlying, "open", "sell_call", reason, [enters(picked.quote.contract, -n)], least_received(picked.quote, selection)
    )


def _nothing_to_cover(underlying: str, shares: Decimal, covered: Decimal, lot: int = 100) -> tuple[str, str]:
    """Why no call can be sold: the rule, and the reason."""
    if shares <= 0:
        return "no_shares", f"no shares of {underlying} are held that a call could be sold against"
    if covered:
        return "covered", f"{covered:,.0f} of {shares:,.0f} shares of {underlying} are covered by calls, a further one needs {lot}"
    return "odd_lot", f"{shares:,.0f} shares of {underlying} are held, and a call needs {lot}"


def cost_screens(context: StrategyContext, underlying: str) -> list[Screen]:
    """That a strike is not below what the shares that are held have cost; no rule without shares."""
    cost = context.view.share_prices.get(underlying)
    return [] if cost is None or context.shares_of(underlying) <= 0 else [strike_at_least(cost, "cost of the shares")]


def covered_shares(context: StrategyContext, underlying: str) -> Decimal:
    """How many shares the short calls on an underlying would deliver."""
    return sum((Decimal(held.multiplier * -held.quantity) for held in context.held_of(underlying, Right.CALL, -1)), ZERO)


def held_decisions(ledger: CapitalLedger, manage: Callable[[CapitalLedger, HeldOption], Decision]) -> list[Decision]:
    """One decision for each position: calls that no shares cover are bought back, the others are managed."""
    found: list[Decision] = []
    for underlying in ledger.context.underlyings():
        uncovered = uncovered_calls(ledger, underlying)
        found += [uncovered.get(held.contract) or manage(ledger, held) for held in ledger.context.held_of(underlying)]
    return found


def uncovered_calls(ledger: CapitalLedger, underlying: str) -> dict[OptionContract, Decision]:
    """By contract, the decision to buy back short calls that shares no longer cover: of those that expire last, first."""
    context = ledger.context
    shares, excess = max(context.shares_of(underlying), ZERO), covered_shares(context, underlying)
    found: dict[OptionContract, Decision] = {}
    if context.action_of(underlying) is not None:
        return found
    for held in reversed(context.held_of(underlying, Right.CALL, -1)):
        if excess <= shares:
            break
        quote = priced(context, held)
        if isinstance(quote, Judgement) or quote.ask is None:
            continue
        n = min(abs(held.quantity), ceil((excess - shares) / held.multiplier))
        excess -= n * held.multiplier
        bought_back(ledger, held, n)
        why = f"{covered_shares(context, underlying):,.0f} shares of {underlying} are sold by calls and {shares:,.0f} are held: {how_many(n, 'contract')} of {quote.symbol} bought back"
        found[held.contract] = context.decision(underlying, "close", "uncovered", why, [leaves(held, n)])
    return found


def foreign_position(ledger: CapitalLedger, held: HeldOption) -> Decision:
    """Of what the strategy never opens, such as a long option that a split or another kind of strategy has left: it is sold where it can be."""
    context, quote = ledger.context, priced(ledger.context, held)
    if isinstance(quote, Judgement):
        return context.keep([held], quote.rule, quote.why)
    if (quote.bid if held.quantity > 0 else quote.ask) is None:
        return context.keep([held], "worthless_leg", f"{quote.symbol} is none of this strategy's positions, and nobody trades it")
    bought_back(ledger, held)
    why = f"{held.quantity:+d} {quote.symbol} is none of this strategy's positions: closed at {described(quote)}"
    return context.decision(held.contract.underlying, "close", "foreign_position", why, [leaves(held)])


def shares_left(context: StrategyContext, underlying: str, *, sell: bool = True) -> list[Decision]:
    """What is done with shares, long or short, that an assignment has left: one decision, none where there are none."""
    shares = context.shares_of(underlying)
    whole = int(shares)
    if not whole:
        return []
    told = f"{shares:,.0f} shares of {underlying} are left of an assignment"
    if not sell:
        return [context.decision(underlying, "hold", "assigned_shares", f"{told}: kept", [leaves_shares(whole)])]
    if (action := context.action_of(underlying)) is not None:
        return [context.decision(underlying, "hold", "action_ahead", f"{told}, and {told_action(action)}", [leaves_shares(whole)])]
    return [context.decision(underlying, "close", "assigned_shares", f"{told}: closed at the next session", [leaves_shares(-whole)])]


def leaves_shares(quantity: int) -> OptionLeg:
    """The leg that closes shares: negative to sell."""
    return OptionLeg(contract=None, quantity=quantity, open_or_close="close")


def cash_settled_options(context: StrategyContext, underlying: str) -> tuple[str, str] | None:
    """Why nothing that needs shares can be opened on an index: the rule, and the reason; None on shares."""
    if not context.chain.is_cash_settled(underlying):
        return None
    return "cash_settled", f"options on {underlying} are European and settled in cash: no shares are delivered"


def _less(most: int | None, held: int) -> int | None:
    return None if most is None else most - held
