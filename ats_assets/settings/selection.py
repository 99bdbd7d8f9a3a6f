"""Which features a model learns from, of those of its families."""

from pydantic import Field

from ats_assets.settings.section import Positive, Section


class SelectionSettings(Section):
    """One table `[training.selection]`, which may be empty; without it a model learns from all features."""

    resamples: int = Field(
        default=100, ge=10, le=10_000, description="halves of the sessions to train on that are drawn, each with the half that is left"
    )
    block_sessions: Positive = Field(default=21, description="neighbouring sessions that are drawn together: more than a label lasts")
    chosen_share: float = Field(
        default=0.5, gt=0, lt=1, description="of the features, those with the largest mean rank IC, either way, are chosen in a half"
    )
    kept_share: float = Field(
        default=0.75, gt=0.5, le=1, description="a feature is kept if it is chosen in at least this share of the halves"
    )
    least_features: Positive = Field(default=5, description="kept in any case: those that are chosen most often")
