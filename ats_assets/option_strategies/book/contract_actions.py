"""What corporate actions do to shares and contracts that a book holds, at the open of their ex-session.

Shares are treated as everywhere else (`ats_assets.portfolio.actions`): payments for what was held over the close before, ratios, and cash for fractions. Contracts follow the rules of the
Options Clearing Corporation (By-Laws, Article VI, section 11A):

1. A split into a whole number r of shares makes r times as many contracts at an r-th of the strike, to the cent; each is for as many shares as before.
2. An ordinary dividend changes nothing. The data don't tell a special one, which would lower the strike, from an ordinary one; none is taken for special.
3. A change of name changes the root of the symbol.
4. Anything else (3 for 2, a reverse split, a spin-off, a merger) makes an adjusted deliverable, which chains have no row of. Such positions are closed at the quotes of the session before
   (`close_adjusted`); one that nobody quotes is closed at what it is worth exercised, which is no fill, and the row says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import numpy as np
import polars as pl

from ats_assets.option_strategies.book.book_entries import OptionPosition, intrinsic_value, to_cent
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import CENT, ZERO, LegFill, NotFilled, OptionFillRules, OptionQuote, decimal_of, decision_fills
from ats_assets.option_strategies.option_strategy import ComingAction, Decision, OptionLeg
from ats_assets.options.contract import OptionContract
from ats_assets.portfolio.actions import apply_actions, session_actions

ADJUSTING: Final = frozenset({"spin_off", "merger"})
"""Kinds that always change what a contract delivers."""
ADJUSTED: Final = "adjusted_deliverable"
"""The rule by which such a position is closed."""


@dataclass(frozen=True, kw_only=True)
class ShareAction:
    """All actions of an underlying at one ex-session, for one old share.

    Attributes
    ----------
    ratio
        New shares; 1 where their number stays.
    cash
        Paid; 0 where nothing is.
    kinds
        As in `corporate_actions`.
    renamed_to
        The symbol that the shares go on as.
    ends_at
        Cash for which a merger takes the share; None where it goes on, or becomes other shares.
    """

    underlying: str
    ratio: Decimal = Decimal(1)
    cash: Decimal = ZERO
    kinds: tuple[str, ...] = ()
    renamed_to: str | None = None
    ends_at: Decimal | None = None

    @property
    def adjusts(self) -> bool:
        """Whether contracts deliver something else than shares of the underlying, a hundred each, from now on."""
        whole = self.ratio == self.ratio.to_integral_value() and self.ratio >= 1
        return not whole or bool(ADJUSTING & set(self.kinds))

    @property
    def splits(self) -> bool:
        """Whether contracts become more, at a lower strike."""
        return self.ratio > 1 and not self.adjusts


def root_of(symbol: str) -> str:
    """The root of the contracts on a symbol of bars: BRKB for BRK.B.

    Examples
    --------
    >>> root_of("BRK.B"), root_of("AAPL")
    ('BRKB', 'AAPL')
    """
    return "".join(one for one in symbol if one.isalnum())


def coming_actions(actions: pl.DataFrame, roots: Mapping[str, str] | None = None) -> dict[str, ShareAction]:
    """The actions of one ex-session by underlying.

    Parameters
    ----------
    actions
        Rows of `corporate_actions` of that session.
    roots
        Symbol of the bars -> root of its contracts, where it is not `root_of`.
    """
    named = roots or {}
    if actions.is_empty():
        return {}
    names = actions["symbol"].unique().sort().to_list()
    ratios, payments = session_actions(actions, names)
    found = {}
    for name, ratio, cash in zip(names, ratios.tolist(), payments.tolist(), strict=True):
        rows = actions.filter(symbol=name)
        ends = rows.filter(pl.col("kind") == "merger", pl.col("new_ratio").is_null())["cash"].drop_nulls().to_list()
        renamed = rows.filter(kind="name_change")["new_symbol"].drop_nulls().to_list()
        root = named.get(name, root_of(name))
        found[root] = ShareAction(
            underlying=root,
            ratio=decimal_of(ratio) or Decimal(1),
            cash=decimal_of(cash) or ZERO,
            kinds=tuple(sorted(set(rows["kind"].to_list()))),
            renamed_to=root_of(renamed[0]) if renamed else None,
            ends_at=decimal_of(ends[0]) if ends else None,
        )
    return found


def told_actions(actions: Mapping[str, ShareAction], session: date) -> tuple[ComingAction, ...]:
    """The actions of the next session, as a strategy is told of them; ordinary dividends are among its dividends."""
    return tuple(
        ComingAction(
            underlying=one.underlying,
            session=session,
            kind=", ".join(one.kinds),
            ratio=None if one.ratio == 1 else one.ratio,
            adjusts=one.adjusts,
        )
        for _, one in sorted(actions.items())
        if one.ratio != 1 or one.adjusts or one.renamed_to
    )


def apply_share_actions(book: OptionBook, session: date, actions: Mapping[str, ShareAction]) -> None:
    """What takes effect at the open of `session`, for what was held over the close before."""
    for underlying, action in sorted(actions.items()):
        if underlying in book.shares:
            _apply_to_shares(book, session, action)
        for contract in sorted(one for one, position in book.options.items() if position.underlying == underlying):
            if action.adjusts:
                _write_off(book, session, contract, book.options[contract].spot, "its deliverable is adjusted")
            else:
                _carry_over(book, session, contract, action)
        if action.renamed_to and underlying in book.shares:
            holding = book.shares.pop(underlying)
            book.record(session, "split", underlying, shares=-holding.quantity, detail=f"renamed to {action.renamed_to}")
            book.record(session, "split", action.renamed_to, shares=holding.quantity, detail=f"renamed from {underlying}")
            book.shares[action.renamed_to] = holding


def _apply_to_shares(book: OptionBook, session: date, action: ShareAction) -> None:
    underlying, holding = action.underlying, book.shares[action.underlying]
    before, spot = holding.quantity, holding.spot
    if action.ends_at is not None:
        book.record(
            session, "shares", underlying, shares=-before, price=action.ends_at, cash=before * action.ends_at, detail="taken over for cash"
        )
        del book.shares[underlying]
        return
    numbers = (np.array([float(one)]) for one in (before, action.ratio, action.cash, spot))
    shares, ratio, cash, close = numbers
    done = apply_actions(shares, np.array([int(holding.cost * 100)]), ratio, cash, close, fractional=False)
    paid, in_lieu = Decimal(int(done.dividends[0])) / 100, Decimal(int(done.in_lieu[0])) / 100
    if paid:
        book.record(session, "dividend", underlying, price=action.cash, cash=paid, detail=f"on {before} shares")
    after = Decimal(int(done.shares[0]))
    if action.ratio != 1:
        book.record(session, "split", underlying, shares=after - before, detail=f"{action.ratio} new shares for an old one")
        if in_lieu:
            book.record(session, "in_lieu", underlying, cash=in_lieu, detail="for the fraction of a share")
    if not after:
        del book.shares[underlying]
        return
    counted = action.cash if action.cash < spot else ZERO
    holding.cost = holding.cost if after == before * action.ratio else Decimal(int(done.basis[0])) / 100
    holding.quantity, holding.spot = after, (spot - counted) / action.ratio


def _carry_over(book: OptionBook, session: date, contract: OptionContract, action: ShareAction) -> None:
    """A position that goes on, by the price of the underlying after the action."""
    position = book.options[contract]
    if position.spot is not None:
        counted = action.cash if action.cash < position.spot else ZERO
        position.spot = (position.spot - counted) / action.ratio
    if action.splits or action.renamed_to:
        _exchange(book, session, contract, action)


def _exchange(book: OptionBook, session: date, old: OptionContract, action: ShareAction) -> None:
    """A position in the contracts that take the place of the old ones."""
    position = book.options.pop(old)
    ratio = action.ratio
    strike = (old.strike / ratio).quantize(CENT, ROUND_HALF_UP) if ratio != 1 else old.strike
    new = replace(old, strike=strike, underlying=action.renamed_to or old.underlying)
    underlying, quantity = action.renamed_to or position.underlying, position.quantity * int(ratio)
    told = f"{ratio} for 1" if ratio != 1 else f"renamed to {new.underlying}"
    book.record(session, "split", position.underlying, contract=old, quantity=-position.quantity, detail=told)
    book.record(session, "split", underlying, contract=new, quantity=quantity, detail=f"{told}, from {old.symbol}")
    position.contract, position.underlying, position.quantity = new, underlying, quantity
    position.average_price, position.mark = position.average_price / ratio, position.mark / ratio
    other = book.options.get(new)
    if other is not None:
        total = other.quantity + quantity
        if not total:
            del book.options[new]
            return
        position.average_price = (other.quantity * other.average_price + quantity * position.average_price) / total
        position.quantity = total
    book.options[new] = position


def close_adjusted(
    book: OptionBook,
    session: date,
    actions: Mapping[str, ShareAction],
    *,
    quotes: Mapping[OptionContract, OptionQuote | None],
    spots: Mapping[str, Decimal],
    rules: OptionFillRules,
) -> tuple[LegFill, ...]:
    """Close, at the quotes of `session`, the contracts whose deliverable the actions of the next session change; the fills are returned."""
    traded: list[LegFill] = []
    wrong = {underlying for underlying, one in actions.items() if one.adjusts}
    for contract in sorted(one for one, position in book.options.items() if position.underlying in wrong):
        position = book.options[contract]
        legs = (OptionLeg(contract=contract, quantity=-position.quantity, open_or_close="close"),)
        kinds = ", ".join(actions[position.underlying].kinds)
        forced = Decision(
            strategy=book.strategy,
            underlying=position.underlying,
            action="close",
            legs=legs,
            reason=f"{kinds} at the next session adjusts what {contract} delivers",
            rule=ADJUSTED,
        )
        fills = decision_fills(forced, quotes, spots, rules)
        if isinstance(fills, NotFilled):
            _write_off(book, session, contract, spots.get(position.underlying, position.spot), f"{forced.reason}, and {fills.detail}")
        else:
            book.apply_fills(session, fills, rule=forced.rule, detail=forced.reason)
            traded += fills
    return tuple(traded)


def _write_off(book: OptionBook, session: date, contract: OptionContract, spot: Decimal | None, why: str) -> None:
    """End a position at what it is worth exercised; without any price of the underlying at its last mark."""
    position: OptionPosition = book.options[contract]
    value = position.mark if spot is None else intrinsic_value(contract, spot)
    cash = to_cent(position.quantity * position.multiplier * value)
    change = -position.quantity
    book.record(session, "adjusted", position.underlying, contract=contract, quantity=change, price=value, cash=cash, detail=why)
    book.reduce(session, contract, change, value, "adjusted")
