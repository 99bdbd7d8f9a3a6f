"""Weights by skill: each model's mean rank IC, shrunk to the mean of all, where it is above zero.

For models that resemble each other alike these are the weights of the best combination but for a shift; where they don't, `stacked` knows more, and must estimate more.
"""

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.predictions.ensemble_rule import Evidence, Weighed, equal_weights
from ats_assets.predictions.shrunk_skill import shrunk_skill
from ats_assets.settings import Section


class SkillSettings(Section):
    """How far skill is trusted."""

    shrinkage: float = Field(default=2.0, ge=0, description="of `predictions.shrunk_skill`")


class BySkill:
    """Weights in proportion to shrunk skill.

    Examples
    --------
    >>> from datetime import date
    >>> ics = np.tile([[0.06, 0.02], [0.0, 0.02]], (30, 1))
    >>> days, alike = tuple(date.fromordinal(738000 + i) for i in range(60)), np.tile(np.eye(2), (60, 1, 1))
    >>> known = Evidence(models=("a", "b"), decided=days, rank_ic=ics, correlation=alike, horizon_sessions=1)
    >>> BySkill(SkillSettings(shrinkage=0.0)).weights(known).weights.round(2).tolist()  # mean rank ICs of 0.03 and 0.02
    [0.6, 0.4]
    """

    needs_evidence = True

    def __init__(self, settings: SkillSettings) -> None:
        self.settings = settings

    def weights(self, evidence: Evidence) -> Weighed:
        """In proportion to what is left of the skill; equal, where no model has any."""
        found = shrunk_skill(evidence, self.settings.shrinkage)
        counted = np.maximum(found.skill, 0.0)
        total = float(counted.sum())
        if total <= 0.0:
            n = len(counted)
            return Weighed(weights=equal_weights(n), reasons=("no model has skill above zero: equal weights",) * n)
        if not found.kept.any():
            told = [f"rank IC {own:+.4f}: the models differ by no more than chance makes them" for own in found.mean]
        else:
            told = [f"rank IC {own:+.4f} counts as {left:+.4f}" for own, left in zip(found.mean, found.skill, strict=True)]
        return Weighed(weights=counted / total, reasons=tuple(told))


PLUGIN = Plugin(settings=SkillSettings, make=BySkill)
