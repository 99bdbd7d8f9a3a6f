"""What a strategy of options sees at the close of a session, and what it decides.

One pure function, `decide`, for backtest, paper and live. It is handed what was known at the close of session D, and its decisions are traded at D+1, at that session's quotes alone.
Every position that is held and every underlying gets a decision at each session, "hold" and "skip" among them, each with its reason: whoever asks later why a position was rolled,
or was not, finds the row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, Protocol

import polars as pl
from pydantic import BaseModel

from ats_assets.options.contract import OptionContract

Action = Literal["open", "close", "roll", "hold", "let_expire", "exercise", "skip"]
OpenOrClose = Literal["open", "close"]
TRADING: frozenset[Action] = frozenset({"open", "close", "roll"})
"""The actions whose legs are orders; "exercise" has legs that are none."""


@dataclass(frozen=True, kw_only=True)
class HeldOption:
    """A position in one contract.

    Attributes
    ----------
    quantity
        Contracts; negative for short, never 0.
    multiplier
        Shares a contract.
    opened_session
        Of the first fill of the position as it is.
    average_price
        For a share, fees left out: paid for long, received for short; positive either way.
    tag
        `Decision.rule` of what opened it.
    style
        "american" or "european"; index options are European, and settled in cash.
    """

    contract: OptionContract
    quantity: int
    multiplier: int
    opened_session: date
    average_price: Decimal
    tag: str = ""
    style: str = "american"


@dataclass(frozen=True, kw_only=True)
class OptionLeg:
    """A part of a decision.

    Attributes
    ----------
    contract
        None for the shares of the decision's underlying.
    quantity
        Contracts, or shares: positive to buy, negative to sell. Of an exercise, what is held and is given up: -2 exercises two long contracts.
    open_or_close
        What it does to the position.
    """

    contract: OptionContract | None
    quantity: int
    open_or_close: OpenOrClose


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to be done about an underlying, or about one position in it.

    Attributes
    ----------
    strategy
        Its name in the settings (`OptionView.strategy`).
    legs
        All are filled together, or none is. Of a "hold" or "let_expire" they name the positions that it is about, though nothing is traded; a "skip" has none.
    limit_price
        The most that is paid for one unit, per share of the underlying; negative: the least that is received. None: at any price that is quoted. One unit is the legs divided by the
        greatest common divisor of the numbers of contracts.
    reason
        One sentence with the numbers that decided.
    rule
        A short code of the rule that decided, such as "roll_at_profit".
    """

    strategy: str
    underlying: str
    action: Action
    legs: tuple[OptionLeg, ...] = ()
    limit_price: Decimal | None = None
    reason: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class KnownDividend:
    """A cash dividend that is announced: its amount for one share, which goes to those who hold the share at the close before the ex-session."""

    underlying: str
    ex_session: date
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class ComingAction:
    """A corporate action that takes effect at the open of the next session.

    Attributes
    ----------
    kind
        As in `corporate_actions`, such as "split".
    ratio
        New shares for an old one; None where their number stays.
    adjusts
        Whether it makes an adjusted deliverable of contracts, so that what is held is closed at this session's quotes.
    """

    underlying: str
    session: date
    kind: str
    ratio: Decimal | None = None
    adjusts: bool = False


@dataclass(frozen=True, kw_only=True)
class OptionView:
    """All that a strategy is told at the close of `session`: its own book and its own underlyings, nothing of later.

    Attributes
    ----------
    strategy
        Its name in the settings.
    underlyings
        That it may trade.
    sessions
        Of the calendar after `session`, as far as its chains need.
    chain
        `option_chains` of the session joined with `greeks`, rows of `underlyings` alone, sorted by underlying, expiry, strike, right.
    spots
        Underlying -> close; one without a price at the session is left out.
    held
        Sorted by contract.
    shares, share_prices
        Underlying -> shares held (negative for short), and what was paid for one on average; only those that are held.
    cash, equity
        Of the strategy's own book; cash includes what was received for short options.
    dividends
        Announced by `session`, with ex-sessions after it.
    actions
        That take effect at the next session.
    earnings
        Underlying -> its days of earnings after `session` that were scheduled at its close, ascending; of those that have some.
    """

    strategy: str
    session: date
    underlyings: tuple[str, ...]
    sessions: tuple[date, ...]
    chain: pl.DataFrame
    spots: Mapping[str, float]
    held: tuple[HeldOption, ...] = ()
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    share_prices: Mapping[str, Decimal] = field(default_factory=dict)
    cash: Decimal
    equity: Decimal
    dividends: tuple[KnownDividend, ...] = ()
    actions: tuple[ComingAction, ...] = ()
    earnings: Mapping[str, tuple[date, ...]] = field(default_factory=dict)


class OptionStrategy(Protocol):
    """One kind of strategy of options, with its settings."""

    settings: BaseModel

    def decide(self, view: OptionView) -> list[Decision]:
        """What is to be done at the next session: at least one decision for each position that is held, and one for each underlying.

        It depends on `view` alone: no clock, no chance, nothing kept from one session to the next.
        """
        ...
