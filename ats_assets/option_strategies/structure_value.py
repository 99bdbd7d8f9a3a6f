"""What a structure that is held is worth at a session, by the quotes and by the marks."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_rolling import Judgement, priced
from ats_assets.option_strategies.fills import ZERO
from ats_assets.option_strategies.option_strategy import HeldOption
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.option_strategies.structures import NAKED, HeldStructure


@dataclass(frozen=True)
class PricedStructure:
    """A structure and the quotes of its legs; all figures are for one share of one unit.

    Attributes
    ----------
    legs
        Each position with its quote; None for a long one that has none, which nobody can be sold.
    """

    group: HeldStructure
    legs: tuple[tuple[HeldOption, ChainQuote | None], ...]

    @property
    def quotes(self) -> list[ChainQuote]:
        """That there are, at least one."""
        return [quote for _, quote in self.legs if quote is not None]

    @property
    def shorts(self) -> list[ChainQuote]:
        """Of the legs that were sold."""
        return [quote for held, quote in self.legs if held.quantity < 0 and quote is not None]

    @property
    def unsold(self) -> list[str]:
        """Short legs that nobody sells back."""
        return [quote.symbol for quote in self.shorts if quote.ask is None]

    @property
    def received(self) -> Decimal:
        """When it was opened; negative: paid."""
        return self.group.received

    @cached_property
    def cost(self) -> Decimal | None:
        """To close it at the quotes; negative: received. A long leg that nobody buys is worth nothing; None where a short one can't be bought back."""
        if self.unsold:
            return None
        return sum((self._per_unit(held) * _price(held, quote) for held, quote in self.legs), ZERO)

    @cached_property
    def marked(self) -> Decimal | None:
        """The same by the marks; None where a leg has none."""
        marks = [(self._per_unit(held), None if quote is None else quote.mark) for held, quote in self.legs]
        return None if any(mark is None for _, mark in marks) else sum((n * (mark or ZERO) for n, mark in marks), ZERO)

    @cached_property
    def most(self) -> Decimal | None:
        """That can be gained: a credit, or the distance of the strikes less a debit; None where there is no bound."""
        if self.received > 0:
            return self.received
        if self.group.worst == NAKED or all(held.quantity > 0 for held in self.group.positions):
            return None
        strikes = [held.contract.strike for held in self.group.positions]
        return max(strikes) - min(strikes) + self.received

    @property
    def gained(self) -> float | None:
        """The share of the most that is kept if it is closed at the quotes; of one without bound, of what was paid. None where that can't be told."""
        whole = -self.received if self.most is None else self.most
        if self.cost is None or whole <= 0 or any(quote is None for _, quote in self.legs):
            return None
        return float((self.received - self.cost) / whole)

    def _per_unit(self, held: HeldOption) -> int:
        """Contracts to trade, to close one unit."""
        return -held.quantity // self.group.units


def priced_structure(context: StrategyContext, group: HeldStructure) -> PricedStructure | Judgement:
    """A structure with its quotes, or why it is held without a judgement: a short leg has no price, or none has one."""
    found = [(held, priced(context, held)) for held in group.positions]
    for held, quote in found:
        if isinstance(quote, Judgement) and (held.quantity < 0 or quote.rule != "no_quote"):
            return quote
    legs = tuple((held, None if isinstance(quote, Judgement) else quote) for held, quote in found)
    stuck = [quote for _, quote in found if isinstance(quote, Judgement)]
    return stuck[0] if len(stuck) == len(found) else PricedStructure(group, legs)


def _price(held: HeldOption, quote: ChainQuote | None) -> Decimal:
    """At which a leg is closed."""
    if quote is None:
        return ZERO
    return (quote.ask if held.quantity < 0 else quote.bid) or ZERO
