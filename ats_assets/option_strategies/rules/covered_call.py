"""Covered calls: calls are sold against shares that are held, or bought for it.

Shares are bought at one session and the call against them is sold at the next: no order needs both, which few brokers take, and an order for the shares that was filled in part is covered as far as
it was filled. Shares are bought only where a call that satisfies the selection could be sold against them.
"""

import datetime as dt
from decimal import ROUND_FLOOR, Decimal

from pydantic import Field

from ats_assets.errors import how_many
from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_rolling import RollSettings
from ats_assets.option_strategies.contract_selection import ContractSettings, pick, screens_of
from ats_assets.option_strategies.contract_sizing import CapitalLedger, SizingSettings, sized
from ats_assets.option_strategies.fills import CENT
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionView
from ats_assets.option_strategies.short_options import (
    capital_ledger,
    cash_settled_options,
    cost_screens,
    foreign_position,
    held_decisions,
    managed_short,
    sold_calls,
)
from ats_assets.option_strategies.strategy_context import StrategyContext, enters
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class CoveredCallSettings(Section):
    """What is sold, and when it is left."""

    calls: ContractSettings = ContractSettings()
    exits: RollSettings = RollSettings()
    sizing: SizingSettings = SizingSettings()
    buy_shares: bool = Field(
        default=True, description="whether shares are bought to sell calls against, or only those that are there are used"
    )
    max_rise: float = Field(
        default=0.03, ge=0, lt=1, description="shares are not bought above the session's close by more than this share of it"
    )
    calls_below_cost: bool = Field(default=True, description="whether a call's strike may be below what the shares have cost")
    earnings: dict[str, tuple[dt.date, ...]] = Field(
        default={}, description="underlying -> its dates of earnings that are known, for avoid_earnings; beside those of `scheduled_events`"
    )


class CoveredCall:
    """Hold shares, and sell calls against them."""

    def __init__(self, settings: CoveredCallSettings) -> None:
        self.settings = settings

    def decide(self, view: OptionView) -> list[Decision]:
        """One decision for each position, one for the calls of each underlying with shares, and one for the shares where they may be bought."""
        settings, context = self.settings, StrategyContext(view, self.settings.earnings)
        ledger = capital_ledger(context, settings.sizing)
        found = held_decisions(ledger, self._managed)
        for underlying in view.underlyings:
            if context.shares_of(underlying) > 0 or not settings.buy_shares:
                found.append(sold_calls(ledger, underlying, settings.calls, not_below_cost=not settings.calls_below_cost))
        return [*found, *(self._bought(ledger) if settings.buy_shares else [])]

    def _managed(self, ledger: CapitalLedger, held: HeldOption) -> Decision:
        settings = self.settings
        if held.quantity > 0 or held.contract.right is Right.PUT:
            return foreign_position(ledger, held)
        further = [] if settings.calls_below_cost else cost_screens(ledger.context, held.contract.underlying)
        return managed_short(ledger, held, settings.calls, settings.exits, further)

    def _bought(self, ledger: CapitalLedger) -> list[Decision]:
        """Shares of each underlying, or why none: those that compete for cash in the order of their call's premium a year, the highest first."""
        context, found, wanted = ledger.context, [], []
        for underlying in context.view.underlyings:
            obstacle = context.obstacle(underlying) or cash_settled_options(context, underlying)
            if obstacle is not None:
                found.append(context.skip(underlying, *obstacle))
                continue
            screens = screens_of(self.settings.calls, context.coming_dates(underlying))
            picked = pick(context.chain, underlying, Right.CALL, self.settings.calls, screens, without=ledger.leaving)
            if picked.quote is None:
                found.append(context.skip(underlying, "no_contract", f"no shares are bought: {picked.why}"))
            else:
                wanted.append((underlying, picked.quote))
        wanted.sort(key=lambda one: (-(one[1].premium_a_year or 0.0), one[0]))
        return [*found, *(self._bought_for(ledger, underlying, quote) for underlying, quote in wanted)]

    def _bought_for(self, ledger: CapitalLedger, underlying: str, quote: ChainQuote) -> Decision:
        context, lot = ledger.context, quote.price.multiplier
        most = (quote.spot * (1 + Decimal(str(self.settings.max_rise)))).quantize(CENT, ROUND_FLOOR)
        odd = context.shares_of(underlying) % lot  # an odd lot is filled up
        size = sized(most * lot, ledger.room(underlying, int(context.shares_of(underlying) // lot)), ledger.sizing)
        told = f"{quote.symbol} could be sold at {quote.bid:.2f}, {quote.premium_a_year or 0.0:.1%} a year"
        if not size.contracts:
            return context.skip(underlying, size.rule, f"{told}, but of {lot} shares at up to {most:.2f} {size.why}")
        n = int(size.contracts * lot - odd)
        ledger.use(underlying, most * n)
        reason = f"{told}: {how_many(n, 'share')} bought at up to {most:.2f}, for calls of {how_many(size.contracts, 'contract')}"
        return context.decision(underlying, "open", "buy_shares", reason, [enters(None, n)], most)


PLUGIN = Plugin(settings=CoveredCallSettings, make=CoveredCall)
