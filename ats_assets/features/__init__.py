"""Feature families: factors of the bars up to a session, one row a symbol.

The contracts are in `contracts`, which is not imported here: pandera would take longer than all the rest.
"""

from ats_assets.expressions import compute, lookback
from ats_assets.features.built_in import ALPHA158, ALPHA360, FAMILIES, TECHNICAL
from ats_assets.features.choosing import chosen_families, families_of_model, own_families
from ats_assets.features.event_features import FEATURE_REASONS, as_of
from ats_assets.features.family import Feature, FeatureFamily
from ats_assets.features.family_file import read_checked_family, read_family
from ats_assets.features.inspection import FIELDS, ExpressionNeeds, inspect
from ats_assets.features.joining import joined
from ats_assets.features.making import features_of

__all__ = [
    "ALPHA158",
    "ALPHA360",
    "FAMILIES",
    "FEATURE_REASONS",
    "FIELDS",
    "TECHNICAL",
    "ExpressionNeeds",
    "Feature",
    "FeatureFamily",
    "as_of",
    "chosen_families",
    "compute",
    "families_of_model",
    "features_of",
    "inspect",
    "joined",
    "lookback",
    "own_families",
    "read_checked_family",
    "read_family",
]
