"""How vendors whose data come as files spell symbols in them, by the names that settings give them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ats_assets.settings.written_symbols import WrittenSymbols
from ats_assets.vendors.massive.massive_symbols import SPELLING as OF_MASSIVE
from ats_assets.vendors.spelling import AS_THE_WAREHOUSE, COINS, FIAT, Instrument, Spelling

_SHARES: Final = frozenset[Instrument]({"share"})
_PAIRS: Final = frozenset[Instrument]({"pair"})
WRITTEN: Final[Mapping[str, Spelling]] = {
    "as_written": AS_THE_WAREHOUSE,
    "yahoo": Spelling(vendor="yahoo", share_class="-", preferred="-P", pair="-", paid_in=(*COINS, *FIAT)),
    "nasdaq": Spelling(vendor="nasdaq", instruments=_SHARES, share_class="/", preferred="^"),
    "binance": Spelling(vendor="binance", instruments=_PAIRS, pair="", paid_in=(*COINS, *(paid for paid in FIAT if paid != "USD"))),
    "binance_us": Spelling(vendor="binance_us", instruments=_PAIRS, pair="", paid_in=("USDT", "USDC", "BTC", "USD")),
    "coinbase": Spelling(vendor="coinbase", instruments=_PAIRS, pair="-", paid_in=(*COINS, *FIAT)),
    "massive": OF_MASSIVE,
}
"""Binance has no pairs in dollars, but in coins that end in their letters; its exchange in the United States has, and few others."""


def written_spelling(own: WrittenSymbols) -> Spelling:
    """The spelling that the settings of a source of files name, with their own names."""
    return replace(WRITTEN[own.spelling], vendor=own.spelling, names=own.names) if own.names else WRITTEN[own.spelling]
