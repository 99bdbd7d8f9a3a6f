"""A strangle: a put and a call out of the money, both sold or both bought. Sold, it earns where the underlying stays between them or near; bought, where it moves far."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import WORDS, ComingDates, ContractSettings, best_of, screens_of
from ats_assets.option_strategies.structure_trading import StructureSettings, StructureStrategy
from ats_assets.option_strategies.structures import NotBuilt, Pattern, Structure, StructureLeg
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin


class StrangleSettings(StructureSettings):
    """Which strangle is opened, and when it is closed."""

    side: Literal["short", "long"] = Field(default="short", description="short: both are sold; long: both are bought")
    near: ContractSettings = Field(default=ContractSettings(delta=0.2), description="of the put and of the call")


class StrangleBuilder:
    """Makes a strangle of one expiry."""

    def __init__(self, settings: StrangleSettings) -> None:
        self.settings = settings
        self._side = -1 if settings.side == "short" else 1

    @property
    def name(self) -> str:
        """For sentences."""
        return f"{self.settings.side} strangle"

    @property
    def pattern(self) -> Pattern:
        """Both of one side."""
        return (Right.PUT, self._side), (Right.CALL, self._side)

    def built(self, quotes: Sequence[ChainQuote], dates: ComingDates) -> Structure | NotBuilt:
        """The put and the call that are nearest to the delta."""
        near, legs = self.settings.near, []
        for right in (Right.PUT, Right.CALL):
            of_right = [quote for quote in quotes if quote.contract.right is right]
            picked = best_of(of_right, near, screens_of(near, dates, sold=self._side < 0), WORDS[right])
            if picked.quote is None:
                return NotBuilt(rule="no_contract", why=picked.why)
            legs.append(StructureLeg(quote=picked.quote, side=self._side))
        put, call = legs
        if put.quote.contract.strike >= call.quote.contract.strike:
            return NotBuilt(rule="no_contract", why=f"the put {put.quote.symbol} is not below the call {call.quote.symbol}")
        return Structure(legs=(put, call))


def strangle(settings: StrangleSettings) -> StructureStrategy:
    """Open and close strangles."""
    return StructureStrategy(settings, settings.near, StrangleBuilder(settings))


PLUGIN = Plugin(settings=StrangleSettings, make=strangle)
