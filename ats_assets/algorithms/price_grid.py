"""The grid that prices and quantities of an instrument lie on.

An instrument's own increments, where its broker says them, come first. Without them, pairs of currencies (BTC/USD) have nine decimals, and a share has cents
from one dollar on and hundredths of a cent below (rule 612 of Regulation NMS).
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

CENT, SMALL_TICK = Decimal("0.01"), Decimal("0.0001")
FINEST = Decimal("1e-9")
"""Nine decimals: the most that a broker takes, of quantities and of the prices of pairs."""


def exact(value: float) -> Decimal:
    """The shortest decimal that is read back as the same number.

    Examples
    --------
    >>> exact(0.1), Decimal(0.1) == exact(0.1)
    (Decimal('0.1'), False)
    """
    return Decimal(repr(float(value)))


def is_pair(symbol: str) -> bool:
    """Whether a symbol names a pair of currencies: BTC/USD."""
    return "/" in symbol


def is_in_dollars(symbol: str) -> bool:
    """Whether its prices are in US dollars: not those of a pair that is quoted in another currency (ETH/BTC, BTC/USDT)."""
    return not is_pair(symbol) or symbol.endswith("/USD")


def price_step(symbol: str, price: Decimal, increment: Decimal | None = None) -> Decimal:
    """The distance of the prices that an order may name.

    A share that costs less than the smallest tick has no grid that is of use; its prices get nine decimals.

    Examples
    --------
    >>> price_step("AAPL", Decimal("187.44")), price_step("PNY", Decimal("0.97")), price_step("SHIB/USD", Decimal("0.0000105"))
    (Decimal('0.01'), Decimal('0.0001'), Decimal('1E-9'))
    """
    if increment is not None and increment > 0:
        return increment
    if is_pair(symbol) or price < SMALL_TICK:
        return FINEST
    return CENT if price >= 1 else SMALL_TICK


def on_grid(value: Decimal, step: Decimal, *, up: bool) -> Decimal:
    """The next multiple of `step`.

    Examples
    --------
    >>> on_grid(Decimal("10.019"), Decimal("0.01"), up=False), on_grid(Decimal("10.011"), Decimal("0.01"), up=True)
    (Decimal('10.01'), Decimal('10.02'))
    """
    return (value / step).to_integral_value(rounding=ROUND_CEILING if up else ROUND_FLOOR) * step


def price_away(symbol: str, price: Decimal, bps: float, increment: Decimal | None = None) -> Decimal:
    """A price so many basis points away, on the instrument's grid, rounded toward the price.

    Examples
    --------
    >>> price_away("AAPL", Decimal("99.99"), 50.0), price_away("AAPL", Decimal("99.99"), -50.0)
    (Decimal('100.48'), Decimal('99.50'))
    """
    exactly = price * (1 + exact(bps) / 10_000)
    step = price_step(symbol, exactly, increment)
    return max(step, on_grid(exactly, step, up=bps <= 0))


def plain(value: Decimal) -> str:
    """A number as brokers read it: digits and a point, no exponent.

    Examples
    --------
    >>> plain(Decimal("1.1E-5")), plain(Decimal("1E+8")), plain(Decimal("0.50"))
    ('0.000011', '100000000', '0.5')
    """
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
