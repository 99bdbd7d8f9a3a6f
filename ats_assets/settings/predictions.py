"""Which of several models is traded."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Positive, Section


class ChampionSettings(Section):
    """Which of several models is traded; the rule is in `ats_assets/predictions/champion.py`."""

    rule: Literal["skill", "fixed"] = Field(
        default="skill", description="the best rank IC known at the last refit session, or the model named"
    )
    model: str | None = Field(
        default=None, description="with rule fixed, and while none is judged: the name of a model; default: the first"
    )
    lookback_sessions: Positive = Field(default=126, description="of known outcomes that models are compared over")
    min_judged_sessions: Positive = Field(default=42, description="fewer decisions than this: the model does not run")
