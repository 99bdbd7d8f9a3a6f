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
from ats_assets.option_strategies.desk import Desk, enters, leaves, told_action
from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionLeg
from ats_assets.options.contract import OptionContract, Right


def capital_ledger(desk: Desk, sizing: SizingSettings) -> CapitalLedger:
    """Of a strategy whose short puts are secured by cash and whose shares are paid for."""
    names = desk.underlyings()
    return CapitalLedger(desk, sizing, {name: desk.secured(name) for name in names}, {name: desk.paid_for_shares(name) for name in names})


def short_contracts(desk: Desk, underlying: str, right: Right) -> int:
    """How many contracts of one right are short."""
    return sum(abs(held.quantity) for held in desk.held_of(underlying, right, -1))


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
    desk, contract = ledger.desk, held.contract
    found = judged_short(desk, held, exits)
    if found.action == "close":
        bought_back(ledger, held)
        return desk.decision(contract.underlying, "close", found.rule, found.why, [leaves(held)], found.limit)
    if found.action == "roll":
        return _rolled(ledger, held, found, selection, exits, further)
    return desk.keep([held], found.rule, found.why, found.action)


def bought_back(ledger: CapitalLedger, held: HeldOption, contracts: int | None = None) -> None:
    """Note that contracts leave at this session: a call's price comes out of free cash, a put's out of what secures it."""
    ledger.leaving.add(held.contract)
    quote = ledger.desk.chain.of(held.contract)
    if held.contract.right is Right.CALL and held.quantity < 0 and quote is not None and quote.ask is not None:
        ledger.cash -= quote.ask * held.multiplier * (abs(held.quantity) if contracts is None else contracts)


def _rolled(  # noqa: PLR0917 - a position and what it is rolled by
    ledger: CapitalLedger, held: HeldOption, found: Judgement, selection: ContractSettings, exits: RollSettings, further: Sequence[Screen]
) -> Decision:
    desk, contract, n = ledger.desk, held.contract, abs(held.quantity)
    quote = priced(desk, held)
    if isinstance(quote, Judgement) or quote.ask is None:  # judged_short says so before
        return desk.keep([held], found.rule, found.why)
    screens = [*further]
    if contract.right is Right.PUT:  # a higher strike ties up more
        room = ledger.room(contract.underlying)
        spare = max(min(room.cash, room.share) / (n * held.multiplier), ZERO)
        screens.append(strike_at_most(contract.strike + spare, "strike that cash secures"))
    target = roll_target(desk, held, quote, selection, exits, screens, found.dividend)
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
    return desk.decision(contract.underlying, "roll", found.rule, reason, [leaves(held), enters(new.contract, -n)], limit)


def _unable_to_roll(ledger: CapitalLedger, held: HeldOption, quote: ChainQuote, why: str, exits: RollSettings) -> Decision:
    desk = ledger.desk
    profit = quote.ask is not None and quote.ask < held.average_price
    if exits.unable_to_roll == "close" or (exits.unable_to_roll == "close_in_profit" and profit):
        bought_back(ledger, held)
        limit = held.average_price if exits.unable_to_roll == "close_in_profit" else None
        return desk.decision(
            held.contract.underlying, "close", "no_roll", f"{why}: closed (unable_to_roll {exits.unable_to_roll})", [leaves(held)], limit
        )
    return desk.keep([held], "no_roll", f"{why}: held (unable_to_roll {exits.unable_to_roll})")


