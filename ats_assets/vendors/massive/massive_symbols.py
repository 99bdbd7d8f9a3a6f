"""How Massive spells symbols: BRK.B, BACpB, X:BTCUSD, O:AAPL240621C00170000."""

from typing import Final

from pydantic import BaseModel

from ats_assets.vendors.spelling import COINS, FIAT, Spelling

SPELLING: Final = Spelling(
    vendor="massive",
    preferred="p",
    pair="",
    pair_prefix="X:",
    contract_prefix="O:",
    paid_in=(*(paid for paid in COINS if "USD" not in paid), *FIAT),
)
"""Its pairs are paid in currencies and a few coins; of those that end alike (TUSD and USD) it has the plain ones."""


def massive_spelling(_own: BaseModel) -> Spelling:
    """Of whatever comes from Massive."""
    return SPELLING
