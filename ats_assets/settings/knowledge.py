"""Which version of a session is read."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Section


class KnowledgeSettings(Section):
    """Which version of a session is read where a vendor has delivered several; the rule is in `ats_assets/storage/knowledge.py`."""

    mode: Literal["point_in_time", "restated"] = Field(
        default="point_in_time",
        description="point_in_time: partition D reads what was known at the close of D; restated: the newest version, for research on corrected history",
    )
    grace_hours: float = Field(
        default=12.0, ge=0, le=240, description="after the close of D, for late deliveries; it ends at the next open at the latest"
    )
