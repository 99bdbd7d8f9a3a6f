"""How many contracts are opened: what the cash of the strategy's own book secures, and how much of it one underlying may have.

The cash that is tied up is never counted twice: what secures the short options that are held, and what is opened at the same session, is taken off. What a sale brings in counts from the session after its fill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from pydantic import Field

from ats_assets.errors import how_many
from ats_assets.option_strategies.fills import ZERO
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import OptionContract
from ats_assets.settings import Positive, Section


class SizingSettings(Section):
    """How large a position may be."""

    max_share: float = Field(default=1.0, gt=0, le=1, description="of the strategy's equity that one underlying may tie up")
    max_contracts: Positive | None = Field(default=None, description="held of one underlying, on one side")
    max_new_contracts: Positive | None = Field(default=None, description="opened of one underlying at one session")
    keep_cash: float = Field(default=0.02, ge=0, lt=1, description="share of the equity that stays free, for fees and to buy back")


@dataclass(frozen=True, kw_only=True)
class Room:
    """What can be used of an underlying at a session.

    Attributes
    ----------
    cash
        Of the strategy that is free.
    share
        Of `max_share` that the underlying has left.
    held
        Contracts of the underlying on the side that is opened.
    """

    cash: Decimal
    share: Decimal
    held: int = 0


@dataclass(frozen=True, kw_only=True)
class Sized:
    """How many, or the rule that allows none, and why."""

    contracts: int
    rule: str
    why: str


def free_cash(cash: Decimal, equity: Decimal, tied: Decimal, settings: SizingSettings) -> Decimal:
    """The cash that nothing is secured by, less what is kept; negative where too little is left.

    Examples
    --------
    >>> free_cash(Decimal(20_000), Decimal(20_500), Decimal(9_000), SizingSettings(keep_cash=0.1))
    Decimal('8950.0')
    """
    return cash - tied - Decimal(str(settings.keep_cash)) * max(equity, ZERO)


def sized(need: Decimal, room: Room, settings: SizingSettings) -> Sized:
    """How many contracts are opened.

    Parameters
    ----------
    need
        What one ties up, in currency, above zero.

    Examples
    --------
    >>> sized(Decimal(9_000), Room(cash=Decimal(20_000), share=Decimal(30_000)), SizingSettings()).contracts
    2
    >>> sized(Decimal(9_000), Room(cash=Decimal(5_000), share=Decimal(30_000)), SizingSettings()).why
    'one ties up 9,000.00, and 5,000.00 of cash is free'
    """
    by_cash, by_share = (int((amount / need).to_integral_value(ROUND_FLOOR)) for amount in (room.cash, room.share))
    if by_cash < 1:
        return Sized(contracts=0, rule="no_cash", why=f"one ties up {need:,.2f}, and {room.cash:,.2f} of cash is free")
    if by_share < 1:
        return Sized(
            contracts=0, rule="share_limit", why=f"one ties up {need:,.2f}, and max_share leaves {room.share:,.2f} of the underlying"
        )
    if settings.max_contracts is not None and room.held >= settings.max_contracts:
        return Sized(
            contracts=0, rule="contract_limit", why=f"{how_many(room.held, 'contract')} of max_contracts = {settings.max_contracts} held"
        )
    limits = [by_cash, by_share]
    limits += [] if settings.max_contracts is None else [settings.max_contracts - room.held]
    limits += [] if settings.max_new_contracts is None else [settings.max_new_contracts]
    n = min(limits)
    return Sized(contracts=n, rule="", why=f"{how_many(n, 'contract')} at {need:,.2f} each, of {room.cash:,.2f} free cash")


class CapitalLedger:
    """What a session's decisions have used up so far, so that no two of them count on the same cash.

    Parameters
    ----------
    context
        The strategy at the session.
    sizing
        Its limits.
    tied
        Underlying -> the cash that secures what is held of it.
    invested
        Underlying -> what else of `sizing.max_share` is used up: what shares and long options have cost.

    Attributes
    ----------
    leaving
        Contracts that are bought back or sold at this session: they are not opened again.
    """

    def __init__(
        self, context: StrategyContext, sizing: SizingSettings, tied: Mapping[str, Decimal], invested: Mapping[str, Decimal] | None = None
    ) -> None:
        self.context, self.sizing = context, sizing
        self.leaving: set[OptionContract] = set()
        view = context.view
        self.cash = free_cash(view.cash, view.equity, sum(tied.values(), ZERO), sizing)
        self._used = {name: tied.get(name, ZERO) + (invested or {}).get(name, ZERO) for name in context.underlyings()}

    def room(self, underlying: str, held: int = 0) -> Room:
        """What an underlying may still tie up.

        Parameters
        ----------
        held
            Contracts that count for `sizing.max_contracts`.
        """
        whole = Decimal(str(self.sizing.max_share)) * max(self.context.view.equity, ZERO)
        return Room(cash=self.cash, share=whole - self._used.get(underlying, ZERO), held=held)

    def use(self, underlying: str, amount: Decimal) -> None:
        """Tie up cash."""
        self.cash -= amount
        self._used[underlying] = self._used.get(underlying, ZERO) + amount
