"""How a symbol may be spelt."""

import polars as pl

_INVISIBLE = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]"  # control and formatting characters, line and paragraph separators


def symbol_rules() -> dict[str, pl.Expr]:
    """The rules of a symbol's spelling, for each reason whether a row breaks it (null where there is no symbol)."""
    symbol = pl.col("symbol")
    blank = symbol.is_null() | (symbol.str.strip_chars() == "")
    return {"symbol_missing": blank, "symbol_malformed": malformed(symbol)}


def malformed(symbol: pl.Expr) -> pl.Expr:
    """Whether a symbol that is there has white space around it, or characters that cannot be seen.

    Examples
    --------
    >>> spelt = pl.DataFrame({"symbol": ["AAPL", " AAPL", "BRK.B"]})
    >>> spelt.select(malformed(pl.col("symbol")))["symbol"].to_list()
    [False, True, False]
    """
    bare = symbol.str.strip_chars()
    return ((symbol != bare) | symbol.str.contains(_INVISIBLE)) & (bare != "")
