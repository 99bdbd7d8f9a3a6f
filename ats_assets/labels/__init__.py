"""Labels: what became of decisions, stored under the session at whose close it was known.

The contracts are in `contracts`, which is not imported here: pandera would take longer than all the rest.
"""

from ats_assets.labels.choosing import LearntLabel, label_weights, labels, learnt_label
from ats_assets.labels.label import Label, labels_known_at
from ats_assets.labels.sample_weights import SAMPLE_WEIGHTS
from ats_assets.labels.schema import FORWARD_RETURNS_SCHEMA, SAMPLE_WEIGHTS_SCHEMA

__all__ = [
    "FORWARD_RETURNS_SCHEMA",
    "SAMPLE_WEIGHTS",
    "SAMPLE_WEIGHTS_SCHEMA",
    "Label",
    "LearntLabel",
    "label_weights",
    "labels",
    "labels_known_at",
    "learnt_label",
]
