"""Dagster's notices about what this package knowingly uses of it before it is final, silenced one by one: whatever else it warns of is seen."""

import re
import warnings

import dagster as dg

BETA = (
    "Parameter `backfill_policy` of function `asset`",
    "Parameter `execution_type` of function `AssetsDefinition.__init__`",
)
"""What each notice is about, at its beginning: a backfill is one run."""
PREVIEW = ("Specifying a partitions_def on an AssetCheckSpec",)
"""A check has a verdict for each session."""


def silence_known() -> None:
    """From now on, this process does not show them. For entry points: of a command, of a code location."""
    for category, known in ((dg.BetaWarning, BETA), (dg.PreviewWarning, PREVIEW)):
        for text in known:
            warnings.filterwarnings("ignore", message=re.escape(text), category=category)
