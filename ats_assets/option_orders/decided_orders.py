"""Orders for option contracts of what strategies of options have decided: each decision that trades is one order, in the order of the decisions."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ats_assets.errors import AtsError
from ats_assets.execution.contract_legs import STANDARD_MULTIPLIER, ContractLeg
from ats_assets.execution.option_intents import option_intent
from ats_assets.execution.order import OrderIntent
from ats_assets.option_strategies import Decision
from ats_assets.option_strategies.fills import OptionQuote, units_of
from ats_assets.option_strategies.option_strategy import TRADING
from ats_assets.options.contract import OptionContract

NOT_AN_ORDER = "an exercise before expiry is no order: give it to the broker by hand"
QuoteLookup = Callable[[OptionContract], OptionQuote | None]


@dataclass(frozen=True, kw_only=True)
class PlannedOptionOrder:
    """A decision that trades, and its order; without one, why there is none."""

    place: int
    decision: Decision
    intent: OrderIntent | None
    reason: str | None


def planned_option_orders(
    session: date,
    strategy: str,
    decisions: Sequence[Decision],
    quote_of: QuoteLookup,
    spots: Mapping[str, Decimal],
    *,
    multipliers: Mapping[OptionContract, int] | None = None,
    symbols: Mapping[str, str] | None = None,
) -> list[PlannedOptionOrder]:
    """The orders of one book's decisions at the close of `session`.

    Parameters
    ----------
    strategy
        Of the account (`orders.strategy`).
    quote_of
        The quote of a contract at that close; its multiplier is the chain's.
    spots
        Root -> close.
    multipliers
        Of contracts that are held, where the chain has no row of one.
    symbols
        Root -> symbol of the shares, where it is another one.
    """
    found: list[PlannedOptionOrder] = []
    used: Counter[tuple[str, str, str]] = Counter()
    for place, decision in enumerate(decisions):
        if decision.action == "exercise" and decision.legs:
            found.append(PlannedOptionOrder(place=place, decision=decision, intent=None, reason=NOT_AN_ORDER))
        if decision.action not in TRADING or not decision.legs:
            continue
        legs = [
            ContractLeg(
                symbol=leg.contract.symbol if leg.contract else (symbols or {}).get(decision.underlying, decision.underlying),
                ratio=leg.quantity,
                opens=leg.open_or_close == "open",
                multiplier=_multiplier(leg.contract, quote_of, multipliers or {}),
            )
            for leg in decision.legs
        ]
        how = {"decision_price": _net_mark(decision, quote_of, spots), "limit_price": decision.limit_price}
        try:
            made = option_intent(session, strategy, decision.strategy, legs, **how, rule=decision.rule, place=place)
            used[decision.strategy, made.symbol, made.leg] += 1
            number = used[decision.strategy, made.symbol, made.leg]
            if number > 1:
                made = option_intent(session, strategy, decision.strategy, legs, **how, rule=decision.rule, place=place, number=number)
        except AtsError as error:
            found.append(PlannedOptionOrder(place=place, decision=decision, intent=None, reason=str(error)))
        else:
            found.append(PlannedOptionOrder(place=place, decision=decision, intent=made, reason=None))
    return found


def _multiplier(contract: OptionContract | None, quote_of: QuoteLookup, held: Mapping[OptionContract, int]) -> Decimal:
    if contract is None:
        return Decimal(1)
    quote = quote_of(contract)
    return Decimal(quote.multiplier) if quote is not None else Decimal(held.get(contract, STANDARD_MULTIPLIER))


def _net_mark(decision: Decision, quote_of: QuoteLookup, spots: Mapping[str, Decimal]) -> Decimal:
    """What one unit is worth at the close, for one share; what has no mark counts nothing."""
    total, largest = Decimal(0), Decimal(1)
    for leg in decision.legs:
        if leg.contract is None:
            total += leg.quantity * spots.get(decision.underlying, Decimal(0))
            continue
        quote = quote_of(leg.contract)
        multiplier = Decimal(STANDARD_MULTIPLIER if quote is None else quote.multiplier)
        mark = None if quote is None else quote.mark
        total, largest = total + leg.quantity * multiplier * (mark or Decimal(0)), max(largest, multiplier)
    return (total / units_of(decision.legs) / largest).quantize(Decimal("0.0001"))