def sold_puts(ledger: CapitalLedger, selection: ContractSettings, *, cash_settled: bool) -> list[Decision]:
    """One decision for each underlying: a put is sold, or why not. Those that compete for cash are served in the order of the premium a year, the highest first.

    Parameters
    ----------
    cash_settled
        Whether options that deliver cash may be sold, too.
    """
    desk, found, wanted = ledger.desk, [], []
    for underlying in desk.view.underlyings:
        obstacle = desk.obstacle(underlying) or (None if cash_settled else cash_settled_options(desk, underlying))
        if obstacle is not None:
            found.append(desk.skip(underlying, *obstacle))
            continue
        screens = screens_of(selection, desk.coming_dates(underlying))
        picked = pick(desk.chain, underlying, Right.PUT, selection, screens, without=ledger.leaving)
        if picked.quote is None:
            found.append(desk.skip(underlying, "no_contract", picked.why))
        else:
            wanted.append((underlying, picked.quote, picked.why))
    wanted.sort(key=lambda one: (-(one[1].premium_a_year or 0.0), one[0]))
    for place, (underlying, quote, why) in enumerate(wanted, start=1):
        order = "" if len(wanted) == 1 else f"; number {place} of {len(wanted)} by a premium of {quote.premium_a_year:.1%} a year"
        found.append(_sold_put(ledger, underlying, quote, f"{why}{order}", selection))
    return found


