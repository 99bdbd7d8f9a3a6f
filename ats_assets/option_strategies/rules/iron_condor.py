"""An iron condor: a put and a call are sold out of the money, each with a wing further out that bounds its loss, for a credit. It earns where the underlying stays between."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import ComingDates, ContractSettings
from ats_assets.option_strategies.spread_sides import SpreadSide, WingSettings, side_of_spread, with_least_net
from ats_assets.option_strategies.structure_trading import StructureSettings, StructureStrategy
from ats_assets.option_strategies.structures import NotBuilt, Pattern, Structure
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin


class IronCondorSettings(StructureSettings):
    """Which condor is opened, and when it is closed."""

    near: ContractSettings = Field(default=ContractSettings(delta=0.2), description="of the put and of the call that are sold")
    wing: WingSettings = Field(default=WingSettings(delta=0.08), description="of both that are bought")
    min_credit_share: float = Field(
        default=0.15, ge=0, lt=1, description="the least credit, as a share of the distance of the strikes on the wider side"
    )


class IronCondorBuilder:
    """Makes a condor of one expiry."""

    name = "iron condor"
    pattern: Pattern = ((Right.PUT, 1), (Right.PUT, -1), (Right.CALL, -1), (Right.CALL, 1))

    def __init__(self, settings: IronCondorSettings) -> None:
        self.settings = settings

    def built(self, quotes: Sequence[ChainQuote], dates: ComingDates) -> Structure | NotBuilt:
        """The condor, if it brings what is asked for."""
        settings = self.settings
        puts, calls = (side_of_spread(quotes, right, -1, settings.near, settings.wing, dates) for right in (Right.PUT, Right.CALL))
        if not isinstance(puts, SpreadSide):
            return puts
        if not isinstance(calls, SpreadSide):
            return calls
        if puts.near.quote.contract.strike >= calls.near.quote.contract.strike:
            why = f"the put {puts.near.quote.symbol} that would be sold is not below the call {calls.near.quote.symbol}"
            return NotBuilt(rule="no_contract", why=why)
        width = max(puts.width, calls.width)
        asked = settings.min_credit_share
        structure = Structure(legs=(puts.wing, puts.near, calls.near, calls.wing))
        return with_least_net(structure, width * Decimal(str(asked)), width, f"min_credit_share {asked:.0%}")


def iron_condor(settings: IronCondorSettings) -> StructureStrategy:
    """Open and close condors."""
    return StructureStrategy(settings, settings.near, IronCondorBuilder(settings))


PLUGIN = Plugin(settings=IronCondorSettings, make=iron_condor)
