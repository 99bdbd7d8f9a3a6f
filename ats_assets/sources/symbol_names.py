"""From the name of a file to the symbol of its rows: `BTCUSDT-1d-2023-07` is BTCUSDT, `daily_adjusted_AAPL` is AAPL.

Words at either end that say what a file is (an interval, a date, "historical data") are no part of a symbol; a name that is one word is taken as it is. Of Stooq's
names, which are in lower case and end in a market, `aapl_us_d` is AAPL and `bp_uk_d` is BP.UK, as Stooq spells it inside its files.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ats_assets.errors import SourceError

_WORDS = frozenset(
    """
    daily day d1 1d 1day eod adjusted adj unadjusted raw historical history hist historicaldata data dataset time series timeseries full compact max
    price prices stock stocks quote quotes ohlc ohlcv bar bars candle candles kline klines dividend dividends split splits actions factors
    download yahoo yfinance stooq investing nasdaq wiki alphavantage tiingo
    """.split()  # noqa: SIM905 - a list of them would be a page
)
"""What a file is, rather than whose; compared without case."""
_DATES = re.compile(r"(?:19|20)\d{2}(?:(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?)?)?|1\d{9}|1\d{12}")
"""2023, 202307, 20230715, with a time of day, or seconds or milliseconds since 1970."""
_PART_OF_A_DATE = re.compile(r"0[1-9]|[12]\d|3[01]")
_MARKETS = frozenset(("us", "uk", "de", "jp", "hk", "hu", "pl"))
"""How Stooq calls markets."""
_MT4_DAY = re.compile(r"([A-Z]{3,}[A-Z0-9.#]*)1440")
"""MetaTrader 4 adds a bar's minutes to the symbol."""
_PLAIN = re.compile(r"[\^.]?[^\W_]{1,12}(?:[._\-=/:][^\W_]{1,6})?")
"""A symbol as markets write them: AAPL, BRK.B, BTC-USD, ^GSPC, EURUSD=X."""
_OTHER_INTERVALS = re.compile(r"(?i)weekly|monthly|hourly|intraday|\d+(?:m|h|w|mo|min|hour)|[mh]\d+")


@dataclass(frozen=True, kw_only=True)
class NamedSymbol:
    """The symbol that a file's name gives.

    Attributes
    ----------
    is_guess
        Whether something was left out of the name.
    is_doubtful
        Whether it still looks like more than a symbol.
    """

    symbol: str
    is_guess: bool
    is_doubtful: bool


def symbol_in_name(stem: str, pattern: str | None = None) -> NamedSymbol:
    """The symbol in the name of a file without its suffixes.

    Parameters
    ----------
    pattern
        A regular expression whose group `symbol`, or first group, is the symbol; it must be found in the name. None: by its words.

    Raises
    ------
    SourceError
        If the pattern is not found.

    Examples
    --------
    >>> [symbol_in_name(stem).symbol for stem in ("BTCUSDT-1d-2023-07", "daily_adjusted_AAPL", "aapl_us_d", "AAPL_Daily", "BRK-B")]
    ['BTCUSDT', 'AAPL', 'AAPL', 'AAPL', 'BRK-B']
    >>> symbol_in_name("2023-07_export_AAPL", r"_([A-Z]+)$").symbol
    'AAPL'
    """
    if pattern is not None:
        found = re.search(pattern, stem)
        symbol = found and (found.groupdict().get("symbol") or next(filter(None, found.groups()), None))
        if not symbol:
            raise SourceError(
                f"source.files.symbol_pattern {pattern!r} finds no symbol in the name {stem!r}: correct it, or rename the file"
            )
        return NamedSymbol(symbol=symbol, is_guess=False, is_doubtful=False)
    symbol = _without_words(stem)
    return NamedSymbol(symbol=symbol, is_guess=symbol != stem, is_doubtful=looks_like_more(symbol))


def looks_like_more(symbol: str) -> bool:
    """Whether a text looks like more than a symbol: three parts, spaces, a date, an interval, or a word that says what a file is.

    Examples
    --------
    >>> [looks_like_more(text) for text in ("AAPL", "BTC-USD", "my_export_7", "AAPL_2023", "HistoricalData", "AAPL_weekly")]
    [False, False, True, True, True, True]
    """
    parts = re.split(r"[_\-\s]", symbol)
    said = any(_DATES.fullmatch(part) or _OTHER_INTERVALS.fullmatch(part) for part in parts[1:])
    return (
        _PLAIN.fullmatch(symbol) is None or said or parts[0].casefold() == "historicaldata" or bool(re.fullmatch(r"(?:19|20)\d{6}", symbol))
    )


def _without_words(stem: str) -> str:
    if found := _MT4_DAY.fullmatch(stem):
        return found[1]
    if re.fullmatch(r"(?:19|20)\d{2}[\d_\-\s]*", stem):
        return stem  # nothing but a date
    parts = re.split(r"([_\-\s]+)", stem.strip())  # words and, between them, what parts them
    words, between = parts[::2], parts[1::2]
    first, last = 0, len(words)
    while last - first > 1 and _ends(words[first:last], between[first : last - 1]):
        last -= 1
    while last - first > 1 and _begins(words[first]):
        first += 1
    symbol = "".join(piece for i in range(first, last) for piece in (words[i], between[i] if i + 1 < last else ""))
    return _without_market(symbol, changed=last < len(words))


def _ends(words: Sequence[str], between: Sequence[str]) -> bool:
    """Whether the last of some words is no part of the symbol."""
    word, before = words[-1], between[-1]
    if word.casefold() in _WORDS or _DATES.fullmatch(word):
        return True
    if word == "d" and before == "_":
        return True
    # the month and the day of 2023-07-15: a date before them
    return bool(_PART_OF_A_DATE.fullmatch(word)) and any(_DATES.fullmatch(one) for one in words[-3:-1] if len(one) == 4)


def _begins(word: str) -> bool:
    return word.casefold() in _WORDS or (len(word) >= 8 and bool(_DATES.fullmatch(word)))


def _without_market(symbol: str, *, changed: bool) -> str:
    """As Stooq writes it inside its files, if this is how it names them: in capitals, with the market; but without that of the United States, as the rest of the world."""
    found = re.fullmatch(r"(\^?[A-Za-z0-9\-.]+?)([_.])([A-Za-z]{2})", symbol)
    lower = symbol == symbol.lower()
    if found is None or found[3].casefold() not in _MARKETS or (found[2] == "_" and not (changed and lower)):
        return symbol.upper() if changed and re.fullmatch(r"\^?[a-z]{1,5}", symbol) else symbol
    bare = found[1].upper() if lower else found[1]
    return bare if found[3].casefold() == "us" else f"{bare}.{found[3].upper()}"