def _sold_put(ledger: CapitalLedger, underlying: str, quote: ChainQuote, why: str, selection: ContractSettings) -> Decision:
    need = quote.contract.strike * quote.price.multiplier
    size = sized(need, ledger.room(underlying, short_contracts(ledger.desk, underlying, Right.PUT)), ledger.sizing)
    if not size.contracts:
        return ledger.desk.skip(underlying, size.rule, f"{why}, but {size.why}")
    ledger.use(underlying, need * size.contracts)
    reason = f"{why}: {size.why}"
    return ledger.desk.decision(
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
    desk = ledger.desk
    obstacle = desk.obstacle(underlying) or cash_settled_options(desk, underlying)
    if obstacle is not None:
        return desk.skip(underlying, *obstacle)
    shares, covered = desk.shares_of(underlying), covered_shares(desk, underlying)
    free = shares - covered
    if free <= 0:
        return desk.skip(underlying, *_nothing_to_cover(underlying, shares, covered))
    further = cost_screens(desk, underlying) if not_below_cost else []
    screens = [*screens_of(selection, desk.coming_dates(underlying)), *further]
    picked = pick(desk.chain, underlying, Right.CALL, selection, screens, without=ledger.leaving)
    lot = 100 if picked.quote is None else picked.quote.price.multiplier
    if free < lot:
        return desk.skip(underlying, *_nothing_to_cover(underlying, shares, covered, lot))
    if picked.quote is None:
        return desk.skip(underlying, "no_contract", picked.why)
    lots = int(free / lot)
    held = short_contracts(desk, underlying, Right.CALL)
    limits = [limit for limit in (ledger.sizing.max_new_contracts, _less(ledger.sizing.max_contracts, held)) if limit is not None]
    n = min([lots, *limits])
    if n < 1:
        return desk.skip(underlying, "contract_limit", f"{how_many(held, 'call')} of max_contracts = {ledger.sizing.max_contracts} held")
    rest = f", {free - n * lot:,.0f} stay uncovered" if free > n * lot else ""
    reason = f"{picked.why}: {how_many(n, 'contract')} against {n * lot:,.0f} of {free:,.0f} uncovered shares{rest}"
    return desk.decision(
        underlying, "open", "sell_call", reason, [enters(picked.quote.contract, -n)], least_received(picked.quote, selection)
    )


def _nothing_to_cover(underlying: str, shares: Decimal, covered: Decimal, lot: int = 100) -> tuple[str, str]:
    """Why no call can be sold: the rule, and the reason."""
    if shares <= 0:
        return "no_shares", f"no shares of {underlying} are held that a call could be sold against"
    if covered:
        return "covered", f"{covered:,.0f} of {shares:,.0f} shares of {underlying} are covered by calls, a further one needs {lot}"
    return "odd_lot", f"{shares:,.0f} shares of {underlying} are held, and a call needs {lot}"


def cost_screens(desk: Desk, underlying: str) -> list[Screen]:
    """That a strike is not below what the shares that are held have cost; no rule without shares."""
    cost = desk.view.share_prices.get(underlying)
    return [] if cost is None or desk.shares_of(underlying) <= 0 else [strike_at_least(cost, "cost of the shares")]


def covered_shares(desk: Desk, underlying: str) -> Decimal:
    """How many shares the short calls on an underlying would deliver."""
    return sum((Decimal(held.multiplier * -held.quantity) for held in desk.held_of(underlying, Right.CALL, -1)), ZERO)


def held_decisions(ledger: CapitalLedger, manage: Callable[[CapitalLedger, HeldOption], Decision]) -> list[Decision]:
    """One decision for each position: calls that no shares cover are bought back, the others are managed."""
    found: list[Decision] = []
    for underlying in ledger.desk.underlyings():
        uncovered = uncovered_calls(ledger, underlying)
        found += [uncovered.get(held.contract) or manage(ledger, held) for held in ledger.desk.held_of(underlying)]
    return found


def uncovered_calls(ledger: CapitalLedger, underlying: str) -> dict[OptionContract, Decision]:
    """By contract, the decision to buy back short calls that shares no longer cover: of those that expire last, first."""
    desk = ledger.desk
    shares, excess = max(desk.shares_of(underlying), ZERO), covered_shares(desk, underlying)
    found: dict[OptionContract, Decision] = {}
    if desk.action_of(underlying) is not None:
        return found
    for held in reversed(desk.held_of(underlying, Right.CALL, -1)):
        if excess <= shares:
            break
        quote = priced(desk, held)
        if isinstance(quote, Judgement) or quote.ask is None:
            continue
        n = min(abs(held.quantity), ceil((excess - shares) / held.multiplier))
        excess -= n * held.multiplier
        bought_back(ledger, held, n)
        why = f"{covered_shares(desk, underlying):,.0f} shares of {underlying} are sold by calls and {shares:,.0f} are held: {how_many(n, 'contract')} of {quote.symbol} bought back"
        found[held.contract] = desk.decision(underlying, "close", "uncovered", why, [leaves(held, n)])
    return found


def foreign_position(ledger: CapitalLedger, held: HeldOption) -> Decision:
    """Of what the strategy never opens, such as a long option that a split or another kind of strategy has left: it is sold where it can be."""
    desk, quote = ledger.desk, priced(ledger.desk, held)
    if isinstance(quote, Judgement):
        return desk.keep([held], quote.rule, quote.why)
    if (quote.bid if held.quantity > 0 else quote.ask) is None:
        return desk.keep([held], "worthless_leg", f"{quote.symbol} is none of this strategy's positions, and nobody trades it")
    bought_back(ledger, held)
    why = f"{held.quantity:+d} {quote.symbol} is none of this strategy's positions: closed at {described(quote)}"
    return desk.decision(held.contract.underlying, "close", "foreign_position", why, [leaves(held)])


def shares_left(desk: Desk, underlying: str, *, sell: bool = True) -> list[Decision]:
    """What is done with shares, long or short, that an assignment has left: one decision, none where there are none."""
    shares = desk.shares_of(underlying)
    whole = int(shares)
    if not whole:
        return []
    told = f"{shares:,.0f} shares of {underlying} are left of an assignment"
    if not sell:
        return [desk.decision(underlying, "hold", "assigned_shares", f"{told}: kept", [leaves_shares(whole)])]
    if (action := desk.action_of(underlying)) is not None:
        return [desk.decision(underlying, "hold", "action_ahead", f"{told}, and {told_action(action)}", [leaves_shares(whole)])]
    return [desk.decision(underlying, "close", "assigned_shares", f"{told}: closed at the next session", [leaves_shares(-whole)])]


def leaves_shares(quantity: int) -> OptionLeg:
    """The leg that closes shares: negative to sell."""
    return OptionLeg(contract=None, quantity=quantity, open_or_close="close")


def cash_settled_options(desk: Desk, underlying: str) -> tuple[str, str] | None:
    """Why nothing that needs shares can be opened on an index: the rule, and the reason; None on shares."""
    if not desk.chain.is_cash_settled(underlying):
        return None
    return "cash_settled", f"options on {underlying} are European and settled in cash: no shares are delivered"


def _less(most: int | None, held: int) -> int | None:
    return None if most is None else most - held
