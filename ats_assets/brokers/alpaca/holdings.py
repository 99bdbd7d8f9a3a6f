"""The account at Alpaca and what is held in it."""

from typing import TYPE_CHECKING, Any, cast

from ats_assets.algorithms.price_grid import is_in_dollars
from ats_assets.brokers.alpaca.answers import lenient
from ats_assets.brokers.alpaca.numbers import exact_decimal
from ats_assets.brokers.alpaca.symbol_map import SymbolMap, pair
from ats_assets.execution.contract_legs import multiplier_of
from ats_assets.execution.order import Position

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient
    from alpaca.trading.models import TradeAccount


def read_account(client: "TradingClient") -> "TradeAccount":
    """The account, whichever words it has."""
    from alpaca.trading.models import TradeAccount  # noqa: PLC0415

    return lenient(TradeAccount)(**cast("dict[str, Any]", client.get("/account")))


def list_positions(client: "TradingClient", symbols: SymbolMap) -> list[Position]:
    """What is held, by our symbols."""
    from alpaca.trading.models import Position as Held  # noqa: PLC0415

    found = [lenient(Held)(**one) for one in cast("list[dict[str, Any]]", client.get("/positions"))]
    return sorted((_position(one, symbols) for one in found), key=lambda position: position.symbol)


def _position(one: Any, symbols: SymbolMap) -> Position:
    theirs = pair(one.symbol) if one.asset_class.value == "crypto" else one.symbol
    dollars = is_in_dollars(theirs)
    return Position(
        symbol=symbols.our(theirs),
        quantity=exact_decimal(one.qty, "qty"),
        cost=exact_decimal(one.cost_basis, "cost_basis") if dollars else None,
        price=exact_decimal(one.current_price, "current_price") if dollars and one.current_price not in (None, "") else None,
        multiplier=multiplier_of(theirs),
    )
