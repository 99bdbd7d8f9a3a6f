"""A vertical spread: two options of one right and one expiry, one sold and one bought. For a credit the nearer one is sold, for a debit it is bought; the further one bounds the loss, or the gain."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import ComingDates, ContractSettings
from ats_assets.option_strategies.spread_sides import SpreadSide, WingSettings, side_of_spread, with_least_net
from ats_assets.option_strategies.structure_trading import StructureSettings, StructureStrategy
from ats_assets.option_strategies.structures import NotBuilt, Pattern, Structure
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin


class VerticalSettings(StructureSettings):
    """Which spread is opened, and when it is closed."""

    right: Literal["put", "call"] = Field(default="put", description="of both options")
    side: Literal["credit", "debit"] = Field(default="credit", description="credit: the nearer one is sold; debit: it is bought")
    near: ContractSettings = ContractSettings()
    wing: WingSettings = WingSettings()
    min_credit_share: float = Field(
        default=0.15, ge=0, lt=1, description="of a credit: the least of it, as a share of the distance of the strikes"
    )
    max_debit_share: float = Field(
        default=0.6, gt=0, lt=1, description="of a debit: the most of it, as a share of the distance of the strikes"
    )


class VerticalBuilder:
    """Makes a spread of one expiry."""

    def __init__(self, settings: VerticalSettings) -> None:
        self.settings = settings
        self._right = Right.PUT if settings.right == "put" else Right.CALL
        self._near = -1 if settings.side == "credit" else 1

    @property
    def name(self) -> str:
        """For sentences."""
        return f"{self.settings.side} spread of {self.settings.right}s"

    @property
    def pattern(self) -> Pattern:
        """One sold, one bought."""
        return (self._right, -1), (self._right, 1)

    def built(self, quotes: Sequence[ChainQuote], dates: ComingDates) -> Structure | NotBuilt:
        """The spread, if it brings or costs what is asked for."""
        settings = self.settings
        side = side_of_spread(quotes, self._right, self._near, settings.near, settings.wing, dates)
        if not isinstance(side, SpreadSide):
            return side
        structure = Structure(legs=side.legs)
        asked = settings.min_credit_share if self._near < 0 else settings.max_debit_share
        least = side.width * Decimal(str(asked)) * (1 if self._near < 0 else -1)
        return with_least_net(structure, least, side.width, f"{'min_credit_share' if self._near < 0 else 'max_debit_share'} {asked:.0%}")


def vertical(settings: VerticalSettings) -> StructureStrategy:
    """Open and close spreads."""
    return StructureStrategy(settings, settings.near, VerticalBuilder(settings))


PLUGIN = Plugin(settings=VerticalSettings, make=vertical)
