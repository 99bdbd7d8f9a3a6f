"""What corporate actions do to earlier prices."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Section

Adjust = Literal["none", "splits", "splits_and_dividends"]


class ActionsSettings(Section):
    """Corporate actions; the formula is in `ats_assets/corporate_actions/adjustment.py`."""

    adjust: Adjust = Field(
        default="splits_and_dividends",
        description="which actions scale earlier prices and volumes inside the windows of features and labels; splits_and_dividends: returns are what a holder earns",
    )
