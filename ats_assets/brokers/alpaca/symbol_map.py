"""Symbols in our spelling and in Alpaca's."""

from collections.abc import Mapping

_QUOTES = ("USDT", "USDC", "USD", "BTC")


class SymbolMap:
    """Symbols in our words and in Alpaca's.

    Parameters
    ----------
    theirs
        Our symbol -> Alpaca's, where they differ (BRK-B -> BRK.B).
    """

    def __init__(self, theirs: Mapping[str, str]) -> None:
        self._theirs = dict(theirs)
        self._ours = {theirs: ours for ours, theirs in self._theirs.items()}

    def their(self, symbol: str) -> str:
        """Alpaca's name of one of our symbols."""
        return self._theirs.get(symbol, symbol)

    def our(self, symbol: str) -> str:
        """Our name of one of Alpaca's symbols."""
        return self._ours.get(symbol, symbol)


def pair(symbol: str) -> str:
    """BTCUSD as BTC/USD: positions in crypto are named without the stroke.

    Examples
    --------
    >>> [pair(symbol) for symbol in ("BTCUSD", "ETHUSDT", "BTC/USD", "AAPL")]
    ['BTC/USD', 'ETH/USDT', 'BTC/USD', 'AAPL']
    """
    if "/" in symbol:
        return symbol
    quote = next((quote for quote in _QUOTES if symbol.endswith(quote)), "")
    return f"{symbol.removesuffix(quote)}/{quote}" if quote else symbol
