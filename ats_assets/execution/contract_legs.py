"""What an order for option contracts is for: the legs of one unit, and the names that contracts and packages of legs have.

A contract is named by its OCC symbol, wherever a share is named by its ticker. An order of one leg has that leg's symbol. One of several legs, which is filled as a whole or
not at all, is a *package*: brokers list it without symbol and side, so it is named by what is in it (`package_symbol`) and bought, whatever its legs do. So a package
that a broker lists is the one that was sent where their names agree.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from ats_assets.errors import OptionError
from ats_assets.options.contract import ROOT, OptionContract, contract_of

STANDARD_MULTIPLIER = Decimal(100)
"""Shares that a contract is for, where nothing else is said."""
_PACKAGE = re.compile(rf"({ROOT})_[0-9a-f]{{12}}")


@dataclass(frozen=True, order=True)
class ContractLeg:
    """One leg of an order, for one unit of it.

    Attributes
    ----------
    symbol
        OCC symbol, or the ticker of the underlying where the leg is shares.
    ratio
        Contracts (or shares) for one unit, negative where they are sold.
    opens
        Whether it makes or enlarges a position; else it reduces one.
    multiplier
        Units of the underlying that one of it is for: 100 for a standard contract, 1 for a share.

    Examples
    --------
    >>> ContractLeg("AAPL140621P00640000", -1, opens=True).position_intent
    'sell_to_open'
    """

    symbol: str
    ratio: int
    opens: bool
    multiplier: Decimal = STANDARD_MULTIPLIER

    @property
    def position_intent(self) -> str:
        """What brokers call it: buy_to_open, sell_to_close and so on."""
        return f"{'buy' if self.ratio > 0 else 'sell'}_to_{'open' if self.opens else 'close'}"


@lru_cache(maxsize=4096)
def as_contract(symbol: str) -> OptionContract | None:
    """The contract that a symbol names; None where it names a share, a pair or a package."""
    try:
        return contract_of(symbol)
    except OptionError:
        return None


def is_contract(symbol: str) -> bool:
    """Whether a symbol names an option contract.

    Examples
    --------
    >>> [is_contract(symbol) for symbol in ("AAPL", "AAPL140621P00640000", "BTC/USD", "AAPL_0123456789ab")]
    [False, True, False, False]
    """
    return as_contract(symbol) is not None


def is_package(symbol: str) -> bool:
    """Whether a symbol names a package of several legs."""
    return _PACKAGE.fullmatch(symbol) is not None


def is_of_options(symbol: str) -> bool:
    """Whether a symbol names a contract or a package."""
    return is_contract(symbol) or is_package(symbol)


def underlying_of(symbol: str) -> str:
    """The root of a contract or a package; any other symbol is its own.

    Examples
    --------
    >>> [underlying_of(symbol) for symbol in ("AAPL", "AAPL140621P00640000", "AAPL_0123456789ab")]
    ['AAPL', 'AAPL', 'AAPL']
    """
    contract, package = as_contract(symbol), _PACKAGE.fullmatch(symbol)
    if contract is not None:
        return contract.underlying
    return symbol if package is None else package[1]


def multiplier_of(symbol: str) -> Decimal:
    """Units of the underlying that one of a symbol is for, where the broker does not say: 100 for a contract, 1 for a share."""
    return STANDARD_MULTIPLIER if is_contract(symbol) else Decimal(1)


def package_symbol(legs: Iterable[tuple[str, int]]) -> str:
    """The name of an order for these legs (symbol, signed ratio), in whatever order they come: of one leg its symbol, else the root and a hash of all.

    Examples
    --------
    >>> package_symbol([("AAPL140621P00640000", -1)])
    'AAPL140621P00640000'
    >>> spread = [("AAPL140621P00640000", -1), ("AAPL140621P00630000", 1)]
    >>> package_symbol(spread) == package_symbol(spread[::-1]), package_symbol(spread)[:5]
    (True, 'AAPL_')
    """
    known = sorted(legs)
    if len(known) == 1:
        return known[0][0]
    text = ";".join(f"{symbol}:{ratio:+d}" for symbol, ratio in known)
    contracts = [symbol for symbol, _ in known if is_contract(symbol)]
    return f"{underlying_of((contracts or [known[0][0]])[0])}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def legs_text(legs: Iterable[ContractLeg]) -> str | None:
    """Legs as a text that `legs_of` reads back; None of no legs.

    Examples
    --------
    >>> legs_text([ContractLeg("AAPL140621P00640000", -1, opens=True)])
    'AAPL140621P00640000:-1:open:100'
    """
    return ";".join(f"{one.symbol}:{one.ratio:+d}:{'open' if one.opens else 'close'}:{one.multiplier:f}" for one in legs) or None


def legs_in_short(legs: Iterable[ContractLeg]) -> str:
    """For a person: `-1 AAPL140621P00640000 +1 AAPL140621P00630000`."""
    return " ".join(f"{one.ratio:+d} {one.symbol}" for one in legs)


def legs_of(text: str | None) -> tuple[ContractLeg, ...]:
    """The legs of a text.

    Examples
    --------
    >>> legs_of("AAPL140621P00640000:-1:open:100") == (ContractLeg("AAPL140621P00640000", -1, opens=True),)
    True
    """
    parts = [one.split(":") for one in (text or "").split(";") if one]
    return tuple(ContractLeg(symbol, int(ratio), opens == "open", Decimal(multiplier)) for symbol, ratio, opens, multiplier in parts)
