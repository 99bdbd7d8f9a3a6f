"""What trades cost beyond fixed rates: spread and market impact, by one formula for backtests, the paper broker and estimates before a trade."""

from ats_assets.impact.choosing import chosen_impact, model_named
from ats_assets.impact.impact_model import WHY, ImpactCosts, ImpactInputs, ImpactMarket, ImpactModel, impact_costs, model_terms
from ats_assets.impact.impact_terms import ImpactTerms, fixed_terms

__all__ = [
    "WHY",
    "ImpactCosts",
    "ImpactInputs",
    "ImpactMarket",
    "ImpactModel",
    "ImpactTerms",
    "chosen_impact",
    "fixed_terms",
    "impact_costs",
    "model_named",
    "model_terms",
]
