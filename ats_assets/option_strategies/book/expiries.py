"""What happens to contracts at their end: exercised, assigned, settled in cash, or worthless.

A contract whose last session this is, in the money by a cent or more at the close, is exercised: by the Options Clearing Corporation's rule of exercise by exception (OCC Rule 805, $0.01
since 2008) long ones are without anybody's asking, and short ones are assigned all. American ones deliver shares at the strike; European ones, those of indices, are settled in cash.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from ats_assets.errors import OptionError
from ats_assets.option_strategies.book.book_entries import OptionPosition, intrinsic_value, to_cent
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.options.contract import OptionContract, Right

EXERCISED_FROM: Final = CENT
"""In the money by so much for one share."""


def settle_expiries(
    book: OptionBook, session: date, next_session: date, spots: Mapping[str, Decimal], *, fee_per_contract: Decimal = ZERO
) -> None:
    """Settle the contracts that can't be traded at `next_session` any more, by the closes of `session`.

    Parameters
    ----------
    spots
        Underlying -> close of the session. Where there is none, the last close that the book knows settles, and the row says so.
    fee_per_contract
        Of exercise and assignment.
    """
    for contract in sorted(one for one in book.options if one.expiry < next_session):
        position = book.options[contract]
        spot, told = spots.get(position.underlying), ""
        if spot is None:
            spot, told = position.spot if position.spot is not None else contract.strike, "; no close at the session, so by the last known"
        value = intrinsic_value(contract, spot)
        told = f"{position.underlying} at {spot}{told}"
        if value < EXERCISED_FROM:
            change = -position.quantity
            book.record(session, "expiry", position.underlying, contract=contract, quantity=change, price=ZERO, detail=f"worthless: {told}")
            book.reduce(session, contract, change, ZERO, "expired")
        elif position.style == "european":
            change = -position.quantity
            cash = position.quantity * position.multiplier * value
            book.record(
                session,
                "expiry",
                position.underlying,
                contract=contract,
                quantity=change,
                price=value,
                cash=cash,
                detail=f"in cash: {told}",
            )
            _fee(book, session, position, abs(change), fee_per_contract)
            book.reduce(session, contract, change, value, "expired")
        else:
            number = abs(position.quantity)
            deliver(book, session, contract, number, spot=spot, detail=f"at expiry: {told}", fee_per_contract=fee_per_contract)


def deliver(
    book: OptionBook,
    session: date,
    contract: OptionContract,
    number: int,
    *,
    spot: Decimal,
    detail: str,
    fee_per_contract: Decimal = ZERO,
) -> None:
    """Exercise so many long contracts, or have so many short ones assigned: shares change hands at the strike."""
    position = book.options[contract]
    long, call = position.quantity > 0, contract.right is Right.CALL
    shares = Decimal(number * position.multiplier * (1 if long == call else -1))
    change = -number if long else number
    cash = -shares * contract.strike
    book.record(
        session,
        "exercise" if long else "assignment",
        position.underlying,
        contract=contract,
        quantity=change,
        shares=shares,
        price=contract.strike,
        cash=cash,
        detail=detail,
    )
    _fee(book, session, position, number, fee_per_contract)
    book.reduce(session, contract, change, intrinsic_value(contract, spot), "exercised" if long else "assigned")
    book.change_shares(position.underlying, shares, contract.strike)
    if position.underlying in book.shares:
        book.shares[position.underlying].spot = spot


def exercise_held(
    book: OptionBook,
    session: date,
    contract: OptionContract,
    number: int,
    *,
    spots: Mapping[str, Decimal],
    fee_per_contract: Decimal = ZERO,
) -> None:
    """Exercise long contracts before their expiry, at the close of a session.

    Raises
    ------
    OptionError
        If so many are not held long, or they can be exercised at expiry only, or the underlying has no close at the session.
    """
    position = book.options.get(contract)
    if position is None or position.quantity < number or number < 1:
        raise OptionError(f"{contract}: {number} to exercise, {0 if position is None else position.quantity} held")
    if position.style == "european":
        raise OptionError(f"{contract} is European: it can be exercised at expiry only")
    spot = spots.get(position.underlying)
    if spot is None:
        raise OptionError(f"{contract}: {position.underlying} has no close at {session}")
    told = f"exercised: {position.underlying} at {spot}"
    deliver(book, session, contract, number, spot=spot, detail=told, fee_per_contract=fee_per_contract)


def _fee(book: OptionBook, session: date, position: OptionPosition, number: int, fee_per_contract: Decimal) -> None:
    fee = to_cent(number * fee_per_contract)
    if fee:
        book.record(session, "fee", position.underlying, contract=position.contract, cash=-fee, detail="exercise and assignment")
