"""One spelling of each instrument in the warehouse, whoever delivers it: BRK.B, BTC/USDT, AAPL240621C00170000.

- A share is its ticker; a class follows after a dot: `BRK.B`; preferred ones of a series are `BAC.PRB`.
- A pair is what is bought and in what it is paid, with a stroke between: `BTC/USDT`.
- An option contract is as the clearing corporation writes it, without padding and prefix (`options.contract`): `AAPL240621C00170000`.

Vendors spell them `BRK-B`, `BRK/B`, `BTCUSDT`, `BTC-USD`, `X:BTCUSD`, `O:AAPL240621C00170000`. How a vendor does is one `Spelling` in its adapter's file, in the field `spelling` of
its `PLUGIN`. A spelling is turned round by trying: what a vendor's symbol can stand for is whatever the vendor would spell so. If that is one thing, it is that; if it is two, nobody can
know, and it is refused with both named (`XRPTUSD` is XRP/TUSD, or XRPT/USD). So what is spelled for a vendor and read back is what it was, or an error.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel

from ats_assets.errors import SourceError

Instrument: TypeAlias = Literal["share", "pair", "contract"]
ALL: Final = frozenset[Instrument]({"share", "pair", "contract"})
_CONTRACT: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}\d{6}[CP]\d{8}")
_PAIR: Final = re.compile(r"[^/\s\-_.:]+/[^/\s\-_.:]+")
_CLASS: Final = re.compile(r"(?P<ticker>[A-Za-z0-9]+)(?P<between>[.\-/ ])(?P<of>[A-Z]|[A-OQ-Z][A-Z])")
"""A ticker and its class, or what kind of paper it is: BRK.B, AACT.WS."""
_PREFERRED: Final = re.compile(r"(?P<ticker>[A-Z0-9]+)\.PR(?P<of>[A-Z])")
FIAT: Final = ("USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "TRY", "BRL", "PLN", "MXN", "ZAR", "ARS", "UAH", "RON", "CZK")
COINS: Final = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "BTC", "ETH", "BNB")


class AmbiguousSymbolError(SourceError):
    """A vendor's symbol that stands for two instruments."""


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """How a vendor spells symbols.

    Parameters
    ----------
    vendor
        For messages.
    instruments
        What it has: a vendor without shares can't mean one.
    share_class
        Between a ticker and its class.
    preferred
        Between a ticker and the series of preferred shares.
    pair
        Between the two sides of a pair; "" where nothing is.
    pair_prefix, contract_prefix
        Before a pair, and before a contract.
    paid_in
        What pairs are paid in, where the stroke does not tell: without it `pair` can't be read.
    names
        Vendor's symbol -> the warehouse's, of those that the rule says wrongly, or can't tell.

    Examples
    --------
    >>> binance = Spelling(vendor="binance", instruments=frozenset({"pair"}), pair="", paid_in=COINS)
    >>> binance.from_vendor("BTCUSDT"), binance.to_vendor("ETH/BTC")
    ('BTC/USDT', 'ETHBTC')
    >>> yahoo = Spelling(vendor="yahoo", share_class="-", pair="-", paid_in=FIAT)
    >>> yahoo.from_vendor("BRK-B"), yahoo.from_vendor("BTC-USD"), yahoo.from_vendor("AAPL")
    ('BRK.B', 'BTC/USD', 'AAPL')
    """

    vendor: str
    instruments: frozenset[Instrument] = ALL
    share_class: Literal[".", "-", "/", " "] = "."
    preferred: Literal[".PR", "-P", "p", "^"] = ".PR"
    pair: Literal["/", "-", "_", ""] = "/"
    pair_prefix: str = ""
    contract_prefix: str = ""
    paid_in: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_the_warehouses(self) -> bool:
        """Whether nothing is to be translated."""
        plain = (self.share_class, self.preferred, self.pair, self.pair_prefix, self.contract_prefix) == (".", ".PR", "/", "", "")
        return plain and not self.names

    def from_vendor(self, symbol: str) -> str:
        """The warehouse's spelling of a vendor's symbol.

        Raises
        ------
        AmbiguousSymbolError
            If it can stand for two instruments; both are named.
        SourceError
            If the vendor spells nothing so.

        Examples
        --------
        >>> Spelling(vendor="us", instruments=frozenset({"pair"}), pair="", paid_in=("USD", "TUSD")).from_vendor("XRPTUSD")
        Traceback (most recent call last):
        ...
        ats_assets.vendors.spelling.AmbiguousSymbolError: XRPTUSD of us is XRP/TUSD or XRPT/USD: say which, as in names = { "XRPTUSD" = "XRP/TUSD" }
        """
        if symbol in self.names:
            return self.names[symbol]
        found = self._told(symbol)
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousSymbolError(
                f"{symbol} of {self.vendor} is {' or '.join(found)}: say which, as in {self._said(symbol, found[0])}"
            )
        raise SourceError(f"{symbol!r} is no symbol as {self.vendor} spells them: say what it is, as in {self._said(symbol, '…')}")

    def to_vendor(self, symbol: str) -> str:
        """How the vendor spells one of the warehouse's symbols.

        Raises
        ------
        AmbiguousSymbolError
            If that would stand for another instrument, too; both are named.
        SourceError
            If the vendor has no such instruments.
        """
        if symbol in self._own_names:
            return self._own_names[symbol]
        spelt = self._spelt(symbol)
        if spelt is None:
            raise SourceError(
                f"{self.vendor} has no symbol for {symbol!r}: it is no {' or '.join(sorted(self.instruments))} as it spells them"
            )
        meant = self.from_vendor(spelt)
        if meant != symbol:
            told = f"{spelt} of {self.vendor} is {meant}, and would be {symbol}, too"
            raise AmbiguousSymbolError(f"{told}: say how {self.vendor} calls {symbol}, as in {self._said('…', symbol)}")
        return spelt

    def warehouses(self, symbols: Iterable[str]) -> dict[str, str]:
        """The warehouse's spelling of each of some symbols; those that the vendor spells nothing by are left out.

        Raises
        ------
        AmbiguousSymbolError
            As `from_vendor`. Two symbols are never one instrument: each is what the vendor would spell so.
        """
        return {symbol: self.from_vendor(symbol) for symbol in sorted(set(symbols)) if symbol in self.names or self._told(symbol)}

    @cached_property
    def _read(self) -> dict[str, list[str]]:
        """What was found of symbols already: a delivery of all stocks has the same ones each session."""
        return {}

    @cached_property
    def _own_names(self) -> dict[str, str]:
        return {ours: theirs for theirs, ours in self.names.items()}

    def _told(self, symbol: str) -> list[str]:
        if symbol not in self._read:
            self._read[symbol] = self._meanings(symbol)
        return self._read[symbol]

    def _meanings(self, symbol: str) -> list[str]:
        """The instruments that the vendor spells so; those that it calls by a name of its own are not among them."""
        return sorted({one for one in self._guesses(symbol) if one not in self._own_names and self._spelt(one) == symbol})

    def _guesses(self, symbol: str) -> Iterator[str]:
        yield symbol
        if found := _CLASS.fullmatch(symbol):
            yield f"{found['ticker']}.{found['of']}"
        yield f"{symbol.removesuffix(self.preferred + symbol[-1:])}.PR{symbol[-1:]}"
        yield symbol.removeprefix(self.contract_prefix)
        bare = symbol.removeprefix(self.pair_prefix)
        sides = [(bare[: -len(paid)], paid) for paid in self.paid_in if bare.endswith(paid)]
        for bought, paid in sides:
            if bought.removesuffix(self.pair):
                yield f"{bought.removesuffix(self.pair)}/{paid}"

    def _spelt(self, symbol: str) -> str | None:
        """A warehouse's symbol by the rule; None of what the vendor can't have, or the warehouse can't."""
        if _CONTRACT.fullmatch(symbol):
            return self.contract_prefix + symbol if "contract" in self.instruments else None
        if "/" in symbol:
            bought, _, paid = symbol.partition("/")
            if "pair" not in self.instruments or not _PAIR.fullmatch(symbol) or (self.pair != "/" and paid not in self.paid_in):
                return None
            return f"{self.pair_prefix}{bought}{self.pair}{paid}"
        prefixes = [one for one in (self.pair_prefix, self.contract_prefix) if one]
        if "share" not in self.instruments or any(symbol.startswith(one) for one in prefixes):
            return None
        if found := _PREFERRED.fullmatch(symbol):
            return f"{found['ticker']}{self.preferred}{found['of']}"
        if found := _CLASS.fullmatch(symbol):
            if found["between"] != ".":
                return symbol if self.share_class == "." and found["between"] != self.pair else None
            return f"{found['ticker']}{self.share_class}{found['of']}"
        if self.preferred in {"p", "^"} and re.fullmatch(f"[A-Z]+{re.escape(self.preferred)}[A-Z]", symbol):
            return None
        return None if any(mark in symbol for mark in {self.share_class, self.pair} - {".", "/", ""}) else symbol

    def _said(self, theirs: str, ours: str) -> str:
        return f'names = {{ "{theirs}" = "{ours}" }}'


AS_THE_WAREHOUSE: Final = Spelling(vendor="the warehouse")


def as_delivered(_settings: BaseModel) -> Spelling:
    """Of a source that spells as the warehouse does, or whose spelling nobody has said."""
    return AS_THE_WAREHOUSE


def spelled_for(spelling: Spelling, symbols: Sequence[str] | None) -> list[str] | None:
    """Symbols of the warehouse as the vendor spells them, those that it can't have left out; None stays so."""
    if symbols is None:
        return None
    found: list[str] = []
    for symbol in symbols:
        try:
            found.append(spelling.to_vendor(symbol))
        except AmbiguousSymbolError:
            raise
        except SourceError:
            continue  # another vendor's: this one has no row of it
    return found
