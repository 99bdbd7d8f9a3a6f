"""Assets of Alpaca's list, by our symbols."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from ats_assets.brokers.alpaca.account_rules import assets_by_symbol
from ats_assets.vendors.alpaca import AlpacaRefusedError

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from alpaca.trading.models import Asset

NOT_FOUND = 40410000
ONE_BY_ONE = 30
"""Symbols that are asked for one by one; more of them are looked up in the list of all."""


def find_assets(client: "TradingClient", symbols: Mapping[str, str]) -> "dict[str, Asset | str | None]":
    """The assets of symbols (ours -> theirs). A few are asked for one by one, and where an answer is not the active one, in the list: a ticker may be there again."""
    if len(symbols) <= ONE_BY_ONE:
        found = {ours: _asset(client, theirs) for ours, theirs in symbols.items()}
        if all(asset is not None and asset.symbol == symbols[ours] and asset.status.value == "active" for ours, asset in found.items()):
            return {**found}
    listed: Any = client.get("/assets")
    every = assets_by_symbol(listed)
    return {ours: every.get(theirs) for ours, theirs in symbols.items()}


def _asset(client: "TradingClient", symbol: str) -> "Asset | None":
    try:
        return cast("Asset", client.get_asset(symbol))
    except AlpacaRefusedError as error:
        if error.status == 404 and error.code == NOT_FOUND:
            return None
        raise
    except ValidationError:  # of a class, exchange or status that alpaca-py does not know: the list tells
        return None
