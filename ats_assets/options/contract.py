"""An option contract and its symbol, as the Options Clearing Corporation writes it since 2010: root, expiry, right, strike.

`AAPL140621C00093570` is a call on AAPL that expires on 2014-06-21 with a strike of 93.57: a root of up to six letters and digits, the expiry as yymmdd, the right, and the strike
in thousandths in eight digits. In full a symbol has 21 characters, its root filled up with spaces; vendors leave them out, and some write `O:` before it. How many units a
contract is for is not in the symbol, nor is what is delivered: letters and one digit as a root tell that it is something else than 100 shares (`ADJUSTED_ROOT`).
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import polars as pl

from ats_assets.errors import OptionError

ROOT: Final = "[A-Z][A-Z0-9]{0,9}"
"""The clearing corporation's have at most six characters; those of other markets may be longer."""
SYMBOL_PATTERN: Final = rf"^(?:O:)?({ROOT}) {{0,5}}(\d{{6}})([CP])(\d{{8}})$"
"""A symbol in any of its spellings; a padded one has 21 characters, which the pattern does not count."""
MOST_STRIKE: Final = 99_999.999
ADJUSTED_ROOT: Final = r"^[A-Z]{1,5}\d$"
_PARSED = re.compile(SYMBOL_PATTERN)
ROOT_PATTERN: Final = re.compile(ROOT)


class Right(StrEnum):
    """What the holder may do."""

    CALL = "C"
    PUT = "P"


@dataclass(frozen=True, order=True)
class OptionContract:
    """A contract: two are equal that pay the same, however their strike is written.

    Parameters
    ----------
    underlying
        The root of its symbol, without padding: that of the underlying, but `SPXW` of the weekly ones on SPX, and `BRKB` on BRK.B.
    strike
        In the quote currency, a multiple of 0.001 above zero and below 100,000.

    Raises
    ------
    OptionError
        If no symbol can be written of it.

    Examples
    --------
    >>> contract = OptionContract("AAPL", dt.date(2014, 6, 21), Decimal("93.57"), Right.CALL)
    >>> contract.symbol, contract.padded_symbol
    ('AAPL140621C00093570', 'AAPL  140621C00093570')
    >>> contract_of("O:AAPL140621C00093570") == contract_of(contract.padded_symbol) == contract
    True
    """

    underlying: str
    expiry: dt.date
    strike: Decimal
    right: Right

    def __post_init__(self) -> None:
        """Refuse what has no symbol."""
        thousandths = self.strike * 1000
        if not ROOT_PATTERN.fullmatch(self.underlying):
            raise OptionError(f"{self.underlying!r} is no root of a contract: up to ten capital letters and digits, a letter first")
        if (
            not thousandths.is_finite()
            or thousandths != thousandths.to_integral_value()
            or not 0 < self.strike <= Decimal(str(MOST_STRIKE))
        ):
            raise OptionError(f"a strike of {self.strike} can't be written: a multiple of 0.001 from 0.001 to {MOST_STRIKE}")
        if not 2000 <= self.expiry.year <= 2099:
            raise OptionError(f"an expiry of {self.expiry} can't be written: a day from 2000 to 2099")

    @property
    def symbol(self) -> str:
        """Without padding: `AAPL140621C00093570`."""
        return f"{self.underlying}{self._rest}"

    @property
    def padded_symbol(self) -> str:
        """In 21 characters, `AAPL  140621C00093570`, where the root has no more than six."""
        return f"{self.underlying:<6}{self._rest}"

    @property
    def _rest(self) -> str:
        return f"{self.expiry:%y%m%d}{self.right}{int(self.strike * 1000):08d}"

    def __str__(self) -> str:
        """Its symbol."""
        return self.symbol


def contract_of(symbol: str) -> OptionContract:
    """The contract of a symbol: without padding, in 21 characters, or with `O:` before it.

    Raises
    ------
    OptionError
        If it is none.
    """
    found = _PARSED.match(symbol)
    try:
        if found is None:
            raise ValueError  # noqa: TRY301 - a day that is none fails the same way
        root, expiry, right, thousandths = found.groups()
        day = dt.datetime.strptime(f"20{expiry}", "%Y%m%d").date()  # noqa: DTZ007 - a day has no time zone
    except ValueError:
        raise OptionError(
            f"{symbol!r} is no symbol of an option: such as AAPL140621C00093570, the root, yymmdd, C or P, the strike times 1000"
        ) from None
    return OptionContract(root, day, Decimal(int(thousandths)) / 1000, Right(right))


def symbols_of(underlying: pl.Expr, expiry: pl.Expr, strike: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The symbols of many contracts, null where one can't be written: the same as `OptionContract.symbol`.

    A strike is taken for the nearest thousandth, where it is not further off than a double is from a decimal number.

    Examples
    --------
    >>> rows = pl.DataFrame({"u": ["AAPL"], "e": [dt.date(2014, 6, 21)], "k": [93.57], "r": ["C"]})
    >>> rows.select(symbols_of(pl.col("u"), pl.col("e"), pl.col("k"), pl.col("r"))).item()
    'AAPL140621C00093570'
    """
    thousandths = (strike * 1000).round()
    writable = (
        underlying.str.contains(rf"^{ROOT}$")
        & expiry.dt.year().is_between(2000, 2099)
        & strike.is_finite()
        & thousandths.is_between(1, 99_999_999)
        & ((strike * 1000 - thousandths).abs() <= 1e-12 * thousandths)
        & right.is_in([*Right])
    )
    digits = pl.when(writable).then(thousandths).cast(pl.Int64).cast(pl.String).str.zfill(8)
    return pl.when(writable).then(pl.concat_str(underlying, expiry.dt.strftime("%y%m%d"), right, digits))


def parts_of(symbol: pl.Expr) -> dict[str, pl.Expr]:
    """What many symbols say, by the columns underlying, expiry, strike and right; null where a symbol is none."""
    groups = symbol.str.extract_groups(SYMBOL_PATTERN)
    digits = groups.struct.field(
        "4"
    )  # read as text: a column divided by a number is multiplied by its reciprocal, so that 235 / 1000 is not 0.235
    return {
        "underlying": groups.struct.field("1"),
        "expiry": ("20" + groups.struct.field("2")).str.to_date("%Y%m%d", strict=False),
        "strike": (digits.str.slice(0, 5) + "." + digits.str.slice(5)).cast(pl.Float64, strict=False),
        "right": groups.struct.field("3"),
    }
