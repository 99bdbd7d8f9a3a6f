"""What models are to predict."""

from ats_assets.settings.section import Positive, Section


class LabelsSettings(Section):
    """Forward returns."""

    horizons_sessions: tuple[Positive, ...] = (1, 5, 20)
