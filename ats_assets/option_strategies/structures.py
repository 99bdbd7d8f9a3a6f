"""Structures of several legs that are opened and closed as one: spreads, condors, straddles, strangles.

A structure is all legs of one underlying and one expiry. What one ties up is the most that it can lose at expiry, whatever the underlying does; what a naked short call can lose has no bound, and
settings say what share of the underlying's value it ties up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd
from typing import Final, Protocol

from ats_assets.option_strategies.chain_quotes import DAYS_A_YEAR, ChainQuote
from ats_assets.option_strategies.contract_selection import ComingDates
from ats_assets.option_strategies.fills import ZERO
from ats_assets.option_strategies.option_strategy import HeldOption
from ats_assets.options.contract import OptionContract, Right

Pattern = tuple[tuple[Right, int], ...]
"""The legs of a structure: the right, and 1 for bought or -1 for sold."""
NAKED: Final = Decimal("Infinity")


@dataclass(frozen=True, kw_only=True)
class StructureLeg:
    """A leg that is to be opened: `side` 1 is bought, -1 sold."""

    quote: ChainQuote
    side: int

    @property
    def price(self) -> Decimal:
        """At the quote: the ask for one that is bought, the bid for one that is sold."""
        found = self.quote.ask if self.side > 0 else self.quote.bid
        return ZERO if found is None else found


@dataclass(frozen=True, kw_only=True)
class Structure:
    """One unit that could be opened.

    Attributes
    ----------
    least_net
        What must be received for one share when it is opened (negative: the most that may be paid); None: nothing is asked for.
    """

    legs: tuple[StructureLeg, ...]
    least_net: Decimal | None = None

    @property
    def net(self) -> Decimal:
        """What is received for one share at the quotes; negative: what is paid."""
        return sum((-leg.side * leg.price for leg in self.legs), ZERO)

    @property
    def worst(self) -> Decimal:
        """The most that it can lose at expiry for one share, the premium left out; infinite with a naked call."""
        return worst_loss((leg.quote.contract, leg.side) for leg in self.legs)

    @property
    def multiplier(self) -> int:
        """Shares a contract."""
        return max(leg.quote.price.multiplier for leg in self.legs)

    @property
    def days_left(self) -> int:
        """To the expiry."""
        return self.legs[0].quote.days_left

    def net_a_year(self, tied: Decimal) -> float:
        """What it brings as a share of what it ties up, on a year's scale."""
        return float(self.net / tied) * DAYS_A_YEAR / max(self.days_left, 1) if tied > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class NotBuilt:
    """Why a structure can't be opened at an expiry: the rule, and the reason."""

    rule: str
    why: str


class StructureBuilder(Protocol):
    """What one kind of structure says."""

    @property
    def name(self) -> str:
        """For sentences: "iron condor"."""
        ...

    @property
    def pattern(self) -> Pattern:
        """Its legs."""
        ...

    def built(self, quotes: Sequence[ChainQuote], dates: ComingDates) -> Structure | NotBuilt:
        """The structure of the contracts of one underlying and one expiry, sorted by right and strike."""
        ...


def worst_loss(legs: Iterable[tuple[OptionContract, int]]) -> Decimal:
    """The most that legs of one expiry can lose at expiry, for one share, whatever they were opened for.

    Parameters
    ----------
    legs
        Contracts and quantities, negative for short.

    Examples
    --------
    >>> from ats_assets.options.contract import contract_of
    >>> short, long = contract_of("AAPL140621P00090000"), contract_of("AAPL140621P00085000")
    >>> worst_loss([(short, -1), (long, 1)]), worst_loss([(short, -1)])
    (Decimal('5'), Decimal('90'))
    """
    known = [(contract, quantity) for contract, quantity in legs if quantity]
    if sum(quantity for contract, quantity in known if contract.right is Right.CALL) < 0:
        return NAKED
    prices = [
        ZERO,
        *(contract.strike for contract, _ in known),
    ]  # between strikes a payoff is straight, so that its least is at one of them
    return max(ZERO, *(-sum((quantity * _payoff(contract, price) for contract, quantity in known), ZERO) for price in prices))


def _payoff(contract: OptionContract, price: Decimal) -> Decimal:
    gain = price - contract.strike
    return max(gain if contract.right is Right.CALL else -gain, ZERO)


@dataclass(frozen=True, kw_only=True)
class HeldStructure:
    """The positions of one underlying and one expiry, sorted by contract."""

    positions: tuple[HeldOption, ...]

    @property
    def underlying(self) -> str:
        """Of all legs."""
        return self.positions[0].contract.underlying

    @property
    def units(self) -> int:
        """How many structures it is."""
        return gcd(*(held.quantity for held in self.positions))

    @property
    def multiplier(self) -> int:
        """Shares a contract."""
        return max(held.multiplier for held in self.positions)

    @property
    def received(self) -> Decimal:
        """For one share of one unit when it was opened; negative: paid."""
        return sum((-held.quantity * held.average_price for held in self.positions), ZERO) / self.units

    @property
    def worst(self) -> Decimal:
        """As `Structure.worst`, of one unit."""
        return worst_loss((held.contract, held.quantity // self.units) for held in self.positions)

    def fits(self, pattern: Pattern) -> bool:
        """Whether it is whole units of a structure."""
        legs = sorted((held.contract.right, 1 if held.quantity > 0 else -1) for held in self.positions)
        return legs == sorted(pattern) and all(abs(held.quantity) == self.units for held in self.positions)


def held_structures(held: Iterable[HeldOption]) -> list[HeldStructure]:
    """Positions by underlying and expiry, sorted."""
    groups: dict[tuple[str, object], list[HeldOption]] = {}
    for one in sorted(held, key=lambda position: position.contract):
        groups.setdefault((one.contract.underlying, one.contract.expiry), []).append(one)
    return [HeldStructure(positions=tuple(group)) for group in groups.values()]
