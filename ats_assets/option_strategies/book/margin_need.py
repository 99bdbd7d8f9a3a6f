"""How much equity an account must have for what it holds, by the recognised spreads of the exchanges' margin rules.

The rules are those of Cboe Rule 10.3 and FINRA Rule 4210(f)(2), as Cboe's margin manual and its table "Margin Requirement Examples for Sample Options-based Positions" (2007) work them
out. They are told here of the equity, in which what was received for short options and what long ones are worth are counted already, for one underlying after the other:

| position | needs |
|---|---|
| long option | its value: it lends nothing |
| short call, uncovered | 20 % of the underlying less what it is out of the money, at least 10 % of the underlying; of an index 15 % and 10 % |
| short put, uncovered | the same, at least 10 % of the strike |
| short call and short put | the larger of both, with the premium of the other |
| long shares | 50 % (Regulation T); short ones 50 % too, beside their proceeds |
| covered call | that of the shares, worth the strike at most, less the call's premium |
| covered put | that of the short shares, and what the put is in the money |
| spread: each short has a long that does not expire before it | the most that all of them together can lose at expiry, and what they are worth |

Spreads whose shorts expire at different days are not taken together: the price may be low at one of them and high at the other. A spread is recognised where that needs less. `cash_secured` lends nothing: shares are paid for, a put's strike lies there, and a call without shares or a long one is refused
(`Infinity`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from ats_assets.option_strategies.book.book_entries import OptionPosition
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import ZERO
from ats_assets.options.contract import OptionContract, Right

MarginAccount = Literal["reg_t", "cash_secured"]
INITIAL: Final = Decimal("0.5")
UNBOUNDED: Final = Decimal("Infinity")
SHARES = {"american": (Decimal("0.20"), Decimal("0.10")), "european": (Decimal("0.15"), Decimal("0.10"))}
"""Of the underlying's value, and the least: equities, and broad indices, whose options are European."""


@dataclass(kw_only=True)
class _Lot:
    """Contracts that are not covered by anything yet; `number` is positive for either side."""

    contract: OptionContract
    number: int
    multiplier: int
    style: str
    mark: Decimal

    @property
    def call(self) -> bool:
        return self.contract.right is Right.CALL

    def out_of_the_money(self, spot: Decimal) -> Decimal:
        return max(self.contract.strike - spot if self.call else spot - self.contract.strike, ZERO)

    def uncovered(self, spot: Decimal, account: MarginAccount) -> Decimal:
        """For one share, beside the mark."""
        if account == "cash_secured":
            return UNBOUNDED if self.call else self.contract.strike - self.mark
        share, least = SHARES[self.style]
        return max(share * spot - self.out_of_the_money(spot), least * (spot if self.call else self.contract.strike))


def margin_need(book: OptionBook, account: MarginAccount = "reg_t") -> Decimal:
    """What the equity of a book must be, at its last marks; infinite where no equity is enough."""
    return sum((_of_underlying(book, underlying, account) for underlying in book.underlyings()), ZERO)


def _of_underlying(book: OptionBook, underlying: str, account: MarginAccount) -> Decimal:
    positions = [one for one in book.options.values() if one.underlying == underlying]
    spot = _spot(book, underlying, positions)
    shorts, longs = ([_lot(one) for one in positions if (one.quantity < 0) == short] for short in (True, False))
    need, shorts = _with_shares(book.shares_of(underlying), shorts, spot, account)
    spread, shorts, longs = _spreads(shorts, longs, spot, account)
    need += spread + sum((one.mark * one.number * one.multiplier for one in longs), ZERO)
    return need + _uncovered(shorts, spot, account)


def _spot(book: OptionBook, underlying: str, positions: Sequence[OptionPosition]) -> Decimal:
    held = book.shares.get(underlying)
    known = [one.spot for one in positions if one.spot is not None] if held is None else [held.spot]
    return known[0] if known else max(one.contract.strike for one in positions)


def _lot(position: OptionPosition) -> _Lot:
    return _Lot(
        contract=position.contract,
        number=abs(position.quantity),
        multiplier=position.multiplier,
        style=position.style,
        mark=position.mark,
    )


