"""What every strategy of structures does at a session: judge what is held, close what is due, and open new ones as far as capital allows.

Capital: a structure ties up the most that it can lose at expiry, and a debit what is paid for it; of a naked call that has no bound, so that straddles and strangles tie up `naked_share` of
the underlying's value. Underlyings that compete for it are served in the order of what a structure brings a year, as a share of what it ties up, the highest first.
"""

import datetime as dt
from decimal import ROUND_CEILING, Decimal

from pydantic import Field

from ats_assets.option_strategies.chain_quotes import ChainQuote
from ats_assets.option_strategies.contract_selection import ContractSettings, days_wanted
from ats_assets.option_strategies.contract_sizing import CapitalLedger, SizingSettings, sized
from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.option_strategies.option_strategy import Decision, HeldOption, OptionView
from ats_assets.option_strategies.short_options import shares_left
from ats_assets.option_strategies.strategy_context import StrategyContext, enters, leaves
from ats_assets.option_strategies.structure_exits import StructureExitSettings, judged_structure
from ats_assets.option_strategies.structures import NAKED, HeldStructure, NotBuilt, Structure, StructureBuilder, held_structures
from ats_assets.options.contract import Right
from ats_assets.settings import Positive, Section


class StructureSettings(Section):
    """What all strategies of structures share."""

    exits: StructureExitSettings = StructureExitSettings()
    sizing: SizingSettings = SizingSettings(max_share=0.2)
    max_positions: Positive = Field(default=1, description="structures of one underlying at once, each of another expiry")
    naked_share: float = Field(default=1.0, gt=0, le=1, description="of the underlying's value that a structure with a naked call ties up")
    max_rise: float = Field(
        default=0.1, ge=0, lt=1, description="a debit is not paid above that of the session by more than this share of it"
    )
    earnings: dict[str, tuple[dt.date, ...]] = Field(
        default={}, description="underlying -> its dates of earnings that are known, for avoid_earnings; beside those of `scheduled_events`"
    )


