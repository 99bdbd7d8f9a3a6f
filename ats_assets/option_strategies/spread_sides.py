"""One side of a spread: the option near the money, and the wing further out that bounds what it can lose or gain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import WORDS, ComingDates, ContractSettings, best_of, screens_of
from ats_assets.option_strategies.fills import CENT
from ats_assets.option_strategies.structures import NotBuilt, Structure, StructureLeg
from ats_assets.options.contract import Right
from ats_assets.settings import Section


class WingSettings(Section):
    """Which option bounds the other."""

    delta: float = Field(default=0.15, gt=0, lt=1, description="of the wing that is wanted, without its sign, where no width is given")
    width: float | None = Field(default=None, gt=0, description="distance of the strikes that is wanted, in the quote currency")


@dataclass(frozen=True, kw_only=True)
class SpreadSide:
    """The two legs, and the distance of their strikes."""

    near: StructureLeg
    wing: StructureLeg

    @property
    def legs(self) -> tuple[StructureLeg, StructureLeg]:
        """The nearer one first."""
        return self.near, self.wing

    @property
    def width(self) -> Decimal:
        """Of the strikes."""
        return abs(self.near.quote.contract.strike - self.wing.quote.contract.strike)


def side_of_spread(  # noqa: PLR0917 - what a side is chosen by
    quotes: Sequence[ChainQuote], right: Right, near_side: int, near: ContractSettings, wing: WingSettings, dates: ComingDates
) -> SpreadSide | NotBuilt:
    """Both legs of one right among the contracts of one expiry.

    Parameters
    ----------
    near_side
        -1: the nearer one is sold and the wing bought; 1: the other way round.
    """
    of_right = [quote for quote in quotes if quote.contract.right is right]
    picked = best_of(of_right, near, screens_of(near, dates, sold=near_side < 0), WORDS[right])
    if picked.quote is None:
        return NotBuilt(rule="no_contract", why=picked.why)
    found = wing_of(picked.quote, of_right, -near_side, wing)
    if found is None:
        verb = "bought" if near_side < 0 else "sold"
        return NotBuilt(rule="no_contract", why=f"no {WORDS[right]} further out than {picked.quote.symbol} can be {verb}")
    return SpreadSide(near=StructureLeg(quote=picked.quote, side=near_side), wing=StructureLeg(quote=found, side=-near_side))


def wing_of(near: ChainQuote, quotes: Sequence[ChainQuote], side: int, wing: WingSettings) -> ChainQuote | None:
    """The option further out of the money that can be traded and is nearest to the width or the delta that is wanted; None where there is none."""
    away = -1 if near.contract.right is Right.PUT else 1

    def distance(quote: ChainQuote) -> Decimal:
        return (quote.contract.strike - near.contract.strike) * away

    def far(quote: ChainQuote) -> float:
        if wing.width is not None:
            return abs(float(distance(quote)) - wing.width)
        return 9.0 if quote.delta is None else round(abs(abs(quote.delta) - wing.delta), 9)

    fit = [
        quote
        for quote in quotes
        if distance(quote) > 0
        and (quote.ask if side > 0 else quote.bid) is not None
        and quote.deliverable is None
        and quote.price.multiplier == near.price.multiplier
        and (wing.width is not None or quote.delta is not None)
    ]
    return min(fit, key=lambda quote: (far(quote), distance(quote), quote.symbol), default=None)


def with_least_net(structure: Structure, least: Decimal, width: Decimal, setting: str) -> Structure | NotBuilt:
    """A structure, if it brings as much as is asked for (or costs no more), with that as its limit.

    Parameters
    ----------
    least
        To be received for one share; negative: the most that may be paid.
    width
        Of which settings say a share.
    setting
        Its name and value.
    """
    net = structure.net
    if least >= 0 and net < max(least, CENT):
        return NotBuilt(rule="small_premium", why=f"a credit of {net:.2f} is {float(net / width):.0%} of the width of {width} ({setting})")
    if least < 0 and not least <= net < 0:
        told = f"a debit of {-net:.2f} is {float(-net / width):.0%} of the width of {width} ({setting})"
        return NotBuilt(rule="small_premium", why=told)
    return replace(structure, least_net=least.quantize(CENT))
