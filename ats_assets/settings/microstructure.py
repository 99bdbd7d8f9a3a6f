"""Measures of microstructure beside bars that are sampled of ticks."""

from pydantic import Field

from ats_assets.settings.section import Name, Section


class MicrostructureSettings(Section):
    """Measures over windows of bars. Without a frame there is no such asset."""

    frame: Name | None = Field(default=None, description="the sampler over whose bars measures are made, best one of equal volume")
    window_bars: int = Field(
        default=50, ge=5, description="bars of each window, the row's own the last; with fewer a row's measures are missing"
    )