def _with_shares(shares: Decimal, shorts: list[_Lot], spot: Decimal, account: MarginAccount) -> tuple[Decimal, list[_Lot]]:
    """What the shares need with the options that they cover, and the shorts that are left: long shares cover calls, the lowest strikes first, short ones puts."""
    lent = INITIAL if account == "reg_t" else ZERO
    need, free, calls = ZERO, abs(shares), shares > 0
    for lot in sorted(shorts, key=lambda one: one.contract.strike if calls else -one.contract.strike):
        if not free or lot.call != calls:
            continue
        covered = min(lot.number, int(free / lot.multiplier))
        units = Decimal(covered * lot.multiplier)
        if calls:
            need += units * max(spot - lot.mark - lent * min(spot, lot.contract.strike), ZERO)
        elif account == "reg_t":
            need += units * max((1 - lent) * spot + max(lot.contract.strike - spot, ZERO) - lot.mark, ZERO)
        else:
            need += units * UNBOUNDED if covered else ZERO
        free -= units
        lot.number -= covered
    if free:
        need += free * (1 - lent) * spot if calls or account == "reg_t" else UNBOUNDED
    return need, [one for one in shorts if one.number]


def _spreads(shorts: list[_Lot], longs: list[_Lot], spot: Decimal, account: MarginAccount) -> tuple[Decimal, list[_Lot], list[_Lot]]:
    """What the recognised spreads need, and what is in none: each short takes the nearest long that covers it, where that needs less than to be uncovered."""
    pooled: defaultdict[date, list[tuple[int, _Lot]]] = defaultdict(list)
    for short in sorted(shorts, key=lambda one: (one.contract.expiry, one.contract.strike), reverse=True):
        for long in _covering(short, longs):
            number = min(short.number, long.number)
            pair = [(-number, short), (number, long)]
            alone = short.uncovered(spot, account) + long.mark
            if not number or _largest_loss(pair) >= alone * number * short.multiplier:
                continue
            pooled[short.contract.expiry] += pair
            short.number -= number
            long.number -= number
    need = sum((_largest_loss(pairs) for pairs in pooled.values()), ZERO)
    return need, [one for one in shorts if one.number], [one for one in longs if one.number]


def _covering(short: _Lot, longs: list[_Lot]) -> list[_Lot]:
    """The longs that a short may be spread with, those with the smallest loss first."""
    found = [
        one
        for one in longs
        if one.call == short.call and one.contract.expiry >= short.contract.expiry and one.multiplier == short.multiplier
    ]
    return sorted(found, key=lambda one: (abs(one.contract.strike - short.contract.strike), one.contract.expiry))


def _largest_loss(pooled: Sequence[tuple[int, _Lot]]) -> Decimal:
    """What the options are worth now and the most that they can lose at the expiry of the shorts, where each short has its long: at one of the strikes, or at zero."""
    worth = sum((number * lot.multiplier * lot.mark for number, lot in pooled), ZERO)

    def paid(price: Decimal) -> Decimal:
        gains = (
            number * lot.multiplier * max(price - lot.contract.strike if lot.call else lot.contract.strike - price, ZERO)
            for number, lot in pooled
        )
        return sum(gains, ZERO)

    prices = {ZERO, *(lot.contract.strike for _, lot in pooled)}
    return max(worth + max(-min(paid(price) for price in prices), ZERO), ZERO)


def _uncovered(shorts: list[_Lot], spot: Decimal, account: MarginAccount) -> Decimal:
    """Calls and puts that nothing covers: of one of each only the larger is asked for."""
    calls, puts = ([one for one in shorts if one.call == call] for call in (True, False))
    need = ZERO
    if account == "reg_t":
        for call in calls:
            for put in (one for one in puts if one.multiplier == call.multiplier):
                number = min(call.number, put.number)
                sides = [(lot.uncovered(spot, account) + lot.mark, lot.uncovered(spot, account)) for lot in (call, put)]
                need += number * call.multiplier * max(sides)[1]
                call.number -= number
                put.number -= number
    return need + sum((one.number * one.multiplier * one.uncovered(spot, account) for one in shorts if one.number), ZERO)
