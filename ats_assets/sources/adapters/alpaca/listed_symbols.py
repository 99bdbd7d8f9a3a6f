"""Which symbols are asked for, and which of them Alpaca does not know."""

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ats_assets.errors import SourceError
from ats_assets.vendors.alpaca import AlpacaRefusedError

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient

_SHAPES = {"us_equity": re.compile(r"[A-Z]{1,6}(\.[A-Z]{1,3})?"), "crypto": re.compile(r"[A-Z0-9]{2,10}/[A-Z0-9]{2,6}")}
_ONE_BY_ONE = 20
"""Symbols up to which each is looked up by itself; more are looked up in the list of all."""


def checked_symbols(symbols: Iterable[str], asset_class: str) -> list[str]:
    """The configured symbols, sorted, each once.

    Raises
    ------
    SourceError
        If one is not spelled like a symbol of its class: Alpaca would refuse the whole request.
    """
    found = sorted(set(symbols))
    odd = [symbol for symbol in found if not _SHAPES[asset_class].fullmatch(symbol)]
    if odd:
        like = "BTC/USD" if asset_class == "crypto" else "AAPL or BRK.B"
        raise SourceError(f"source.alpaca.symbols has {', '.join(map(repr, odd))}, which is not spelled like {like}: correct it")
    return found


def listed_symbols(client: "TradingClient", asset_class: str) -> list[str]:
    """Every asset of the class that is or was listed on an exchange, delisted ones included: only with them is a history free of survivorship bias."""
    assets = client.get("/assets", {"asset_class": asset_class})
    chosen = {
        asset["symbol"]
        for asset in assets  # pyright: ignore[reportGeneralTypeIssues]
        if asset.get("exchange") != "OTC" and _SHAPES[asset_class].fullmatch(str(asset.get("symbol")))  # pyright: ignore[reportAttributeAccessIssue]
    }
    if not chosen:
        raise SourceError(f"Alpaca lists no asset of class {asset_class}: set source.alpaca.symbols")
    return sorted(chosen)


def unknown_symbols(client: "TradingClient", symbols: Collection[str], asset_class: str) -> list[str]:
    """Those of the symbols that are no asset of Alpaca's, active or not."""
    if len(symbols) > _ONE_BY_ONE:
        return sorted(set(symbols) - {asset.get("symbol") for asset in client.get("/assets", {"asset_class": asset_class})})  # pyright: ignore[reportArgumentType, reportCallIssue]
    return [symbol for symbol in sorted(symbols) if not _is_known(client, symbol)]


def _is_known(client: "TradingClient", symbol: str) -> bool:
    try:
        client.get_asset(symbol)
    except AlpacaRefusedError as error:
        if error.status == 404:
            return False
        raise
    return True
