"""A straddle: a put and a call of one strike, near the money, both sold or both bought. Sold, it earns where the underlying moves less than what is paid for it; bought, where it moves more."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import ComingDates, ContractSettings, best_of, screens_of
from ats_assets.option_strategies.structure_trading import StructureSettings, StructureStrategy
from ats_assets.option_strategies.structures import NotBuilt, Pattern, Structure, StructureLeg
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin


class StraddleSettings(StructureSettings):
    """Which straddle is opened, and when it is closed."""

    side: Literal["short", "long"] = Field(default="short", description="short: both are sold; long: both are bought")
    call: ContractSettings = Field(
        default=ContractSettings(delta=0.5, delta_tolerance=0.15), description="by which the strike and the expiry are chosen"
    )


class StraddleBuilder:
    """Makes a straddle of one expiry."""

    def __init__(self, settings: StraddleSettings) -> None:
        self.settings = settings
        self._side = -1 if settings.side == "short" else 1

    @property
    def name(self) -> str:
        """For sentences."""
        return f"{self.settings.side} straddle"

    @property
    def pattern(self) -> Pattern:
        """Both of one side."""
        return (Right.PUT, self._side), (Right.CALL, self._side)

    def built(self, quotes: Sequence[ChainQuote], dates: ComingDates) -> Structure | NotBuilt:
        """The straddle whose call is nearest to the delta, of those whose put can be traded, too."""
        call = self.settings.call
        calls = [quote for quote in quotes if quote.contract.right is Right.CALL]
        puts = {quote.contract.strike: quote for quote in quotes if quote.contract.right is Right.PUT}
        screens = screens_of(call, dates, sold=self._side < 0)
        of_puts = [screen for screen in screens if screen.name != "delta"]
        paired = [quote for quote in calls if (put := puts.get(quote.contract.strike)) and not any(screen.lacks(put) for screen in of_puts)]
        if calls and not paired:
            return NotBuilt(rule="no_contract", why="no strike has a put beside the call that satisfies the selection")
        picked = best_of(paired, call, screens, "call with a put of its strike")
        if picked.quote is None:
            return NotBuilt(rule="no_contract", why=picked.why)
        put = puts[picked.quote.contract.strike]
        return Structure(legs=(StructureLeg(quote=put, side=self._side), StructureLeg(quote=picked.quote, side=self._side)))


def straddle(settings: StraddleSettings) -> StructureStrategy:
    """Open and close straddles."""
    return StructureStrategy(settings, settings.call, StraddleBuilder(settings))


PLUGIN = Plugin(settings=StraddleSettings, make=straddle)
