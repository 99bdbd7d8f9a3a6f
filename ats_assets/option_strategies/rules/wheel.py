"""The wheel: puts are sold against cash until one is assigned, then calls against the shares until they are called away, and so round.

- Shares that no call covers: a call is sold, never at a strike below what the shares have cost unless `calls_below_cost` says so.
- Cash that nothing ties up: a put is sold, as far as `sizing.max_share` of the underlying is not used up by shares (at their cost) and puts (at their strikes).
- What is held is bought back or rolled by `put_exits` and `call_exits`, else left to expire.

Both may happen at once: where two of five puts were assigned, calls are sold on 200 shares while three puts run on. Everything follows from what is held at the session's close, so that an
assignment in the night, an order that was filled in part or not at all, or shares that somebody has sold need no rule of their own.
"""

import datetime as dt

from pydantic import Field

from ats_assets.option_strategies.contract_rolling import RollSettings
from ats_assets.option_strategies.contract_selection import ContractSettings
from ats_assets.option_strategies.contract_sizing import CapitalLedger, SizingSettings
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionView
from ats_assets.option_strategies.short_options import (
    capital_ledger,
    cost_screens,
    foreign_position,
    held_decisions,
    managed_short,
    sold_calls,
    sold_puts,
)
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class WheelSettings(Section):
    """What is sold, and when it is left."""

    puts: ContractSettings = ContractSettings()
    calls: ContractSettings = ContractSettings()
    put_exits: RollSettings = RollSettings()
    call_exits: RollSettings = RollSettings()
    sizing: SizingSettings = SizingSettings()
    calls_below_cost: bool = Field(default=False, description="whether a call's strike may be below what the shares have cost")
    earnings: dict[str, tuple[dt.date, ...]] = Field(
        default={}, description="underlying -> its dates of earnings that are known, for avoid_earnings; beside those of `scheduled_events`"
    )


class Wheel:
    """Sell puts against cash, and calls against the shares that they bring."""

    def __init__(self, settings: WheelSettings) -> None:
        self.settings = settings

    def decide(self, view: OptionView) -> list[Decision]:
        """One decision for each position, one for the puts of each underlying, and one for the calls where there are shares."""
        settings, context = self.settings, StrategyContext(view, self.settings.earnings)
        ledger = capital_ledger(context, settings.sizing)
        found = held_decisions(ledger, self._managed)
        calls = [
            sold_calls(ledger, underlying, settings.calls, not_below_cost=not settings.calls_below_cost)
            for underlying in view.underlyings
            if context.shares_of(underlying) > 0
        ]
        return [*found, *calls, *sold_puts(ledger, settings.puts, cash_settled=False)]

    def _managed(self, ledger: CapitalLedger, held: HeldOption) -> Decision:
        settings, underlying = self.settings, held.contract.underlying
        if held.quantity > 0:
            return foreign_position(ledger, held)
        if held.contract.right is Right.PUT:
            return managed_short(ledger, held, settings.puts, settings.put_exits)
        further = [] if settings.calls_below_cost else cost_screens(ledger.context, underlying)
        return managed_short(ledger, held, settings.calls, settings.call_exits, further)


PLUGIN = Plugin(settings=WheelSettings, make=Wheel)