class StructureStrategy:
    """Open and close one kind of structure.

    Parameters
    ----------
    settings
        Shared ones.
    contracts
        By which the expiry is chosen.
    builder
        Makes the legs.
    """

    def __init__(self, settings: StructureSettings, contracts: ContractSettings, builder: StructureBuilder) -> None:
        self.settings = settings
        self.contracts, self.builder = contracts, builder

    def decide(self, view: OptionView) -> list[Decision]:
        """One decision for each structure that is held, one for shares that are left, and one for each underlying."""
        context = StrategyContext(view, self.settings.earnings)
        held = {name: held_structures(context.held_of(name)) for name in context.underlyings()}
        tied = {
            name: sum((self._secures(context, group) for group in groups), secures_short_shares(context, name))
            for name, groups in held.items()
        }
        paid = {name: sum((_paid(group) for group in groups), context.paid_for_shares(name)) for name, groups in held.items()}
        ledger = CapitalLedger(context, self.settings.sizing, tied, paid)
        found: list[Decision] = []
        for name, groups in held.items():
            found += [decision for group in groups for decision in self._managed(ledger, group)]
            found += shares_left(context, name)
        wanted: list[tuple[float, str, Structure]] = []
        for underlying in view.underlyings:
            built = self._built(ledger, underlying, held[underlying])
            if isinstance(built, NotBuilt):
                found.append(context.skip(underlying, built.rule, built.why))
            else:
                wanted.append((built.net_a_year(self._ties(built)), underlying, built))
        wanted.sort(key=lambda one: (-one[0], one[1]))
        for place, (_, underlying, structure) in enumerate(wanted, start=1):
            order = "" if len(wanted) == 1 else f", number {place} of {len(wanted)} by what it brings a year"
            found.append(self._opened(ledger, structure, held[underlying], order))
        return found

    def _managed(self, ledger: CapitalLedger, group: HeldStructure) -> list[Decision]:
        """What is done about a structure that is held, and about long legs that nobody buys, which stay."""
        context = ledger.context
        judged = judged_structure(context, group, self.builder.pattern, self.settings.exits)
        if judged.action != "close":
            return [context.keep(group.positions, judged.rule, judged.why, judged.action)]
        long = all(held.quantity > 0 for held in group.positions)
        leaving, stuck, expiring = self._parted(context, group, last=judged.rule == "in_the_money" and not long)
        ledger.leaving.update(held.contract for held in leaving)
        apart = long and judged.limit is None  # one that nobody buys tomorrow holds up no other
        orders = [[held] for held in leaving] if apart else [leaving]
        found = [context.decision(group.underlying, "close", judged.rule, judged.why, map(leaves, each), judged.limit) for each in orders]
        if stuck:
            told = ", ".join(held.contract.symbol for held in stuck)
            found.append(context.keep(stuck, "worthless_leg", f"the rest of the structure is closed, and nobody buys {told}"))
        if expiring:
            told = ", ".join(held.contract.symbol for held in expiring)
            found.append(
                context.keep(expiring, "expires", f"the rest of the structure is closed, and {told} expires out of the money", "let_expire")
            )
        return found

    @staticmethod
    def _parted(
        context: StrategyContext, group: HeldStructure, *, last: bool
    ) -> tuple[list[HeldOption], list[HeldOption], list[HeldOption]]:
        """The legs that are closed, the long ones that nobody buys, and at the last session the long ones out of the money."""
        leaving: list[HeldOption] = []
        stuck: list[HeldOption] = []
        expiring: list[HeldOption] = []
        for held in group.positions:
            quote = context.chain.of(held.contract)
            if held.quantity > 0 and (quote is None or quote.bid is None):
                stuck.append(held)
            elif held.quantity > 0 and last and quote is not None and not quote.intrinsic:
                expiring.append(held)
            else:
                leaving.append(held)
        return leaving, stuck, expiring

    def _built(self, ledger: CapitalLedger, underlying: str, held: list[HeldStructure]) -> Structure | NotBuilt:
        """The structure at the expiry that is nearest to the days wanted, of those at which there is one."""
        context, name = ledger.context, self.builder.name
        if (obstacle := context.obstacle(underlying)) is not None:
            return NotBuilt(rule=obstacle[0], why=obstacle[1])
        n = len([group for group in held if self._counts(group)])
        if n >= self.settings.max_positions:
            return NotBuilt(rule="position_limit", why=f"{n} of max_positions = {self.settings.max_positions} of {underlying} are open")
        taken = {one.contract.expiry for group in held for one in group.positions}
        by_expiry: dict[dt.date, list[ChainQuote]] = {}
        low, high = days_wanted(self.contracts)
        for right in Right:
            for quote in context.chain.offered(underlying, right, (low, high)):
                if quote.contract.expiry not in taken:
                    by_expiry.setdefault(quote.contract.expiry, []).append(quote)
        if not by_expiry:
            why = f"no option of {underlying} expires in {low} to {high} days, on a day of which none is held"
            return NotBuilt(rule="no_contract", why=why)
        order = sorted(by_expiry, key=lambda expiry: (abs(by_expiry[expiry][0].days_left - self.contracts.days), expiry))
        failed: list[NotBuilt] = []
        for expiry in order:
            built = self.builder.built(by_expiry[expiry], context.coming_dates(underlying))
            if isinstance(built, Structure):
                return built
            failed.append(built)
        rest = "" if len(failed) == 1 else f"; nor at {len(failed) - 1} other expiries"
        return NotBuilt(rule=failed[0].rule, why=f"no {name} of {underlying} at {order[0]}: {failed[0].why}{rest}")

    def _opened(self, ledger: CapitalLedger, structure: Structure, held: list[HeldStructure], order: str) -> Decision:
        """As many units as capital allows, or why none."""
        context, underlying = ledger.context, structure.legs[0].quote.contract.underlying
        told = ", ".join(f"{leg.side:+d} {leg.quote.symbol} at {leg.price:.2f}" for leg in structure.legs)
        net = f"a credit of {structure.net:.2f}" if structure.net > 0 else f"a debit of {-structure.net:.2f}"
        head = f"{self.builder.name} of {told}: {net}, {structure.days_left} days to expiry{order}"
        need = self._ties(structure) * structure.multiplier
        size = sized(need, ledger.room(underlying, sum(group.units for group in held if self._counts(group))), self.settings.sizing)
        if not size.contracts:
            return context.skip(underlying, size.rule, f"{head}; but {size.why}")
        ledger.use(underlying, need * size.contracts)
        legs = [enters(leg.quote.contract, leg.side * size.contracts) for leg in structure.legs]
        return context.decision(underlying, "open", "open_structure", f"{head}; {size.why}", legs, self._limit(structure))

    def _counts(self, group: HeldStructure) -> bool:
        """Whether a group is a position: not long legs that are left of one."""
        return group.fits(self.builder.pattern) or any(one.quantity < 0 for one in group.positions)

    def _limit(self, structure: Structure) -> Decimal:
        """The worst net price of one unit that is accepted, as `Decision.limit_price`."""
        least = structure.least_net
        if structure.net > 0:
            return -max(CENT if least is None else least, CENT)
        most = (-structure.net * (1 + Decimal(str(self.settings.max_rise)))).quantize(CENT, ROUND_CEILING)
        return most if least is None else min(most, -least)

    def _ties(self, structure: Structure) -> Decimal:
        """What one unit ties up, for one share: the most that it can lose, and the debit."""
        worst = structure.worst
        if worst == NAKED:
            worst = Decimal(str(self.settings.naked_share)) * structure.legs[0].quote.spot
        return worst + (max(self._limit(structure), CENT) if structure.net <= 0 else ZERO)

    def _secures(self, context: StrategyContext, group: HeldStructure) -> Decimal:
        """The cash that is tied up by a structure that is held; a debit is paid already."""
        worst = group.worst
        if worst == NAKED:
            spot = context.view.spots.get(group.underlying, float(group.positions[0].contract.strike))
            worst = Decimal(str(self.settings.naked_share)) * Decimal(str(spot))
        return worst * group.units * group.multiplier


def secures_short_shares(context: StrategyContext, underlying: str) -> Decimal:
    """What it would cost to buy back shares that an assignment has left short."""
    return max(-context.shares_of(underlying), ZERO) * Decimal(str(context.view.spots.get(underlying, 0.0)))


def _paid(group: HeldStructure) -> Decimal:
    """For the structure that is held, where it was a debit."""
    return max(-group.received, ZERO) * group.units * group.multiplier
