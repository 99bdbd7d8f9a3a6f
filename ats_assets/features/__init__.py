"""Feature families: factors of the bars up to a session, one row a symbol."""

from ats_assets.expressions import compute, lookback
from ats_assets.features.alpha158 import ALPHA158
from ats_assets.features.schema import ALPHA158_CONTRACT, ALPHA158_SCHEMA

__all__ = ["ALPHA158", "ALPHA158_CONTRACT", "ALPHA158_SCHEMA", "compute", "lookback"]
