"""Whether scores ordered the returns that followed, and whether that can be chance."""

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.schema import QUANTILES, SKILL_SCHEMA, Skill
from ats_assets.evaluation.skill import skill
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC, HorizonSkill, SkillSummary, skill_summary

__all__ = [
    "EDGE_T_STATISTIC",
    "QUANTILES",
    "SKILL_SCHEMA",
    "HorizonSkill",
    "Skill",
    "SkillSummary",
    "newey_west_t",
    "skill",
    "skill_summary",
]
