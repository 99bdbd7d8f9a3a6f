"""The volatility surface: what of it is suspicious."""

from pydantic import Field

from ats_assets.settings.section import Section, Share


class VolatilitySurfaceSettings(Section):
    """The surface of the option chains, which is an asset where there are chains."""

    max_spot_difference: Share = Field(
        default=0.01,
        description="a larger difference between the spot and the price of the underlying that puts and calls tell is warned of",
    )
    max_arbitrage_share: Share = Field(
        default=0.25,
        description="a larger share of a session's smiles that allow arbitrage, or have one with the expiry before, is warned of",
    )
