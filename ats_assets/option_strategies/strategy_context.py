"""What all decisions of a strategy at one session share: its view, the chain, what is known to come, and how a decision is written down."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from ats_assets.option_strategies.chain_quotes import ChainQuotes
from ats_assets.option_strategies.contract_selection import ComingDates
from ats_assets.option_strategies.fills import ZERO
from ats_assets.option_strategies.option_strategy import (
    Action,
    ComingAction,
    Decision,
    HeldOption,
    KnownDividend,
    OptionLeg,
    OptionView,
)
from ats_assets.options.contract import OptionContract, Right

Earnings = Mapping[str, Sequence[dt.date]]


class StrategyContext:
    """A strategy at a session.

    Parameters
    ----------
    view
        What it is told.
    earnings
        Underlying -> its dates of earnings, as settings list them, beside those that are scheduled; those before the session are passed over.
    """

    def __init__(self, view: OptionView, earnings: Earnings | None = None) -> None:
        self.view = view
        self.chain = ChainQuotes(view)
        self._earnings = earnings or {}

    def held_of(self, underlying: str, right: Right | None = None, side: int = 0) -> list[HeldOption]:
        """The positions in an underlying, sorted by contract.

        Parameters
        ----------
        side
            1: long ones alone, -1: short ones alone.
        """
        return sorted(
            (
                held
                for held in self.view.held
                if held.contract.underlying == underlying and right in {None, held.contract.right} and held.quantity * side >= 0
            ),
            key=lambda held: held.contract,
        )

    def underlyings(self) -> list[str]:
        """Those that may be traded, and those of which something is held, sorted."""
        held = {held.contract.underlying for held in self.view.held}
        return sorted({*self.view.underlyings, *held, *(name for name, shares in self.view.shares.items() if shares)})

    def shares_of(self, underlying: str) -> Decimal:
        """That are held; negative for short."""
        return self.view.shares.get(underlying, ZERO)

    def secured(self, underlying: str) -> Decimal:
        """What the short puts on an underlying would cost if all were assigned: what secures them."""
        return sum((collateral(held) for held in self.held_of(underlying, Right.PUT, -1)), ZERO)

    def paid_for_shares(self, underlying: str) -> Decimal:
        """What the shares that are held have cost."""
        return max(self.shares_of(underlying), ZERO) * self.view.share_prices.get(underlying, ZERO)

    def dividends(self, underlying: str) -> list[KnownDividend]:
        """That are announced and still to come, ascending."""
        of_it = (one for one in self.view.dividends if one.underlying == underlying and one.ex_session > self.view.session)
        return sorted(of_it, key=lambda one: (one.ex_session, one.amount))

    def coming_dates(self, underlying: str) -> ComingDates:
        """Ex-dates and earnings that are known to come."""
        listed = {*self._earnings.get(underlying, ()), *self.view.earnings.get(underlying, ())}
        earnings = sorted(day for day in listed if day > self.view.session)
        return ComingDates(ex_dates=tuple(one.ex_session for one in self.dividends(underlying)), earnings=tuple(earnings))

    def sessions_until(self, day: dt.date) -> int:
        """How many sessions off a day is: 1 is the next session."""
        return bisect_left(self.view.sessions, day) + 1

    def action_of(self, underlying: str) -> ComingAction | None:
        """The corporate action that takes effect at the next session, one that adjusts contracts first."""
        of_it = [action for action in self.view.actions if action.underlying == underlying]
        return min(of_it, key=lambda action: (not action.adjusts, action.kind), default=None)

    def obstacle(self, underlying: str) -> tuple[str, str] | None:
        """Why nothing can be opened on an underlying at this session: the rule, and the reason; None where it can."""
        if underlying not in self.chain.underlyings:
            return "no_chain", f"{underlying} has no chain at {self.view.session}, and another session's is not decided on"
        if (action := self.action_of(underlying)) is not None:
            return "action_ahead", f"{told_action(action)}: contracts change, nothing is opened"
        return None

    def decision(  # noqa: PLR0917 - a decision's parts in their order
        self, underlying: str, action: Action, rule: str, reason: str, legs: Iterable[OptionLeg] = (), limit: Decimal | None = None
    ) -> Decision:
        """A decision of this strategy."""
        return Decision(
            strategy=self.view.strategy, underlying=underlying, action=action, legs=tuple(legs), limit_price=limit, reason=reason, rule=rule
        )

    def skip(self, underlying: str, rule: str, reason: str) -> Decision:
        """Nothing is opened on an underlying."""
        return self.decision(underlying, "skip", rule, reason)

    def keep(self, held: Iterable[HeldOption], rule: str, reason: str, action: Action = "hold") -> Decision:
        """Positions stay as they are: the legs name them."""
        positions = list(held)
        legs = [OptionLeg(contract=one.contract, quantity=one.quantity, open_or_close="close") for one in positions]
        return self.decision(positions[0].contract.underlying, action, rule, reason, legs)


def collateral(held: HeldOption) -> Decimal:
    """What an assignment of short puts would cost."""
    return held.contract.strike * held.multiplier * abs(held.quantity)


def leaves(held: HeldOption, contracts: int | None = None) -> OptionLeg:
    """The leg that closes a position, or some contracts of it."""
    n = abs(held.quantity) if contracts is None else min(contracts, abs(held.quantity))
    return OptionLeg(contract=held.contract, quantity=n if held.quantity < 0 else -n, open_or_close="close")


def enters(contract: OptionContract | None, quantity: int) -> OptionLeg:
    """The leg that opens contracts, or shares."""
    return OptionLeg(contract=contract, quantity=quantity, open_or_close="open")


def told_action(action: ComingAction) -> str:
    """A corporate action in words.

    Examples
    --------
    >>> told_action(ComingAction(underlying="AAPL", session=dt.date(2014, 6, 9), kind="split", ratio=Decimal(7)))
    'a split of AAPL (7 new shares for one) takes effect at 2014-06-09'
    """
    ratio = "" if action.ratio is None else f" ({action.ratio.normalize():f} new shares for one)"
    return f"a {action.kind} of {action.underlying}{ratio} takes effect at {action.session}"
