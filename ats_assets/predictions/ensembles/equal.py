"""Every model counts the same: hard to beat where skill is not known well, and nothing is estimated (DeMiguel, Garlappi and Uppal, Review of Financial Studies 22, 2009)."""

from ats_assets.plugins import Plugin
from ats_assets.predictions.ensemble_rule import Evidence, Weighed, equal_weights
from ats_assets.settings import Section


class EqualSettings(Section):
    """Nothing to set."""


class Equal:
    """Equal weights."""

    needs_evidence = False

    def __init__(self, settings: EqualSettings) -> None:
        self.settings = settings

    def weights(self, evidence: Evidence) -> Weighed:
        """The same for each."""
        n = len(evidence.models)
        return Weighed(weights=equal_weights(n), reasons=("all weights are equal",) * n)


PLUGIN = Plugin(settings=EqualSettings, make=Equal)
