"""The vendors, in the order in which they are preferred."""

from pydantic import Field

from ats_assets.settings.section import Bps
from ats_assets.settings.vendor_order import VendorOrder


class PreferredSettings(VendorOrder):
    """Each vendor has a table of its own, `[source.preferred.<name>]`."""

    fill: bool = Field(
        default=True,
        description="whether a symbol that a vendor has no row of is taken from the next; else only a vendor that fails is replaced",
    )
    compare: bool = Field(default=False, description="an asset, vendor_comparison, of what the other vendors say of each session")
    tolerance_bps: Bps = Field(default=5.0, description="difference of a price that the comparison passes over")
    volume_tolerance: float = Field(default=0.05, ge=0, description="difference of volume that it passes over, as a share")
    max_differing_share: float = Field(
        default=0.02, ge=0, le=1, description="of the compared bars, above which the check of the comparison warns"
    )
