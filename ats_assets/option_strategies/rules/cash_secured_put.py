"""Cash-secured puts: puts are sold for which the whole strike is held in cash. Shares that an assignment brings are sold at the next session, or kept (`assigned_shares`)."""

import datetime as dt
from typing import Literal

from pydantic import Field

from ats_assets.option_strategies.contract_rolling import RollSettings
from ats_assets.option_strategies.contract_selection import ContractSettings
from ats_assets.option_strategies.contract_sizing import CapitalLedger, SizingSettings
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionView
from ats_assets.option_strategies.short_options import capital_ledger, foreign_position, managed_short, shares_left, sold_puts
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class CashSecuredPutSettings(Section):
    """What is sold, and when it is left."""

    puts: ContractSettings = ContractSettings()
    exits: RollSettings = RollSettings()
    sizing: SizingSettings = SizingSettings()
    assigned_shares: Literal["sell", "keep"] = Field(default="sell", description="what is done with shares that an assignment has brought")
    earnings: dict[str, tuple[dt.date, ...]] = Field(
        default={}, description="underlying -> its dates of earnings that are known, for avoid_earnings; beside those of `scheduled_events`"
    )


class CashSecuredPut:
    """Sell puts against cash."""

    def __init__(self, settings: CashSecuredPutSettings) -> None:
        self.settings = settings

    def decide(self, view: OptionView) -> list[Decision]:
        """One decision for each position, one for each underlying, and one for shares that are held."""
        context = StrategyContext(view, self.settings.earnings)
        ledger = capital_ledger(context, self.settings.sizing)
        found: list[Decision] = []
        for underlying in context.underlyings():
            found += [self._managed(ledger, held) for held in context.held_of(underlying)]
            found += shares_left(context, underlying, sell=self.settings.assigned_shares == "sell")
        return [*found, *sold_puts(ledger, self.settings.puts, cash_settled=True)]

    def _managed(self, ledger: CapitalLedger, held: HeldOption) -> Decision:
        if held.quantity > 0 or held.contract.right is Right.CALL:
            return foreign_position(ledger, held)
        return managed_short(ledger, held, self.settings.puts, self.settings.exits)


PLUGIN = Plugin(settings=CashSecuredPutSettings, make=CashSecuredPut)
