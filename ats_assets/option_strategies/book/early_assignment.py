"""Which short American contracts are assigned before their expiry, in the night after a session.

**Calls, before an ex-session.** Who exercises at the close before gets the dividend, and gives up the time value; so a short call in the money whose time value is below the dividend is
assigned. The shares leave at the strike before the ex-session, so that whoever wrote the call is not paid the dividend; one who held no shares is short of them and pays it.

**Puts, where settings say so.** Who exercises has the strike tonight and not tomorrow; so a short put in the money whose time value is below a night's interest on the strike is
assigned. Before an ex-session nobody does who would rather have the price fall by the dividend first.

The time value is the mark at the close less the intrinsic value. A contract in the money without a mark at that session has none that anybody would pay for.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from ats_assets.option_strategies.book.book_entries import intrinsic_value
from ats_assets.option_strategies.book.expiries import deliver
from ats_assets.option_strategies.book.option_book import OptionBook
from ats_assets.option_strategies.fills import ZERO
from ats_assets.options.contract import OptionContract, Right


def assign_early(
    book: OptionBook,
    session: date,
    next_session: date,
    *,
    marks: Mapping[OptionContract, Decimal],
    spots: Mapping[str, Decimal],
    dividends: Mapping[str, Decimal],
    puts_at_rate: float | None = None,
    fee_per_contract: Decimal = ZERO,
) -> None:
    """Assign what its holders exercise in the night after `session`.

    Parameters
    ----------
    marks, spots
        Of the session; a contract without a mark there is left out.
    dividends
        Underlying -> cash for one share of which `next_session` is the ex-session.
    puts_at_rate
        The interest rate, a year, by which puts are exercised early; None: none is.
    fee_per_contract
        Of an assignment.
    """
    nights = (next_session - session).days
    for contract in sorted(one for one, position in book.options.items() if position.quantity < 0):
        position = book.options[contract]
        spot = spots.get(position.underlying)
        if position.style != "american" or spot is None:
            continue
        value = intrinsic_value(contract, spot)
        if not value:
            continue
        mark, dividend = marks.get(contract), dividends.get(position.underlying, ZERO)
        time_value = ZERO if mark is None else max(mark - value, ZERO)
        if contract.right is Right.CALL:
            gain, why = dividend, f"the dividend of {dividend} a share at {next_session}"
        elif puts_at_rate is None:
            continue
        else:
            interest = contract.strike * Decimal(repr(puts_at_rate)) * nights / 365
            gain, why = interest - dividend, f"the interest of {interest:.4f} on the strike until {next_session}"
        if time_value < gain:
            told = f"early: {position.underlying} at {spot}, a time value of {time_value} is below {why}"
            deliver(book, session, contract, -position.quantity, spot=spot, detail=told, fee_per_contract=fee_per_contract)
