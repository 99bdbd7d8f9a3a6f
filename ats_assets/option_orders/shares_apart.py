"""What plans of shares see of an account that strategies of options trade as well: neither contracts nor what is in the books of options.

Else the next plan of shares would sell what a wheel was assigned, since no target names it, and size its orders by money that secures puts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from ats_assets.execution.contract_legs import is_contract
from ats_assets.execution.order import AccountState, Position
from ats_assets.option_strategies.book import OptionBook


def shares_apart(positions: Iterable[Position], books: Mapping[str, OptionBook], symbols: Mapping[str, str]) -> list[Position]:
    """The positions in shares, less those of the books; cost in proportion.

    Parameters
    ----------
    symbols
        Root of contracts -> symbol of the shares, where it is another one.

    Examples
    --------
    >>> held = [Position(symbol="AAPL", quantity=Decimal(150), cost=Decimal(1500), price=Decimal(12))]
    >>> [one.quantity for one in shares_apart(held, {}, {})]
    [Decimal('150')]
    """
    reserved: dict[str, Decimal] = {}
    for book in books.values():
        for root, one in book.shares.items():
            symbol = symbols.get(root, root)
            reserved[symbol] = reserved.get(symbol, Decimal(0)) + one.quantity
    found = []
    for one in positions:
        left = one.quantity - reserved.get(one.symbol, Decimal(0))
        if is_contract(one.symbol) or not left:
            continue
        cost = one.cost if one.cost is None or left == one.quantity else one.cost * left / one.quantity
        found.append(replace(one, quantity=left, cost=cost))
    return found


def account_apart(account: AccountState, books: Mapping[str, OptionBook]) -> AccountState:
    """The account without the books' cash and equity; buying power is no more than what is left of the equity leaves in proportion."""
    if not books:
        return account
    cash, equity = (sum((getattr(book, name) for book in books.values()), Decimal(0)) for name in ("cash", "equity"))
    left = account.equity - equity
    power = account.buying_power * left / account.equity if account.equity > 0 else Decimal(0)
    return replace(account, cash=account.cash - cash, equity=left, buying_power=min(account.buying_power, max(power, Decimal(0))))
