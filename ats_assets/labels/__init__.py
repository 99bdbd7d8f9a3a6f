"""Labels: what became of decisions, stored under the session at whose close it was known."""

from ats_assets.labels.choosing import LearntLabel, labels, learnt_label
from ats_assets.labels.label import Label, labels_known_at
from ats_assets.labels.schema import FORWARD_RETURNS_SCHEMA, ForwardReturns

__all__ = [
    "FORWARD_RETURNS_SCHEMA",
    "ForwardReturns",
    "Label",
    "LearntLabel",
    "labels",
    "labels_known_at",
    "learnt_label",
]
